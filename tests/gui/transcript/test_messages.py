"""Messages on screen: text stays text, and hostile text stays harmless."""

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect
from PySide6.QtGui import QTextDocument
from PySide6.QtTest import QTest

from gui.views.transcript.paragraphs import LONGEST_PARAGRAPH
from tests.gui.transcript.conftest import STORY, bits, events, point_of, shown, tell


def test_messages_show_who_speaks_and_read_well_to_a_screen_reader(talk, transcript):
    """Heading, plain text and accessible names; the author of an answer is the model that made it."""
    talk.add_message("user", "Hello")
    index = tell(talk)
    talk.messages[index].author = "glassbox-8m"
    talk.set_status(index, "stopped", "Stopped.")
    user, answer = shown(transcript, 0), shown(transcript, index)
    assert (user.heading.text(), user.body.toPlainText(), user.body.accessibleName()) == ("You", "Hello", "You said")
    assert (answer.heading.text(), answer.body.accessibleName()) == ("glassbox-8m", "glassbox-8m answered")
    assert answer.note.text() == "Stopped." and answer.note.isVisible()
    assert answer.body.accessibleDescription() == "Stopped."


def test_a_message_is_as_high_as_its_text(talk, transcript):
    """No scroll bar, nothing cut off: the body's height is the document's, at every width."""
    index = tell(talk, STORY * 20)
    for width in (700, 560, 1200):
        transcript.resize(width, 500)
        body = shown(transcript, index).body
        QTest.qWait(150)
        assert body.height() >= body.document().size().height() > 100
        assert body.verticalScrollBar().maximum() == 0
    assert body.width() <= 760


def test_an_append_paints_only_the_last_lines(talk, transcript):
    """What streams into a long paragraph costs the painting of two lines, not of all."""
    index = tell(talk, ["word "] * 90, "streaming")
    body = shown(transcript, index).body
    painted = Painted(body)
    body.viewport().installEventFilter(painted)
    height = body.height()
    for _ in range(3):
        talk.append_tokens(index, events(["w"]))
        QTest.qWait(30)
    line = body.cursorRect(body.document().rootFrame().lastCursorPosition())
    assert body.height() == height > 4 * line.height() and painted.areas
    assert all(line.top() - 2 * line.height() < area.top() <= line.top() - line.height() for area in painted.areas)


@pytest.mark.parametrize("tint", ["off", "surprise"])
def test_what_is_painted_while_text_streams_is_the_whole_picture(talk, transcript, tint):
    """On screen nothing differs from a picture painted at once: words that wrap, other scripts, lines that become higher."""
    transcript.set_tint(tint)
    index = tell(talk, ["word "] * 30, "streaming", numbers=lambda step: bits(step % 12))
    body = shown(transcript, index).body
    for text in ["wo", "rd", "wo" * 30, "rd ", "龙", " a", "\u0301", "龙🐉", " a", "\n", "b", "龙", "一二三四" * 20, " c"]:
        talk.append_tokens(index, events([text], lambda step: bits(3)))
        QTest.qWait(30)
        place = QRect(body.mapTo(transcript, QPoint()), body.size())
        seen = transcript.screen().grabWindow(transcript.winId()).toImage().copy(place)
        whole = transcript.grab().toImage().copy(place)
        assert seen.convertToFormat(whole.format()) == whole


class Painted(QObject):
    """Notes what of a widget is painted."""

    def __init__(self, parent):
        super().__init__(parent)
        self.areas = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.areas.append(event.rect())
        return False


def test_markup_is_text(talk, transcript):
    """HTML is shown as typed, styles nothing, and no resource is ever loaded."""
    text = '<b>bold</b> <img src="http://evil.example/x.png"> <a href="file:///etc/passwd">x</a> **md** &lt;'
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    assert body.toPlainText() == text
    assert body.loadResource(2, "http://evil.example/x.png") is None
    assert not body.textCursor().charFormat().fontWeight() > 400


def test_hostile_text_is_laid_out_in_time_and_copied_exactly(talk, transcript):
    """100,000 characters in one word, NUL, overrides, replacement characters."""
    text = "x" * 100_000 + "\x00\u202eabc\ufffd\t中文🐉" + "\u0301" * 50
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    body.selectAll()
    assert body.selected_text() == text
    document = body.document()
    longest = max(document.findBlockByNumber(number).length() for number in range(document.blockCount()))
    assert longest <= 2 * LONGEST_PARAGRAPH


def test_soft_breaks_are_not_seen(talk, transcript):
    """A long paragraph wraps exactly as Qt wraps it in one piece, after streaming and after a change of width."""
    index = talk.add_message("assistant", "", "streaming")
    shown(transcript, index)
    words = " ".join(f"word{number % 97}" for number in range(2_000))
    for start in range(0, len(words), 40):
        talk.append_text(index, words[start : start + 40])
    body = shown(transcript, index).body
    for width in (700, 600, 820):
        transcript.resize(width, 500)
        QTest.qWait(200)
        whole = QTextDocument()
        whole.setDefaultFont(body.font())
        whole.setDefaultTextOption(body.document().defaultTextOption())
        whole.setDocumentMargin(0)
        whole.setPlainText(words)
        whole.setTextWidth(body.width())
        whole.size()
        layout = whole.firstBlock().layout()
        expected = [layout.lineAt(number).textLength() for number in range(layout.lineCount())]
        lines = []
        block = body.document().firstBlock()
        while block.isValid():
            lines += [block.layout().lineAt(number).textLength() for number in range(block.layout().lineCount())]
            block = block.next()
        assert body.document().blockCount() > 5
        assert lines == expected


def test_find_and_offsets_ignore_soft_breaks(talk, transcript):
    """A token far behind several soft breaks is still the one under the mouse."""
    index = tell(talk, [f" w{number}" for number in range(1_500)])
    view = shown(transcript, index)
    transcript.hold(index, 1_444)
    QTest.qWait(30)
    assert view.body.document().blockCount() > 3
    assert view.body.position_at(point_of(view, 1_444)) in range(
        talk.messages[index].tokens[1_444].start, talk.messages[index].tokens[1_444].end
    )
    assert transcript.find("w1444")
    assert view.body.marks.found_now == (talk.messages[index].tokens[1_444].start + 1, talk.messages[index].tokens[1_444].end)
