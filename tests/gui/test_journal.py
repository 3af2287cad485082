"""What was said survives: the window closed and opened again, an answer cut off, a disk that is full, a second window."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui import journal
from gui.models.conversation import ChatMessage
from gui.store import VERSION, Store, StoreError
from inference.types import ExplainRequest, GenerateRequest
from tests.gui.conftest import Stage
from tests.gui.scripted import make_spec


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


class Restarts:
    """Starts the program again and again with one profile; the last one is closed at the end."""

    def __init__(self, qtbot: QtBot, profile: Path):
        self._qtbot, self._profile = qtbot, profile
        self.stage: Stage | None = None

    def start(self) -> Stage:
        """Close the running program, if there is one, and start a new one; its model is not loaded yet."""
        self.close()
        self.stage = Stage(self._qtbot, self._profile)
        return self.stage

    def close(self) -> None:
        """Close the running program."""
        if self.stage is not None:
            self.stage.close()
        self.stage = None


@pytest.fixture
def restarts(qtbot: QtBot, profile: Path) -> Iterator[Restarts]:
    restarts = Restarts(qtbot, profile)
    yield restarts
    restarts.close()


def say(stage: Stage, text: str, events: int | None = None) -> None:
    stage.program.chat.send(text)
    stage.run(events)
    if events is None:  # after a long message the window takes its time for the next frame
        stage.qtbot.waitUntil(lambda: not stage.program.chat.is_busy)


def without_traces(messages: list[ChatMessage]) -> list[tuple[object, ...]]:
    return [
        (m.message_id, m.role, m.text, m.status, m.note, m.author, m.weights_hash, m.prompt_ids, m.answer_ids, m.stats)
        + tuple((t.token_id, t.token_bytes, t.start, t.end, t.is_end) for t in m.tokens)
        for m in messages
    ]


def stored(profile: Path) -> list[tuple[str, str]]:
    """(status, text) of every message in the file, of all conversations, read after the program let go of it."""
    with closing(sqlite3.connect(profile / "data" / "conversations.db")) as connection:
        return connection.execute("SELECT status, text FROM message ORDER BY conversation_id, position").fetchall()


def test_the_conversation_comes_back_and_goes_on_exactly(restarts: Restarts):
    """The same messages are on screen before a model is loaded; the next request carries the answer's exact ids."""
    first = restarts.start().ready()
    say(first, "Hi 😀")
    before = without_traces(first.conversation.messages)
    again = restarts.start()
    assert without_traces(again.conversation.messages) == before
    assert again.window.transcript.front.greeting.isHidden()
    assert again.window.header.title == "Hi 😀"
    assert again.window.actions_by_key["copy_answer"].isEnabled()
    again.ready()
    assert again.program.chat.used_tokens == len("Hi 😀".encode()) + len(b"Hello there.")
    say(again, "More")
    request = next(request for request in again.engine.requests if isinstance(request, GenerateRequest))
    assert [message.token_ids for message in request.messages] == [None, tuple(b"Hello there."), None]
    last = without_traces(again.conversation.messages)
    assert without_traces(restarts.start().conversation.messages) == last
    assert len(last) == 4


def test_another_model_goes_on_with_the_text(restarts: Restarts):
    """Exact ids are those of the weights that made them: other weights get the words."""
    say(restarts.start().ready(), "Hi")
    again = restarts.start()
    again.engine.spec = make_spec(weights_hash="other")
    say(again.ready(), "More")
    request = next(request for request in again.engine.requests if isinstance(request, GenerateRequest))
    assert [(message.content, message.token_ids) for message in request.messages][1] == ("Hello there.", None)


def test_a_word_of_an_earlier_session_can_be_inspected(restarts: Restarts):
    """Its trace is computed again from the exact ids, settings and seed it was drawn with."""
    first = restarts.start().ready()
    first.program.preferences.update({"seed_mode": "fixed", "seed": 77, "temperature": 0.5})
    say(first, "Hi")
    again = restarts.start().ready()
    again.program.preferences.update({"seed": 1, "temperature": 1.5})
    again.program.inspector.hold(1, 4)
    again.run()
    request = next(request for request in again.engine.requests if isinstance(request, ExplainRequest))
    assert (request.context_ids, request.answer_start, request.token_id) == (tuple(b"Hi" + b"Hell"), 2, ord("o"))
    assert (request.seed, request.params.temperature) == (77, 0.5)
    assert again.conversation.messages[1].tokens[4].trace.chosen_id == ord("o")


