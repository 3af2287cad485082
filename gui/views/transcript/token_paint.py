"""What is painted behind and over the tokens of one message: the tint, and the marks that must be seen above it.

Nothing of it is in the text document: switching a tint on or off moves no letter, and only what is seen is painted.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui.models.message import ChatMessage, TokenRecord
from gui.models.tint import TintKind, level_of
from gui.theme import Theme, tint_color
from gui.views.transcript.lines import SeenLine

STEPS = 48  # colours of the ramp
DOTS = (1.0, 2.0)  # of the underline: a dot and the gap behind it, in widths of the pen


@dataclass(slots=True)
class _Boxes:
    """The coloured boxes of a line that looked so and had text up to `end`; `ends` are where their tokens end."""

    look: tuple[int, QPointF]
    end: int
    boxes: list[tuple[QRectF, QColor]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def cut(self, count: int) -> None:
        """Keep the first `count`."""
        del self.boxes[max(0, count) :], self.ends[max(0, count) :]


class TokenPaint:
    """Paints the tokens of a message. The boxes of a line are kept until the tint, the colours or its place change."""

    def __init__(self, message: ChatMessage, theme: Theme):
        self._message = message
        self._kind: TintKind = "off"
        self._looked_at = 0  # tokens already looked at for `has_given`
        self._lines: dict[tuple[int, int], _Boxes] = {}
        self._theme: Theme | None = None
        self.has_given = False
        self.set_theme(theme)

    @property
    def is_tinted(self) -> bool:
        """Whether there is something to paint behind the text."""
        return self._kind != "off"

    def set_theme(self, theme: Theme) -> None:
        """Paint in other colours."""
        if theme == self._theme:
            return
        self._theme = theme
        self._colors = [tint_color(theme, step / (STEPS - 1)) for step in range(STEPS)]
        self._lines.clear()

    def set_kind(self, kind: TintKind) -> None:
        """Show another number, or none."""
        self._kind = kind
        self._lines.clear()

    def forget(self) -> None:
        """The tokens, their numbers or the lines are others now."""
        self._looked_at, self.has_given = 0, False
        self._lines.clear()
        self.look_at_new()

    def look_at_new(self) -> None:
        """Tokens were added."""
        tokens = self._message.tokens
        if not self.has_given:
            self.has_given = any(tokens[index].is_given for index in range(self._looked_at, len(tokens)))
        self._looked_at = len(tokens)

    # -- painting ------------------------------------------------------------------------------------------------------

    def paint_tint(self, painter: QPainter, lines: Iterable[SeenLine]) -> None:
        """The backgrounds of all tokens that have the number shown."""
        for line in lines:
            painter.translate(line.origin)
            for box, color in self._boxes(line):
                painter.fillRect(box, color)
            painter.translate(-line.origin)

    def paint_given(self, painter: QPainter, lines: Iterable[SeenLine]) -> None:
        """A dotted line under what the model did not choose itself."""
        pen = QPen(QColor(self._theme.text), 1.0)
        pen.setDashPattern(DOTS)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        for line in lines:
            y = math.floor(line.origin.y() + line.line.y() + line.line.height()) - 0.5  # on whole pixels: sharp dots
            for start, end in _runs(token for token in self._tokens_in(line, line.start) if token.is_given):
                box = line.box(start, end)
                painter.drawLine(line.origin.x() + box.left() + 1, y, line.origin.x() + box.right() - 1, y)

    def paint_frames(self, painter: QPainter, lines: Iterable[SeenLine], spans: tuple[tuple[int, int], ...]) -> None:
        """A frame around every place found, whose own colour is too close to the tint's."""
        painter.setPen(QColor(self._theme.text))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line in lines:
            first = bisect_right(spans, line.start, key=_span_end)
            for start, end in spans[first:]:
                if start >= line.end:
                    break
                painter.drawRect(line.box(start, end).translated(line.origin).adjusted(-0.5, 0.5, 0.5, -0.5))

    def _boxes(self, line: SeenLine) -> list[tuple[QRectF, QColor]]:
        place, look = (line.paragraph, line.number), (line.start, line.line.naturalTextRect().topLeft())
        kept = self._lines.get(place)
        if kept is None or kept.look != look or kept.end > line.end:
            kept = self._lines[place] = _Boxes(look, line.start)
        if kept.end < line.end:
            self._extend(kept, line)
        return kept.boxes

    def _extend(self, kept: _Boxes, line: SeenLine) -> None:
        """Add the boxes of what a line got at its end; make all of them anew where it does not run from left to right."""
        kept.cut(len(kept.boxes) - 1)  # the last token may have got more text, or a ligature with what follows
        if not self._add_boxes(kept, line):
            kept.cut(0)
            self._add_boxes(kept, line)
        kept.end = line.end

    def _add_boxes(self, kept: _Boxes, line: SeenLine) -> bool:
        """Add the boxes of all tokens behind those kept; whether each lies to the right of the one before."""
        right, is_in_order = kept.boxes[-1][0].right() if kept.boxes else -math.inf, True
        for token in self._tokens_in(line, kept.ends[-1] if kept.ends else line.start):
            level = level_of(self._kind, token.numbers)
            if level is not None and token.start < token.end:
                box = line.box(token.start, token.end)
                kept.ends.append(token.end)
                kept.boxes.append((box, self._colors[round(level * (STEPS - 1))]))
                is_in_order &= box.left() > right - 1
                right = box.right()
        return is_in_order

    def _tokens_in(self, line: SeenLine, start: int) -> Iterator[TokenRecord]:
        """Those with text behind `start`, a position in the line."""
        tokens = self._message.tokens
        for index in range(bisect_right(tokens, start, key=_token_end), len(tokens)):
            if tokens[index].start >= line.end:
                return
            yield tokens[index]


def _token_end(token: TokenRecord) -> int:
    return token.end


def _span_end(span: tuple[int, int]) -> int:
    return span[1]


def _runs(tokens: Iterable[TokenRecord]) -> Iterator[tuple[int, int]]:
    """The text of tokens, joined where they adjoin."""
    run: tuple[int, int] | None = None
    for token in tokens:
        if run and run[1] == token.start:
            run = (run[0], token.end)
        else:
            if run:
                yield run
            run = (token.start, token.end)
    if run:
        yield run
