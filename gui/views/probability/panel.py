"""The next-token panel: what the model could have said at one step, how likely each token was, and how one was drawn."""

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from gui.theme import Theme, palette_of
from gui.views.probability.empty import EmptyView
from gui.views.probability.header import Header
from gui.views.probability.numbers import Numbers
from gui.views.probability.rows import Rows
from gui.views.probability.scroll import RowsScroll
from gui.views.probability.strip import DrawStrip
from gui.views.probability.table_ends import Heading, Others
from gui.views.probability.temperature import TemperatureControl
from inference.types import StepTrace

_FRAME_MS = 66  # at most 15 repaints a second while text streams
_SETTLE_MS = 400  # a stream that rests this long is described to accessibility


class ProbabilityPanel(QWidget):
    """Shows one StepTrace at a time.

    `step_by` asks for another step (-1 previous, +1 next), `live_requested` for following the newest token again,
    `temperature_changed` reports what the user set. show_trace may be called for every token: while live, the newest
    trace is painted at most 15 times a second, and the last one always.
    """

    temperature_changed = Signal(float)
    step_by = Signal(int)
    live_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._header = Header(theme)
        self._heading = Heading(theme)
        self._rows = Rows(theme)
        self._scroll = RowsScroll(self._rows, theme)
        self._others = Others(theme)
        self._numbers = Numbers(theme)
        self._strip = DrawStrip(theme)
        self._empty = EmptyView(theme)
        self._temperature = TemperatureControl()
        self._stack = QStackedWidget()
        self._pending: tuple[StepTrace | None, int, bool] | None = None
        self._frame_timer = self._timer(_FRAME_MS)
        self._settle_timer = self._timer(_SETTLE_MS)
        self._arrange()
        self._connect()
        self.set_theme(theme)
        self.show_empty(self.tr("Send a message and watch the model choose, token by token."))

    def show_trace(self, trace: StepTrace | None, step: int, is_live: bool) -> None:
        """Show the trace of a step, at once if it is held; None says that it is no longer in memory."""
        self._pending = (trace, step, is_live)
        if not is_live or not self._frame_timer.isActive():
            self._show_pending()

    def show_empty(self, text: str) -> None:
        """Show no step, and say why."""
        self._pending = None
        self._header.set_state(-1, is_live=True)
        self._show_page(self._empty)
        self._empty.set_text(text)

    def set_temperature(self, temperature: float) -> None:
        """Show a temperature without emitting temperature_changed."""
        self._temperature.set_temperature(temperature)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.setPalette(palette_of(theme))
        self._header.state.set_theme(theme)
        for part in (self._heading, self._scroll, self._others, self._numbers, self._strip, self._empty, self._temperature):
            part.set_theme(theme)

    def _arrange(self) -> None:
        self.setAutoFillBackground(True)
        self.setMinimumWidth(300)
        self.setAccessibleName(self.tr("Next token"))
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._heading)
        column.addWidget(self._scroll, 1)
        column.addWidget(self._others)
        column.addSpacing(8)
        column.addWidget(self._numbers)
        column.addSpacing(10)
        column.addWidget(self._strip)
        column.addStretch(0)
        self._stack.addWidget(page)
        self._stack.addWidget(self._empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 10)
        whole.setSpacing(6)
        whole.addWidget(self._header)
        whole.addWidget(self._stack, 1)
        whole.addWidget(self._temperature)

    def _connect(self) -> None:
        self._header.step_by.connect(self.step_by)
        self._rows.step_by.connect(self.step_by)
        self._empty.step_by.connect(self.step_by)
        self._header.live_requested.connect(self.live_requested)
        self._temperature.changed.connect(self.temperature_changed)
        self._frame_timer.timeout.connect(self._on_frame_due)
        self._settle_timer.timeout.connect(self._on_settled)

    def _timer(self, interval_ms: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        return timer

    @Slot()
    def _on_frame_due(self) -> None:
        if self._pending is not None:
            self._show_pending()

    @Slot()
    def _on_settled(self) -> None:
        for part in (self._header.state, self._rows, self._others, self._numbers, self._strip):
            part.describe()

    def _show_pending(self) -> None:
        trace, step, is_live = self._pending
        self._pending = None
        self._header.set_state(step, is_live)
        if trace is None:
            self._empty.set_text(self.tr("The probabilities of this token are no longer in memory."))
            self._show_page(self._empty)
        else:
            self._show_parts(trace)
            self._scroll.set_held(not is_live)
        if is_live:
            self._frame_timer.start()
            self._settle_timer.start()
        else:
            self._on_settled()

    def _show_parts(self, trace: StepTrace) -> None:
        old_height = self._rows.height()
        for part in (self._heading, self._rows, self._others, self._numbers, self._strip):
            part.set_trace(trace)
        if self._rows.height() != old_height:
            self._scroll.fit()
        self._show_page(self._stack.widget(0))

    def _show_page(self, page: QWidget) -> None:
        """Change the page without losing the keyboard: walking with the arrows goes on across a missing trace."""
        if self._stack.currentWidget() is page:
            return
        focused = QApplication.focusWidget()  # the widget's own focusWidget() would also name one that lost the focus
        had_focus = focused is not None and self._stack.isAncestorOf(focused)
        self._stack.setCurrentWidget(page)
        target = self._empty if page is self._empty else self._rows
        self.setFocusProxy(target)
        if had_focus:
            target.setFocus()
