"""Finding text in all messages."""

from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.conversation import Conversation
from gui.models.utf16 import utf16_length
from gui.theme import LIGHT
from gui.views.transcript.view import Transcript
from tests.gui.transcript.conftest import events, shown, tell


def test_find_steps_through_all_messages_and_wraps(talk, transcript):
    """Case does not matter; the count is over the whole conversation, messages that are no widgets included."""
    for index in range(60):
        talk.add_message("user", "filler text\n" * 5 + ("🐉 Needle here" if index in (3, 30, 59) else ""))
    QTest.qWait(50)
    transcript.show_find()
    bar = transcript.find_bar
    assert bar.isVisible() and 3 not in transcript.column.views
    QTest.keyClicks(bar.field, "needle")
    seen = [bar.count.text()]
    for modifier in (Qt.KeyboardModifier.NoModifier,) * 2 + (Qt.KeyboardModifier.ShiftModifier,) * 3:
        QTest.keyClick(bar.field, Qt.Key.Key_Return, modifier)
        seen.append(bar.count.text())
    assert seen == ["3 of 3", "1 of 3", "2 of 3", "1 of 3", "3 of 3", "2 of 3"]
    body = transcript.column.views[30].body
    start = utf16_length("filler text\n" * 5 + "🐉 ")
    assert body.marks.found_now == (start, start + 6)
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible() and body.marks.found_now is None and body.selected_text() == "Needle"


def test_find_says_when_there_is_nothing(talk, transcript):
    """No place, no mark, no error; special characters are plain text."""
    tell(talk)
    shown(transcript, 0)
    assert not transcript.find(".*") and transcript.find("a")
    transcript.show_find()
    QTest.keyClicks(transcript.find_bar.field, "(zebra")
    assert transcript.find_bar.count.text() == "Not found" and not transcript.find_bar.next.isEnabled()
    QTest.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)


def test_find_keeps_its_place_while_text_arrives(talk, transcript):
    """New places are counted from the next step on."""
    index = tell(talk, ["one", " two", " one"], "streaming")
    shown(transcript, index)
    transcript.show_find()
    QTest.keyClicks(transcript.find_bar.field, "one")
    assert transcript.find_bar.count.text() == "1 of 2"
    talk.append_tokens(index, events([" one"]))
    QTest.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)
    assert transcript.find_bar.count.text() == "2 of 3"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["word ", "🐉", "\n", "x" * 700, "中文字 ", "שלום ", "\u202e", "\r"]), max_size=30), st.data())
def test_any_selection_of_any_text_is_that_part_of_the_text(pieces, data):
    """Oracle: the text as UTF-16, cut between two positions."""
    talk = Conversation()
    transcript = Transcript(talk, LIGHT)
    transcript.resize(600, 400)
    transcript.show()
    index = talk.add_message("assistant", "", "streaming")
    QApplication.processEvents()
    for piece in pieces:
        talk.append_text(index, piece)
    text = "".join(pieces)
    cuts = [utf16_length(text[:place]) for place in range(len(text) + 1)]
    start, end = sorted((data.draw(st.sampled_from(cuts)), data.draw(st.sampled_from(cuts))))
    body = transcript.column.views[index].body
    body.select(start, end)
    assert body.selection() == (start, end)
    assert body.selected_text() == text[cuts.index(start) : cuts.index(end)]
    transcript.close()
    transcript.deleteLater()
    QApplication.processEvents()
