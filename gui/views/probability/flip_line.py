"""The nearest temperatures at which the same draw takes another token, as buttons that go there."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.probability.small_button import SmallButton
from gui.views.probability.style import GUTTER, MARGIN
from gui.views.probability.what_if_words import flip_sentence, flip_text, no_flip_reason
from inference.types import Flip, StepDetails, StepTrace


class FlipLine(QWidget):
    """`temperature_chosen` carries the exact temperature, every digit of it."""

    temperature_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._flips: list[Flip | None] = [None, None]
        self._title = QLabel(self.tr("Flips at T"))
        self._reason = QLabel()
        self.below, self.above = SmallButton(), SmallButton()
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
        row.setSpacing(6)
        for part in (self._title, self.below, self.above, self._reason):
            row.addWidget(part)
        row.addStretch(1)
        self.below.clicked.connect(self._on_below_clicked)
        self.above.clicked.connect(self._on_above_clicked)
        self.setFixedHeight(self.below.sizeHint().height())  # with or without flips: nothing below it moves
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.below.set_theme(theme)
        self.above.set_theme(theme)

    def set_flips(self, trace: StepTrace | None, details: StepDetails | None) -> None:
        """Show where the choice of a trace flips; nothing before its details are there."""
        self._flips = [details.flip_below, details.flip_above] if details is not None else [None, None]
        for flip, button, arrow, is_above in zip(self._flips, (self.below, self.above), ("▾", "▴"), (False, True), strict=True):
            button.setVisible(flip is not None)
            if flip is not None:
                sentence = flip_sentence(flip, is_above=is_above)
                button.set_words(f"{arrow} {flip_text(flip, is_above=is_above)}", sentence)
                button.setToolTip(tooltip(sentence))
        has_flip = self._flips != [None, None]
        self._title.setVisible(has_flip)
        is_known = trace is not None and details is not None
        self._reason.setText(no_flip_reason(trace) if is_known and not has_flip else "")

    @Slot()
    def _on_below_clicked(self) -> None:
        self._choose(self._flips[0])

    @Slot()
    def _on_above_clicked(self) -> None:
        self._choose(self._flips[1])

    def _choose(self, flip: Flip | None) -> None:
        if flip is not None:
            self.temperature_chosen.emit(flip.temperature)
