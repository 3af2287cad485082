"""A line that says what can be done here, in as many words as fit."""

from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.probability.face import fitting
from gui.views.probability.style import PaintedWidget


class HintLine(PaintedWidget):
    """Shows the first of several wordings that fits; the longest is in the tooltip and read out."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._wordings: tuple[str, ...] = ("",)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(self.tr("What can be done here"))

    def set_wordings(self, *wordings: str) -> None:
        """The same hint in falling length; plain text."""
        if wordings != self._wordings:
            self._wordings = wordings
            self.setAccessibleDescription(wordings[0])
            self.setToolTip(tooltip(wordings[0]) if wordings[0] else "")
            self.update()

    def text(self) -> str:
        """The wording that fits."""
        return fitting(self._wordings, self.fonts.small, self.width())

    def sizeHint(self) -> QSize:
        """One line of small text; the width is what is left."""
        return QSize(40, self.fonts.small.height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the wording that fits."""
        painter = QPainter(self)
        small = self.fonts.small
        painter.setFont(small.font)
        painter.setPen(self.paints.muted)
        painter.drawText(QPointF(0, (self.height() - small.height) / 2 + small.ascent), self.text())
        painter.end()
