"""A scroll area for the rows whose bar lives in the margin and is seen only when there is something to scroll."""

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QScrollBar, QSizePolicy, QStyle, QStyleOptionSlider, QWidget

from gui.theme import Theme
from gui.views.probability.rows import Rows
from gui.views.probability.style import GUTTER, Paints


class ThinScrollBar(QScrollBar):
    """A vertical bar GUTTER px wide that keeps its place when it has nothing to do, so that columns never shift."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._paints = Paints(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._paints = Paints(theme)
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the gutter."""
        return QSize(GUTTER, 40)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the handle where the style puts it, or nothing."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._paints.window)
        if self.maximum() > self.minimum():
            option = QStyleOptionSlider()
            self.initStyleOption(option)
            handle = self.style().subControlRect(
                QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, self
            )
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._paints.muted)
            painter.setOpacity(0.7)
            painter.drawRoundedRect(QRectF(2, handle.top() + 1, 4, handle.height() - 2), 2, 2)
        painter.end()


class RowsScroll(QScrollArea):
    """Shows as many rows as there is room for, and never scrolls sideways."""

    def __init__(self, rows: Rows, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = rows
        self._is_held = False
        self._bar = ThinScrollBar(theme)
        self.setVerticalScrollBar(self._bar)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setWidgetResizable(True)
        self.setWidget(rows)
        rows.row_reached.connect(self._on_row_reached)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._bar.set_theme(theme)
        self._rows.set_theme(theme)

    def set_held(self, is_held: bool) -> None:
        """A held step is scrolled to its current row; going live again goes back to the likeliest tokens."""
        if is_held:
            self._on_row_reached(self._rows.current_row)
        elif self._is_held:
            self._bar.setValue(0)
        self._is_held = is_held

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The current row of a held step stays in view."""
        super().resizeEvent(event)
        if self._is_held:
            self._on_row_reached(self._rows.current_row)

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002  Qt's name
        """Leave the rows where they are: QScrollArea would scroll to the middle of a child that is higher than itself."""
        return QFrame.focusNextPrevChild(self, next)

    @Slot(int)
    def _on_row_reached(self, row: int) -> None:
        rect = self._rows.row_rect(row)
        self.ensureVisible(0, rect.center().y(), 0, rect.height() // 2 + 1)
