"""Earlier chats: the list, opening one again, searching, deleting, and what is said when it cannot be done."""

from datetime import datetime

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from gui.store import Store, StoreError
from gui.views.earlier_chats import EarlierChats, when
from inference.types import DraftRequest, GenerateRequest
from tests.gui.conftest import Stage


def say(stage: Stage, text: str) -> None:
    stage.program.chat.send(text)
    stage.run()
    stage.qtbot.waitUntil(lambda: not stage.program.chat.is_busy)


def open_list(stage: Stage) -> EarlierChats:
    stage.window.actions_by_key["earlier"].trigger()
    return stage.program.earlier._dialog


def titles(dialog: EarlierChats) -> list[str]:
    return [dialog.table.index(row, 0).data() for row in range(dialog.table.rowCount())]


def texts(stage: Stage) -> list[str]:
    return [message.text for message in stage.conversation.messages]


def answer_box(monkeypatch: pytest.MonkeyPatch, word: str) -> list[str]:
    """Answers the next questions with the button of this name; what they say is gathered."""
    asked: list[str] = []

    def exec_(box: QMessageBox) -> None:
        asked.append(box.text())
        next(button for button in box.buttons() if button.text().strip("&") == word).click()

    monkeypatch.setattr(QMessageBox, "exec", exec_)
    return asked


@pytest.fixture
def two(stage: Stage) -> Stage:
    """Two chats, of which the second is on screen."""
    stage.ready()
    say(stage, "One fish")
    stage.program.chat.new_chat()
    say(stage, "Two birds")
    return stage


def test_an_earlier_chat_is_opened_and_goes_on_exactly(two: Stage):
    """Its exact ids are sent again, the context in use is its own, and the chat that was left is in the list as well."""
    used = two.program.chat.used_tokens
    dialog = open_list(two)
    assert titles(dialog) == ["Two birds", "One fish"]
    dialog.view.selectRow(1)
    dialog.open_button.click()
    assert not dialog.isVisible()
    assert texts(two) == ["One fish", "Hello there."]
    assert two.window.header.title == "One fish"
    assert two.program.chat.used_tokens == used - 1 == len("One fish") + len("Hello there.")
    two.engine.requests.clear()
    say(two, "More")
    request = next(request for request in two.engine.requests if isinstance(request, GenerateRequest))
    assert [message.token_ids for message in request.messages] == [None, tuple(b"Hello there."), None]
    assert titles(open_list(two)) == ["One fish", "Two birds"]
    with_more = [(chat.title, chat.messages) for chat in two.program.journal.earlier()]
    assert with_more == [("One fish", 4), ("Two birds", 2)]


def test_the_opened_chat_is_the_one_of_the_next_start(two: Stage, qtbot, tmp_path):
    dialog = open_list(two)
    dialog.view.selectRow(1)
    qtbot.keyClick(dialog.view, Qt.Key.Key_Return)
    two.program.close()
    again = Stage(qtbot, tmp_path / "profile")
    assert texts(again) == ["One fish", "Hello there."]
    again.close()


