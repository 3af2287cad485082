"""Where the lines, bars and columns of the waterfall stand."""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QRectF

from gui.views.probability.stage_words import rule_name
from gui.views.probability.style import GUTTER, MARGIN, Fonts
from inference.types import Stage, StepDetails

_BAR_HEIGHT = 16
_LINE_GAP = 5  # under the two lines of text of a rule that does something
_OFF_GAP = 1
_WIDE = 400  # px from which there is room for a second column of numbers
_COLUMN_GAP = 10
translate = QCoreApplication.translate


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the waterfall (px). `stage` None: the last one, the choice."""

    stage: Stage | None
    top: int
    height: int

    @property
    def is_off(self) -> bool:
        """Whether the line is a rule that does nothing here."""
        return self.stage is not None and self.stage.is_off


class Layout:
    """The columns of a waterfall `width` px wide: names, bar, tokens left and, where there is room, entropy (right edges)."""

    def __init__(self, width: float, fonts: Fonts) -> None:
        small = fonts.small
        right = width - MARGIN + GUTTER
        names = max(small.width(rule_name("temperature")), small.width("u 0.8888"))
        counts = max(small.width(tokens_left_heading()), small.width("−>99.9 %"))
        entropies = max(small.width(text) for text in (entropy_heading(), "−152,064", "17.2 bits"))
        self._line_height = small.height
        self.is_wide = width >= _WIDE
        self.entropy_right = right
        self.count_right = right - entropies - _COLUMN_GAP if self.is_wide else right
        self.bar_left = MARGIN + round(names) + _COLUMN_GAP
        self.bar_width = self.count_right - counts - _COLUMN_GAP - self.bar_left

    def lines(self, details: StepDetails) -> list[Line]:
        """One line for each stage, low for those that are off, and one for the choice; a heading fits above."""
        lines, top = [], self._line_height + 2
        for stage in (*details.stages, None):
            is_off = stage is not None and stage.is_off
            height = self._line_height + _OFF_GAP if is_off else max(2 * self._line_height, _BAR_HEIGHT) + _LINE_GAP
            lines.append(Line(stage, top, height))
            top += height
        return lines

    def bar(self, line: Line) -> QRectF:
        """The bar of a line."""
        return QRectF(self.bar_left, line.top + 3, self.bar_width, _BAR_HEIGHT)


def tokens_left_heading() -> str:
    """The name of the column that counts the tokens left."""
    return translate("PathPage", "tokens left")


def entropy_heading() -> str:
    """The name of the column of entropies."""
    return translate("PathPage", "entropy")
