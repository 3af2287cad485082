"""The file of conversations as a list: which there are, what is found in them, which one is open, and what deleting leaves."""

from contextlib import closing
from pathlib import Path

import pytest

from gui.models.chat_summary import ChatSummary
from gui.store import SavedConversation, Store, StoreError
from tests.gui.test_store import record


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


def test_the_list_has_every_conversation_the_last_used_first(file: Path, monkeypatch: pytest.MonkeyPatch):
    """With its first text, the model of its newest answer, its messages and the moment of the newest."""
    clock = iter((100.0, 200.0, 300.0))
    monkeypatch.setattr("gui.store.time.time", lambda: next(clock))
    with closing(Store(file)) as store:
        old = store.save(None, [record("a", text=""), record("b", 1, "First\nline " + "x" * 300)], "one")
        new = store.save(None, [record("c", text="Second")])
        store.save(old, [record("d", 2)], "two")
        assert store.conversations() == [
            ChatSummary(old, "First\nline " + "x" * 189, "two", 3, 300.0),
            ChatSummary(new, "Second", "", 1, 200.0),
        ]


def test_an_empty_file_lists_nothing(file: Path):
    with closing(Store(file)) as store:
        assert store.conversations() == []


def test_the_search_looks_into_every_message(file: Path):
    """All words have to be there, in any order and in any messages; casing counts for nothing; % and _ are only signs."""
    texts = (["Ein MÄRCHEN", "Once upon\na  time"], ["100 % sure", "no"], ["Once upon a day"])
    with closing(Store(file)) as store:
        numbers = [store.save(None, [record(f"{i}{j}", j, text) for j, text in enumerate(chat)]) for i, chat in enumerate(texts)]

        def found(words: str) -> set[int]:
            return {numbers.index(chat.number) for chat in store.conversations(words)}

        assert found("märchen") == {0}
        assert found(" upon  ONCE") == {0, 2}
        assert found("time märchen") == {0}
        assert found("märchen day") == set()
        assert found("100 %") == {1}
        assert found("%") == {1}
        assert found("_") == set()
        assert found(" \n") == {0, 1, 2}


def test_one_conversation_at_a_time_is_the_open_one(file: Path):
    """Reopening an earlier one makes it so, also for the next start; one that is begun closes it again."""
    with closing(Store(file)) as store:
        first, second = store.save(None, [record("a")], shown_id="a"), store.save(None, [record("b")])
        assert store.open_conversation().number == second
        assert store.reopen(first) == SavedConversation(first, [record("a")], "a")
    with closing(Store(file)) as store:
        assert store.open_conversation().number == first
        store.close_conversation(first)
        assert store.open_conversation() is None
        store.reopen(second)
        third = store.save(None, [record("c")])
        store.close_conversation(third)
        assert store.open_conversation() is None


def test_a_conversation_that_is_gone_is_told_and_changes_nothing(file: Path):
    with closing(Store(file)) as store:
        number = store.save(None, [record()])
        with pytest.raises(StoreError, match="not in the file any more"):
            store.reopen(number + 1)
        assert store.open_conversation().number == number


def test_a_damaged_text_is_no_hindrance_to_the_search(file: Path):
    """It is searched as far as it can be read."""
    with closing(Store(file)) as store:
        number = store.save(None, [record("a", text="whole"), record("b", 1)])
        store._connection.execute("UPDATE message SET text = CAST(x'ff66697368' AS TEXT) WHERE id = 'b'")
        assert [chat.number for chat in store.conversations("fish")] == [number]
        assert store.conversations("nowhere") == []


def grow(store: Store, message_id: str, word: str) -> int:
    """A message that is saved again and again while it grows, as an answer is, among others that are saved, too."""
    number = None
    for length in range(1, 60):
        number = store.save(number, [record(message_id, 0, word * 40 * length, data=word.encode() * 30 * length)])
        store.save(None, [record(f"{message_id} {length}", 0, "other" * length)])
    return number


def test_what_is_deleted_is_not_in_any_file(file: Path):
    """Neither as a row nor as bytes of any state that it had, in the file or in its log, the second time as the first.

    A file in which remains were left, by a version that did not overwrite them, is clean afterwards as well.
    """
    with closing(Store(file)) as store:
        store._connection.execute("PRAGMA secure_delete = OFF")
        first = grow(store, "a", "secret")
        store._connection.execute("PRAGMA secure_delete = ON")
        kept = [chat.number for chat in store.conversations() if chat.number != first]
        store.delete(first)
        store.tidy()
        assert b"secret" in file.read_bytes()
        store.wipe()
        second = grow(store, "b", "hidden")
        store.delete(second)
        store.wipe()
        assert not any(word in path.read_bytes() for path in file.parent.iterdir() for word in (b"secret", b"hidden"))
        assert set(kept) < {chat.number for chat in store.conversations()}
        store.delete(second)  # what is gone is not missed


def test_what_is_replaced_is_overwritten_from_the_first_moment(file: Path):
    with closing(Store(file)) as store:
        assert store._connection.execute("PRAGMA secure_delete").fetchone() == (1,)
