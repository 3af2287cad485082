"""The text of one message as the reader uses it: clicks and hovers on characters, and the keys."""

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from gui.models.message import ChatMessage
from gui.theme import Theme
from gui.views.transcript.marked_text import MAX_MARKED_FINDS, MarkedText
from gui.views.transcript.token_paint import TokenPaint

CARET_WIDTH = 1


class TokenText(MarkedText):
    """Text whose characters can be clicked; selecting by mouse and keyboard works as ever. `token_paint` is how its tokens look.

    Emits `clicked` (position) for a click that selects nothing, `hovered` (position, -1 for none), `dragged` (place on
    the screen) while the mouse selects, `caret_moved` after a key, `stepped` (+1 or -1) for an arrow key while a token is held.
    """

    clicked = Signal(int)
    hovered = Signal(int)
    dragged = Signal(QPoint)
    caret_moved = Signal()
    stepped = Signal(int)

    def __init__(self, message: ChatMessage, theme: Theme, parent: QWidget):
        self.token_paint = TokenPaint(message, theme)
        super().__init__(theme, parent)
        self._press: QPoint | None = None
        self.is_stepping = False  # whether the arrow keys step from token to token
        self.viewport().setMouseTracking(True)

    def set_theme(self, theme: Theme, text_color: str) -> None:
        """Use the theme's colours, and this one for the text."""
        self.token_paint.set_theme(theme)
        super().set_theme(theme, text_color)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The tint behind the text, and what must be seen over it."""
        paint = self.token_paint
        lines = self.seen_lines(event.rect()) if paint.is_tinted or paint.has_given else []
        if paint.is_tinted:
            paint.paint_tint(QPainter(self.viewport()), lines)
        super().paintEvent(event)
        if paint.has_given:
            paint.paint_given(QPainter(self.viewport()), lines)
        if paint.is_tinted and self.marks.found:
            paint.paint_frames(QPainter(self.viewport()), lines, self.marks.found[:MAX_MARKED_FINDS])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click may begin."""
        plain = event.button() == Qt.MouseButton.LeftButton and event.modifiers() == Qt.KeyboardModifier.NoModifier
        self._press = event.position().toPoint() if plain else None
        self.setCursorWidth(0)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click selects a word; it is no second click."""
        self._press = None
        super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse, or how far a selection is being dragged."""
        super().mouseMoveEvent(event)
        point = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(event.globalPosition().toPoint())
        else:
            self.hovered.emit(self.position_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click that neither dragged nor selected is a click on a character."""
        super().mouseReleaseEvent(event)
        press, self._press = self._press, None
        if press is None or self.textCursor().hasSelection():
            return
        point = event.position().toPoint()
        if (point - press).manhattanLength() < QApplication.startDragDistance():
            position = self.position_at(point)
            if position >= 0:
                self.clicked.emit(position)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self.hovered.emit(-1)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel scrolls the conversation."""
        event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The caret shows only to a reader who uses the keyboard."""
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.setCursorWidth(CARET_WIDTH)
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys move and select; Enter is a click at the caret; the page keys scroll the conversation."""
        pages = (QKeySequence.StandardKey.MoveToNextPage, QKeySequence.StandardKey.MoveToPreviousPage)
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if any(event.matches(page) for page in pages):
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit(self.caret_position())
        elif self.is_stepping and event.key() in steps and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.stepped.emit(steps[event.key()])
        else:
            self.setCursorWidth(CARET_WIDTH)
            super().keyPressEvent(event)
            self.caret_moved.emit()