def test_an_answer_in_the_middle_is_kept_as_far_as_it_came(restarts: Restarts):
    """The window is closed while an answer streams: what was seen comes back, with a note, and the chat goes on from it."""
    first = restarts.start().ready()
    say(first, "Hi", 3 + 5)
    again = restarts.start()
    answer = again.conversation.messages[1]
    assert (answer.text, answer.status, answer.note) == ("Hello", "stopped", "Interrupted.")
    assert answer.token_at(4) == 4
    say(again.ready(), "More")
    request = next(request for request in again.engine.requests if isinstance(request, GenerateRequest))
    assert request.messages[1].token_ids == tuple(b"Hello")


def test_a_message_that_waits_for_the_model_is_not_lost(restarts: Restarts):
    restarts.start().program.chat.send("Early")
    messages = restarts.start().conversation.messages
    assert [(message.text, message.status) for message in messages] == [("Early", "done"), ("", "stopped")]


def test_a_message_is_in_the_file_before_the_engine_is_asked(restarts: Restarts, monkeypatch: pytest.MonkeyPatch):
    """And an answer's new state is saved at once, its words within a second."""
    stage = restarts.start().ready()
    saved: list[list[tuple[str, str]]] = []
    save = Store.save

    def watched(store: Store, number: int | None, records: list, *others: str) -> int:
        saved.append([(record.status, record.text) for record in records])
        return save(store, number, records, *others)

    monkeypatch.setattr(Store, "save", watched)
    generate = stage.program.host.generate
    monkeypatch.setattr(stage.program.host, "generate", lambda request: saved.append("asked") or generate(request))
    stage.program.chat.send("Hi")
    assert saved == [[("done", "Hi")], [("queued", "")], "asked", [("reading", "")]]
    stage.program.journal._timer.setInterval(150)
    for _ in range(6):
        stage.run(2)
        stage.qtbot.wait(40)
    assert saved[4] == [("done", "Hi"), ("streaming", "")]  # the words now have tokens
    assert 1 <= len(saved[5:]) <= 2  # six pauses of 40 ms, and not one save for each
    stage.run()
    assert saved[-1] == [("done", "Hello there.")]


def test_a_new_chat_begins_a_new_conversation_and_keeps_the_old(restarts: Restarts, profile: Path):
    """The answer that was cut off by it is kept, too; the next start shows what was open: first nothing, then the new one."""
    first = restarts.start().ready()
    say(first, "One", 3 + 5)
    first.program.chat.new_chat()
    again = restarts.start().ready()
    assert list(again.conversation.messages) == []
    say(again, "Two")
    assert [message.text for message in restarts.start().conversation.messages] == ["Two", "Hello there."]
    restarts.close()
    assert [text for _, text in stored(profile)] == ["One", "Hello", "Two", "Hello there."]


def test_what_the_model_no_longer_sees_is_still_marked(restarts: Restarts):
    first = restarts.start().ready()
    say(first, "Hi")
    say(first, "More")
    first.conversation.set_forgotten([0, 1])
    again = restarts.start()
    assert [message.is_forgotten for message in again.conversation.messages] == [True, True, False, False]
    assert again.window.transcript._first_seen == 2


def test_a_second_window_runs_unsaved_and_says_so(restarts: Restarts, qtbot: QtBot, profile: Path):
    """It neither shows nor touches the conversation of the first, which goes on being saved."""
    first = restarts.start().ready()
    say(first, "Mine")
    second = Stage(qtbot, profile)
    assert "not being saved: another Glassbox" in second.window.banner.text
    assert not second.window.banner.isHidden()
    say(second.ready(), "Other")
    assert second.conversation.messages[1].text == "Hello there."
    second.close()
    say(first, "Still mine")
    assert [message.text for message in restarts.start().conversation.messages][::2] == ["Mine", "Still mine"]
    restarts.close()
    assert "Other" not in [text for _, text in stored(profile)]


