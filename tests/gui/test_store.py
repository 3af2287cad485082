"""The file of conversations: what comes back, and what happens to files that are damaged, foreign, newer or in use."""

import json
import math
import random
import sqlite3
import struct
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gui.models.conversation import Conversation
from gui.models.message import ChatMessage, TokenRecord
from gui.saved_message import from_records, to_record
from gui.store import MIGRATIONS, VERSION, Record, SavedConversation, Store, StoreError
from inference.types import GenerateRequest, PromptSpan, RunStats, SamplingParams, TokenEvent, TokenNumbers

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
        return found.records if found else []


def message_of(record: Record) -> ChatMessage:
    (message,) = from_records([record]).messages
    return message


def answer() -> ChatMessage:
    """An answer with everything: an emoji over two tokens, an end token, the ids and numbers of its run."""
    conversation = Conversation()
    index = conversation.add_message("assistant", "", "streaming")
    pieces = [(b"a", "a"), (b"\xf0\x9f", ""), (b"\x98\x80", "😀"), (b"\x00", "\x00")]
    numbers = [None, TokenNumbers(0.5, 0.25, 1.0, 2.5, 1), TokenNumbers(2**-20, 0.0, math.inf, 0.0, 100_000), None]
    conversation.append_tokens(
        index,
        [TokenEvent(1, i, 7 + i, data, text, numbers=numbers[i], is_given=i == 2) for i, (data, text) in enumerate(pieces)],
    )
    conversation.append_tokens(index, [TokenEvent(1, 4, 2, b"<end>", "<end>", True)])
    message = conversation.messages[index]
    message.status, message.note, message.is_forgotten = "done", "The context is full.", True
    message.author, message.weights_hash = "scripted", "abc"
    message.prompt_ids, message.answer_ids, message.finish_reason = (1, 2, 300_000), (7, 8, 9, 10), "context"
    message.spans = (PromptSpan(0, 1, "special"), PromptSpan(1, 2, "template"), PromptSpan(2, 3, "content", 0))
    message.request = GenerateRequest(
        run_id=0,
        prompt_ids=(1, 2, 300_000),
        params=SamplingParams(0.5, 3, 0.9, 0.01, 1.1),
        answer_prefix_ids=(7, 8),
        forced=((2, 9), (3, 10)),
        seed=2**32 - 1,
        stop=("\n",),
        with_numbers=True,
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
    assert message_of(read(file)[0]) == message


def test_a_message_saved_again_is_the_same_row(file: Path):
    with closing(Store(file)) as store:
        number = store.save(None, [record(text="Hel")])
        store.save(number, [record(text="Hello", status="streaming"), record("n", 1)], "scripted")
        records = [record(text="Hello", status="streaming"), record("n", 1)]
        assert store.open_conversation() == SavedConversation(number, records, "")


def test_all_is_saved_or_nothing(file: Path):
    """A row that cannot be written takes its whole transaction back, the conversation included."""
    with closing(Store(file)) as store:
        with pytest.raises(StoreError):
            store.save(None, [record(), record("n", 1, status=None)])
        assert store.open_conversation() is None
        store.save(None, [record()])
        assert store.open_conversation().records == [record()]


def test_a_conversation_that_was_left_is_kept_and_not_opened(file: Path):
    with closing(Store(file)) as store:
        store.close_conversation(store.save(None, [record("old")]))
        assert store.open_conversation() is None
        store.save(None, [record("new")])
        assert store.open_conversation().records == [record("new")]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id FROM message ORDER BY id").fetchall() == [("new",), ("old",)]


@pytest.mark.parametrize(
    "data",
    [b"\x00not zlib", zlib.compress(b"{"), zlib.compress(b"[1]"), zlib.compress(b'{"tokens": 5, "request": {"seed": "x"}}')],
)
def test_a_row_with_damaged_details_keeps_its_text(data: bytes):
    message = message_of(record(text="Hello", role="assistant", status="levitating", data=data))
    assert (message.text, message.length, message.status, message.tokens, message.request) == ("Hello", 5, "done", [], None)


def test_details_of_another_version_are_tolerated():
    """Unknown fields are passed over; a part that lacks something it needs is left out, the others stay."""
    details = b"""{"author": "m", "colour": "red", "prompt_ids": [1, 2], "stats": {"new_tokens": 3},
        "request": {"seed": 4, "mood": 1, "params": {"temperature": 0.3, "zeal": 9}},
        "tokens": {"ids": [5], "bytes": ["48"], "starts": [0], "ends": [9]}}"""
    message = message_of(record(text="Hello", role="assistant", data=zlib.compress(details)))
    assert (message.author, message.prompt_ids, message.stats) == ("m", (1, 2), None)
    assert (message.request.seed, message.request.params) == (4, SamplingParams(temperature=0.3))
    assert message.tokens == []  # they reach beyond the text
    assert from_records([record(role="oracle")]).messages == []


def test_what_is_shown_is_remembered_until_something_else_is(file: Path):
    """It is saved with the messages or alone."""
    with closing(Store(file)) as store:
        number = store.save(None, [record()], shown_id="m")
        store.save(number, [record("n", 1, parent_id="m")], "scripted")
        assert store.open_conversation().shown_id == "m"
        store.save(number, [], shown_id="n")
        assert store.open_conversation() == SavedConversation(number, [record(), record("n", 1, parent_id="m")], "n")


def test_a_message_keeps_its_place_in_the_tree(file: Path):
    """What is saved again later cannot move it."""
    with closing(Store(file)) as store:
        number = store.save(None, [record(), record("n", 1, parent_id="m")])
        store.save(number, [record("n", 7, "Hello", parent_id="elsewhere")])
        assert store.open_conversation().records[1] == record("n", 1, "Hello", parent_id="m")


def version_1(file: Path, conversations: list[list[tuple[str, int, str]]]) -> None:
    """A file as the first version of the program wrote it: (id, position, role) of every message."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        for number, messages in enumerate(conversations, 1):
            connection.execute("INSERT INTO conversation VALUES (?, 0, 'm', 1)", (number,))
            connection.executemany(
                f"INSERT INTO message VALUES (?, {number}, ?, ?, 5.0, 'done', '', 'text', ?)", [(*row, b"") for row in messages]
            )
        connection.commit()


def test_a_file_of_the_first_version_opens_as_a_chain(file: Path):
    """Each message follows the one before it in its conversation, rows of equal or missing positions included."""
    rows = [("c", 9, "user"), ("a", 0, "user"), ("b", 2, "oracle"), ("b2", 2, "assistant")]
    version_1(file, [[("x", 0, "user"), ("y", 1, "assistant")], rows])
    with closing(Store(file)) as store:
        found = store.open_conversation()
        assert [(each.message_id, each.parent_id) for each in found.records] == [("a", ""), ("b", "a"), ("b2", "b"), ("c", "b2")]
        assert (found.number, found.shown_id, store.notes) == (2, "", [])
        assert store._connection.execute("SELECT id, parent FROM message WHERE conversation_id = 1 ORDER BY id").fetchall() == [
            ("x", ""),
            ("y", "x"),
        ]
        store.save(2, [record("d", 10, parent_id="c")], shown_id="d")
    assert read(file)[-1] == record("d", 10, parent_id="c")


def test_a_migration_that_is_cut_off_is_made_again(file: Path, monkeypatch: pytest.MonkeyPatch):
    """Half of it is never seen: the file is that of the old version, or of the new one."""
    version_1(file, [[("a", 0, "user"), ("b", 1, "assistant")]])
    broken = (*MIGRATIONS[1][:-1], "UPDATE message SET nothing = 1")
    monkeypatch.setattr("gui.store.MIGRATIONS", (MIGRATIONS[0], broken))
    with pytest.raises(StoreError):
        Store(file)
    monkeypatch.undo()
    assert [each.parent_id for each in read(file)] == ["", "a"]


def exchange() -> tuple[ChatMessage, ChatMessage]:
    """A user's message that was read, two tokens of three with numbers, and the answer it was read for."""
    prompt_ids = (1, 2, 40, 41, 42, 3)
    numbers = [None, TokenNumbers(0.5, math.nan, 1.0, 2.0, 3), TokenNumbers(0.25, math.nan, 2.0, 2.0, 4)]
    tokens = [TokenRecord(40 + i, b"xyz"[i : i + 1], i, i + 1, numbers=numbers[i]) for i in range(3)]
    user = ChatMessage("user", "xyz", length=3, tokens=tokens, prompt_ids=prompt_ids[:2], weights_hash="w")
    reply = ChatMessage("assistant", "a", length=1, prompt_ids=prompt_ids, weights_hash="w", parent_id=user.message_id)
    user.read_for = reply.message_id
    return user, reply


def plain(message: ChatMessage) -> str:
    """For comparisons: NaN is not equal to itself."""
    return repr(message)


def test_the_users_words_come_back_with_their_tokens_and_numbers(file: Path):
    """The ids before them are in the file once, with the answer."""
    user, reply = exchange()
    saved(file, to_record(user, 0), to_record(reply, 1))
    assert [plain(message) for message in from_records(read(file)).messages] == [plain(user), plain(reply)]
    assert "prompt_ids" not in json.loads(zlib.decompressobj().decompress(to_record(user, 0).data))


@pytest.mark.parametrize("damage", ["no answer", "no prompt", "other ids", "too long", "not read for"])
def test_words_whose_ids_are_not_in_the_answers_prompt_are_words_only(damage: str):
    user, reply = exchange()
    records = [to_record(user, 0)]
    if damage == "no prompt":
        reply.prompt_ids = ()
    elif damage == "other ids":
        reply.prompt_ids = (1, 2, 40, 41, 43, 3)
    elif damage == "too long":
        records = [replace(records[0], text="xy")]
    elif damage == "not read for":
        user.read_for = ["no id"]
        records = [to_record(user, 0)]
    if damage != "no answer":
        records.append(to_record(reply, 1))
    message = from_records(records).messages[0]
    assert (message.tokens, message.prompt_ids, message.weights_hash, message.read_for) == ([], (), "", "")
    assert message.text == records[0].text


def test_numbers_are_float32(file: Path):
    """Near enough for every digit that is shown, in 20 bytes a token; a rank is exact."""
    message = answer()
    numbers = TokenNumbers(1 / 3, math.nan, math.log2(3), 7.123456789, 150_000)
    message.tokens[0].numbers = numbers
    before = len(to_record(answer(), 0).data)
    found = message_of(to_record(message, 0)).tokens[0].numbers
    assert found[0] == pytest.approx(numbers[0], rel=1e-7) and found[2:4] == pytest.approx(numbers[2:4], rel=1e-7)
    assert math.isnan(found.sampling_prob) and found.rank == 150_000 and type(found.rank) is int
    assert len(to_record(message, 0).data) == before


@pytest.mark.parametrize(
    "row",
    [(-0.1, 0, 0, 0, 1), (2, 0, 0, 0, 1), (0, 2, 0, 0, 1), (0, 0, -1, 0, 1), (0, 0, 0, 1e30, 1), (0, 0, 0, 0, math.nan)]
    + [(0, 0, 0, 0, math.inf), (0, 0, 0, 0, -4)],
)  # fmt: skip
def test_numbers_that_no_token_can_have_are_left_out(row: tuple[float, ...]):
    """The token stays, and so do the numbers of the others."""
    message = answer()
    data = to_record(message, 0).data
    packed = struct.pack("<5f", *message.tokens[1].numbers)
    assert data.count(packed) == 1
    tokens = message_of(replace(to_record(message, 0), data=data.replace(packed, struct.pack("<5f", *row)))).tokens
    assert [token.numbers for token in tokens] == [None, None, message.tokens[2].numbers, None, None]


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:-20]])
def test_numbers_of_the_wrong_length_are_left_out(change):
    message = answer()
    tokens = message_of(replace(to_record(message, 0), data=change(to_record(message, 0).data))).tokens
    assert [token.token_id for token in tokens] == [token.token_id for token in message.tokens]
    assert {token.numbers for token in tokens} == {None}


