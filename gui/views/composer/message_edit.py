"""A plain text field that grows with its text; Enter is announced, and breaks no line."""

from math import ceil

from PySide6.QtCore import QMimeData, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QResizeEvent, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

MAX_LINES = 8
SLACK = 2  # px below the last line
# Qt looks for word borders from the start of a word again for every line: a word of 100,000 characters takes 0.4 s.
LONG_LINE = 10_000


class MessageEdit(QPlainTextEdit):
    """A plain text field as high as its text, up to MAX_LINES lines.

    Emits `entered` for Enter, `recalled` for the up arrow in an empty field, `focus_changed`.
    """

    entered = Signal()
    recalled = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._preedit = ""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(2)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.1)
        self.setFont(font)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @property
    def is_composing(self) -> bool:
        """Whether an input method is in the middle of a character."""
        return bool(self._preedit)

    def text(self) -> str:
        """The text with "\\n" between lines; unlike toPlainText it keeps no-break spaces."""
        return self.document().toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    def set_text(self, text: str) -> None:
        """Replace the text; undo brings the old one back."""
        self._choose_wrapping(text)
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste or drop as plain text, whatever it was."""
        if source.hasText():
            self._choose_wrapping(source.text())
            self.textCursor().insertText(source.text())
            self.ensureCursorVisible()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Anything that has a text."""
        return source.hasText()

    def _choose_wrapping(self, text: str) -> None:
        """Lines that would take seconds to wrap between words wrap anywhere."""
        if any(len(line) > LONG_LINE for line in text.split("\n")):
            self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        elif self.document().characterCount() < LONG_LINE:
            self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

    @Slot()
    def _fit(self) -> None:
        """As high as the text, up to the limit."""
        lines, height = self._shown_lines()
        margins = 2 * self.document().documentMargin()
        self.setFixedHeight(ceil(height + margins) + SLACK)
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines == MAX_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )

    def _shown_lines(self) -> tuple[int, float]:
        """Lines as they are wrapped, from 1 to MAX_LINES, and their height in px: a fallback font's are higher."""
        lines, height, block = 0, 0.0, self.document().firstBlock()
        while block.isValid() and lines < MAX_LINES:
            self.document().documentLayout().blockBoundingRect(block)  # wraps it if it is not
            taken = min(block.layout().lineCount(), MAX_LINES - lines)
            height += sum(block.layout().lineAt(line).height() for line in range(taken))
            lines += taken
            block = block.next()
        return (lines, height) if lines else (1, self.fontMetrics().lineSpacing())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width wraps into other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember whether a character is being composed."""
        self._preedit = event.preeditString()
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter sends, Shift+Enter breaks the line; an input method's Enter does neither."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and self.is_composing:
            event.accept()
        elif is_enter and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            if not event.isAutoRepeat():
                self.entered.emit()
        elif is_enter:
            self.textCursor().insertText("\n")
            self.ensureCursorVisible()
        elif event.key() == Qt.Key.Key_Up and self.document().isEmpty():
            self.recalled.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The frame around shows the focus."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The frame around shows the focus."""
        super().focusOutEvent(event)
        self.focus_changed.emit()
