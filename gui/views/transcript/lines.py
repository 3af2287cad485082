"""The lines of a document that are seen, and where parts of the text lie in them."""

from collections.abc import Iterator
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QTextDocument, QTextLine

from gui.views.transcript.soft_breaks import SoftBreaks


class SeenLine(NamedTuple):
    """One line: its place in the layout, where its paragraph is drawn, and its text, `start` to `end` in UTF-16 units."""

    paragraph: int
    number: int
    origin: QPointF
    offset: int  # of the paragraph in the text
    start: int
    end: int
    line: QTextLine

    def box(self, start: int, end: int) -> QRectF:
        """Where the text from `start` to `end`, cut to this line, is in the paragraph; empty where it is elsewhere."""
        first, last = max(start, self.start) - self.offset, min(end, self.end) - self.offset
        if first >= last:
            return QRectF()
        left = self.line.cursorToX(first, QTextLine.Edge.Leading)[0]
        right = self.line.cursorToX(last - 1, QTextLine.Edge.Trailing)[0]  # also right where text runs from right to left
        return QRectF(min(left, right), self.line.y(), abs(right - left), self.line.height())


def seen_lines(document: QTextDocument, breaks: SoftBreaks, top: float, bottom: float) -> Iterator[SeenLine]:
    """The lines with a part between two heights, from the top."""
    layout = document.documentLayout()
    block = document.findBlock(max(0, layout.hitTest(QPointF(0, top), Qt.HitTestAccuracy.FuzzyHit)))
    while block.isValid():
        origin = layout.blockBoundingRect(block).topLeft()
        if origin.y() > bottom:
            return
        offset = breaks.to_text(block.position())
        lines = block.layout()
        for number in range(lines.lineCount()):
            line = lines.lineAt(number)
            y = origin.y() + line.y()
            if y > bottom:
                return
            if y + line.height() >= top:
                start = offset + line.textStart()
                yield SeenLine(block.blockNumber(), number, origin, offset, start, start + line.textLength(), line)
        block = block.next()
