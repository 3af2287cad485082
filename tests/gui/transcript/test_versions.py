"""Versions of a message: the switch, and what the reader keeps when other messages take the place of those seen."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.theme import LIGHT
from tests.gui.transcript.conftest import STORY, bits, events, fill, pixels, shown, tell


def branch(talk, index, texts, status="done"):
    """Another version of a message, with these tokens."""
    talk.add_sibling(index, "streaming")
    talk.append_tokens(index, events(texts))
    talk.set_status(index, status)


def test_a_message_with_versions_has_a_switch(qtbot, talk, transcript):
    """Place and count, buttons with names, the first and the last of them off at the ends; without versions there is none."""
    user = talk.add_message("user", "Tell")
    index = tell(talk)
    assert not shown(transcript, index).switch.isVisible()
    branch(talk, index, ["Other"])
    branch(talk, index, ["Third"])
    talk.switch(index, -1)
    switch = shown(transcript, index).switch
    assert switch.isVisible() and switch.place.text() == "2/3" and not shown(transcript, user).switch.isVisible()
    assert [b.accessibleName() for b in (switch.previous, switch.next)] == ["Previous version", "Next version"]
    assert switch.place.accessibleName() == "Version 2 of 3"
    for button, delta in ((switch.previous, -1), (switch.next, 1)):
        with qtbot.waitSignal(transcript.switch_requested) as asked:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert asked.args == [index, delta]
    talk.switch(index, 1)
    switch = shown(transcript, index).switch
    assert (switch.previous.isEnabled(), switch.next.isEnabled(), switch.place.text()) == (True, False, "3/3")


def test_another_version_takes_the_place_of_what_followed(talk, transcript):
    """The text of the version and of what belongs to it is shown, and nothing of the other path."""
    talk.add_message("user", "Tell")
    index = tell(talk)
    talk.add_message("user", "More")
    tell(talk, ["More", " story"])
    branch(talk, index, ["Another", " story"])
    shown(transcript, index)
    assert transcript.column.row_count == 2 and sorted(transcript.column.views) == [0, 1]
    assert shown(transcript, index).body.toPlainText() == "Another story"
    talk.switch(index, -1)
    texts = [shown(transcript, row).body.toPlainText() for row in range(4)]
    assert texts == ["Tell", "".join(STORY), "More", "More story"]


def test_a_new_version_streams_where_the_old_one_stood(talk, transcript):
    """Tokens go to the widget of the new version, and a reader at the end follows it."""
    fill(talk, 11)
    index = tell(talk, STORY * 20)
    shown(transcript, index)
    talk.add_sibling(index, "streaming")
    view = shown(transcript, index)
    for _ in range(40):
        talk.append_tokens(index, events([" new", " words\n"]))
    assert view.body.toPlainText() == " new words\n" * 40 and transcript.is_at_bottom


def test_switching_keeps_the_heading_under_the_mouse(talk, transcript):
    """However long the versions are, the message that was switched keeps its place, so that one can switch on."""
    fill(talk, 12)
    index = tell(talk, STORY)
    fill(talk, 6)
    for texts in (STORY * 25, ["short"], STORY * 3):
        branch(talk, index, texts)
        tell(talk, STORY * 9)
    view = shown(transcript, index)
    transcript.column.show_part(index, view.rect().adjusted(0, 0, 0, 20 - view.height()))
    bar = transcript.column.verticalScrollBar()
    bar.setValue(transcript.column._heights.top(index) - 150)
    viewport = transcript.column.viewport()
    for delta in (-1, -1, -1, 1, 1, 1):
        talk.switch(index, delta)
        assert transcript.column.views[index].mapTo(viewport, QPoint(0, 0)).y() == 150
        QTest.qWait(30)
        assert transcript.column.views[index].mapTo(viewport, QPoint(0, 0)).y() == 150


def test_what_is_read_above_a_switch_stays_where_it_is(talk, transcript):
    """Rows that are replaced below the view move nothing in it."""
    fill(talk, 20)
    index = tell(talk, STORY * 10)
    branch(talk, index, ["short"])
    QTest.qWait(30)
    bar = transcript.column.verticalScrollBar()
    bar.setValue(300)
    talk.switch(index, -1)
    assert bar.value() == 300
    talk.switch(index, 1)
    assert bar.value() == 300 and not transcript.is_at_bottom


@pytest.mark.parametrize("key", [Qt.Key.Key_Space])
def test_versions_are_walked_with_the_keyboard(talk, transcript, key):
    """The button that was pressed keeps the keyboard; at the end its neighbour gets it."""
    index = tell(talk)
    branch(talk, index, ["b"])
    branch(talk, index, ["c"])
    transcript.switch_requested.connect(talk.switch)
    shown(transcript, index).switch.previous.setFocus()
    seen = []
    for _ in range(3):
        QTest.keyClick(QApplication.focusWidget(), key)
        view = shown(transcript, index)
        seen.append((view.switch.place.text(), view.focused_part))
    assert seen == [("2/3", "previous"), ("1/3", "next"), ("2/3", "next")]


def test_the_hold_goes_with_its_row(talk, transcript):
    """A held token above the change stays held; one that is gone is not, and nothing is marked in what took its place."""
    first = tell(talk, STORY, numbers=lambda step: bits(1.0))
    second = tell(talk)
    branch(talk, second, STORY)
    shown(transcript, second)
    transcript.hold(first, 3)
    talk.switch(second, -1)
    assert shown(transcript, first).body.marks.held is not None
    transcript.hold(second, 3)
    talk.switch(second, 1)
    view = shown(transcript, second)
    assert view.body.marks.held is None and pixels(view.body, LIGHT.accent) == 0
    assert not view.body.is_stepping


def test_finds_are_those_of_the_path_on_screen(talk, transcript):
    """After a switch the count and the marks are right at once, and stepping never goes to a place that is gone."""
    index = tell(talk, ["one", " needle", " two", " needle"])
    tell(talk, ["needle"])
    branch(talk, index, ["no", " needle"])
    shown(transcript, index)
    transcript.show_find()
    QTest.keyClicks(transcript.find_bar.field, "needle")
    assert transcript.find_bar.count.text() == "1 of 1"
    talk.switch(index, -1)
    assert transcript.find_bar.count.text().endswith("of 3")
    assert shown(transcript, index).body.marks.found == ((4, 10), (15, 21))
    talk.switch(index, 1)
    assert transcript.find_bar.count.text() == "1 of 1"
    assert shown(transcript, index).body.marks.found == ((3, 9),)
    assert transcript.find("needle") and transcript.find("needle", backward=True)


def test_switching_to_an_empty_path_greets(talk, transcript):
    """With no message on screen the greeting is there."""
    talk.add_message("user", "Hello")
    shown(transcript, 0)
    talk._tree.path.clear()
    talk.path_changed.emit(0)
    assert transcript.column.row_count == 0 and transcript.front.greeting.isVisible()
