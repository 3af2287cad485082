"""The next-token panel: what the model could have said at one step, how likely each token was, and how one was drawn."""

from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from gui.theme import Theme, palette_of
from gui.views.probability.empty import EmptyView
from gui.views.probability.header import Header, StepState
from gui.views.probability.pages import Pages
from gui.views.probability.step_bar import StepBar, Stepping
from gui.views.probability.step_view import StepView
from gui.views.probability.table import Table
from gui.views.probability.temperature import TemperatureControl
from inference.types import AskAnswered, StepExplained, StepTrace

_FRAME_MS = 66  # at most 15 repaints a second while text streams
_SETTLE_MS = 400  # a stream that rests this long is described to accessibility


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown: a step that moves on ("live", "draft") or one that stays ("held")."""

    trace: StepTrace | None
    step: int
    state: StepState
    note: str = ""
    explained: StepExplained | None = None
    reason: str = ""  # why there is no trace

    def is_same_step(self, other: "_Shown | None") -> bool:
        """Whether this only says more about the step that was shown before."""
        if other is None or (self.step, self.state) != (other.step, other.state) or None in (self.trace, other.trace):
            return False
        return self.trace.chosen_id == other.trace.chosen_id and self.trace.ids.tolist() == other.trace.ids.tolist()


class ProbabilityPanel(QWidget):
    """Shows one step at a time: its rows, and under them one of four pages about it.

    show_trace may be called for every token: while live, the newest trace is painted at most 15 times a second, and
    the last one always. `details_wanted` asks for show_explained (or show_no_details), `asked` for show_answer.

    `step_by` asks for another step (-1 previous, +1 next), `live_requested` for following the newest token again,
    `hold_requested` for holding it. `token_taken` and `text_taken` carry what the reader chose to go on with.
    `temperature_changed` is the next answer's; `what_if_changed` carries SamplingParams for the step shown, None for its own.
    """

    temperature_changed = Signal(float)
    step_by = Signal(int)
    live_requested = Signal()
    hold_requested = Signal()
    page_changed = Signal(int)
    details_wanted = Signal()
    what_if_changed = Signal(object)
    asked = Signal(str)
    token_taken = Signal(int, bytes)
    text_taken = Signal(object)
    pause_requested = Signal()
    step_requested = Signal()
    resume_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._header = Header(theme)
        self._steps = StepBar(theme)
        self._table = Table(theme)
        self._pages = Pages(theme)
        self._empty = EmptyView(theme)
        self._temperature = TemperatureControl()
        self._stack = QStackedWidget()
        self._step = StepView(self._table, self._pages)
        self._shown: _Shown | None = None
        self._pending: _Shown | None = None
        self._has_what_if = False  # whether what was explained last had one: the next step will have it too
        self._frame_timer = self._timer(_FRAME_MS)
        self._settle_timer = self._timer(_SETTLE_MS)
        self._arrange()
        self._connect()
        self.set_theme(theme)
        self.show_empty(self.tr("Send a message and watch the model choose, token by token."))

    def show_trace(self, trace: StepTrace | None, step: int, is_live: bool, reason: str = "") -> None:
        """Show the trace of a step, at once if it is held. Without one it says the `reason`: by default, that it is forgotten."""
        self._show_soon(_Shown(trace, step, "live" if is_live else "held", reason=reason))

    def show_explained(self, explained: StepExplained, step: int) -> None:
        """Show a step that stays, with its details."""
        self._has_what_if = explained.what_if is not None
        self._pending = _Shown(explained.trace, step, "held", explained=explained)
        self._show_pending()

    def show_draft(self, trace: StepTrace, note: str = "") -> None:
        """Show what would follow a draft; `note` replaces the hint that says so."""
        self._show_soon(_Shown(trace, 0, "draft", note))

    def show_empty(self, text: str) -> None:
        """Show no step, and say why."""
        self._pending = self._shown = None
        self._header.set_state(-1, "live")
        self._steps.set_place("empty")
        self._show_part(self._empty)
        self._empty.set_text(text)

    def show_answer(self, answer: AskAnswered) -> None:
        """Show the answer to a question about the step shown."""
        self._pages.show_answer(answer)

    def show_no_answer(self, reason: str) -> None:
        """Say why a question has no answer; plain text."""
        self._pages.show_no_answer(reason)

    def show_no_details(self, reason: str) -> None:
        """Say why the details that were wanted will not come; plain text."""
        self._has_what_if = False
        self._show_rows_again()
        self._pages.show_failure(reason)

    @property
    def page(self) -> int:
        """The page shown: 0 choice, 1 path, 2 what if, 3 ask."""
        return self._pages.page

    @Slot(int)
    def show_page(self, index: int) -> None:
        """Show a page; with the keyboard in the panel, the page gets it."""
        self._pages.show_page(index)

    def enter_page(self, index: int) -> None:
        """Show a page and take the keyboard: into its field where it has one to type into, else to the rows."""
        self.show_page(index)
        if not self._pages.enter():
            self.setFocus()

    def take_keyboard(self) -> None:
        """Take the keyboard, unless a part of the panel has it already."""
        if not self.isAncestorOf(QApplication.focusWidget()):
            self.setFocus()

    def take_key(self, event: QKeyEvent) -> bool:
        """Step, or take a row, as this key would with the keyboard on the rows; False where it would do neither."""
        if not self.isVisible():
            return False
        return self._steps_by(event) or self._table.rows.take_by_key(event)

    def set_taking(self, kind: str) -> None:
        """Whether a row can be taken: "" no, "branch" as another version of the answer, "append" as its next token.

        What was taken once cannot be taken again until this is called or another step is shown.
        """
        is_other = kind != self._steps.taking
        for part in (self._table, self._pages, self._steps):
            part.set_taking(kind)
        if is_other:
            self._show_again()

    def set_stepping(self, stepping: Stepping) -> None:
        """Whether an answer is written ("running"), waits for the reader ("paused"), or neither ("none")."""
        if stepping != self._steps.stepping:
            self._steps.set_stepping(stepping)
            self._show_again()

    def set_temperature(self, temperature: float) -> None:
        """Show the next answer's temperature without emitting temperature_changed."""
        self._temperature.set_temperature(temperature)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.setPalette(palette_of(theme))
        for part in (self._header.state, self._steps, self._table, self._pages, self._empty, self._temperature):
            part.set_theme(theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space draws the next token of a paused answer."""
        if not self._steps_by(event):
            super().keyPressEvent(event)

    def _steps_by(self, event: QKeyEvent) -> bool:
        """Draw a token if that is what the key means; a key held down draws one."""
        is_step = event.key() == Qt.Key.Key_Space and not event.modifiers() and self._steps.stepping == "paused"
        if is_step and not event.isAutoRepeat():
            self.step_requested.emit()
        return is_step

    def _arrange(self) -> None:
        self.setAutoFillBackground(True)
        self.setMinimumWidth(300)
        self.setAccessibleName(self.tr("Next token"))
        self._stack.addWidget(self._step)
        self._stack.addWidget(self._empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 8, 0, 8)
        whole.setSpacing(4)
        whole.addWidget(self._header)
        whole.addWidget(self._steps)
        whole.addWidget(self._stack, 1)
        whole.addWidget(self._temperature)
        self._order_tabs()

    def _order_tabs(self) -> None:
        """The keyboard enters at the rows (the focus proxy), so what stands above them comes later, or Tab would pass it by."""
        for widget, following in pairwise((self._table.rows, self._empty, *self._steps.buttons, self._pages.tabs)):
            self.setTabOrder(widget, following)
        for button in reversed(self._header.buttons):  # each goes before the one that was put there last
            self.setTabOrder(self._temperature.number, button)

    def _connect(self) -> None:
        for part in (self._header, self._table, self._pages, self._empty):
            part.step_by.connect(self.step_by)
        self._header.live_requested.connect(self.live_requested)
        self._steps.pause_requested.connect(self.pause_requested)
        self._steps.step_requested.connect(self.step_requested)
        self._steps.resume_requested.connect(self.resume_requested)
        self._table.token_taken.connect(self.token_taken)
        self._pages.token_taken.connect(self.token_taken)
        self._pages.text_taken.connect(self.text_taken)
        self._pages.hold_requested.connect(self.hold_requested)
        self._pages.details_wanted.connect(self.details_wanted)
        self._pages.asked.connect(self.asked)
        self._pages.what_if_changed.connect(self.what_if_changed)
        self._pages.page_changed.connect(self._on_page_changed)
        self._temperature.changed.connect(self.temperature_changed)
        self._frame_timer.timeout.connect(self._on_frame_due)
        self._settle_timer.timeout.connect(self._on_settled)

    def _timer(self, interval_ms: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        return timer

    def _show_soon(self, shown: _Shown) -> None:
        self._pending = shown
        if shown.state == "held" or not self._frame_timer.isActive():
            self._show_pending()

    def _show_again(self) -> None:
        """Show the same with the words of another state of the answer."""
        self._pending = self._pending or self._shown
        if self._pending is not None:
            self._show_pending()

    def _show_pending(self) -> None:
        before, shown = self._shown, self._pending
        self._pending, self._shown = None, shown
        state = self._show_place(shown)
        if shown.trace is None:
            self._empty.set_text(shown.reason or self.tr("The probabilities of this token are no longer in memory."))
            self._show_part(self._empty)
        else:
            self._show_step(shown, is_same=shown.is_same_step(before), is_moving=state in ("live", "draft"))
        if shown.state == "held":
            self._on_settled()
        else:
            self._frame_timer.start()
            self._settle_timer.start()

    def _show_place(self, shown: _Shown) -> StepState:
        """Say which step is shown; what an answer that is paused goes on with is neither live nor held."""
        state = shown.state
        is_waiting = self._steps.is_choosing or (state == "live" and self._steps.stepping == "paused")
        if is_waiting and state != "draft":
            state = "paused"
        self._header.set_state(-1 if state == "draft" else shown.step, state)
        self._steps.set_place(state, shown.note)
        return state

    def _show_step(self, shown: _Shown, *, is_same: bool, is_moving: bool) -> None:
        self._show_rows(shown, is_same=is_same)
        if not is_same:
            self._table.set_held(not is_moving)
        self._show_part(self._step)
        is_next = self._steps.is_choosing and shown.state == "held"
        self._pages.show_choice(shown.trace, is_next=is_next)
        if shown.explained is not None:
            self._pages.show_explained(shown.explained, is_same=is_same)
        elif is_moving:
            self._pages.show_moving(shown.state)
        else:
            self._pages.show_held(is_same=is_same)

    def _show_rows(self, shown: _Shown, *, is_same: bool) -> None:
        """Rows show a what-if only beside the page that says which."""
        is_what_if = self._pages.is_what_if and shown.state != "draft"
        what_if = shown.explained.what_if if is_what_if and shown.explained is not None else None
        self._table.set_trace(shown.trace, what_if, has_what_if=is_what_if and self._has_what_if, is_same=is_same)

    def _show_rows_again(self) -> None:
        if self._shown is not None and self._shown.trace is not None:
            self._show_rows(self._shown, is_same=True)
            self._table.describe()

    def _show_part(self, part: QWidget) -> None:
        """Change between step and empty view without losing the keyboard: walking goes on across a missing trace."""
        if self._stack.currentWidget() is part:
            return
        focused = QApplication.focusWidget()  # the widget's own focusWidget() would also name one that lost the focus
        had_focus = focused is not None and self._stack.isAncestorOf(focused)
        self._stack.setCurrentWidget(part)
        target = self._empty if part is self._empty else self._table.rows
        self.setFocusProxy(target)
        if had_focus:
            target.setFocus()

    @Slot()
    def _on_frame_due(self) -> None:
        if self._pending is not None:
            self._show_pending()

    @Slot()
    def _on_settled(self) -> None:
        for part in (self._header.state, self._table, self._pages):
            part.describe()

    @Slot(int)
    def _on_page_changed(self, page: int) -> None:
        self._show_rows_again()
        self.page_changed.emit(page)