def test_a_full_disk_is_told_once_and_the_chat_goes_on(restarts: Restarts):
    """When there is room again, all that was not saved is."""
    stage = restarts.start().ready()
    say(stage, "Hi")
    said: list[str] = []
    stage.program.journal.failed.connect(said.append)
    connection = stage.program.journal._store._connection
    connection.execute("PRAGMA max_page_count = 6")
    say(stage, "x" * 20_000)
    assert stage.conversation.messages[3].text == "Hello there."
    assert said == ["This conversation is not being saved: the disk is full. Glassbox keeps trying."]
    assert stage.window.banner.text == said[0]
    connection.execute("PRAGMA max_page_count = 100000")
    say(stage, "Room")
    assert len(said) == 1
    assert [len(message.text) for message in restarts.start().conversation.messages] == [2, 12, 20_000, 12, 4, 12]


def test_a_connection_that_fails_stops_nothing(restarts: Restarts, monkeypatch: pytest.MonkeyPatch):
    stage = restarts.start().ready()

    def fail(*_arguments: object) -> None:
        raise StoreError("the cable is out.")

    monkeypatch.setattr(Store, "save", fail)
    say(stage, "Hi")
    assert stage.conversation.messages[1].text == "Hello there."
    assert stage.window.banner.text == "This conversation is not being saved: the cable is out. Glassbox keeps trying."
    stage.program.chat.new_chat()
    assert list(stage.conversation.messages) == []


@pytest.mark.parametrize("trouble", ["folder", "newer"])
def test_a_file_that_cannot_be_used_is_told_at_the_start(restarts: Restarts, profile: Path, trouble: str):
    """No folder, or a file of a newer version: the chat works unsaved, and the banner says why."""
    profile.mkdir()
    if trouble == "folder":
        (profile / "data").write_text("in the way")
    else:
        (profile / "data").mkdir()
        with closing(sqlite3.connect(profile / "data" / "conversations.db")) as connection:
            Store(profile / "data" / "other.db").close()
            with closing(sqlite3.connect(profile / "data" / "other.db")) as other:
                other.execute(f"PRAGMA user_version = {VERSION + 1}")
                other.backup(connection)
    stage = restarts.start()
    assert stage.window.banner.text.startswith("This conversation is not being saved: ")
    assert ("cannot be made" if trouble == "folder" else "newer Glassbox") in stage.window.banner.text
    say(stage.ready(), "Hi")
    assert stage.conversation.messages[1].text == "Hello there."


def test_a_damaged_file_is_told_and_a_new_one_begun(restarts: Restarts, profile: Path):
    (profile / "data").mkdir(parents=True)
    (profile / "data" / "conversations.db").write_bytes(b"what is this")
    stage = restarts.start()
    assert "conversations.db.broken" in stage.window.banner.text
    say(stage.ready(), "Hi")
    assert len(restarts.start().conversation.messages) == 2


def test_a_message_of_a_later_version_keeps_its_place(restarts: Restarts, profile: Path):
    """A row that this version cannot show stays in the file, between those it was between."""
    say(restarts.start().ready(), "Hi")
    restarts.close()
    with closing(sqlite3.connect(profile / "data" / "conversations.db")) as connection:
        connection.execute("UPDATE message SET role = 'oracle' WHERE position = 1")
        connection.commit()
    say(restarts.start().ready(), "More")
    restarts.close()
    assert [text for _, text in stored(profile)] == ["Hi", "Hello there.", "More", "Hello there."]


def test_the_file_waits_for_the_disk_only_when_nothing_streams(restarts: Restarts, profile: Path):
    """The log is brought into the file in a quiet moment after an answer, never while one is made."""
    stage = restarts.start().ready()
    log = profile / "data" / "conversations.db-wal"
    stage.program.journal._quiet.setInterval(30)
    say(stage, "Hi", 3 + 5)
    stage.qtbot.wait(100)
    assert log.stat().st_size > 0
    stage.run()
    stage.qtbot.waitUntil(lambda: log.stat().st_size == 0, timeout=2000)


def test_the_restored_conversation_is_shown_at_its_end(restarts: Restarts):
    """And each row, built with its text already in it, is as high as the text."""
    first = restarts.start().ready()
    first.engine.text = "The dragon was flying over the hills. " * 10
    for text in ("One", "Two", "Three"):
        say(first, text)
    again = restarts.start().ready()
    column = again.window.transcript.column
    assert column.is_at_bottom
    assert 5 in column.views
    assert all(view.height() == view.fit(view.width()) for view in column.views.values())


def test_the_pace_of_saving_is_a_second():
    assert journal.SAVE_EVERY_MS == 1000
