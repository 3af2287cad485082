"""The strip under a message: how surprised the model was by each of its tokens."""

import math

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.models.message import ChatMessage, TokenRecord
from gui.models.tint import MAX_SURPRISE_BITS
from gui.theme import Theme
from gui.views.transcript.bins import NOTHING, Bins
from gui.views.transcript.style import blend

HEIGHT = 20
WIDEST_BAR = 5.0  # with the gap to the next one, px
GAPS_FROM = 3.0  # narrower bars have no gap
NARROWEST_MARK = 3.0
REPAINT_MS = 250  # while tokens stream


class SurpriseStrip(QWidget):
    """A bar for every token, or for a few neighbours where there are more than pixels: then the highest of them.

    Its height is the surprise, whole at MAX_SURPRISE_BITS. Emits `clicked` (token) and `hovered` (token, -1 for none).
    """

    clicked = Signal(int)
    hovered = Signal(int)

    def __init__(self, message: ChatMessage, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self._message = message
        self._theme = theme
        self._bins = Bins(1)
        self._known, self._sum = 0, 0.0  # tokens with a surprise, and the sum of those that are finite
        self._bars: list[QRectF] | None = None  # as they are painted; None: to be made anew
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(REPAINT_MS)
        self._later.timeout.connect(self._show_bars)
        self._held: int | None = None
        self._hovered: int | None = None
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(self.tr("Surprise of every token"))
        self.rebuild()

    # -- contents ------------------------------------------------------------------------------------------------------

    @property
    def has_numbers(self) -> bool:
        """Whether there is a bar to show."""
        return self._known > 0

    def rebuild(self) -> None:
        """The numbers are others now."""
        self._bins = Bins(self.width())
        self._known, self._sum = 0, 0.0
        self.look_at_new()
        self._show_bars()

    def look_at_new(self) -> None:
        """Tokens were added; they are seen a moment later, so that a stream of them costs little."""
        tokens, size = self._message.tokens, self._bins.size
        for index in range(self._bins.count, len(tokens)):
            surprise = _surprise(tokens[index])
            self._bins.add(surprise)
            if surprise is not None:
                self._known += 1
                self._sum += surprise if math.isfinite(surprise) else 0.0
        if self._bins.size != size:
            self._show_bars()
        elif not self._later.isActive():
            self._later.start()

    @Slot()
    def _show_bars(self) -> None:
        self._bars = None
        self.update()

    def describe(self) -> None:
        """Tell screen readers what is to be seen."""
        if not self._known:
            self.setAccessibleDescription("")
            return
        mean = self._sum / self._known
        text = self.tr("{count} tokens, on average {mean} bits, at most {most} bits. The arrow keys walk from token to token.")
        most = max(self._bins.highest)
        self.setAccessibleDescription(text.format(count=f"{self._known:,}", mean=f"{mean:.1f}", most=f"{most:.1f}"))

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.update()

    def set_held(self, token: int | None) -> None:
        """Mark the token that the panel is held on."""
        if token != self._held:
            self._held = token
            self.update()

    def set_hovered(self, token: int | None) -> None:
        """Mark the token under the mouse, here or in the text."""
        if token != self._hovered:
            self._hovered = token
            self.update()

    # -- places --------------------------------------------------------------------------------------------------------

    @property
    def _pitch(self) -> float:
        return min(WIDEST_BAR, self.width() / max(1, len(self._bins.highest)))

    def token_at(self, x: float) -> int | None:
        """The most surprising token of the bar at `x`; None beside the bars and where none has numbers."""
        index = int((math.floor(x) + 0.5) / self._pitch) if x >= 0 else -1  # the middle of a pixel: bars are not narrower
        if not 0 <= index < len(self._bins.highest):
            return None
        found, highest = None, NOTHING
        for token in self._bins.values_of(index):
            surprise = _surprise(self._message.tokens[token])
            if surprise is not None and surprise > highest:
                found, highest = token, surprise
        return found

    def bar_of(self, token: int) -> QRectF:
        """Where the whole column of a token's bar is."""
        middle = (token // self._bins.size + 0.5) * self._pitch
        width = max(self._pitch, NARROWEST_MARK)
        left = middle - width / 2
        return QRectF(max(0.0, min(left, self.width() - width)), 0, width, self.height())

    # -- painting ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The marked columns, the bars, and the line they stand on."""
        super().paintEvent(event)
        painter = QPainter(self)
        if self._hovered is not None:
            painter.fillRect(self.bar_of(self._hovered), QColor(self._theme.border))
        if self._held is not None:
            painter.fillRect(self.bar_of(self._held), blend(self._theme.accent, self._theme.window, 0.28))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.chart))
        self._bars = self._bars or self._make_bars()
        painter.drawRects(self._bars)
        if self._held is not None:
            self._paint_held(painter, self.bar_of(self._held))

    def _make_bars(self) -> list[QRectF]:
        pitch, base = self._pitch, self.height() - 1
        width = pitch - 1 if pitch >= GAPS_FROM else pitch
        bars = [QRectF(0, base, len(self._bins.highest) * pitch, 1)]
        for index, surprise in enumerate(self._bins.highest):
            if surprise > 0:
                height = base * min(1.0, surprise / MAX_SURPRISE_BITS)
                bars.append(QRectF(index * pitch, base - height, width, height))
        return bars

    def _paint_held(self, painter: QPainter, column: QRectF) -> None:
        """The bar in the accent colour, and a frame that is seen without colours too."""
        surprise = _surprise(self._message.tokens[self._held])
        height = self.height() * min(1.0, (surprise or 0.0) / MAX_SURPRISE_BITS)
        painter.fillRect(column.adjusted(0, column.height() - height, 0, 0), QColor(self._theme.accent))
        painter.setPen(QColor(self._theme.accent))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(column.adjusted(0, 0, -1, -1))

    # -- events --------------------------------------------------------------------------------------------------------

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click goes to the token."""
        super().mouseReleaseEvent(event)
        token = self.token_at(event.position().x()) if self.rect().contains(event.position().toPoint()) else None
        if token is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(token)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Wait for the release."""
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say which token is under the mouse."""
        token = self.token_at(event.position().x())
        self.hovered.emit(-1 if token is None else token)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse any more."""
        super().leaveEvent(event)
        self.hovered.emit(-1)

    def point_of(self, token: int) -> QPoint:
        """A point on a token's bar."""
        return QPoint(int((token // self._bins.size + 0.5) * self._pitch), self.height() // 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width holds more or fewer bars."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.rebuild()


def _surprise(token: TokenRecord) -> float | None:
    numbers = token.numbers
    return None if numbers is None or math.isnan(numbers.surprise_bits) else numbers.surprise_bits
