"""The read-only text of one message: it wraps, can be selected and copied, and marks tokens."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, QRectF, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextLine,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from gui.models.utf16 import utf16_slice
from gui.theme import Theme
from gui.views.transcript.lines import SeenLine, seen_lines
from gui.views.transcript.paragraphs import Paragraphs
from gui.views.transcript.style import blend

LINE_HEIGHT = 1.55  # of the font's size in pixels
TAB_SPACES = 4
MAX_MARKED_FINDS = 500


@dataclass(frozen=True, slots=True)
class Marks:
    """What is marked in a text, as (start, end) in UTF-16 units. `badge` stands at a position where no text can be marked."""

    held: tuple[int, int] | None = None
    badge: tuple[int, str] | None = None
    hovered: tuple[int, int] | None = None
    found: tuple[tuple[int, int], ...] = ()
    found_now: tuple[int, int] | None = None


class MarkedText(QTextEdit):
    """Plain text, all of it visible: its height is the document's. Positions are UTF-16 units of the text."""

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self._text = ""
        self._marks = Marks()
        self._has_end_caret = False
        self._configure()
        self._paragraphs = Paragraphs(self.document(), round(LINE_HEIGHT * self.fontInfo().pixelSize()))
        self.set_theme(theme, theme.text)

    def _configure(self) -> None:
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the message shows one that knows its text
        self.setCursorWidth(0)
        self.document().setDocumentMargin(0)
        self.viewport().setAutoFillBackground(False)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.1)
        self.setFont(font)
        self.setTabStopDistance(TAB_SPACES * QFontMetricsF(font).horizontalAdvance(" "))

    # -- text ----------------------------------------------------------------------------------------------------------

    def set_text(self, text: str, width: int) -> None:
        """Show other text, wrapped at `width` pixels."""
        self._text = text
        self.resize(width, self.height())  # or Qt wraps the document at the widget's old width as soon as it is shown
        self.document().setTextWidth(width)
        self._paragraphs.set_text(text)
        self._select(0, 0)

    def append_text(self, text: str) -> None:
        """Add text at the end; what is selected stays selected."""
        self._text += text
        anchor, position = self.textCursor().anchor(), self.textCursor().position()
        layout, top = self.document().documentLayout(), self._top_of_last_lines()
        layout.blockSignals(True)  # or Qt paints the whole paragraph anew: no line but the last ones changes
        self._paragraphs.append(text)
        layout.blockSignals(False)
        self.viewport().update(0, top, self.viewport().width(), self.viewport().height() - top)
        self._select(anchor, position)  # Qt lets a selection grow that ends where text is inserted

    def _top_of_last_lines(self) -> int:
        """Where the last line but one of the last paragraph begins: signs in the last one may rise into it."""
        block = self.document().lastBlock()
        top, lines = self.document().documentLayout().blockBoundingRect(block).top(), block.layout()
        return math.floor(top + lines.lineAt(lines.lineCount() - 2).y() if lines.lineCount() > 2 else top)

    def _select(self, anchor: int, position: int) -> None:
        cursor = self.textCursor()
        if (cursor.anchor(), cursor.position()) != (anchor, position):
            cursor.setPosition(anchor)
            cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
            self.setTextCursor(cursor)

    def fit(self, width: int) -> int:
        """The height of the text wrapped at `width`."""
        document = self.document()
        if document.textWidth() != width:
            document.setTextWidth(width)
            if len(self._paragraphs.breaks):
                self._break_again()
        document.documentLayout().blockBoundingRect(document.lastBlock())  # a long text is laid out lazily
        return math.ceil(document.size().height())

    def _break_again(self) -> None:
        """The lines wrap elsewhere now: so do the paragraphs that were broken at a line's end."""
        start, end = self.selection()
        is_backward = self.textCursor().position() < self.textCursor().anchor()
        self._paragraphs.set_text(self._text)
        self.setTextCursor(self._paragraphs.cursor(end, start) if is_backward else self._paragraphs.cursor(start, end))
        self._show_marks()

    # -- selection -----------------------------------------------------------------------------------------------------

    def selection(self) -> tuple[int, int]:
        """Start and end of the selected text; the same where nothing is selected."""
        cursor, breaks = self.textCursor(), self._paragraphs.breaks
        return breaks.to_text(cursor.selectionStart()), breaks.to_text(cursor.selectionEnd())

    def selected_text(self) -> str:
        """The selected part of the text, exactly."""
        return utf16_slice(self._text, *self.selection())

    def select(self, start: int, end: int) -> None:
        """Select this part of the text and take the keyboard."""
        self._select(self._paragraphs.breaks.to_document(start), self._paragraphs.breaks.to_document(end))
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def select_to(self, point: QPoint) -> None:
        """Extend the selection to the character nearest to a point."""
        cursor = self.textCursor()
        cursor.setPosition(self.cursorForPosition(point).position(), QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    def clear_selection(self) -> None:
        """Select nothing."""
        cursor = self.textCursor()
        if cursor.hasSelection():
            cursor.clearSelection()
            self.setTextCursor(cursor)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied or dragged: the text itself, no formats."""
        data = QMimeData()
        data.setText(self.selected_text())
        return data

    def loadResource(self, _kind: int, _name: QUrl) -> object:
        """Nothing: text never loads anything."""
        return None

    # -- marks ---------------------------------------------------------------------------------------------------------

    @property
    def marks(self) -> Marks:
        """What is marked now."""
        return self._marks

    def set_marks(self, marks: Marks) -> None:
        """Mark these parts of the text and nothing else."""
        if marks != self._marks:
            self._marks = marks
            self._show_marks()

    def set_end_caret(self, shown: bool) -> None:
        """Show or hide the mark at the end that says more text is coming."""
        if shown != self._has_end_caret:
            self._has_end_caret = shown
            self.viewport().update()

    def set_theme(self, theme: Theme, text_color: str) -> None:
        """Use the theme's colours, and this one for the text."""
        self._theme = theme
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, QColor(text_color))
        palette.setColor(QPalette.ColorRole.Base, QColor(Qt.GlobalColor.transparent))
        palette.setColor(QPalette.ColorRole.Highlight, QColor(theme.accent))
        palette.setColor(QPalette.ColorRole.HighlightedText, QColor(theme.on_accent))
        self.setPalette(palette)
        self._show_marks()

    def _show_marks(self) -> None:
        marks, theme = self._marks, self._theme
        found = self._tint(theme.warning, 0.3, theme.text)
        selections = [self._mark(span, found) for span in marks.found[:MAX_MARKED_FINDS]]
        if marks.found_now:
            selections.append(self._mark(marks.found_now, self._tint(theme.warning, 1.0, theme.on_accent)))
        if marks.hovered:
            selections.append(self._mark(marks.hovered, self._underline(theme.accent)))
        if marks.held:
            held = self._tint(theme.accent, 0.28, theme.text)
            held.merge(self._underline(theme.accent))
            selections.append(self._mark(marks.held, held))
        self.setExtraSelections(selections)
        self.viewport().update()

    def _mark(self, span: tuple[int, int], look: QTextCharFormat) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        selection.cursor = self._paragraphs.cursor(*span)
        selection.format = look
        return selection

    def _tint(self, color: str, strength: float, text: str) -> QTextCharFormat:
        look = QTextCharFormat()
        look.setForeground(QColor(text))
        look.setBackground(blend(color, self._theme.window, strength))
        return look

    def _underline(self, color: str) -> QTextCharFormat:
        look = QTextCharFormat()
        look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        look.setUnderlineColor(QColor(color))
        return look

    # -- places --------------------------------------------------------------------------------------------------------

    def position_at(self, point: QPoint) -> int:
        """Position of the character under a point; -1 beside the text."""
        layout = self.document().documentLayout()
        block = self.document().findBlock(layout.hitTest(QPointF(point), Qt.HitTestAccuracy.FuzzyHit))
        inside = QPointF(point) - layout.blockBoundingRect(block).topLeft()
        lines = [block.layout().lineAt(index) for index in range(block.layout().lineCount())]
        line = next((line for line in reversed(lines) if line.y() <= inside.y()), None)  # the gap below belongs to it
        if line is None or not line.naturalTextRect().left() <= inside.x() < line.naturalTextRect().right():
            return -1
        offset = line.xToCursor(inside.x(), QTextLine.CursorPosition.CursorOnCharacter)
        return self._paragraphs.breaks.to_text(block.position() + offset)

    def rect_of(self, start: int, end: int) -> QRect:
        """Where the text from `start` to `end` is, whole lines."""
        first = self.cursorRect(self._paragraphs.cursor(start, start))
        return first.united(self.cursorRect(self._paragraphs.cursor(end, end)))

    def caret_position(self) -> int:
        """Where the caret is in the text."""
        return self._paragraphs.breaks.to_text(self.textCursor().position())

    def caret_rect(self) -> QRect:
        """Where the caret is in this widget."""
        return self.cursorRect()

    def seen_lines(self, area: QRect) -> list[SeenLine]:
        """The lines that have a part in this area."""
        return list(seen_lines(self.document(), self._paragraphs.breaks, area.top(), area.bottom()))

    def _end_caret(self) -> QRect:
        end = self.document().characterCount() - 1
        cursor = self.textCursor()
        cursor.setPosition(end)
        place = self.cursorRect(cursor)
        size = self.fontInfo().pixelSize()
        height = round(size * 1.1)
        return QRect(place.left() + 2, place.bottom() - height, max(3, size // 2), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, then the mark at its end and the badge of a token that has no text to mark."""
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._has_end_caret:
            painter.fillRect(self._end_caret(), QColor(self._theme.accent))
        if self._marks.badge:
            self._paint_badge(painter, *self._marks.badge)

    def _paint_badge(self, painter: QPainter, position: int, sign: str) -> None:
        place = self.cursorRect(self._paragraphs.cursor(position, position))
        size = self.fontInfo().pixelSize()
        left = min(place.left() + 2, self.viewport().width() - size - 2)
        badge = QRectF(left + 0.5, place.top() + 1.5, size + 1, place.height() - 3)  # sharp lines of one pixel
        painter.setPen(QColor(self._theme.accent))
        painter.setBrush(blend(self._theme.accent, self._theme.window, 0.28))
        painter.drawRoundedRect(badge, 3, 3)
        painter.setPen(QColor(self._theme.text))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, sign)
