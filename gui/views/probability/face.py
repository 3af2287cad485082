"""A font ready to paint with: its measures, and the layout of strings that come again and again."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QStaticText, QTransform

_TEXTS_KEPT = 2048


class Face:
    """One font. Sizes are in px.

    A string painted with `draw` is laid out once and remembered: that halves the cost of painting it again. What
    changes with every token is better painted with QPainter.drawText.
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.metrics = QFontMetricsF(font)
        self.ascent = self.metrics.ascent()
        self.height = round(self.metrics.height())
        self._texts: dict[str, tuple[QStaticText | None, float]] = {}

    def width(self, text: str) -> float:
        """The width of a string."""
        return self._text(text)[1]

    def draw(self, painter: QPainter, left: float, baseline: float, text: str) -> None:
        """Paint a string that starts at `left`; the painter's font must be this one."""
        static = self._text(text)[0]
        if static is None:
            painter.drawText(QPointF(left, baseline), text)
        else:
            painter.drawStaticText(QPointF(left, baseline - self.ascent), static)

    def draw_to(self, painter: QPainter, right: float, baseline: float, text: str) -> None:
        """Paint a string that ends at `right`; the painter's font must be this one."""
        self.draw(painter, right - self.width(text), baseline, text)

    def _text(self, text: str) -> tuple[QStaticText | None, float]:
        known = self._texts.get(text)
        if known is None:
            if len(self._texts) >= _TEXTS_KEPT:
                self._texts.clear()
            known = self._texts[text] = (self._laid_out(text), self.metrics.horizontalAdvance(text))
        return known

    def _laid_out(self, text: str) -> QStaticText | None:
        """The string's layout; None where letters of a higher fallback font would move its baseline."""
        static = QStaticText(text)
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        static.prepare(QTransform(), self.font)
        return static if abs(static.size().height() - self.metrics.height()) < 0.5 else None


def fitting(wordings: Sequence[str], face: Face, width: float) -> str:
    """The first of several wordings, in falling length, that fits into `width` px; the last one elided if none does."""
    fits = (text for text in wordings if face.metrics.horizontalAdvance(text) <= width)
    return next(fits, "") or face.metrics.elidedText(wordings[-1], Qt.TextElideMode.ElideRight, width)
