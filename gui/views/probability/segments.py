"""Bars cut into the probabilities of tokens: pieces side by side, the chosen one in the accent colour, names where they fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPen

from gui.views.probability.labels import Labels
from gui.views.probability.style import Fonts, Paints

_LABEL_PAD = 3.0
_NARROWEST_LABEL = 14.0  # px; no token's text fits into less
_NARROWEST_CHOSEN = 1.0  # px; what was chosen is always seen


@dataclass(frozen=True, slots=True)
class Piece:
    """One token's piece of a bar, `low` to `high` of its length. `place` alternates the tint; -1: the others, taken together."""

    low: float
    high: float
    place: int
    token_id: int = -1
    data: bytes = b""
    is_chosen: bool = False


class SegmentPainter:
    """Paints bars with one set of fonts and colours."""

    def __init__(self, fonts: Fonts, paints: Paints) -> None:
        self._fonts, self._paints = fonts, paints
        self._labels = Labels(fonts)
        self._unnamed = QBrush(paints.segments[1], Qt.BrushStyle.BDiagPattern)

    def fill_of(self, place: int, is_chosen: bool) -> QBrush:
        """What a piece is filled with."""
        if is_chosen:
            return QBrush(self._paints.accent)
        return self._unnamed if place < 0 else QBrush(self._paints.segments[place % 2])

    def paint(self, painter: QPainter, bar: QRectF, pieces: Sequence[Piece], needle: float | None = None) -> None:
        """Paint a bar and its outline; no name is painted under the `needle` (px)."""
        painter.fillRect(bar, self._paints.surface)
        for piece in sorted(pieces, key=lambda piece: piece.is_chosen):
            painter.fillRect(self.rect(bar, piece), self.fill_of(piece.place, piece.is_chosen))
        for piece in pieces:
            if (piece.high - piece.low) * bar.width() >= _NARROWEST_LABEL:
                self._paint_name(painter, self.rect(bar, piece), piece, needle)
        painter.setPen(QPen(self._paints.border, 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar.adjusted(-0.5, -0.5, 0.5, 0.5))

    def rect(self, bar: QRectF, piece: Piece) -> QRectF:
        """Where a piece lies."""
        width = (piece.high - piece.low) * bar.width()
        if piece.is_chosen:
            width = max(width, _NARROWEST_CHOSEN)
        return QRectF(bar.left() + piece.low * bar.width(), bar.top(), width, bar.height())

    def _paint_name(self, painter: QPainter, rect: QRectF, piece: Piece, needle: float | None) -> None:
        if piece.place < 0:
            self._paint_others(painter, rect, needle)
            return
        label = self._labels.get(piece.token_id, piece.data, 1e6, piece.is_chosen)
        left = rect.center().x() - label.width / 2
        if needle is not None and left - _LABEL_PAD < needle < left + label.width + _LABEL_PAD:
            is_before = rect.center().x() < needle
            left = needle - _LABEL_PAD - label.width if is_before else needle + _LABEL_PAD
        if left < rect.left() + _LABEL_PAD or left + label.width > rect.right() - _LABEL_PAD:
            return
        painter.setFont(label.face.font)
        painter.setPen(self._paints.on_accent if piece.is_chosen else self._paints.text)
        baseline = rect.top() + (rect.height() - label.face.height) / 2 + label.face.ascent
        label.face.draw(painter, left, baseline, label.text)

    def _paint_others(self, painter: QPainter, rect: QRectF, needle: float | None) -> None:
        """Say what the hatched piece is, on a ground without hatching."""
        small = self._fonts.small
        text = QCoreApplication.translate("ProbabilityPanel", "others")
        ground = QRectF(0, rect.top() + 1, small.width(text) + 2 * _LABEL_PAD, rect.height() - 2)
        ground.moveCenter(rect.center())
        if ground.width() > rect.width() - 2 * _LABEL_PAD or (needle is not None and ground.left() < needle < ground.right()):
            return
        painter.fillRect(ground, self._paints.surface)
        painter.setFont(small.font)
        painter.setPen(self._paints.muted)
        small.draw(painter, ground.left() + _LABEL_PAD, rect.top() + (rect.height() - small.height) / 2 + small.ascent, text)
