"""What the next run will do: its temperatures, from two to six, and how many tokens each column may have."""

from collections.abc import Sequence

from PySide6.QtCore import QLocale, Qt, Signal, Slot
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from gui.views.compare.words import temperature_text

FEWEST, MOST = 2, 6
HIGHEST = 10.0
STEP = 0.1
LENGTHS = (10, 1000)
FIRST_LENGTH = 100


class PlainNumberBox(QDoubleSpinBox):
    """A number typed, or changed by the arrow keys; it takes a comma for a point."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLocale(QLocale.c())  # numbers look as they do in the panel
        # Not NoButtons: together with a style sheet that hides the text.
        self.setStyleSheet("QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; }")
        self.setKeyboardTracking(False)  # half a number is not a choice
        self.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def textFromValue(self, value: float) -> str:
        """As many digits as the value has."""
        return temperature_text(value)

    def valueFromText(self, text: str) -> float:
        """What `textFromValue` says, backwards."""
        return super().valueFromText(text.replace(",", "."))

    def validate(self, text: str, position: int) -> QValidator.State:
        """Take a comma for a point."""
        return super().validate(text.replace(",", "."), position)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel changes a number only where the keyboard is."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class RunSettings(QWidget):
    """A row of boxes. Emits `changed` when the user changes a temperature or their number."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes = [self._temperature_box(index) for index in range(MOST)]
        self._count = FEWEST
        self.fewer = self._button("−", self.tr("One column less"))
        self.more = self._button("+", self.tr("One column more"))
        self.length = PlainNumberBox(self)
        self.length.setDecimals(0)
        self.length.setRange(*LENGTHS)
        self.length.setSingleStep(10)
        self.length.setValue(FIRST_LENGTH)
        self.length.setAccessibleName(self.tr("Tokens for each column, at most"))
        self.length.setFixedWidth(self.fontMetrics().horizontalAdvance("0000") + 24)
        self.fewer.clicked.connect(self._on_fewer)
        self.more.clicked.connect(self._on_more)
        self._lay_out()
        self._show_count()

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Those of the next run."""
        for box in self._boxes:
            box.interpretText()
        return tuple(round(box.value(), 2) for box in self._boxes[: self._count])

    @property
    def max_tokens(self) -> int:
        """How many tokens each column may have."""
        self.length.interpretText()
        return int(self.length.value())

    def set_temperatures(self, temperatures: Sequence[float]) -> None:
        """Show these; emits nothing. Missing ones are filled up, those beyond MOST are left out."""
        self._count = min(max(len(temperatures), FEWEST), MOST)
        for box, value in zip(self._boxes, temperatures, strict=False):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self._show_count()

    def _temperature_box(self, index: int) -> PlainNumberBox:
        box = PlainNumberBox(self)
        box.setDecimals(2)
        box.setRange(0, HIGHEST)
        box.setSingleStep(STEP)
        box.setAccessibleName(self.tr("Temperature of column {number}").format(number=index + 1))
        box.setToolTip(self.tr("0 always takes the likeliest token"))
        box.setFixedWidth(self.fontMetrics().horizontalAdvance("00.00") + 18)
        box.valueChanged.connect(self.changed)
        return box

    def _button(self, text: str, name: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setAutoDefault(False)
        button.setFixedWidth(34)
        button.setStyleSheet("padding-left: 0; padding-right: 0;")
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._heading(self.tr("&Temperatures"), self._boxes[0]))
        for box in self._boxes:
            row.addWidget(box)
        row.addWidget(self.fewer)
        row.addWidget(self.more)
        row.addSpacing(14)
        row.addWidget(self._heading(self.tr("&Length"), self.length))
        row.addWidget(self.length)
        row.addWidget(QLabel(self.tr("tokens"), self))
        row.addStretch(1)

    def _heading(self, text: str, buddy: QWidget) -> QLabel:
        label = QLabel(text, self)
        label.setBuddy(buddy)
        return label

    def _show_count(self) -> None:
        for index, box in enumerate(self._boxes):
            box.setVisible(index < self._count)
        self.fewer.setEnabled(self._count > FEWEST)
        self.more.setEnabled(self._count < MOST)

    @Slot()
    def _on_fewer(self) -> None:
        self._set_count(self._count - 1)

    @Slot()
    def _on_more(self) -> None:
        """A new column is a little hotter than the last."""
        box = self._boxes[self._count]
        box.blockSignals(True)
        box.setValue(self._boxes[self._count - 1].value() + 5 * STEP)
        box.blockSignals(False)
        self._set_count(self._count + 1)

    def _set_count(self, count: int) -> None:
        self._count = count
        self._show_count()
        self.changed.emit()
