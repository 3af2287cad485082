"""One column of the comparison: its temperature, its numbers, its text, and a way to go on with it."""

from collections import deque

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.theme import Theme, number_font
from gui.views.compare.column_text import ColumnText, Piece
from gui.views.compare.tally import Tally
from gui.views.compare.words import DASH, bits_text, note_of, reason_text, shared_text, temperature_text
from inference.types import ColumnEnded, TokenEvent

LEAST_WIDTH = 200


class Column(QFrame):
    """Takes tokens as they come and shows them when `flush` is called: what arrives together is laid out once.

    Emits `branch_requested` with its index when the user wants to go on with this one.
    """

    branch_requested = Signal(int)

    def __init__(self, index: int, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = index
        self.setObjectName("column")
        self.setMinimumWidth(LEAST_WIDTH)
        self._title = self._label(scale=1.25)
        self._note = self._label(is_muted=True)
        self._state = self._label()
        self._figures = QGridLayout()
        self._figures.setContentsMargins(0, 2, 0, 2)
        self._figures.setVerticalSpacing(1)
        self._figures.setColumnStretch(1, 1)
        self._surprise = self._figure(self.tr("Surprise"), self.tr("Mean surprise of its tokens: -log2 of the model probability"))
        self._entropy = self._figure(self.tr("Entropy"), self.tr("Mean entropy of the model's distribution before each token"))
        self._count = self._figure(self.tr("Tokens"), self.tr("Tokens written, an end token not counted"))
        self._shared = self._figure(self.tr("As on the left"), self.tr("Tokens that are those of the column to the left"))
        self.text = ColumnText(theme, self)
        self.branch = QPushButton(self.tr("Continue in the chat"), self)
        self.branch.setToolTip(self.tr("Make this text a version of the answer in the chat, and go on from there"))
        self.branch.setAutoDefault(False)
        self.branch.clicked.connect(self._on_branch)
        self._lay_out()
        self.restart(0.0, None)

    # -- what happens to it --------------------------------------------------------------------------------------------

    def restart(self, temperature: float, left: "Column | None") -> None:
        """Empty, with another temperature."""
        self.tally = Tally(left.tally if left else None)
        self._has_left = left is not None
        self._waiting: deque[tuple[int, str, bool]] = deque()  # place of its token, text, whether that was not the likeliest
        self._is_unlikely = False  # of tokens whose text is still incomplete
        self._is_stale = False
        self.text.restart()
        self.text.setPlaceholderText("")
        self._name(temperature)
        self._set_state("")
        self._show_figures()
        self.branch.setEnabled(False)

    def begin(self) -> None:
        """Its run begins."""
        self._set_state(self.tr("running"))

    def add(self, event: TokenEvent) -> None:
        """One more token; given ones belong to the beginning, and an end token to no text."""
        if event.is_given or event.is_end:
            return
        self.tally.add(event.token_id, event.numbers)
        self._is_unlikely |= event.numbers is not None and event.numbers.rank > 1
        self._wait(event.text)
        self._is_stale = True

    def end(self, ended: ColumnEnded) -> None:
        """It is complete."""
        self._wait(ended.text_tail)
        self._finish(reason_text(ended.reason))

    def stop(self, *, has_failed: bool = False) -> None:
        """The run is over; what is here stays."""
        if not self.tally.is_over:
            self._finish(self.tr("failed") if has_failed else self.tr("stopped"))

    @property
    def has_news(self) -> bool:
        """Whether there is something that `flush` would show."""
        return self._is_stale or bool(self._waiting and self._waiting[0][0] < self.tally.settle())

    def flush(self) -> None:
        """Show what has come."""
        settled = self.tally.settle()
        pieces = []
        while self._waiting and self._waiting[0][0] < settled:
            place, text, is_unlikely = self._waiting.popleft()
            pieces += _pieces(text, place < self.tally.shared, is_unlikely)
        if pieces:
            self.text.append_pieces(pieces)
        self._show_figures()
        self._is_stale = False
        if self.tally.is_over:  # a screen reader cannot follow a stream
            self.text.setAccessibleDescription(self.describe())

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.text.set_theme(theme)

    @Slot()
    def _on_branch(self) -> None:
        self.branch_requested.emit(self._index)

    # -- the parts -----------------------------------------------------------------------------------------------------

    def _wait(self, text: str) -> None:
        if text:
            self._waiting.append((max(len(self.tally) - 1, 0), text, self._is_unlikely))
            self._is_unlikely = False

    def _finish(self, state: str) -> None:
        self.tally.is_over = True
        self._is_stale = True
        self._set_state(state)
        self.branch.setEnabled(len(self.tally) > 0)
        if not len(self.tally):
            self.text.setPlaceholderText(self.tr("No text"))

    def _name(self, temperature: float) -> None:
        title = self.tr("Temperature {temperature}").format(temperature=temperature_text(temperature))
        self._title.setText(f"T = {temperature_text(temperature)}")
        self._title.setAccessibleName(title)
        self._note.setText(note_of(temperature))
        self.text.setAccessibleName(
            self.tr("Text at temperature {temperature}").format(temperature=temperature_text(temperature))
        )
        self.branch.setAccessibleName(
            self.tr("Continue the text at temperature {temperature} in the chat").format(
                temperature=temperature_text(temperature)
            )
        )

    def _set_state(self, state: str) -> None:
        self.state = state
        self._state.setText(state or self.tr("not run yet"))

    def _show_figures(self) -> None:
        tally = self.tally
        self._surprise.setText(bits_text(tally.mean_surprise_bits))
        self._entropy.setText(bits_text(tally.mean_entropy_bits))
        self._count.setText(f"{len(tally):,}" if len(tally) else DASH)
        self._shared.setText(shared_text(tally.shared, len(tally), self._has_left))

    def describe(self) -> str:
        """The heading in one line, for screen readers."""
        labels = (self._surprise, self._entropy, self._count, self._shared)
        figures = [f"{label.accessibleName()}: {label.text()}" for label in labels]
        return ", ".join(filter(None, [self._title.accessibleName(), self._note.text(), self.state, *figures]))

    def _label(self, *, scale: float = 1.0, is_muted: bool = False) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        if scale != 1.0:
            font = QFont(label.font())
            font.setPointSizeF(font.pointSizeF() * scale)
            font.setBold(True)
            label.setFont(font)
        if is_muted:
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        return label

    def _figure(self, name: str, tip: str) -> QLabel:
        """A number and its name, in a row of their own."""
        row = self._figures.rowCount()
        heading = self._label(is_muted=True)
        heading.setText(name)
        heading.setToolTip(tip)
        number = self._label()
        number.setFont(number_font(self.font()))
        number.setAlignment(Qt.AlignmentFlag.AlignRight)
        number.setAccessibleName(name)
        number.setToolTip(tip)
        self._figures.addWidget(heading, row, 0)
        self._figures.addWidget(number, row, 1)
        return number

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self._note)
        column.addWidget(self._state)
        column.addLayout(self._figures)
        column.addSpacing(4)
        column.addWidget(self.text, 1)
        column.addSpacing(4)
        column.addWidget(self.branch)


def _pieces(text: str, is_shared: bool, is_unlikely: bool) -> list[Piece]:
    """The text of a token; an underline begins with its first letter, so that neighbours can be told apart."""
    space = text[: len(text) - len(text.lstrip())]
    pieces = [Piece(space, is_shared, False)] if space else []
    if len(space) < len(text):
        pieces.append(Piece(text[len(space) :], is_shared, is_unlikely))
    return pieces
