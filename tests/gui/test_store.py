"""The file of conversations: what comes back, and what happens to files that are damaged, foreign, newer or in use."""

import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gui.models.conversation import ChatMessage, Conversation
from gui.saved_message import from_record, to_record
from gui.store import VERSION, Record, Store, StoreError
from inference.types import GenerateRequest, RunStats, SamplingParams, TokenEvent

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "conversations.db"


def record(message_id: str = "m", position: int = 0, text: str = "Hi", **changes: object) -> Record:
    return replace(Record(message_id, position, "user", "done", "", text), **changes)


def saved(file: Path, *records: Record) -> int:
    with closing(Store(file)) as store:
        return store.save(None, records)


def read(file: Path) -> list[Record]:
    with closing(Store(file)) as store:
        found = store.open_conversation()
        return found[1] if found else []


def answer() -> ChatMessage:
    """An answer with everything: an emoji over two tokens, an end token, the ids and numbers of its run."""
    conversation = Conversation()
    index = conversation.add_message("assistant", "", "streaming")
    pieces = [(b"a", "a"), (b"\xf0\x9f", ""), (b"\x98\x80", "😀"), (b"\x00", "\x00")]
    conversation.append_tokens(index, [TokenEvent(1, i, 7 + i, data, text) for i, (data, text) in enumerate(pieces)])
    conversation.append_tokens(index, [TokenEvent(1, 4, 2, b"<end>", "<end>", True)])
    message = conversation.messages[index]
    message.status, message.note, message.is_forgotten = "done", "The context is full.", True
    message.author, message.weights_hash = "scripted", "abc"
    message.prompt_ids, message.answer_ids, message.finish_reason = (1, 2, 300_000), (7, 8, 9, 10), "context"
    message.request = GenerateRequest(
        run_id=0,
        prompt_ids=(1, 2, 300_000),
        params=SamplingParams(0.5, 3, 0.9, 0.01, 1.1),
        seed=2**32 - 1,
        stop=("\n",),
        scene="Två",
    )
    message.stats = RunStats(3, 1, 5, 0.25, 0.5)
    return message


@given(texts=st.lists(TEXTS, min_size=1, max_size=5), note=TEXTS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str], note: str):
    """NUL, emoji, line ends of every kind: what was saved is what is read, in order."""
    file = tmp_path_factory.mktemp("store") / "conversations.db"
    records = [record(str(i), i, text, note=note) for i, text in enumerate(texts)]
    saved(file, *records)
    assert read(file) == records


def test_half_a_character_does_not_stop_the_saving(file: Path):
    """A lone surrogate cannot be written; it becomes one other UTF-16 unit, so that offsets after it stay right."""
    saved(file, record(text="a\ud83db"))
    assert read(file)[0].text == "a?b"


def test_an_answer_comes_back_whole(file: Path):
    """Tokens with their UTF-16 offsets, exact ids, request, numbers: equal to what was saved, traces apart."""
    message = answer()
    assert [(token.start, token.end) for token in message.tokens] == [(0, 1), (1, 1), (1, 3), (3, 4), (4, 4)]
    saved(file, to_record(message, 0))
    assert from_record(read(file)[0]) == message


def test_a_message_saved_again_is_the_same_row(file: Path):
    with closing(Store(file)) as store:
        number = store.save(None, [record(text="Hel")])
        store.save(number, [record(text="Hello", status="streaming"), record("n", 1)], "scripted")
        assert store.open_conversation() == (number, [record(text="Hello", status="streaming"), record("n", 1)])


def test_all_is_saved_or_nothing(file: Path):
    """A row that cannot be written takes its whole transaction back, the conversation included."""
    with closing(Store(file)) as store:
        with pytest.raises(StoreError):
            store.save(None, [record(), record("n", 1, status=None)])
        assert store.open_conversation() is None
        store.save(None, [record()])
        assert store.open_conversation()[1] == [record()]


def test_a_conversation_that_was_left_is_kept_and_not_opened(file: Path):
    with closing(Store(file)) as store:
        store.close_conversation(store.save(None, [record("old")]))
        assert store.open_conversation() is None
        store.save(None, [record("new")])
        assert store.open_conversation()[1] == [record("new")]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id FROM message ORDER BY id").fetchall() == [("new",), ("old",)]


