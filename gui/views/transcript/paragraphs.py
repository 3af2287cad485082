"""Fills a text document piece by piece and keeps its paragraphs short, so that an append costs the same at any length.

Qt lays a whole paragraph out again when its last word changes: 4,000 tokens without a newline would take 20 ms a time. So a
long paragraph is broken where it wraps anyway. Nothing of that is seen, and SoftBreaks keeps positions those of the text.
"""

from PySide6.QtGui import QTextBlockFormat, QTextCursor, QTextDocument

from gui.models.display import display_text
from gui.views.transcript.soft_breaks import SoftBreaks

LONGEST_PARAGRAPH = 500  # UTF-16 units; laid out in about 0.6 ms


class Paragraphs:
    """The text of one document. The document's text width must be set before text is added."""

    def __init__(self, document: QTextDocument, line_height: float) -> None:
        self._document = document
        self._format = QTextBlockFormat()
        self._format.setLineHeight(line_height, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        self.breaks = SoftBreaks()

    def set_text(self, text: str) -> None:
        """Replace everything."""
        cursor = QTextCursor(self._document)
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        cursor.setBlockFormat(self._format)
        self.breaks.clear()
        self.append(text)

    def append(self, text: str) -> None:
        """Add text at the end; all of a short piece in one edit block."""
        shown = display_text(text)
        for start in range(0, len(shown), LONGEST_PARAGRAPH):
            self._insert(shown[start : start + LONGEST_PARAGRAPH])
            self._break_last_paragraph()

    def cursor(self, start: int, end: int) -> QTextCursor:
        """A selection of the text from `start` to `end` that does not grow when text is added behind it."""
        cursor = QTextCursor(self._document)
        cursor.setPosition(self.breaks.to_document(start))
        cursor.setPosition(self.breaks.to_document(end), QTextCursor.MoveMode.KeepAnchor)
        cursor.setKeepPositionOnInsert(True)
        return cursor

    def _insert(self, piece: str) -> None:
        cursor = QTextCursor(self._document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for index, line in enumerate(piece.split("\n")):
            if index:
                cursor.insertBlock(self._format)
            cursor.insertText(line)
        cursor.endEditBlock()

    def _break_last_paragraph(self) -> None:
        """Begin a new paragraph with the last line of a long one."""
        block = self._document.lastBlock()
        if block.length() <= LONGEST_PARAGRAPH:
            return
        self._document.documentLayout().blockBoundingRect(block)  # lays it out
        lines = block.layout().lineCount()
        if lines < 2:
            return
        position = block.position() + block.layout().lineAt(lines - 1).textStart()
        same_direction = QTextBlockFormat(self._format)
        same_direction.setLayoutDirection(block.textDirection())
        cursor = QTextCursor(self._document)
        cursor.setPosition(position)
        cursor.insertBlock(same_direction)
        self.breaks.add(position)
