"""What stands around a message: the box of the reader's own words, and the line that parts what the model no longer sees."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui.theme import Theme
from gui.views.transcript.style import scaled_font

INSET = 16  # from the edge of the column to the text
ROW_GAP = 12  # below every message
DIVIDER = 36
RADIUS = 10
NOTE_SIZE = 0.95  # of the small lines, of the widget's own


class MessageFrame(QWidget):
    """Paints box and divider; `top` is where the contents may begin."""

    def __init__(self, has_box: bool, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self._has_box = has_box
        self._has_divider = False
        self._theme = theme

    def set_divider(self, shown: bool) -> None:
        """Show or hide the line above that says: from here on the model sees the conversation."""
        self._has_divider = shown

    @property
    def top(self) -> int:
        """Height of what is above the message."""
        return DIVIDER if self._has_divider else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box around the user's messages, and the divider."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._has_divider:
            self._paint_divider(painter)
        if self._has_box:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.raised))
            painter.drawRoundedRect(QRectF(0, self.top, self.width(), self.height() - self.top - ROW_GAP), RADIUS, RADIUS)

    def _paint_divider(self, painter: QPainter) -> None:
        text = self.tr("The model sees the conversation from here on")
        painter.setFont(scaled_font(self, NOTE_SIZE))
        middle = (DIVIDER - ROW_GAP) // 2
        width = painter.fontMetrics().horizontalAdvance(text)
        left = (self.width() - width) // 2
        painter.setPen(QColor(self._theme.border))
        painter.drawLine(0, middle, left - INSET, middle)
        painter.drawLine(left + width + INSET, middle, self.width(), middle)
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(QRect(0, 0, self.width(), 2 * middle), Qt.AlignmentFlag.AlignCenter, text)