@pytest.mark.parametrize(
    "data",
    [b"\x00not zlib", zlib.compress(b"{"), zlib.compress(b"[1]"), zlib.compress(b'{"tokens": 5, "request": {"seed": "x"}}')],
)
def test_a_row_with_damaged_details_keeps_its_text(data: bytes):
    message = from_record(record(text="Hello", role="assistant", status="levitating", data=data))
    assert (message.text, message.length, message.status, message.tokens, message.request) == ("Hello", 5, "done", [], None)


def test_details_of_another_version_are_tolerated():
    """Unknown fields are passed over; a part that lacks something it needs is left out, the others stay."""
    details = b"""{"author": "m", "colour": "red", "prompt_ids": [1, 2], "stats": {"new_tokens": 3},
        "request": {"seed": 4, "mood": 1, "params": {"temperature": 0.3, "zeal": 9}},
        "tokens": {"ids": [5], "bytes": ["48"], "starts": [0], "ends": [9]}}"""
    message = from_record(record(text="Hello", role="assistant", data=zlib.compress(details)))
    assert (message.author, message.prompt_ids, message.stats) == ("m", (1, 2), None)
    assert (message.request.seed, message.request.params) == (4, SamplingParams(temperature=0.3))
    assert message.tokens == []  # they reach beyond the text
    assert from_record(record(role="oracle")) is None


def test_a_damaged_file_is_moved_aside_each_time(file: Path):
    """Nothing is deleted: the second damaged file does not replace the first, and what belongs to them goes along."""
    damaged = {
        "conversations.db.broken": b"no database",
        "conversations.db.broken2": b"nor this" * 999,
        "conversations.db.broken3": b"",
    }
    for name, text in damaged.items():
        file.write_bytes(text)
        file.with_name("conversations.db-wal").write_bytes(b"log of " + text)
        with closing(Store(file)) as store:
            assert name in store.notes[0]
            store.save(None, [record()])
            assert store.open_conversation()[1] == [record()]
        assert file.with_name(name).read_bytes() == text
        assert file.with_name(f"{name}-wal").read_bytes() == b"log of " + text


def test_a_page_of_rubbish_is_found(file: Path):
    """Damage inside a real database is seen at opening, not when a user scrolls to it."""
    saved(file, *[record(str(i), i, "x" * 3000) for i in range(20)])
    data = bytearray(file.read_bytes())
    data[3 * 4096 : 5 * 4096] = b"\xa5" * (2 * 4096)
    file.write_bytes(data)
    with closing(Store(file)) as store:
        assert "is damaged" in store.notes[0]
    assert file.with_name("conversations.db.broken").read_bytes() == data


def test_another_programs_database_is_moved_aside(file: Path):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
        connection.commit()
    with closing(Store(file)) as store:
        assert "was not written by Glassbox" in store.notes[0]
    with closing(sqlite3.connect(file.with_name("conversations.db.broken"))) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


def test_a_newer_file_is_left_alone(file: Path):
    """Not one byte changes, and the sentence names both versions."""
    saved(file, record())
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = file.read_bytes()
    with pytest.raises(StoreError, match=f"newer Glassbox .*format {VERSION + 1}; this one knows {VERSION}"):
        Store(file)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_second_user_is_refused_until_the_first_closes(file: Path):
    first = Store(file)
    with pytest.raises(StoreError, match="another Glassbox"):
        Store(file)
    first.save(None, [record()])
    first.close()
    assert read(file) == [record()]


def test_a_place_that_cannot_be_written_is_named(file: Path):
    file.mkdir()
    with pytest.raises(StoreError, match=r"conversations\.db cannot be written"):
        Store(file)


def test_a_full_disk_is_told_and_leaves_the_file_sound(file: Path):
    with closing(Store(file)) as store:
        number = store.save(None, [record()])
        store._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(StoreError, match="the disk is full"):
            store.save(number, [record("n", 1, "x" * 100_000)])
        store.save(number, [record("o", 1, "short")])
    assert read(file) == [record(), record("o", 1, "short")]
