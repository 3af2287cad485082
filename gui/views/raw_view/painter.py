"""How a chip looks: every kind has a shape of its own, so that nobody needs colours to tell them apart."""

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPolygonF

from gui.theme import Theme, number_font
from gui.views.raw_view.chip import Kind, kind_name

SMALL = 0.82
PADDING = 7  # left and right of a chip's text, px
AIR = 4  # above and below it
LONGEST = 280  # a chip is never wider, px
EDGE = 3  # bar at the side or foot of a chip


class ChipFonts:
    """The fonts of the view, all derived from the widget's own, and their measures."""

    def __init__(self, base: QFont) -> None:
        self.text = QFont(base)
        self.number = number_font(base)
        self.number.setPointSizeF(base.pointSizeF() * SMALL)
        self.tag = QFont(base)
        self.tag.setPointSizeF(base.pointSizeF() * SMALL)
        self.text_metrics = QFontMetrics(self.text)
        self.number_metrics = QFontMetrics(self.number)
        self.tag_metrics = QFontMetrics(self.tag)
        self.digit_width = self.number_metrics.horizontalAdvance("0")

    def chip_height(self, has_ids: bool) -> int:
        """One line of text, and one of digits under it where ids are shown."""
        return 2 * AIR + self.text_metrics.height() + (self.number_metrics.height() if has_ids else 0)

    def tag_width(self, kind: Kind) -> int:
        """Room for the name of a kind before its first chip."""
        return self.tag_metrics.horizontalAdvance(kind_name(kind)) + 2 * PADDING

    def fit(self, text: str) -> tuple[str, int]:
        """The text, cut where it is longer than a chip may be, and its width in px."""
        width = self.text_metrics.horizontalAdvance(text)
        if width <= LONGEST - 2 * PADDING:
            return text, width
        cut = self.text_metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, LONGEST - 2 * PADDING)
        return cut, self.text_metrics.horizontalAdvance(cut)


class ChipPainter:
    """Paints chips in the colours of a theme."""

    def __init__(self, theme: Theme, fonts: ChipFonts) -> None:
        self._fonts = fonts
        self.ground = QColor(theme.window)
        self.text = QColor(theme.text)
        self.muted = QColor(theme.muted)
        self.border = QColor(theme.border)
        self.accent = QColor(theme.accent)
        self.on_accent = QColor(theme.on_accent)
        self.warning = QColor(theme.warning)
        self._selection = QColor(theme.accent)
        self._selection.setAlphaF(0.28)
        self._fills = {
            "special": QColor(theme.surface),
            "template": QColor(Qt.GlobalColor.transparent),
            "system": QColor(theme.segment_a),
            "user": QColor(theme.raised),
            "answer": QColor(theme.surface),
        }

    def paint(
        self, painter: QPainter, rect: QRect, kind: Kind, texts: tuple[str, str], *, held: bool = False, dim: bool = False
    ) -> None:
        """A chip with its text and, unless that is "", its id under it; `held` inverts it, `dim` leaves it an outline."""
        if held:
            self._paint_held(painter, rect)
        elif dim:
            self._paint_outline(painter, rect, Qt.PenStyle.DotLine)
        else:
            self._paint_body(painter, rect, kind)
        text, number = texts
        line = rect.adjusted(0, AIR, 0, -AIR)
        line.setHeight(self._fonts.text_metrics.height())
        painter.setFont(self._fonts.text)
        painter.setPen(self.on_accent if held else self.muted if dim else self.text)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        if number:
            line.setTop(line.bottom() + 1)
            line.setHeight(self._fonts.number_metrics.height())
            painter.setFont(self._fonts.number)
            painter.setPen(self.on_accent if held else self.muted)
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, number)

    def paint_selection(self, painter: QPainter, rect: QRect) -> None:
        """A veil in the accent colour, and lines above and below: neighbours join into one band."""
        painter.fillRect(rect.adjusted(-2, 0, 2, 0), self._selection)
        painter.fillRect(rect.left() - 2, rect.top() - 1, rect.width() + 4, 1, self.accent)
        painter.fillRect(rect.left() - 2, rect.bottom() + 1, rect.width() + 4, 1, self.accent)

    def paint_current(self, painter: QPainter, rect: QRect, has_focus: bool) -> None:
        """A ring around the chip the keyboard is at."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.accent if has_focus else self.muted, 2 if has_focus else 1))
        painter.drawRoundedRect(QRectF(rect).adjusted(-1, -1, 1, 1), 6, 6)

    def paint_tag(self, painter: QPainter, rect: QRect, kind: Kind) -> None:
        """The name of what begins with the next chip."""
        painter.setFont(self._fonts.tag)
        painter.setPen(self.muted)
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, kind_name(kind))

    def _paint_held(self, painter: QPainter, rect: QRect) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.accent)
        painter.drawRoundedRect(rect, 5, 5)
        x, y = rect.center().x() + 0.5, rect.top() + 1
        painter.drawPolygon(QPolygonF([QPointF(x - 5, y - 6), QPointF(x + 5, y - 6), QPointF(x, y)]))

    def _paint_outline(self, painter: QPainter, rect: QRect, style: Qt.PenStyle) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.muted, 1, style))
        painter.drawRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_body(self, painter: QPainter, rect: QRect, kind: Kind) -> None:
        if kind == "template":
            self._paint_outline(painter, rect, Qt.PenStyle.DashLine)
            return
        body = QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5)
        radius = {"special": body.height() / 2, "system": 0, "user": 5, "answer": 5}[kind]
        painter.setPen(self.muted if kind == "special" else self.border)
        painter.setBrush(self._fills[kind])
        painter.drawRoundedRect(body, min(radius, body.width() / 2), min(radius, body.width() / 2))
        if kind == "system":
            painter.fillRect(rect.left(), rect.top(), EDGE, rect.height(), self.muted)
        elif kind == "answer":
            painter.fillRect(rect.left() + 4, rect.bottom() - EDGE + 1, rect.width() - 8, EDGE, self.accent)
