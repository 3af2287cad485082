"""What came of running an answer again: the first token that differs, or that none does."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont, QHideEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.models.token_text import visible
from gui.theme import Theme, control_style

WIDTH = 420
TOKEN_CHARACTERS = 40
BAR_HEIGHT = 6


class ReplayReport(QDialog):
    """A small window beside the conversation; it shows one replay at a time.

    Emits `stop_requested` (the button, Esc, or closing it while the replay runs) and `show_requested` (hold the token that
    differs).
    """

    stop_requested = Signal()
    show_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._total = 0
        self._is_running = False
        self.setWindowTitle(self.tr("Run the answer again"))
        self.setModal(False)
        self.verdict = self._label(self.tr("Result"))
        font = QFont(self.font())
        font.setBold(True)
        self.verdict.setFont(font)
        self.reason = self._label(self.tr("Reason"))
        self.details = self._label(self.tr("Run with"))
        self.details.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(BAR_HEIGHT)
        self.bar.setAccessibleName(self.tr("Tokens run again"))
        self.stop = self._button(self.tr("&Stop"), self.tr("Stop running the answer again"))
        self.show_it = self._button(self.tr("Show &it"), self.tr("Show the token that differs"))
        self.close_it = self._button(self.tr("&Close"), self.tr("Close this window"))
        self.stop.clicked.connect(self._on_stop)
        self.show_it.clicked.connect(self.show_requested)
        self.close_it.clicked.connect(self.reject)
        self._lay_out()
        self.set_theme(theme)
        self.begin(0, "")
        self._is_running = False

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(
            control_style(theme) + f"QProgressBar {{ background: {theme.border}; border: none; border-radius: 3px; }}"
            f"QProgressBar::chunk {{ background: {theme.accent}; border-radius: 3px; }}"
        )

    def begin(self, total: int, details: str) -> None:
        """A replay of so many tokens starts; `details` says with which model, settings and seed."""
        self._total, self._is_running = total, True
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self.bar.setRange(0, max(total, 1))
        self.show_it.hide()
        self.stop.setEnabled(True)
        self.progress(0)
        self._show_state()
        self.stop.setFocus()

    def progress(self, done: int) -> None:
        """So many tokens were the same."""
        self.bar.setValue(done)
        if done == 0:
            self._say(self.tr("Running again… reading the prompt"))
        else:
            self._say(self.tr("Running again… token {done} of {total}").format(done=f"{done:,}", total=f"{self._total:,}"))

    def finish_same(self, count: int, given: int = 0) -> None:
        """Every token came out as it was; so many of them were not drawn, then or now."""
        if count == 0:
            self._end(self.tr("The answer has no tokens: there is nothing to compare."))
        elif count == 1:
            self._end(self.tr("✓  The one token is the same."))
        elif given:
            text = self.tr("✓  All {count} tokens are the same; {given} of them were given, not drawn.")
            self._end(text.format(count=f"{count:,}", given=f"{given:,}"))
        else:
            self._end(self.tr("✓  All {count} tokens are the same.").format(count=f"{count:,}"))

    def finish_different(self, number: int, then: str, now: str) -> None:
        """The token with this number (1 = first) was `then` and is `now`; "" where the answer had ended."""
        text = self.tr("≠  Token {number} differs: {then} then, {now} now.")
        self._end(text.format(number=f"{number:,}", then=self._quoted(then), now=self._quoted(now)), can_show=True)

    def finish_stopped(self, done: int) -> None:
        """The replay was stopped after so many tokens, all of them the same."""
        text = self.tr("Stopped. The first {done} of {total} tokens are the same.")
        self._end(text.format(done=f"{done:,}", total=f"{self._total:,}") if done else self.tr("Stopped before the first token."))

    def fail(self, text: str) -> None:
        """The replay could not be run, and why."""
        self._end(self.tr("⚠  It could not be run again."), text)

    def _quoted(self, text: str) -> str:
        if not text:
            return self.tr("the end")
        cut = text if len(text) <= TOKEN_CHARACTERS else text[:TOKEN_CHARACTERS] + "…"
        return f"“{visible(cut)}”"

    def _end(self, text: str, reason: str = "", *, can_show: bool = False) -> None:
        self._is_running = False
        self.show_it.setVisible(can_show)
        self._show_state()
        self._say(text, reason)
        (self.show_it if can_show else self.close_it).setFocus()

    def _say(self, text: str, reason: str = "") -> None:
        self.verdict.setText(text)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        self.setAccessibleDescription(f"{text} {reason}".strip())

    def _show_state(self) -> None:
        self.bar.setVisible(self._is_running)
        self.stop.setVisible(self._is_running)
        self.close_it.setVisible(not self._is_running)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setAccessibleName(name)
        return label

    def _button(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(name)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.stop, self.show_it, self.close_it):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 14)
        column.setSpacing(10)
        column.addWidget(self.verdict)
        column.addWidget(self.reason)
        column.addWidget(self.bar)
        column.addWidget(self.details)
        column.addStretch(1)
        column.addLayout(row)
        self.setMinimumWidth(WIDTH)

    @Slot()
    def _on_stop(self) -> None:
        if self._is_running and self.stop.isEnabled():
            self.stop.setEnabled(False)
            self.stop_requested.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc stops a running replay, and closes the window otherwise."""
        if event.key() == Qt.Key.Key_Escape and self._is_running:
            self._on_stop()
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody waits for a replay whose window is closed."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._on_stop()
