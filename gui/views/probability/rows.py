"""The rows of a trace as a widget: scrolled by its owner, walked by keyboard, explained by tooltips."""

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import hex_bytes
from gui.theme import Theme
from gui.views.probability.keys import row_steps, token_steps
from gui.views.probability.row_painter import Row, RowPainter, rows_of
from gui.views.probability.style import GUTTER, Columns, PaintedWidget
from gui.views.probability.words import row_description
from inference.types import StepTrace

_TOOLTIP_BYTES = 64


class Rows(PaintedWidget):
    """The rows of one trace. The current row is what a screen reader reads; it starts at the chosen token."""

    step_by = Signal(int)
    row_reached = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self._rows: list[Row] = []
        self._current = 0
        self._painter = RowPainter(self.fonts, self.paints, self.columns())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Next-token probabilities"))

    def set_trace(self, trace: StepTrace) -> None:
        """Show a trace; its chosen token becomes the current row."""
        old_count = len(self._rows)
        self._trace = trace
        self._rows = rows_of(trace)
        self._current = next((index for index, row in enumerate(self._rows) if row.is_chosen), 0)
        if len(self._rows) != old_count:
            self._fit_height()
        self.update()

    def describe(self) -> None:
        """Tell accessibility about the current row; apart from set_trace, because a screen reader cannot follow a stream."""
        if self._trace is not None and self._rows:
            self.setAccessibleDescription(row_description(self._trace, self._current))

    @property
    def current_row(self) -> int:
        """The row that the keyboard is at, from 0."""
        return self._current

    def columns(self) -> Columns:
        """Where the columns stand at the present width."""
        return Columns.of(self.width() + GUTTER, self.fonts)

    def row_rect(self, row: int) -> QRect:
        """Where a row is, in this widget's coordinates."""
        height = self._painter.height
        return QRect(0, row * height, self.width(), height)

    def restyle(self) -> None:
        """Columns and height follow width and font."""
        self._painter = RowPainter(self.fonts, self.paints, self.columns())
        self._fit_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that are in view."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.paints.window)
        height = self._painter.height
        start = max(event.rect().top() // height, 0)
        stop = min(event.rect().bottom() // height + 1, len(self._rows))
        self._painter.paint(painter, self._rows, start, stop)
        if self.hasFocus() and self._rows:
            self._painter.paint_focus(painter, self._current)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the tokens of the text; Ctrl with them, Page Up and Page Down walk the rows."""
        rows = row_steps(event)
        tokens = token_steps(event)
        if rows:
            self._move_to(self._current + rows)
        elif tokens:
            self.step_by.emit(tokens)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click makes a row the current one."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._move_to(int(event.position().y()) // self._painter.height)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.describe()

    def event(self, event: QEvent) -> bool:
        """Explain the row or the number under the pointer."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        row = event.pos().y() // self._painter.height
        if self._trace is not None and 0 <= row < len(self._rows):
            QToolTip.showText(event.globalPos(), tooltip(self.explanation(row)), self, self.row_rect(row))
        return True

    def explanation(self, row: int) -> str:
        """Everything about one row, in plain text."""
        shown = self._rows[row]
        text = self.tr("{description}\nid {id}, bytes {bytes}").format(
            description=row_description(self._trace, row), id=shown.token_id, bytes=hex_bytes(shown.data[:_TOOLTIP_BYTES])
        )
        return text if len(shown.data) <= _TOOLTIP_BYTES else text + " …"

    def _fit_height(self) -> None:
        self.setFixedHeight(len(self._rows) * self._painter.height)

    def _move_to(self, row: int) -> None:
        if not self._rows:
            return
        self._current = min(max(row, 0), len(self._rows) - 1)
        self.describe()
        self.row_reached.emit(self._current)
        self.update()
