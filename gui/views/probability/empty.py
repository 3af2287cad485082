"""What the panel shows when there is no trace: a faint picture of what will come, and why it is not there yet."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme
from gui.views.probability.keys import token_steps
from gui.views.probability.style import PaintedWidget

_GHOST_BARS = (0.62, 0.34, 0.2, 0.11, 0.06)
_GHOST_WIDTH = 150.0
_GHOST_PITCH = 14


class EmptyView(PaintedWidget):
    """A sentence under five faint bars. The arrow keys go on working, so that one can walk past a missing trace."""

    step_by = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._text = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._text

    def set_text(self, text: str) -> None:
        """Say why there is nothing to show; plain text."""
        self._text = text
        self.setAccessibleName(text)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the tokens of the text."""
        if steps := token_steps(event):
            self.step_by.emit(steps)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bars and sentence as one group, a little above the middle."""
        painter = QPainter(self)
        text_width = min(self.width() - 48, 300)
        flags = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter)
        bounds = self.fonts.text.metrics.boundingRect(QRectF(0, 0, text_width, 1000), flags, self._text)
        ghost_height = len(_GHOST_BARS) * _GHOST_PITCH
        top = max((self.height() - ghost_height - 14 - bounds.height()) * 0.42, 0)
        left = (self.width() - _GHOST_WIDTH) / 2
        for place, share in enumerate(_GHOST_BARS):
            bar = QRectF(left, round(top) + place * _GHOST_PITCH, share * _GHOST_WIDTH, 7)
            painter.fillRect(bar, self.paints.border)
        painter.setPen(self.paints.muted)
        painter.setFont(self.fonts.text.font)
        area = QRectF((self.width() - text_width) / 2, top + ghost_height + 14, text_width, bounds.height())
        painter.drawText(area, flags, self._text)
        painter.end()
