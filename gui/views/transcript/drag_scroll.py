"""Scrolls while a selection is dragged beyond the edge, for as long as the mouse stays there."""

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QScrollArea

from gui.views.transcript.marked_text import MarkedText

TICK_MS = 30
SPEED = 0.3  # pixels a tick for every pixel beyond the edge


class DragScroll(QObject):
    """Moves one scroll area; told of every move of the mouse while it selects."""

    def __init__(self, area: QScrollArea):
        super().__init__(area)
        self._area = area
        self._text: MarkedText | None = None
        self._mouse = QPoint()
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._on_tick)

    def follow(self, text: MarkedText, mouse: QPoint) -> None:
        """The mouse selects in `text` and is at this place of the screen."""
        self._text, self._mouse = text, mouse
        if self._beyond() and not self._timer.isActive():
            self._timer.start()

    def stop(self) -> None:
        """Let go of the text."""
        self._timer.stop()
        self._text = None

    def _beyond(self) -> int:
        """Pixels above (negative) or below the visible part; 0 inside."""
        y, height = self._area.viewport().mapFromGlobal(self._mouse).y(), self._area.viewport().height()
        return y if y < 0 else max(0, y - height)

    @Slot()
    def _on_tick(self) -> None:
        beyond = self._beyond()
        if not beyond or self._text is None or not QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self.stop()
            return
        bar = self._area.verticalScrollBar()
        bar.setValue(bar.value() + round(SPEED * beyond) + (1 if beyond > 0 else -1))
        self._text.select_to(self._text.viewport().mapFromGlobal(self._mouse))