def test_opening_writes_no_message_anew(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """What is in the file is there as it was: only what changes afterwards is saved."""
    saved = []
    monkeypatch.setattr(Store, "save", lambda _store, number, records, *_: saved.append(records) or number)
    dialog = open_list(two)
    dialog.open_requested.emit(two.program.journal.earlier()[1].number)
    assert texts(two)[0] == "One fish"
    assert saved == []


def test_opening_in_the_middle_of_an_answer_keeps_what_there_was(stage: Stage):
    stage.ready()
    say(stage, "One")
    stage.program.chat.new_chat()
    stage.program.chat.send("Two")
    stage.run(3 + 5)
    dialog = open_list(stage)
    dialog.open_requested.emit(stage.program.journal.earlier("One")[0].number)
    assert texts(stage) == ["One", "Hello there."]
    stage.run()
    assert texts(stage) == ["One", "Hello there."]
    dialog.open_requested.emit(stage.program.journal.earlier("Two")[0].number)
    assert texts(stage) == ["Two", "Hello"]
    assert stage.conversation.messages[1].note == "Stopped."
    assert stage.window.actions_by_key["continue"].isEnabled()
    stage.program.chat.resume(1)
    stage.run()
    assert texts(stage) == ["Two", "Hello there."]


def test_the_chat_on_screen_stays_when_it_is_chosen(two: Stage):
    dialog = open_list(two)
    before = list(two.conversation.messages)
    dialog.open_button.click()
    assert not dialog.isVisible()
    assert all(one is other for one, other in zip(two.conversation.messages, before, strict=True))


def test_the_one_on_screen_is_marked_for_eyes_and_ears(two: Stage):
    dialog = open_list(two)
    role = Qt.ItemDataRole.AccessibleTextRole
    assert dialog.table.index(0, 0).data(role) == "Two birds, on screen now"
    assert dialog.table.index(1, 0).data(role) is None
    assert dialog.table.index(0, 0).data(Qt.ItemDataRole.FontRole).bold()
    assert dialog.table.index(1, 0).data(Qt.ItemDataRole.FontRole) is None


def test_searching_and_opening_with_the_keyboard_alone(two: Stage):
    """The field has the focus; arrows walk the list from there, Enter opens."""
    dialog = open_list(two)
    two.qtbot.waitUntil(lambda: QApplication.focusWidget() is dialog.search)
    two.type("FISH")
    assert titles(dialog) == ["One fish"]
    two.type(" and more")
    assert titles(dialog) == []
    assert dialog.state.text() == "No chat has all these words"
    assert not dialog.open_button.isEnabled()
    two.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert dialog.isVisible()
    dialog.search.clear()
    two.qtbot.keyClick(dialog.search, Qt.Key.Key_Down)
    two.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
    assert texts(two)[0] == "One fish"


def test_before_the_first_message_the_list_says_so(stage: Stage):
    dialog = open_list(stage.ready())
    assert titles(dialog) == []
    assert "No chats yet" in dialog.state.text()
    assert not dialog.delete_button.isEnabled()


def test_deleting_asks_first(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """A no leaves everything; a yes takes the chat away for good and leaves the one on screen alone."""
    asked = answer_box(monkeypatch, "Cancel")
    dialog = open_list(two)
    dialog.view.selectRow(1)
    two.qtbot.keyClick(dialog.view, Qt.Key.Key_Delete)
    assert (asked, titles(dialog)) == (["Delete this chat for good?\n\nOne fish"], ["Two birds", "One fish"])
    answer_box(monkeypatch, "Delete")
    dialog.view.selectRow(1)
    dialog.delete_button.click()
    assert titles(dialog) == ["Two birds"]
    assert texts(two) == ["Two birds", "Hello there."]


def test_the_question_shows_a_long_or_odd_title_as_it_is(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """Cut short, and markup is nothing but text."""
    asked = answer_box(monkeypatch, "Cancel")
    two.program.chat.new_chat()
    say(two, "<b>Bold</b> " + "word " * 40)
    open_list(two).delete_button.click()
    (text,) = asked
    assert text.splitlines()[2].startswith("<b>Bold</b> word")
    assert text.endswith("…")
    assert len(text.splitlines()[2]) <= 80


def test_deleting_the_chat_on_screen_leaves_an_empty_one(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """What is said next is a new conversation."""
    answer_box(monkeypatch, "Delete")
    dialog = open_list(two)
    dialog.delete_button.click()
    assert texts(two) == []
    assert titles(dialog) == ["One fish"]
    say(two, "Three")
    assert titles(open_list(two)) == ["Three", "One fish"]


def test_the_list_is_fresh_each_time(two: Stage):
    """A search of the last time is gone, and so is the row that was chosen."""
    dialog = open_list(two)
    dialog.search.setText("fish")
    dialog.close()
    assert titles(open_list(two)) == ["Two birds", "One fish"]
    dialog.view.selectRow(1)
    dialog.close()
    assert open_list(two).view.currentIndex().row() == 0


def test_a_second_window_says_why_it_has_no_list(two: Stage, qtbot, tmp_path):
    second = Stage(qtbot, tmp_path / "profile")
    dialog = open_list(second.ready())
    assert "cannot be read: another Glassbox window" in dialog.state.text()
    assert not dialog.open_button.isEnabled()
    second.close()


def test_a_chat_that_cannot_be_opened_leaves_the_one_on_screen(two: Stage, monkeypatch: pytest.MonkeyPatch):
    def reopen(_store: Store, _number: int) -> None:
        raise StoreError("the disk is full.")

    monkeypatch.setattr(Store, "reopen", reopen)
    dialog = open_list(two)
    dialog.view.selectRow(1)
    dialog.open_button.click()
    assert texts(two) == ["Two birds", "Hello there."]
    assert two.window.banner.text == "The chat cannot be opened: the disk is full."


def test_a_chat_that_cannot_be_deleted_is_still_listed(two: Stage, monkeypatch: pytest.MonkeyPatch):
    def delete(_store: Store, _number: int) -> None:
        raise StoreError("the disk is full.")

    monkeypatch.setattr(Store, "delete", delete)
    answer_box(monkeypatch, "Delete")
    dialog = open_list(two)
    dialog.view.selectRow(1)
    dialog.delete_button.click()
    assert dialog.state.text() == "The chat was not deleted: the disk is full."
    assert titles(dialog) == ["Two birds", "One fish"]
    dialog.view.selectRow(0)
    dialog.delete_button.click()
    assert texts(two) == ["Two birds", "Hello there."]
    say(two, "Still here")
    assert two.program.journal.earlier()[0].messages == 4


def test_bytes_that_may_be_left_are_told(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """The chat is gone all the same."""

    def wipe(_store: Store) -> None:
        raise StoreError("the disk is full.")

    monkeypatch.setattr(Store, "wipe", wipe)
    answer_box(monkeypatch, "Delete")
    dialog = open_list(two)
    dialog.delete_button.click()
    assert dialog.state.text() == "The chat was deleted, but its bytes may still be in the file: the disk is full."
    assert titles(dialog) == ["One fish"]


def test_deleting_a_chat_while_it_is_answered(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """Nothing of it comes back, and no other is begun for it."""
    answer_box(monkeypatch, "Delete")
    two.program.chat.send("More")
    two.run(3 + 5)
    dialog = open_list(two)
    dialog.delete_button.click()
    two.run()
    assert titles(dialog) == ["One fish"]
    assert texts(two) == []


def test_after_a_delete_the_next_chat_is_chosen(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """In the same place of the list; after another search it is the first."""
    for text in ("Three", "Four"):
        two.program.chat.new_chat()
        say(two, text)
    answer_box(monkeypatch, "Delete")
    dialog = open_list(two)
    dialog.view.selectRow(1)
    dialog.delete_button.click()
    assert (titles(dialog), dialog.view.currentIndex().row()) == (["Four", "Two birds", "One fish"], 1)
    dialog.view.selectRow(2)
    dialog.delete_button.click()
    assert (titles(dialog), dialog.view.currentIndex().row()) == (["Four", "Two birds"], 1)
    dialog.search.setText("o")
    assert dialog.view.currentIndex().row() == 0


def test_what_cannot_be_saved_is_not_left(two: Stage, monkeypatch: pytest.MonkeyPatch):
    """The chat on screen would be lost: it stays, and the reason is told."""
    number = two.program.journal.earlier("fish")[0].number

    def save(_store: Store, *_: object) -> None:
        raise StoreError("the disk is full.")

    monkeypatch.setattr(Store, "save", save)
    say(two, "Unsaved")
    open_list(two).open_requested.emit(number)
    assert texts(two) == ["Two birds", "Hello there.", "Unsaved", "Hello there."]
    assert "is not saved yet, and would be lost" in two.window.banner.text


def test_the_draft_is_looked_at_behind_the_opened_chat(two: Stage):
    """The panel shows what would follow it there, not in an empty chat."""
    two.window.composer.focus()
    two.type("draft")
    two.qtbot.wait(400)  # the composer waits for a pause in the typing
    two.run()
    two.engine.requests.clear()
    open_list(two).open_requested.emit(two.program.journal.earlier("fish")[0].number)
    two.qtbot.wait(20)
    two.run()
    last = [request for request in two.engine.requests if isinstance(request, DraftRequest)][-1]
    assert [message.content for message in last.messages] == ["One fish", "Hello there.", "draft"]


def test_the_search_in_the_chat_goes_on_in_the_opened_one(two: Stage):
    """The bar counts what there is here."""
    two.window.transcript.show_find()
    bar = two.window.transcript.find_bar
    bar.field.setText("two")
    assert bar.count.text() == "1 of 1"
    open_list(two).open_requested.emit(two.program.journal.earlier("fish")[0].number)
    two.qtbot.waitUntil(lambda: bar.count.text() != "1 of 1")
    bar.field.setText("fish")
    assert bar.count.text() == "1 of 1"


def test_a_message_that_was_being_edited_stays_behind(two: Stage):
    """The draft of before is in the composer again."""
    two.window.composer.set_text("my draft")
    two.window.actions_by_key["write_differently"].trigger()
    assert two.window.composer.text() == "Two birds"
    open_list(two).open_requested.emit(two.program.journal.earlier("fish")[0].number)
    assert two.window.composer.text() == "my draft"


def test_windows_about_the_chat_that_was_left_are_closed(two: Stage):
    for key in ("raw", "least_certain"):
        two.window.actions_by_key[key].trigger()
    two.run()
    windows = (two.program.looking._view, two.program.certainty._dialog)
    assert all(window.isVisible() for window in windows)
    open_list(two).open_requested.emit(two.program.journal.earlier("fish")[0].number)
    assert not any(window.isVisible() for window in windows)


def test_what_is_cut_short_is_whole_in_the_tooltip(two: Stage):
    """Markup in it is text."""
    two.program.chat.new_chat()
    say(two, "<b>long</b> " + "word " * 30)
    table = open_list(two).table
    assert "&lt;b&gt;long" in table.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert str(datetime.now().year) in table.index(0, 3).data(Qt.ItemDataRole.ToolTipRole)


def test_moments_are_written_as_in_daily_life():
    """Today the time, before that the date, in the format of the user's language."""
    now = datetime(2026, 3, 4, 15, 30)
    assert when(datetime(2026, 3, 4, 9, 5).timestamp(), now) == QLocale().toString(
        datetime(2026, 3, 4, 9, 5).time(), QLocale.FormatType.ShortFormat
    )
    assert when(datetime(2025, 12, 31).timestamp(), now) == QLocale().toString(
        datetime(2025, 12, 31).date(), QLocale.FormatType.ShortFormat
    )
    assert when(1e300, now) == ""
