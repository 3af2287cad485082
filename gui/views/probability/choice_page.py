"""The first page of the panel: what was chosen, in a sentence, in figures, and as a draw."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.theme import Theme
from gui.views.probability.numbers import Numbers
from gui.views.probability.strip import DrawStrip
from inference.types import StepTrace

_GAP = 8


class ChoicePage(QWidget):
    """Sentence, figures and draw. Cheap to repaint: it is what is seen while text streams."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers = Numbers(theme)
        self._strip = DrawStrip(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._numbers)
        column.addSpacing(_GAP)
        column.addWidget(self._strip)
        column.addStretch(1)

    def height_for(self, width: int) -> int:
        """The height it needs, px; known also while another page is in front."""
        return self._numbers.height_for(width) + _GAP + self._strip.sizeHint().height()

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._numbers.set_theme(theme)
        self._strip.set_theme(theme)

    def set_trace(self, trace: StepTrace, *, is_next: bool = False) -> None:
        """Show a trace; `is_next`: the choice is still to be made."""
        self._numbers.set_trace(trace, is_next=is_next)
        self._strip.set_trace(trace)

    def describe(self) -> None:
        """Tell accessibility about what is shown."""
        self._numbers.describe()
        self._strip.describe()