@pytest.mark.parametrize(
    "spans", [[0, 1, 2], [0, 9, 2, 0], [2, 1, 2, 0], [-1, 1, 2, 0], [0, 1, 3, 0], [0, 1, -1, 0], [0, 1, 2, "0"], "text", 7]
)
def test_spans_that_are_not_the_prompts_are_left_out(spans: object):
    data = zlib.compress(json.dumps({"prompt_ids": [1, 2], "spans": spans}).encode())
    message = message_of(record(role="assistant", data=data))
    assert (message.prompt_ids, message.spans) == ((1, 2), ())


def test_a_text_that_was_continued_is_asked_for_again_as_it_was():
    """Its request has no prompt but the text; and an answer that never got a prompt has no request at all."""
    message = ChatMessage("assistant", "Once", length=4, prompt_ids=(0,), request=GenerateRequest(0, text="Once", seed=5))
    assert message_of(to_record(message, 0)).request == message.request
    message.request, message.prompt_ids = GenerateRequest(0, seed=5), ()
    assert message_of(to_record(message, 0)).request is None


def test_a_branch_knows_the_answer_it_comes_from():
    """Where that one is among the messages before it and has the ids that the two share."""
    original = answer()
    branch = answer()
    branch.branch_of, branch.shared_tokens = original.message_id, 3
    records = [to_record(original, 0), to_record(branch, 1)]
    assert from_records(records).messages == [original, branch]
    for changed in ([records[1], records[0]], [records[1]]):
        assert [(m.branch_of, m.shared_tokens) for m in from_records(changed).messages] == [("", 0)] * len(changed)
    for count in (-1, 6):
        branch.shared_tokens = count
        assert from_records([records[0], to_record(branch, 1)]).messages[1].branch_of == ""
    branch.shared_tokens = 3
    branch.tokens[2].token_id = 99
    assert from_records([records[0], to_record(branch, 1)]).messages[1].branch_of == ""


