"""The file of conversations as a list: which there are, what is found in them, which one is open, and what deleting leaves."""

from contextlib import closing
from pathlib import Path

import pytest

from gui.models.chat_summary import ChatSummary
from gui.store import SavedConversation, Store, StoreError
from tests.gui.test_store import read, record


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
    """Casing of any script, and how many spaces or lines lie between the words, count for nothing; % and _ are only signs."""
    texts = (["Ein MÄRCHEN", "Once upon\na  time"], ["100 % sure", "no"], ["Once, upon a time"])
    with closing(Store(file)) as store:
        numbers = [store.save(None, [record(f"{i}{j}", j, text) for j, text in enumerate(chat)]) for i, chat in enumerate(texts)]

        def found(words: str) -> set[int]:
            return {numbers.index(chat.number) for chat in store.conversations(words)}

        assert found("märchen") == {0}
        assert found(" once  UPON a") == {0}
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


def test_what_is_deleted_is_not_in_any_file(file: Path):
    """Neither as a row nor as bytes, in the file or in its log; the others stay, and the number is not missed."""
    with closing(Store(file)) as store:
        secret = store.save(None, [record("a", text="the secret word"), record("b", 1, "secret" * 3000)])
        kept = store.save(None, [record("c", text="kept")])
        store.tidy()
        store.delete(secret)
        assert [chat.number for chat in store.conversations()] == [kept]
        assert not any(b"secret" in path.read_bytes() for path in file.parent.iterdir())
        store.delete(secret)
    assert read(file) == [record("c", text="kept")]
