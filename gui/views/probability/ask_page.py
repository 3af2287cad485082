"""Ask for a token: which tokens a text is, and how likely each of them is here."""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import visible
from gui.theme import Theme
from gui.views.probability.ask_field import AskField
from gui.views.probability.ask_table import AskTable
from gui.views.probability.ask_words import chain_sentence, drawn_sentence
from gui.views.probability.page_scroll import PageScroll
from gui.views.probability.small_button import SmallButton
from gui.views.probability.stage_words import quoted
from gui.views.probability.style import GUTTER, MARGIN
from inference.types import AskAnswered

_DEBOUNCE_MS = 150
_LATE_MS = 300  # what was found of an earlier text is not left standing longer
_EXAMPLE = " once"


class AskPage(QWidget):
    """A field to type in, and the chain of conditional probabilities that answers it.

    `asked` carries the text some time after the last key, "" at once when it was cleared. `token_taken` is for the first
    token of the answer, `text_taken` carries the ids of all.
    """

    asked = Signal(str)
    token_taken = Signal(int, bytes)
    text_taken = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer: AskAnswered | None = None
        self._taking = "branch"
        self._scroll = PageScroll(theme, self)
        self._field = AskField(theme)
        self._table = AskTable(theme)
        self._chain, self._drawn, self._hint = QLabel(), QLabel(), QLabel()
        self._example = SmallButton()
        self._take_first, self._take_all = SmallButton(), SmallButton()
        self._pause = self._timer(_DEBOUNCE_MS)
        self._late = self._timer(_LATE_MS)
        self._arrange()
        self._connect()
        self.set_theme(theme)
        self.show(None)

    @property
    def text(self) -> str:
        """The text in the field."""
        return self._field.text

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        for part in (self._scroll, self._field, self._table, self._example, self._take_first, self._take_all):
            part.set_theme(theme)

    def show(self, answer: AskAnswered | None) -> None:
        """Show the answer to the text in the field, and no answer to another one; None: there is none at this step yet."""
        if answer is None or answer.text == self.text:
            self._answer = answer if answer is not None and answer.tokens else None
            self._late.stop()
            self._refresh()

    def show_failure(self, reason: str) -> None:
        """Say why there is no answer to the text in the field; plain text."""
        self._answer = None
        self._late.stop()
        self._refresh()
        self._hint.setText(reason)

    def set_taking(self, kind: str) -> None:
        """Whether tokens can be taken: "" no, "branch" as another version from here on, "append" as the next token."""
        self._taking = kind
        tip = self.tr("The answer goes on from here with it, as another version.")
        if kind == "append":
            tip = self.tr("The answer goes on with it.")
        for button in (self._take_first, self._take_all):
            button.setToolTip(tooltip(tip))
        self._refresh()

    def _arrange(self) -> None:
        self.setAccessibleName(self.tr("Ask"))
        column = self._scroll.column
        column.addWidget(self._field)
        column.addLayout(_indented(self._table, margin=MARGIN - 7))
        for label in (self._chain, self._drawn, self._hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
            column.addWidget(label)
        self._chain.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._example.set_words(self.tr("Try {example}").format(example=f"“{visible(_EXAMPLE)}”"))
        column.addLayout(_indented(self._example))
        column.addLayout(_indented(self._take_first, self._take_all))
        column.addStretch(1)
        self.setFocusProxy(self._field)

    def _connect(self) -> None:
        self._field.text_changed.connect(self._on_text_changed)
        self._field.finished.connect(self._on_finished)
        self._example.clicked.connect(self._on_example)
        self._take_first.clicked.connect(self._on_take_first)
        self._take_all.clicked.connect(self._on_take_all)
        self._pause.timeout.connect(self._on_paused)
        self._late.timeout.connect(self._on_late)

    def _timer(self, interval_ms: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        return timer

    def _refresh(self) -> None:
        tokens = self._answer.tokens if self._answer is not None else ()
        self._table.setVisible(bool(tokens))
        self._chain.setVisible(bool(tokens))
        self._drawn.setVisible(bool(tokens))
        self._example.setVisible(not self.text)
        if tokens:
            self._table.set_tokens(tokens)
            self._chain.setText(chain_sentence(tokens))
            self._drawn.setText(drawn_sentence(tokens))
        self._hint.setText(self._hint_text())
        self._hint.setVisible(bool(self._hint.text()))
        self._refresh_buttons()

    def _refresh_buttons(self) -> None:
        tokens = self._answer.tokens if self._answer is not None and self._taking else ()
        is_current = self._answer is not None and self._answer.text == self.text
        self._take_first.setVisible(bool(tokens))
        self._take_all.setVisible(len(tokens) > 1)
        for button in (self._take_first, self._take_all):
            button.setEnabled(is_current)
        if tokens:
            token = quoted(tokens[0].token_id, tokens[0].token_bytes)
            self._take_first.set_words(self.tr("Take {token}").format(token=token))
            self._take_all.set_words(self.tr("Take all {count}").format(count=len(tokens)))

    def _hint_text(self) -> str:
        if not self.text:
            return self.tr(
                "Type any text to see which tokens it is and how likely each of them is here. "
                "A space before a word belongs to its token: “␣Snape” and “Snape” are different tokens."
            )
        if self._answer is None:
            return self.tr("No answer yet…")
        if self.text[0].isalnum():
            return self.tr("Without a space before it. “␣{text}” is another token: press ␣.").format(text=visible(self.text[:20]))
        return ""

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        if text:
            self._pause.start()
            if not self._late.isActive():
                self._late.start()
            self._refresh_buttons()
            self._example.hide()
            return
        self._pause.stop()
        self.show(None)
        self.asked.emit("")

    @Slot()
    def _on_finished(self) -> None:
        """Return does not wait."""
        if self._pause.isActive():
            self._pause.stop()
            self.asked.emit(self.text)

    @Slot()
    def _on_paused(self) -> None:
        self.asked.emit(self.text)

    @Slot()
    def _on_late(self) -> None:
        if self._answer is None or self._answer.text != self.text:
            self._answer = None
            self._refresh()

    @Slot()
    def _on_example(self) -> None:
        self._field.set_text(_EXAMPLE)
        self._field.setFocus()

    @Slot()
    def _on_take_first(self) -> None:
        token = self._answer.tokens[0]
        self.token_taken.emit(token.token_id, token.token_bytes)

    @Slot()
    def _on_take_all(self) -> None:
        self.text_taken.emit(tuple(token.token_id for token in self._answer.tokens))


def _indented(*parts: QWidget, margin: int = MARGIN) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(margin, 0, margin - GUTTER, 0)
    row.setSpacing(6)
    for part in parts:
        row.addWidget(part, 1 if isinstance(part, AskTable) else 0)
    if not isinstance(parts[0], AskTable):
        row.addStretch(1)
    return row
