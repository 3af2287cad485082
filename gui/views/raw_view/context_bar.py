"""How much of the context is used: a bar up to the limit, and the numbers."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme

BAR_HEIGHT = 8
GAP = 6
NEARLY_FULL = 0.9
TICK = 14  # the mark at the limit is this high


class ContextBar(QWidget):
    """A line of numbers over a bar. A limit of 0 means that it is not known: then there is no bar."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._used, self._limit, self._forgotten = 0, 0, 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Context in use"))
        self.set_tokens(0, 0, 0)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.update()

    def set_tokens(self, used: int, limit: int, forgotten: int) -> None:
        """Tokens in the context, how many it can hold, and how many of the conversation fell out of it."""
        self._used, self._limit, self._forgotten = used, limit, forgotten
        text = " · ".join(filter(None, self.texts()))
        self.setAccessibleDescription(text)
        self.setToolTip(text)
        self.update()

    def texts(self) -> tuple[str, str]:
        """What stands over the bar, at the left and at the right."""
        if not self._limit:
            return self.tr("{used} tokens in the context").format(used=f"{self._used:,}"), ""
        left = self.tr("{used} of {limit} tokens of the context used").format(used=f"{self._used:,}", limit=f"{self._limit:,}")
        if self._forgotten:
            left += " · " + self.tr("{count} fell out").format(count=f"{self._forgotten:,}")
        room = max(self._limit - self._used, 0)
        right = self.tr("room for {room} more").format(room=f"{room:,}") if room else self.tr("full")
        return left, right

    def sizeHint(self) -> QSize:
        """A line of text and the bar with its mark."""
        return QSize(300, self.fontMetrics().height() + GAP + TICK)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Numbers, bar, and a mark where the context ends."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, right = self.texts()
        line = self.rect()
        line.setHeight(self.fontMetrics().height())
        painter.setPen(QColor(self._theme.text))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, left)
        if self.fontMetrics().horizontalAdvance(left + right) + 2 * GAP > self.width():
            right = ""
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        if self._limit:
            self._paint_bar(painter, line.bottom() + GAP)
        painter.end()

    def _paint_bar(self, painter: QPainter, top: int) -> None:
        bar = QRectF(0, top + (TICK - BAR_HEIGHT) / 2, self.width() - 2, BAR_HEIGHT)
        share = min(self._used / self._limit, 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.border))
        painter.drawRoundedRect(bar, 4, 4)
        if share:
            painter.setBrush(QColor(self._theme.warning if share > NEARLY_FULL else self._theme.accent))
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(share * bar.width(), BAR_HEIGHT), BAR_HEIGHT), 4, 4)
        painter.fillRect(QRectF(self.width() - 2, top, 2, TICK), QColor(self._theme.text))
