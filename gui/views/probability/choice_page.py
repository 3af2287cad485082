"""The first page of the panel: what was chosen, in a sentence, in figures, and as a draw; and where it flips."""

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.theme import Theme
from gui.views.probability.flip_line import FlipLine
from gui.views.probability.numbers import Numbers
from gui.views.probability.strip import DrawStrip
from inference.types import StepDetails, StepTrace

_GAP = 8
_FLIPS_GAP = 4


class ChoicePage(QWidget):
    """Sentence, figures and draw. Cheap to repaint: it is what is seen while text streams.

    Where a draw flips is said of a step that stays; `temperature_chosen` is one at which it does, to be tried out.
    """

    temperature_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers = Numbers(theme)
        self._strip = DrawStrip(theme)
        self._flips = FlipLine(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._numbers)
        column.addSpacing(_GAP)
        column.addWidget(self._strip)
        column.addSpacing(_FLIPS_GAP)
        column.addWidget(self._flips)
        column.addStretch(1)
        self._flips.temperature_chosen.connect(self.temperature_chosen)

    def height_for(self, width: int) -> int:
        """The height it needs, px; known also while another page is in front."""
        return self._numbers.height_for(width) + _GAP + self._strip.sizeHint().height() + _FLIPS_GAP + self._flips.height()

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._numbers.set_theme(theme)
        self._strip.set_theme(theme)
        self._flips.set_theme(theme)

    def set_trace(self, trace: StepTrace, *, is_next: bool = False) -> None:
        """Show a trace; `is_next`: the choice is still to be made."""
        self._numbers.set_trace(trace, is_next=is_next)
        self._strip.set_trace(trace)

    def set_flips(self, trace: StepTrace | None, details: StepDetails | None) -> None:
        """Say at which temperatures the draw takes another token; nothing without a draw, which the strip has said."""
        has_draw = trace is not None and not math.isnan(trace.draw_u)
        self._flips.set_flips(trace, details if has_draw else None)

    def describe(self) -> None:
        """Tell accessibility about what is shown."""
        self._numbers.describe()
        self._strip.describe()
