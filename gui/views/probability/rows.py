"""The rows of a trace as a widget: scrolled by its owner, selected and taken by mouse and keyboard, explained by tooltips."""

from PySide6.QtCore import QEvent, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import hex_bytes
from gui.models.trace_rows import Row, can_take, rows_of, rows_with_what_if
from gui.theme import Theme
from gui.views.probability.keys import row_steps, taken_row, token_steps
from gui.views.probability.row_painter import RowPainter
from gui.views.probability.style import GUTTER, Columns, PaintedWidget
from gui.views.probability.words import row_description
from inference.types import StepTrace

_TOOLTIP_BYTES = 64


class Rows(PaintedWidget):
    """The rows of one trace. The current row is what a screen reader reads; it starts at the chosen token.

    `taken` carries the id and bytes of a row's token: at most once per trace, because what follows is another step.
    """

    height_changed = Signal()
    step_by = Signal(int)
    row_reached = Signal(int)
    taken = Signal(int, bytes)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self._what_if: StepTrace | None = None
        self._has_what_if = False
        self._rows: list[Row] = []
        self._current = 0
        self._hovered = -1
        self._pressed: int | None = None  # the row whose button is held down
        self._taking = ""
        self._is_taken = False
        self._painter = RowPainter(self.fonts, self.paints, self.columns())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Next-token probabilities"))

    def set_trace(
        self, trace: StepTrace, what_if: StepTrace | None = None, *, has_what_if: bool = False, is_same: bool = False
    ) -> None:
        """Show a trace; its chosen token becomes the current row, unless `is_same` says that it is the same step again.

        `has_what_if` keeps the columns of a what-if while its numbers are still on their way.
        """
        old_count, old_current = len(self._rows), self.current_id
        self._trace, self._what_if = trace, what_if
        self._has_what_if = self._painter.has_what_if = has_what_if or what_if is not None
        self._rows = rows_of(trace) if what_if is None else rows_with_what_if(trace, what_if)
        self._current = next((index for index, row in enumerate(self._rows) if row.is_chosen), 0)
        if is_same:
            self._current = next((i for i, row in enumerate(self._rows) if row.token_id == old_current), self._current)
        self._is_taken = self._is_taken and is_same
        if len(self._rows) != old_count:
            self._fit_height()
        self.update()

    def set_taking(self, kind: str) -> None:
        """Whether rows can be taken: "" no, "branch" as another version of the answer, "append" as its next token."""
        self._is_taken = False
        if kind != self._taking:
            self._taking = self._painter.taking = kind
            self.update()

    def describe(self) -> None:
        """Tell accessibility about the current row; apart from set_trace, because a screen reader cannot follow a stream."""
        if self._trace is not None and self._rows:
            self.setAccessibleDescription(row_description(self._rows[self._current], self._trace.vocab_size))

    @property
    def rows(self) -> list[Row]:
        """What is shown, top to bottom."""
        return self._rows

    @property
    def current_row(self) -> int:
        """The row that the keyboard is at, from 0."""
        return self._current

    @property
    def current_id(self) -> int:
        """The id of the current row's token; -1 without rows."""
        return self._rows[self._current].token_id if self._rows else -1

    def columns(self) -> Columns:
        """Where the columns stand at the present width."""
        return Columns.of(self.width() + GUTTER, self.fonts)

    def row_rect(self, row: int) -> QRect:
        """Where a row is, in this widget's coordinates."""
        height = self._painter.height
        return QRect(0, row * height, self.width(), height)

    def take_rect(self, row: int) -> QRect:
        """Where the button that takes a row appears while the mouse is over the row."""
        return self._painter.take_rect(row).toRect()

    def restyle(self) -> None:
        """Columns and height follow width and font."""
        self._painter = RowPainter(self.fonts, self.paints, self.columns())
        self._painter.taking, self._painter.has_what_if = self._taking, self._has_what_if
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
        if self._can_take(self._hovered):
            self._painter.paint_take(painter, self._hovered)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down move by rows, Left and Right by tokens of the text; Enter and 1 to 9 take a row."""
        if self.take_by_key(event):
            return
        if rows := row_steps(event):
            self._move_to(self._current + rows)
        elif tokens := token_steps(event):
            self.step_by.emit(tokens)
        else:
            super().keyPressEvent(event)

    def take_by_key(self, event: QKeyEvent) -> bool:
        """Take the row that this key stands for; False where it stands for none."""
        row = taken_row(event, self._current) if self._taking else -1
        if row >= 0:
            self._take(row)
        return row >= 0

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click makes a row the current one."""
        if event.button() == Qt.MouseButton.LeftButton:
            row = self._row_at(event.position())
            is_button = row == self._hovered and self._can_take(row) and self._is_on_button(row, event.position())
            self._pressed = row if is_button else None
            self._move_to(row)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on a row's button takes the row."""
        row, self._pressed = self._pressed, None
        if row is not None and event.button() == Qt.MouseButton.LeftButton and self._is_on_button(row, event.position()):
            self._take(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click takes a row; its button has done so with the first of the two clicks."""
        row = self._row_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and not self._is_on_button(row, event.position()):
            self._take(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Offer the button of the row under the mouse."""
        self._hover(self._row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """The button goes with the mouse."""
        super().leaveEvent(event)
        self._hover(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.describe()

    def event(self, event: QEvent) -> bool:
        """Explain the row or the number under the pointer."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        row = self._row_at(QPointF(event.pos()))
        if 0 <= row < len(self._rows):
            QToolTip.showText(event.globalPos(), tooltip(self.explanation(row)), self, self.row_rect(row))
        return True

    def explanation(self, row: int) -> str:
        """Everything about one row, in plain text."""
        shown = self._rows[row]
        text = self.tr("{description}\nid {id}, bytes {bytes}").format(
            description=row_description(shown, self._trace.vocab_size),
            id=shown.token_id,
            bytes=hex_bytes(shown.data[:_TOOLTIP_BYTES]),
        )
        return text if len(shown.data) <= _TOOLTIP_BYTES else text + " …"

    def _fit_height(self) -> None:
        self.setFixedHeight(len(self._rows) * self._painter.height)
        self.height_changed.emit()

    def _row_at(self, place: QPointF) -> int:
        return int(place.y()) // self._painter.height

    def _is_on_button(self, row: int, place: QPointF) -> bool:
        return self._painter.take_rect(row).contains(place)

    def _can_take(self, row: int) -> bool:
        return 0 <= row < len(self._rows) and not self._is_taken and can_take(self._rows[row], self._taking)

    def _take(self, row: int) -> None:
        if self._can_take(row):
            self._is_taken = True
            self._move_to(row)
            self.taken.emit(self._rows[row].token_id, self._rows[row].data)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for changed in (self._hovered, row) if self._taking else ():
                self.update(self.row_rect(changed))
            self._hovered = row

    def _move_to(self, row: int) -> None:
        if not self._rows:
            return
        self._current = min(max(row, 0), len(self._rows) - 1)
        self.describe()
        self.row_reached.emit(self._current)
        self.update()
