"""Two draws, one above the other: as it was, and as it would have been; one needle, because u is the same."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme
from gui.views.probability.segments import Piece, SegmentPainter
from gui.views.probability.style import GUTTER, MARGIN, PaintedWidget
from gui.views.probability.words import chosen_bytes
from inference.types import StepTrace

_BAR_HEIGHT = 17
_GAP = 6
_NEEDLE_OVER = 3  # px; by how much the needle is longer than the bars
_TIP = 5


class DrawPair(PaintedWidget):
    """The draw really made above the one under other settings; the lower bar is an outline where there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._used: StepTrace | None = None
        self._what_if: StepTrace | None = None
        self._note = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("The draw, as used and what if"))
        self.restyle()

    def set_draws(self, used: StepTrace | None, what_if: StepTrace | None, note: str) -> None:
        """Show two draws; `note` stands in the lower bar's place where there is no `what_if`."""
        self._used, self._what_if, self._note = used, what_if, note
        self.update()

    def restyle(self) -> None:
        """Names are measured again."""
        self._segments = SegmentPainter(self.fonts, self.paints)

    def sizeHint(self) -> QSize:
        """Two bars, and the needle's value under them."""
        return QSize(300, _NEEDLE_OVER + 2 * _BAR_HEIGHT + _GAP + _TIP + self.fonts.small.height + 3)

    def bar_rect(self, place: int) -> QRectF:
        """Where the upper (0) or the lower (1) bar is."""
        small = self.fonts.small
        left = MARGIN + round(max(small.width(self.tr("as used")), small.width(self.tr("what if")))) + 10
        return QRectF(left, _NEEDLE_OVER + place * (_BAR_HEIGHT + _GAP), self.width() - MARGIN + GUTTER - left, _BAR_HEIGHT)

    def needle_u(self) -> float:
        """The draw that both have in common; NaN where neither drew."""
        draws = [trace.draw_u for trace in (self._used, self._what_if) if trace is not None and not math.isnan(trace.draw_u)]
        return draws[0] if draws else math.nan

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bars, then the needle across those that were drawn from."""
        if self._used is None:
            return
        painter = QPainter(self)
        self._paint_bar(painter, 0, self._used, self.tr("as used"))
        self._paint_bar(painter, 1, self._what_if, self.tr("what if"))
        if not math.isnan(self.needle_u()):
            self._paint_needle(painter, self.needle_u())
        painter.end()

    def _paint_bar(self, painter: QPainter, place: int, trace: StepTrace | None, name: str) -> None:
        bar, small = self.bar_rect(place), self.fonts.small
        baseline = bar.top() + (bar.height() - small.height) / 2 + small.ascent
        painter.setFont(small.font)
        painter.setPen(self.paints.text if trace is not None else self.paints.muted)
        small.draw(painter, MARGIN, baseline, name)
        if trace is not None:
            needle = None if math.isnan(trace.draw_u) else bar.left() + trace.draw_u * bar.width()
            self._segments.paint(painter, bar, _pieces(trace), needle)
            return
        painter.setPen(QPen(self.paints.border, 1.0, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setPen(self.paints.muted)
        small.draw(
            painter, bar.left() + 6, baseline, small.metrics.elidedText(self._note, Qt.TextElideMode.ElideRight, bar.width() - 12)
        )

    def _paint_needle(self, painter: QPainter, u: float) -> None:
        """A line with a light edge, so that it is seen on every colour; only through bars that were drawn from."""
        drawn = [
            self.bar_rect(place)
            for place, trace in enumerate((self._used, self._what_if))
            if trace is not None and not math.isnan(trace.draw_u)
        ]
        bar = self.bar_rect(0)
        x = bar.left() + u * bar.width()
        top, bottom = drawn[0].top(), drawn[-1].bottom()
        painter.fillRect(QRectF(x - 2, top, 4, bottom - top), self.paints.window)
        painter.fillRect(QRectF(x - 1, top - _NEEDLE_OVER, 2, bottom - top + 2 * _NEEDLE_OVER), self.paints.text)
        base = self.bar_rect(1).bottom() + 1
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.paints.text)
        painter.drawPolygon(QPolygonF([QPointF(x - 4, base + _TIP), QPointF(x + 4, base + _TIP), QPointF(x, base)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        text = f"u = {u:.4f}"
        small = self.fonts.small
        width = small.metrics.horizontalAdvance(text)
        painter.setFont(small.font)
        painter.setPen(self.paints.text)
        left = min(max(x - width / 2, bar.left()), bar.right() - width)
        painter.drawText(QPointF(left, base + _TIP + small.ascent), text)


def _pieces(trace: StepTrace) -> list[Piece]:
    """The line of the draw: the first tokens in drawing order, then the others; the chosen one's interval wherever it lies."""
    pieces, low = [], 0.0
    for place, (token_id, data, high) in enumerate(
        zip(trace.strip_ids, trace.strip_bytes, trace.strip_ends.tolist(), strict=True)
    ):
        is_chosen = token_id == trace.chosen_id and trace.chosen_sampling_prob > 0
        pieces.append(Piece(low, high, place, token_id, data, is_chosen))
        low = high
    if low < 1.0 - 1e-9:
        pieces.append(Piece(low, 1.0, -1))
    if not math.isnan(trace.draw_u) and trace.chosen_id not in trace.strip_ids:
        pieces.append(Piece(trace.draw_low, trace.draw_high, 0, trace.chosen_id, chosen_bytes(trace), True))
    return pieces
