"""The draw: one uniform number u falls on a line of length 1, cut into the sampling probabilities in drawing order."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.probability.labels import Labels
from gui.views.probability.style import MARGIN, PaintedWidget
from gui.views.probability.words import no_draw_reason
from inference.types import StepTrace

_STRIP_HEIGHT = 20
_MARKER_HEIGHT = 5  # of the triangles above and below the strip
_TITLE_GAP = 2
_LABEL_PAD = 4
_NARROWEST_LABEL = 14.0  # px; no token's text fits into less


class DrawStrip(PaintedWidget):
    """The segments, the chosen one in the accent colour under a triangle, and the needle at u with its value."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # spares the painting of all that lies under it
        self.restyle()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("The draw"))
        self.setToolTip(
            tooltip(
                self.tr(
                    "The draw. Every token that may be drawn owns a piece of the line from 0 to 1, as long as its sampling "
                    "probability, likeliest first. One number u, made from the seed and the position alone, falls on the line: "
                    "the token that owns the place is chosen."
                )
            )
        )

    def set_trace(self, trace: StepTrace) -> None:
        """Show the draw of a trace."""
        self._trace = trace
        self.update()

    def describe(self) -> None:
        """Tell accessibility about the draw."""
        trace = self._trace
        if trace is None:
            return
        text = no_draw_reason(trace)
        if not math.isnan(trace.draw_u):
            text = self.tr("u = {u:.4f}; the chosen token owns {low:.4f} to {high:.4f}").format(
                u=trace.draw_u, low=trace.draw_low, high=trace.draw_high
            )
        self.setAccessibleDescription(text)

    def restyle(self) -> None:
        """Labels are measured again."""
        self._labels = Labels(self.fonts)
        self._rest = QBrush(self.paints.segments[1], Qt.BrushStyle.BDiagPattern)

    def sizeHint(self) -> QSize:
        """A title, the strip, and the needle's value under it."""
        lines = self.fonts.text.height + self.fonts.small.height
        return QSize(300, lines + _TITLE_GAP + 2 * _MARKER_HEIGHT + _STRIP_HEIGHT + 4)

    def strip_rect(self) -> QRectF:
        """Where the line from 0 to 1 is drawn, in this widget's coordinates."""
        top = self.fonts.text.height + _TITLE_GAP + _MARKER_HEIGHT + 1
        return QRectF(MARGIN, top, self.width() - 2 * MARGIN, _STRIP_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint title, segments, needle."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.paints.window)
        if self._trace is None:
            painter.end()
            return
        self._paint_title(painter, self._trace)
        self._paint_segments(painter, self._trace)
        needle = self.needle_x()
        if needle is None:
            self._paint_reason(painter, self._trace)
        else:
            self._paint_needle(painter, needle, self._trace.draw_u)
        painter.end()

    def _paint_title(self, painter: QPainter, trace: StepTrace) -> None:
        strong, small = self.fonts.strong, self.fonts.small
        title = self.tr("The draw")
        painter.setFont(strong.font)
        painter.setPen(self.paints.text)
        strong.draw(painter, MARGIN, strong.ascent, title)
        painter.setFont(small.font)
        painter.setPen(self.paints.muted)
        kept = self.tr("from 1 token") if trace.kept_count == 1 else self.tr("from {count:,} tokens")
        kept = kept.format(count=trace.kept_count)
        left = MARGIN + strong.width(title) + 6
        small.draw(painter, left, strong.ascent, kept)
        if not math.isnan(trace.draw_u):
            owned = self.tr("{low:.4f} – {high:.4f}").format(low=trace.draw_low, high=trace.draw_high)
            start = self.width() - MARGIN - small.metrics.horizontalAdvance(owned)
            if left + small.width(kept) + 12 <= start:
                painter.drawText(QPointF(start, strong.ascent), owned)

    def _paint_segments(self, painter: QPainter, trace: StepTrace) -> None:
        strip = self.strip_rect()
        painter.fillRect(strip, self.paints.surface)
        painter.fillRect(strip, self._rest)
        segments = self._segments(trace, strip)
        painter.setPen(Qt.PenStyle.NoPen)
        for first, color in enumerate(self.paints.segments):
            painter.setBrush(color)
            painter.drawRects(segments[first::2])
        chosen = self._chosen_interval(trace)
        if chosen is not None:
            self._paint_chosen(painter, self._span(strip, *chosen))
        for segment, token_id, data in zip(segments, trace.strip_ids, trace.strip_bytes, strict=True):
            if segment.width() >= _NARROWEST_LABEL:
                self._paint_name(painter, segment, token_id, data, chosen is not None and token_id == trace.chosen_id)
        painter.setPen(QPen(self.paints.border, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(strip.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _segments(self, trace: StepTrace, strip: QRectF) -> list[QRectF]:
        ends = trace.strip_ends.tolist()
        return [self._span(strip, low, high) for low, high in zip([0.0, *ends[:-1]], ends, strict=True)]

    def _span(self, strip: QRectF, low: float, high: float) -> QRectF:
        return QRectF(strip.left() + low * strip.width(), strip.top(), (high - low) * strip.width(), strip.height())

    def _chosen_interval(self, trace: StepTrace) -> tuple[float, float] | None:
        """The piece of the line that is the chosen token's; None where it has none."""
        if trace.chosen_id < 0 or trace.chosen_sampling_prob <= 0:
            return None
        if not math.isnan(trace.draw_u) or trace.params.temperature == 0:
            return trace.draw_low, trace.draw_high
        if trace.chosen_id not in trace.strip_ids:
            return None
        high = float(trace.strip_ends[trace.strip_ids.index(trace.chosen_id)])
        return high - trace.chosen_sampling_prob, high

    def _paint_chosen(self, painter: QPainter, segment: QRectF) -> None:
        """The chosen token's piece, and a triangle that points at it however narrow it is."""
        painter.fillRect(segment, self.paints.accent)
        self._paint_triangle(painter, segment.center().x(), segment.top() - 1, -_MARKER_HEIGHT, self.paints.accent)

    def _paint_name(self, painter: QPainter, segment: QRectF, token_id: int, data: bytes, is_chosen: bool) -> None:
        label = self._labels.get(token_id, data, 1e6, is_chosen)
        x = self._free_place(segment, label.width)
        if x is None:
            return
        painter.setFont(label.face.font)
        painter.setPen(self.paints.on_accent if is_chosen else self.paints.text)
        baseline = segment.top() + (segment.height() - self.fonts.text.height) / 2 + self.fonts.text.ascent
        label.face.draw(painter, x, baseline, label.text)

    def _free_place(self, segment: QRectF, width: float) -> float | None:
        """Where a label `width` wide starts in a segment: in its middle, or beside the needle; None if it does not fit."""
        low, high = segment.left() + _LABEL_PAD, segment.right() - _LABEL_PAD
        middle = segment.center().x() - width / 2
        needle = self.needle_x()
        if needle is not None and middle - _LABEL_PAD < needle < middle + width + _LABEL_PAD:
            if segment.center().x() < needle:
                high = needle - _LABEL_PAD
                middle = high - width
            else:
                middle = low = needle + _LABEL_PAD
        return middle if low <= middle and middle + width <= high else None

    def needle_x(self) -> float | None:
        """Where u falls on the strip; None where nothing was drawn."""
        if self._trace is None or math.isnan(self._trace.draw_u):
            return None
        return self.strip_rect().left() + self._trace.draw_u * self.strip_rect().width()

    def _paint_needle(self, painter: QPainter, x: float, u: float) -> None:
        """A line across the strip with a light edge, so that it is seen on every colour."""
        strip = self.strip_rect()
        painter.fillRect(QRectF(x - 2, strip.top(), 4, strip.height()), self.paints.window)
        painter.fillRect(QRectF(x - 1, strip.top() - 2, 2, strip.height() + 4), self.paints.text)
        self._paint_triangle(painter, x, strip.bottom() + 1, _MARKER_HEIGHT, self.paints.text)
        text = f"u = {u:.4f}"
        width = len(text) * self.fonts.number.width("0")
        left = min(max(x - width / 2, strip.left()), strip.right() - width)
        painter.setFont(self.fonts.number.font)
        painter.setPen(self.paints.text)
        painter.drawText(QPointF(left, strip.bottom() + _MARKER_HEIGHT + 2 + self.fonts.small.ascent), text)

    def _paint_reason(self, painter: QPainter, trace: StepTrace) -> None:
        painter.setFont(self.fonts.small.font)
        painter.setPen(self.paints.muted)
        top = self.strip_rect().bottom() + _MARKER_HEIGHT
        small = self.fonts.small
        text = small.metrics.elidedText(no_draw_reason(trace), Qt.TextElideMode.ElideRight, self.width() - 2 * MARGIN)
        small.draw(painter, MARGIN, top + small.ascent, text)

    def _paint_triangle(self, painter: QPainter, x: float, tip: float, height: float, color: Qt.GlobalColor) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        base = tip + height
        painter.drawPolygon(QPolygonF([QPointF(x - 4.5, base), QPointF(x + 4.5, base), QPointF(x, tip)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