def test_what_follows_a_hidden_row_follows_the_one_before_it():
    """On screen; in the file it stays where it is, and so does what comes later."""
    rows = [
        ("a", "", "user"),
        ("b", "a", "oracle"),
        ("c", "b", "oracle"),
        ("d", "c", "user"),
        ("e", "e", "oracle"),
        ("f", "e", "user"),
    ]
    found = from_records([record(i, n, role=role, parent_id=parent) for n, (i, parent, role) in enumerate(rows)])
    assert [(message.message_id, message.parent_id) for message in found.messages] == [("a", ""), ("d", "a"), ("f", "e")]
    assert found.hidden["a"] == "c"


def test_any_damage_to_the_details_leaves_the_text():
    """Bytes changed at random, in the compressed form and before it: a message comes back, and its tokens lie within it."""
    chance = random.Random(4)
    user, reply = exchange()
    reply = replace(answer(), message_id=reply.message_id, prompt_ids=reply.prompt_ids)
    records = [to_record(user, 0), to_record(reply, 1)]
    for _ in range(2000):
        changed = []
        for each in records:
            decoder = zlib.decompressobj()
            details = decoder.decompress(each.data)
            if chance.random() < 0.7:
                data = zlib.compress(scrambled(details, chance), 1) + decoder.unused_data
            else:
                data = scrambled(each.data, chance)
            changed.append(replace(each, data=data))
        for message, original in zip(from_records(changed).messages, (user, reply), strict=True):
            assert message.text == original.text
            assert all(0 <= token.start <= token.end <= message.length for token in message.tokens)


def scrambled(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        changed[chance.randrange(len(changed))] = chance.choice([chance.randrange(256), *b'0123456789[]{}",-'])
    return bytes(changed)


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
            assert store.open_conversation().records == [record()]
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
