"""Paints rows of a trace: rank, token, two numbers, and under them two bars on one scale of 0 to 100 %.

What has the same font or colour is painted in one go: changing either costs as much as painting a word, and the
panel is painted while the model waits for the interpreter.
"""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from gui.models.token_text import percent
from gui.models.trace_rows import Row, can_take
from gui.views.probability.keys import KEY_ROWS
from gui.views.probability.labels import Labels, PaintedLabel
from gui.views.probability.style import BAR_GAP, BAR_HEIGHT, MARGIN, MARKER_WIDTH, Columns, Fonts, Paints
from gui.views.probability.words import RULES, cut_text, rule_name, take_word

_PAD_TOP = 2
_TEXT_TO_BARS = 2
_PAD_BOTTOM = 4
_FRAME_MARGIN = 8  # of the frame around the chosen row, from the panel's edges
_CORNER = 4.0
_CHIP_PAD = 4.0
_TAKE_PAD = 7.0

_Shown = Sequence[tuple[float, Row]]  # rows with the place of their top edge


def row_height(fonts: Fonts) -> int:
    """The height of every row, px."""
    return _PAD_TOP + fonts.text.height + _TEXT_TO_BARS + 2 * BAR_HEIGHT + BAR_GAP + _PAD_BOTTOM


class RowPainter:
    """Paints rows with one set of fonts, colours and columns.

    `taking`: unless it is "", rows can be taken, and the first nine show their key in place of their rank. `has_what_if`: the
    two columns are the sampling probabilities really used and those under other settings.
    """

    def __init__(self, fonts: Fonts, paints: Paints, columns: Columns) -> None:
        self.height = row_height(fonts)
        self.taking = ""
        self.has_what_if = False
        self._fonts, self._paints, self._columns = fonts, paints, columns
        self._labels = Labels(fonts)
        self._cut_texts = {rule: cut_text(rule) for rule in RULES}
        self._rule_names = {rule: rule_name(rule) for rule in RULES}
        self._baseline = _PAD_TOP + fonts.text.ascent
        self._bars_top = _PAD_TOP + fonts.text.height + _TEXT_TO_BARS

    def paint(self, painter: QPainter, rows: Sequence[Row], start: int, stop: int) -> None:
        """Paint rows[start:stop], row 0 at the top of the painter's coordinates."""
        shown = [(index * self.height, rows[index]) for index in range(start, stop)]
        for top, row in shown:
            if row.is_chosen:
                self._paint_chosen(painter, top)
            elif row.is_what_if_chosen:
                self._paint_what_if_chosen(painter, top)
            if row.is_apart:
                self._paint_gap(painter, top)
        if self.has_what_if:
            self._paint_what_if_bars(painter, shown)
            self._paint_what_if_numbers(painter, shown)
        else:
            self._paint_bars(painter, shown)
            self._paint_numbers(painter, shown)
        self._paint_small_texts(painter, shown)
        for top, row in shown:
            self._paint_label(painter, top, row)

    def paint_focus(self, painter: QPainter, row: int) -> None:
        """The frame that shows where the keyboard is."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._paints.accent, 2.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(self._frame(row * self.height), _CORNER, _CORNER)

    def paint_take(self, painter: QPainter, row: int) -> None:
        """The button that takes a row, shown in the row under the mouse."""
        box = self.take_rect(row)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._paints.window)  # a moat, so that a long token ends before the button
        painter.drawRect(box.adjusted(-_CHIP_PAD, 0, 0, 0))
        painter.setBrush(self._paints.accent)
        painter.drawRoundedRect(box, _CORNER, _CORNER)
        painter.setFont(self._fonts.small.font)
        painter.setPen(self._paints.on_accent)
        baseline = box.center().y() - self._fonts.small.height / 2 + self._fonts.small.ascent
        self._fonts.small.draw(painter, box.left() + _TAKE_PAD, baseline, take_word())

    def take_rect(self, row: int) -> QRectF:
        """Where the button that takes a row is: at the end of its token, before the numbers."""
        width = self._fonts.small.width(take_word()) + 2 * _TAKE_PAD
        height = self._fonts.text.height + 1
        return QRectF(self._columns.token_right - width, row * self.height + _PAD_TOP - 1, width, height)

    def _frame(self, top: float) -> QRectF:
        width = self._columns.sampling_right + MARGIN - 2 * _FRAME_MARGIN
        return QRectF(_FRAME_MARGIN, top, width, self.height).adjusted(1, 0.5, -1, -0.5)

    def _paint_chosen(self, painter: QPainter, top: float) -> None:
        """What marks the chosen row besides bold text: a frame and a triangle."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._paints.accent, 1.0))
        painter.setBrush(self._paints.surface)
        painter.drawRoundedRect(self._frame(top), _CORNER, _CORNER)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._paints.accent)
        painter.drawPolygon(self._marker(top))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_what_if_chosen(self, painter: QPainter, top: float) -> None:
        """What marks the token that other settings would choose: frame and triangle as of a choice, but open."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._paints.text, 1.0, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(self._frame(top), _CORNER, _CORNER)
        painter.setPen(QPen(self._paints.text, 1.0))
        painter.drawPolygon(self._marker(top))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _marker(self, top: float) -> QPolygonF:
        left, middle = MARGIN - 1, top + _PAD_TOP + self._fonts.text.height / 2
        tip = QPointF(left + MARKER_WIDTH, middle)
        return QPolygonF([QPointF(left, middle - 4.5), tip, QPointF(left, middle + 4.5)])

    def _paint_gap(self, painter: QPainter, top: float) -> None:
        painter.setPen(QPen(self._paints.muted, 1.0, Qt.PenStyle.DotLine))
        y = top - 1.5
        painter.drawLine(QPointF(MARGIN, y), QPointF(self._columns.sampling_right, y))

    def _paint_bars(self, painter: QPainter, shown: _Shown) -> None:
        bar = self._columns.bar
        model_bars, removed_bars, sampling_bars = [], [], []
        for top, row in shown:
            y = top + self._bars_top
            (removed_bars if row.removed_by else model_bars).append(bar(y, row.model))
            if row.sampling > 0:
                sampling_bars.append(bar(y + BAR_HEIGHT + BAR_GAP, row.sampling))
        painter.setPen(Qt.PenStyle.NoPen)
        for bars, color in ((model_bars, self._paints.bar), (sampling_bars, self._paints.accent)):
            painter.setBrush(color)
            painter.drawRects(bars)
        painter.setPen(QPen(self._paints.bar, 1.0))  # hollow: believed, but out of the draw
        painter.setBrush(self._paints.removed)
        painter.drawRects([bar.adjusted(0.5, 0.5, -0.5, -0.5) for bar in removed_bars])

    def _paint_what_if_bars(self, painter: QPainter, shown: _Shown) -> None:
        bar = self._columns.bar
        used_bars = [bar(top + self._bars_top, row.sampling) for top, row in shown if row.sampling > 0]
        lower = self._bars_top + BAR_HEIGHT + BAR_GAP
        what_if_bars = [bar(top + lower, row.what_if) for top, row in shown if row.what_if > 0]
        painter.setPen(Qt.PenStyle.NoPen)
        for bars, color in ((used_bars, self._paints.accent), (what_if_bars, self._paints.text)):
            painter.setBrush(color)
            painter.drawRects(bars)

    def _paint_small_texts(self, painter: QPainter, shown: _Shown) -> None:
        small, columns = self._fonts.small, self._columns
        painter.setFont(small.font)
        painter.setPen(self._paints.muted)
        for top, row in shown:
            if self._has_key(top, row):
                self._paint_key(painter, top)
            elif not row.is_apart:
                small.draw_to(painter, columns.rank_right, top + self._baseline, str(row.rank))
            if row.removed_by and not self.has_what_if:
                small.draw_to(painter, columns.sampling_right, top + self._baseline, self._cut_texts[row.removed_by])

    def _has_key(self, top: float, row: Row) -> bool:
        return self.taking != "" and top < KEY_ROWS * self.height and can_take(row, self.taking)

    def _paint_key(self, painter: QPainter, top: float) -> None:
        """The key that takes a row, drawn as one; pen and font are those of small texts, before and after."""
        small, key = self._fonts.small, str(round(top / self.height) + 1)
        left = self._columns.rank_right - small.width(key) - _CHIP_PAD
        box = QRectF(left, top + _PAD_TOP, small.width(key) + 2 * _CHIP_PAD, self._fonts.text.height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._paints.muted, 1.0))
        painter.setBrush(self._paints.surface)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), _CORNER - 1, _CORNER - 1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._paints.text)
        small.draw(painter, left + _CHIP_PAD, top + self._baseline, key)
        painter.setPen(self._paints.muted)

    def _paint_numbers(self, painter: QPainter, shown: _Shown) -> None:
        number, columns = self._fonts.number, self._columns
        painter.setFont(number.font)
        painter.setPen(self._paints.text)
        for top, row in shown:
            if not row.removed_by:
                number.draw_to(painter, columns.model_right, top + self._baseline, percent(row.model))
                number.draw_to(painter, columns.sampling_right, top + self._baseline, percent(row.sampling))
        painter.setPen(self._paints.muted)
        for top, row in shown:
            if row.removed_by:
                number.draw_to(painter, columns.model_right, top + self._baseline, percent(row.model))

    def _paint_what_if_numbers(self, painter: QPainter, shown: _Shown) -> None:
        """Used and what-if probabilities; in the narrower used column a rule's name says enough."""
        for top, row in shown:
            for share, rule, right, cuts in (
                (row.sampling, row.removed_by, self._columns.model_right, self._rule_names),
                (row.what_if, row.what_if_removed_by, self._columns.sampling_right, self._cut_texts),
            ):
                face = self._fonts.small if rule else self._fonts.number
                painter.setFont(face.font)
                painter.setPen(self._paints.muted if rule else self._paints.text)
                text = cuts[rule] if rule else "–" if math.isnan(share) else percent(share)
                face.draw_to(painter, right, top + self._baseline, text)

    def _paint_label(self, painter: QPainter, top: float, row: Row) -> None:
        left, right = self._columns.token_left, self._columns.token_right
        if row.is_apart:
            right = self._paint_rank_apart(painter, top, row.rank)
        label = self._labels.get(row.token_id, row.data, right - left - 2 * _CHIP_PAD, row.is_chosen)
        if label.kind == "special":
            self._paint_chip(painter, top, label)
            left += _CHIP_PAD
        painter.setFont(label.face.font)
        painter.setPen(self._paints.muted if row.removed_by or label.kind == "none" else self._paints.text)
        label.face.draw(painter, left, top + self._baseline, label.text)

    def _paint_rank_apart(self, painter: QPainter, top: float, rank: int) -> float:
        """The rank of a row that stands apart, where there is room for it; returns where it starts."""
        text = f"#{rank:,}"
        painter.setFont(self._fonts.small.font)
        painter.setPen(self._paints.muted)
        self._fonts.small.draw_to(painter, self._columns.token_right, top + self._baseline, text)
        return self._columns.token_right - self._fonts.small.width(text)

    def _paint_chip(self, painter: QPainter, top: float, label: PaintedLabel) -> None:
        """What sets a reserved token apart from text that reads the same."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._paints.muted, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        box = QRectF(self._columns.token_left, top + _PAD_TOP - 1, label.width + 2 * _CHIP_PAD, self._fonts.text.height + 1)
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), _CORNER, _CORNER)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
