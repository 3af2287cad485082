"""The end is followed by those who read there, and nothing jumps."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.theme import DARK
from gui.views.transcript.view import Transcript
from tests.gui.transcript.conftest import STORY, events, fill, shown, tell


def test_the_end_is_followed_only_by_a_reader_who_is_there(talk, transcript):
    """At the bottom new text scrolls; elsewhere nothing moves and a button offers the way back."""
    fill(talk, 10)
    index = tell(talk, STORY, "streaming")
    shown(transcript, index)
    bar = transcript.column.verticalScrollBar()
    for _ in range(20):
        talk.append_tokens(index, events(["\nmore", " text"]))
    assert transcript.is_at_bottom and bar.value() == bar.maximum() > 0 and not transcript.jump.isVisible()
    bar.setValue(bar.maximum() - 200)
    place = bar.value()
    for _ in range(20):
        talk.append_tokens(index, events(["\nmore", " text"]))
    assert not transcript.is_at_bottom and bar.value() == place and bar.maximum() > place + 400
    assert transcript.jump.isVisible() and transcript.jump.accessibleName() == "Jump to latest"
    QTest.mouseClick(transcript.jump, Qt.MouseButton.LeftButton)
    assert transcript.is_at_bottom and bar.value() == bar.maximum() and not transcript.jump.isVisible()


def test_writing_a_message_goes_to_the_end(talk, transcript):
    """Who sends a message sees it, wherever the reader was."""
    fill(talk, 20)
    QTest.qWait(50)
    transcript.column.verticalScrollBar().setValue(0)
    assert not transcript.is_at_bottom
    talk.add_message("user", "And now?")
    QTest.qWait(30)
    assert transcript.is_at_bottom


@pytest.mark.parametrize("is_ahead", [True, False])
def test_messages_far_away_are_no_widgets_and_nothing_jumps_when_they_become_some(talk, transcript, is_ahead):
    """Scrolling up moves the text by exactly what was asked for, whether rows are built ahead or only as they are seen."""
    fill(talk, 300)
    QTest.qWait(50)
    assert len(transcript.column.views) < 60
    bar, viewport = transcript.column.verticalScrollBar(), transcript.column.viewport()
    for _ in range(40):
        row = transcript.column.first_visible_row() + 1
        before = transcript.column.views[row].mapTo(viewport, QPoint(0, 0)).y()
        bar.setValue(bar.value() - 70)
        if is_ahead:
            QApplication.processEvents()
        assert transcript.column.views[row].mapTo(viewport, QPoint(0, 0)).y() == before + 70
        assert len(transcript.column.views) < 60


def test_every_visible_part_is_covered(talk, transcript):
    """Dragging the scroll bar anywhere never shows an empty stretch: rows adjoin."""
    fill(talk, 120)
    QTest.qWait(50)
    bar = transcript.column.verticalScrollBar()
    for fraction in (0.0, 0.13, 0.5, 0.77, 1.0):
        bar.setValue(round(fraction * bar.maximum()))
        rows = sorted(row for row in transcript.column.views if row in transcript.column._seen(0))
        assert rows == list(range(rows[0], rows[-1] + 1))
        for row in rows[1:]:
            upper, lower = transcript.column.views[row - 1].geometry(), transcript.column.views[row].geometry()
            assert upper.bottom() + 1 == lower.top()


def test_the_reader_keeps_the_place_when_the_window_gets_narrower(talk, transcript):
    """The message at the top edge stays there."""
    fill(talk, 60)
    QTest.qWait(50)
    transcript.column.verticalScrollBar().setValue(2000)
    row = transcript.column.first_visible_row()
    transcript.resize(560, 500)
    QTest.qWait(200)
    assert transcript.column.first_visible_row() == row


def test_the_wheel_over_a_message_scrolls_the_conversation(talk, transcript):
    """Message bodies have nothing to scroll themselves."""
    fill(talk, 40)
    QTest.qWait(50)
    bar = transcript.column.verticalScrollBar()
    body = transcript.column.views[max(transcript.column._seen(0))].body
    before = bar.value()
    place = body.viewport().mapTo(transcript, QPoint(20, 5))
    QTest.wheelEvent(transcript.windowHandle(), QPointF(place), QPoint(0, 120))
    assert bar.value() < before


def test_a_cleared_conversation_is_empty_and_greets(talk, transcript):
    """New chat: no message is left, the greeting is back, and a new message is shown."""
    fill(talk, 20)
    QTest.qWait(30)
    assert not transcript.front.greeting.isVisible()
    talk.clear()
    QTest.qWait(30)
    assert transcript.column.views == {} and transcript.front.greeting.isVisible()
    assert shown(transcript, talk.add_message("user", "again")).body.toPlainText() == "again"


def test_a_conversation_that_is_already_there_is_shown(qtbot, talk):
    """Opening: the messages of the conversation the transcript is made with, at their end."""
    fill(talk, 50)
    transcript = Transcript(talk, DARK)
    qtbot.addWidget(transcript)
    transcript.resize(700, 500)
    transcript.show()
    assert 49 in transcript.column.views and transcript.is_at_bottom
