"""What can be done at this step: a hint, and the buttons that make choosing the next token something one does."""

from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from gui.theme import Theme
from gui.views.probability.hint_line import HintLine
from gui.views.probability.style import MARGIN

Stepping = Literal["none", "running", "paused"]


class StepBar(QWidget):
    """One line that never moves what is under it: its buttons come and go, its hint takes the rest.

    While an answer is written it can be paused; while it is paused, one token can be drawn, or all the rest.
    """

    pause_requested = Signal()
    step_requested = Signal()
    resume_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stepping: Stepping = "none"
        self._taking = ""
        self._place = ""
        self._note = ""
        self._hint = HintLine(theme)
        self._pause = _button(self.tr("Pause"), self.tr("Pause the answer after this token"))
        self._step = _button(self.tr("Step"), self.tr("Draw the next token and pause again (Space)"))
        self._resume = _button(self.tr("Resume"), self.tr("Let the answer run on"))
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN - 4, 0)
        row.setSpacing(4)
        row.addWidget(self._hint, 1)
        self.buttons = (self._pause, self._step, self._resume)
        for button in self.buttons:
            row.addWidget(button)
        self.setFixedHeight(self._pause.sizeHint().height() + 2)
        self.setAccessibleName(self.tr("Step by step"))
        self._pause.clicked.connect(self.pause_requested)
        self._step.clicked.connect(self.step_requested)
        self._resume.clicked.connect(self.resume_requested)
        self._show()

    @property
    def stepping(self) -> Stepping:
        """Whether an answer is written ("running"), waits for the reader ("paused"), or neither ("none")."""
        return self._stepping

    @property
    def taking(self) -> str:
        """What taking a row would do, as in set_taking."""
        return self._taking

    @property
    def is_choosing(self) -> bool:
        """Whether the answer waits for its next token."""
        return self._stepping == "paused" and self._taking == "append"

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._hint.set_theme(theme)

    def set_stepping(self, stepping: Stepping) -> None:
        """Offer what can be done with the answer that is written."""
        if stepping != self._stepping:
            self._stepping = stepping
            self._show()

    def set_taking(self, kind: str) -> None:
        """Say what taking a row would do: "" nothing, "branch" another version, "append" the next token."""
        if kind != self._taking:
            self._taking = kind
            self._show()

    def set_place(self, state: str, note: str = "") -> None:
        """What is shown: "empty", or the state of a step; `note` is what is said of a draft."""
        if (state, note) != (self._place, self._note):
            self._place, self._note = state, note
            self._show()

    def _show(self) -> None:
        focused = QApplication.focusWidget()
        had_focus = focused in self.buttons
        self._pause.setVisible(self._stepping == "running")
        self._step.setVisible(self._stepping == "paused")
        self._resume.setVisible(self._stepping == "paused")
        if had_focus and not focused.isVisible():  # the key that paused goes on to step
            {"running": self._pause, "paused": self._step}.get(self._stepping, self.parentWidget()).setFocus()
        self._hint.set_wordings(*self._wordings())

    def _wordings(self) -> tuple[str, ...]:
        if self._place == "draft":
            return (self._note,) if self._note else (self.tr("What would come after your draft"), self.tr("Your draft"))
        if self._taking == "append":
            return (
                self.tr("Space draws the next token; 1–9, Enter or a double click chooses it"),
                self.tr("Space draws, 1–9 or Enter chooses"),
                self.tr("Space draws, 1–9 chooses"),
                self.tr("Space or 1–9"),
            )
        if self._taking == "branch":
            return (
                self.tr("Take a row (1–9, Enter, double click): the answer goes on from here as another version"),
                self.tr("Take a row with 1–9 or Enter: another version begins here"),
                self.tr("1–9 or Enter: another version from here"),
                self.tr("1–9: another version"),
            )
        if self._stepping == "paused":
            return self.tr("Space draws the next token"), self.tr("Space draws")
        if self._place == "held":
            return self.tr("← → walk from token to token; Esc goes back to the newest"), self.tr("← → walk, Esc goes back")
        if self._stepping == "running":
            return self.tr("Pause to choose the next tokens yourself"), self.tr("Pause and choose yourself")
        return ("",) if self._place == "empty" else (self.tr("Click a word of the text to hold it here"),)


def _button(text: str, explanation: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAccessibleName(text)
    button.setAccessibleDescription(explanation)
    button.setToolTip(explanation)
    policy = button.sizePolicy()
    policy.setVerticalPolicy(QSizePolicy.Policy.Fixed)
    button.setSizePolicy(policy)
    return button
