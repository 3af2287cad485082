"""Selecting and copying with real mouse and key events."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from tests.gui.transcript.conftest import STORY, events, fill, point_of, shown, tell


def test_copy_gives_plain_text_with_newlines(talk, transcript):
    """Ctrl+A and Ctrl+C copy exactly the text, "\\n" between paragraphs, no format beside text/plain."""
    index = tell(talk)
    body = shown(transcript, index).body
    body.setFocus()
    QTest.keyClick(body, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(body, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "".join(STORY)
    assert body.createMimeDataFromSelection().formats() == ["text/plain"]


def test_copying_a_long_paragraph_adds_nothing(talk, transcript):
    """The breaks of the layout are not part of the text."""
    text = "some words and more " * 400
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    assert body.document().blockCount() > 3
    body.selectAll()
    body.copy()
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.parametrize("end", ["middle", "end"])
def test_a_selection_survives_appends(talk, transcript, end):
    """Text that arrives neither moves nor enlarges a selection, even one up to the end."""
    index = tell(talk, STORY, "streaming")
    body = shown(transcript, index).body
    length = talk.messages[index].length
    body.select(5, 12 if end == "middle" else length)
    before = body.selected_text()
    for _ in range(300):
        talk.append_tokens(index, events([" more", " text"]))
    assert body.selected_text() == before != ""


def test_nothing_is_selected_by_streaming(talk, transcript):
    """A message that nobody touched has no selection while it grows."""
    index = talk.add_message("assistant", "", "streaming")
    body = shown(transcript, index).body
    for _ in range(5):
        talk.append_text(index, "text ")
    assert not body.textCursor().hasSelection()


def test_dragging_selects_and_is_no_click(qtbot, talk, transcript):
    """A drag over tokens selects their text and holds none."""
    index = tell(talk)
    view = shown(transcript, index)
    viewport = view.body.viewport()
    start, end = point_of(view, 1), point_of(view, 5)
    with qtbot.assertNotEmitted(transcript.token_clicked):
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 6):
            QTest.mouseMove(viewport, start + (end - start) * step / 5)
        QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    assert " time there" in view.body.selected_text()


def test_selecting_beyond_the_edge_scrolls(monkeypatch, talk, transcript):
    """The mouse rests above the conversation with the button down: it scrolls up and the selection follows."""
    fill(talk, 3)
    index = talk.add_message("assistant", "line\n" * 200)
    view = shown(transcript, index)
    transcript.scroll_to_bottom()
    viewport, bar = view.body.viewport(), transcript.column.verticalScrollBar()
    inside = viewport.mapFromGlobal(transcript.column.viewport().mapToGlobal(QPoint(60, 300)))
    above = viewport.mapFromGlobal(transcript.column.viewport().mapToGlobal(QPoint(60, -80)))
    before = bar.value()
    monkeypatch.setattr(QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.LeftButton)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, inside)
    QTest.mouseMove(viewport, above)
    selected = len(view.body.selected_text())
    QTest.qWait(200)
    assert bar.value() < before - 80
    assert len(view.body.selected_text()) > selected
    monkeypatch.setattr(QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.NoButton)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, above)
    QTest.qWait(60)
    rest = bar.value()
    QTest.qWait(100)
    assert bar.value() == rest


def test_a_double_click_selects_the_word(talk, transcript):
    """The first click holds the token; the second selects its word and clicks nothing more."""
    index = tell(talk)
    view = shown(transcript, index)
    clicks = []
    transcript.token_clicked.connect(lambda message, token: clicks.append((message, token)))
    transcript.token_clicked.connect(transcript.hold)
    place = point_of(view, 7)
    QTest.mouseClick(view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert view.body.selected_text() == "dragon"
    assert clicks == [(index, 7)]


def test_one_message_at_a_time_is_selected(talk, transcript):
    """Selecting in another message lets go of the first."""
    first, second = tell(talk), tell(talk)
    one, two = shown(transcript, first).body, shown(transcript, second).body
    one.selectAll()
    two.selectAll()
    assert one.selected_text() == "" and two.selected_text() == "".join(STORY)


def test_the_context_menu_copies(talk, transcript):
    """Copy is off without a selection; "Copy message" takes everything."""
    index = tell(talk)
    view = shown(transcript, index)
    menu = view.menu()
    copy, whole, everything = menu.actions()[:3]
    assert not copy.isEnabled() and whole.isEnabled()
    whole.trigger()
    assert QGuiApplication.clipboard().text() == "".join(STORY)
    everything.trigger()
    assert view.body.selected_text() == "".join(STORY)
    menu.close()
