"""What if: the same step and the same draw under other settings."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.probability.change_throttle import ChangeThrottle
from gui.views.probability.draw_pair import DrawPair
from gui.views.probability.flip_line import FlipLine
from gui.views.probability.page_scroll import PageScroll
from gui.views.probability.shape_controls import ShapeControls
from gui.views.probability.small_button import SmallButton
from gui.views.probability.style import GUTTER, MARGIN
from gui.views.probability.what_if_words import settings_text, verdict
from inference.types import SamplingParams, StepDetails, StepTrace

_LATE_MS = 250  # an answer that is not there by then is said to be of other settings than the sliders


class WhatIfPage(QWidget):
    """Sliders that re-shape one step. `changed` carries SamplingParams, or None for those really used.

    It is emitted while a slider is dragged, as fast as `show` brings answers and at most 30 times a second, the last value
    always. What is shown of other settings is always an answer, never a guess. Another step ends the what-if, unless one
    is given with it.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trace: StepTrace | None = None
        self._details: StepDetails | None = None
        self._answer: tuple[StepTrace, StepDetails | None] | None = None
        self._wanted: SamplingParams | None = None  # where the sliders stand, if not at the values used
        self._pair = DrawPair(theme)
        self._verdict = QLabel()
        self._reset = SmallButton()
        self._flips = FlipLine(theme)
        self._controls = ShapeControls(theme)
        self._scroll = PageScroll(theme, self)
        self._throttle = ChangeThrottle(self)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_LATE_MS)
        self._arrange()
        self.setFocusProxy(self._controls.temperature.slider)
        self._controls.edited.connect(self._on_edited)
        self._flips.temperature_chosen.connect(self.try_temperature)
        self._reset.clicked.connect(self._on_reset)
        self._throttle.due.connect(self.changed)
        self._late.timeout.connect(self._on_late)
        self.set_theme(theme)
        self.show(None)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        for part in (self._pair, self._reset, self._controls, self._flips, self._scroll):
            part.set_theme(theme)

    def show(
        self,
        trace: StepTrace | None,
        details: StepDetails | None = None,
        what_if: StepTrace | None = None,
        what_if_details: StepDetails | None = None,
    ) -> None:
        """Show a step, and what the answered what-if made of it."""
        if not _is_same_step(self._trace, trace):
            self._begin(trace, what_if)
        self._trace = trace
        self._details = details or self._details
        if what_if is not None and self._wanted is not None:
            self._answer = (what_if, what_if_details)
        self._throttle.answered()
        self._refresh()

    @Slot(float)
    def try_temperature(self, temperature: float) -> None:
        """Put the temperature there, with every digit, as the reader's hand would."""
        self._controls.temperature.set_value(temperature)
        self._want(self._controls.params)

    def _begin(self, trace: StepTrace | None, what_if: StepTrace | None) -> None:
        """Turn to another step."""
        self._throttle.drop()
        self._details = self._answer = None
        self._wanted = what_if.params if what_if is not None else None
        if trace is None:
            self._controls.set_used(None, 0)
            return
        self._controls.set_used(trace.params, trace.vocab_size)
        self._controls.set_params(self._wanted or trace.params)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep room for a long verdict, so that no slider moves under the mouse."""
        super().resizeEvent(event)
        width = self.width() - 2 * MARGIN - self._reset.sizeHint().width() - 8
        longest = self.tr("Temperature 0 would have taken “ the” instead of “ the”, without a draw.")
        wrap = int(Qt.TextFlag.TextWordWrap)
        self._verdict.setMinimumHeight(self._verdict.fontMetrics().boundingRect(0, 0, width, 1000, wrap, longest).height())

    @property
    def _is_settled(self) -> bool:
        """Whether what is shown belongs to where the sliders stand."""
        return self._wanted is None or (self._answer is not None and self._answer[0].params == self._wanted)

    def _refresh(self) -> None:
        what_if, what_if_details = self._answer or (None, None)
        if self._wanted is None:
            note = self.tr("move a slider")
            self._flips.set_flips(self._trace, self._details)
        else:
            note = "…"
            self._flips.set_flips(what_if, what_if_details)
        self._pair.set_draws(self._trace, what_if, note)
        self._reset.setEnabled(self._wanted is not None)
        if self._is_settled:
            self._late.stop()
            self._show_verdict("")
        elif not self._late.isActive():
            self._late.start()

    def _show_verdict(self, settings: str) -> None:
        """Say what the last answer means; with the settings it is about where the sliders have gone on since."""
        if self._trace is None:
            text = self.tr("The same token and the same draw, under other settings.")
        elif self._wanted is None:
            text = self.tr("Same draw, other settings: would the choice be another?")
        elif self._answer is None:
            text = self.tr("Working it out…")
        else:
            text = verdict(self._trace, self._answer[0])
        if settings:
            text = self.tr("At {settings}: {verdict}").format(settings=settings, verdict=text)
        self._verdict.setText(text)
        self._pair.setAccessibleDescription(text)

    def _arrange(self) -> None:
        self.setAccessibleName(self.tr("What if"))
        self._verdict.setTextFormat(Qt.TextFormat.PlainText)
        self._verdict.setWordWrap(True)
        self._verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._reset.set_words(self.tr("As used"), self.tr("Back to the settings really used"))
        self._reset.setToolTip(tooltip(self._reset.accessibleName()))
        line = QHBoxLayout()
        line.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
        line.setSpacing(8)
        line.addWidget(self._verdict, 1)
        line.addWidget(self._reset, 0, Qt.AlignmentFlag.AlignTop)
        column = self._scroll.column
        column.addWidget(self._pair)
        column.addLayout(line)
        column.addWidget(self._flips)
        column.addWidget(self._controls)
        column.addStretch(1)

    @Slot()
    def _on_edited(self) -> None:
        self._want(self._controls.params)

    @Slot()
    def _on_reset(self) -> None:
        self._controls.set_params(self._trace.params)
        self._want(self._trace.params)
        self._controls.temperature.slider.setFocus()

    @Slot()
    def _on_late(self) -> None:
        if not self._is_settled:
            self._show_verdict(settings_text(self._answer[0].params) if self._answer is not None else "")

    def _want(self, params: SamplingParams) -> None:
        wanted = None if params == self._trace.params else params
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted is None:
            self._answer = None
        self._throttle.offer(wanted)
        self._refresh()


def _is_same_step(first: StepTrace | None, second: StepTrace | None) -> bool:
    """Whether two traces tell of one step; every answer brings a trace of its own."""
    if first is None or second is None:
        return first is second
    names = ("chosen_id", "params", "vocab_size", "entropy_bits", "others_model_mass")
    is_equal = all(getattr(first, name) == getattr(second, name) for name in names)
    return is_equal and first.ids.tolist() == second.ids.tolist() and repr(first.draw_u) == repr(second.draw_u)
