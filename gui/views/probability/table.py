"""The table of tokens: heading, rows, and the others, so that every column adds up to 100 %."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui.models.trace_rows import others_what_if
from gui.theme import Theme
from gui.views.probability.row_painter import row_height
from gui.views.probability.rows import Rows
from gui.views.probability.scroll import RowsScroll
from gui.views.probability.table_ends import Heading, Others
from inference.types import StepTrace

_FEWEST_ROWS = 3


class Table(QWidget):
    """Shows the rows of one trace; `token_taken` carries id and bytes of the token whose row was taken."""

    height_changed = Signal()
    step_by = Signal(int)
    token_taken = Signal(int, bytes)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = Rows(theme)
        self._heading = Heading(theme)
        self._scroll = RowsScroll(self.rows, theme)
        self._others = Others(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._heading)
        column.addWidget(self._scroll, 1)
        column.addWidget(self._others)
        self.rows.height_changed.connect(self.height_changed)
        self.rows.step_by.connect(self.step_by)
        self.rows.taken.connect(self.token_taken)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        for part in (self._heading, self._scroll, self._others):
            part.set_theme(theme)

    def set_trace(
        self, trace: StepTrace, what_if: StepTrace | None = None, *, has_what_if: bool = False, is_same: bool = False
    ) -> None:
        """Show a trace, and beside it what other settings make of it; arguments as in Rows.set_trace."""
        self._heading.set_trace(trace, what_if, has_what_if=has_what_if)
        self.rows.set_trace(trace, what_if, has_what_if=has_what_if, is_same=is_same)
        mass = None if what_if is None else others_what_if(self.rows.rows, what_if)
        self._others.set_trace(trace, mass, has_what_if=has_what_if)

    def least_height(self) -> int:
        """The height with the fewest rows that are of use, px."""
        return self.height_of(_FEWEST_ROWS)

    def height_of(self, rows: int) -> int:
        """The height with so many rows, or all if there are fewer, px."""
        shown = min(rows * row_height(self.rows.fonts), self.rows.height())
        return self._heading.sizeHint().height() + shown + self._others.sizeHint().height()

    def whole_rows_in(self, height: int) -> int:
        """The most of `height` px that ends with a whole row."""
        return self.height_of(max((height - self.height_of(0)) // row_height(self.rows.fonts), 0))

    def set_held(self, is_held: bool) -> None:
        """A step that stays is scrolled to its chosen row, one that moves on to the likeliest tokens."""
        self._scroll.set_held(is_held)

    def set_taking(self, kind: str) -> None:
        """Whether rows can be taken; kinds as in Rows.set_taking."""
        self.rows.set_taking(kind)

    def describe(self) -> None:
        """Tell accessibility about the current row and the others."""
        self.rows.describe()
        self._others.describe()
