"""Labels of tokens as they are painted: in which font, elided and measured once."""

from dataclasses import dataclass

from PySide6.QtCore import Qt

from gui.models.token_text import TokenKind, label_of
from gui.views.probability.face import Face
from gui.views.probability.style import Fonts

_LABELS_KEPT = 2048


@dataclass(frozen=True, slots=True)
class PaintedLabel:
    """A token's label as it fits: `text` may be elided, `width` is its width in `face` (px)."""

    text: str
    kind: TokenKind
    face: Face
    width: float


class Labels:
    """Makes the labels of tokens and remembers them: while text streams, most rows show tokens seen a moment ago."""

    def __init__(self, fonts: Fonts) -> None:
        self._fonts = fonts
        self._made: dict[tuple[int, bytes, float, bool], PaintedLabel] = {}

    def get(self, token_id: int, data: bytes, available: float, is_strong: bool = False) -> PaintedLabel:
        """The label of a token, elided to `available` px."""
        key = (token_id, data, available, is_strong)
        label = self._made.get(key)
        if label is None:
            if len(self._made) >= _LABELS_KEPT:
                self._made.clear()
            label = self._made[key] = self._make(*key)
        return label

    def _make(self, token_id: int, data: bytes, available: float, is_strong: bool) -> PaintedLabel:
        label = label_of(token_id, data)
        if label.kind in ("special", "bytes"):
            face = self._fonts.number_strong if is_strong else self._fonts.number
        else:
            face = self._fonts.strong if is_strong else self._fonts.text
        text = face.metrics.elidedText(label.text, Qt.TextElideMode.ElideRight, available)
        return PaintedLabel(text, label.kind, face, face.width(text))
