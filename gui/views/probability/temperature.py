"""Temperature at hand: a slider and the same number to type."""

from PySide6.QtCore import QLocale, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSlider, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme, slider_style
from gui.views.probability.style import MARGIN, SMALL

_STEP = 0.05
_HIGHEST = 2.0


class TemperatureControl(QWidget):
    """Slider and number always agree; `changed` is emitted for what the user did, never for set_temperature."""

    changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, round(_HIGHEST / _STEP))
        self._slider.setPageStep(4)
        self.number = QDoubleSpinBox()
        self.number.setRange(0.0, _HIGHEST)
        self.number.setSingleStep(_STEP)
        self.number.setDecimals(2)
        self.number.setKeyboardTracking(False)
        self.number.setLocale(QLocale.c())  # a point, like every other number of the panel
        self._hint = QLabel()
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        small = self._hint.font()
        small.setPointSizeF(small.pointSizeF() * SMALL)
        self._hint.setFont(small)
        self._arrange()
        self._slider.valueChanged.connect(self._on_slider_moved)
        self.number.valueChanged.connect(self._on_number_changed)
        self._show_hint()

    def value(self) -> float:
        """The temperature shown."""
        return self.number.value()

    def set_temperature(self, temperature: float) -> None:
        """Show a temperature without emitting `changed`; above the slider's end, the end is shown."""
        with QSignalBlocker(self.number), QSignalBlocker(self._slider):
            self.number.setValue(temperature)
            self._slider.setValue(round(self.number.value() / _STEP))
        self._show_hint()

    def set_theme(self, theme: Theme) -> None:
        """Paint the slider in these colours."""
        self._slider.setStyleSheet(slider_style(theme))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line between what the panel shows and what it lets one change."""
        painter = QPainter(self)
        painter.fillRect(MARGIN, 0, self.width() - 2 * MARGIN, 1, self.palette().mid())
        painter.end()

    def _arrange(self) -> None:
        title = QLabel(self.tr("Temperature"))  # named with what it is for, because the What if page has one too
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        title.setBuddy(self._slider)
        explanation = tooltip(
            self.tr(
                "The temperature of the next answer. "
                "It divides the model's raw output before the softmax. Below 1 likely tokens gain, "
                "above 1 unlikely ones do; at 0 the likeliest token is always taken. "
                "That the slider ends at 2 is only a convention."
            )
        )
        for control in (self._slider, self.number):
            control.setAccessibleName(self.tr("Temperature"))
            control.setToolTip(explanation)
        title.setToolTip(explanation)
        grid = QGridLayout(self)
        grid.setContentsMargins(MARGIN, 6, MARGIN, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.addWidget(title, 0, 0)
        grid.addWidget(self._hint, 1, 0)
        grid.addWidget(self._slider, 0, 1, 2, 1)
        grid.addWidget(self.number, 0, 2, 2, 1)
        grid.setColumnStretch(1, 1)

    @Slot(int)
    def _on_slider_moved(self, step: int) -> None:
        with QSignalBlocker(self.number):
            self.number.setValue(step * _STEP)
        self._show_hint()
        self.changed.emit(self.number.value())

    @Slot(float)
    def _on_number_changed(self, temperature: float) -> None:
        with QSignalBlocker(self._slider):
            self._slider.setValue(round(temperature / _STEP))
        self._show_hint()
        self.changed.emit(temperature)

    def _show_hint(self) -> None:
        self._hint.setText(self.tr("of the next answer"))
        if self.value() == 0:
            text = self.tr("0: always the likeliest. Applies from the next answer on.")
        else:
            text = self.tr("Applies from the next answer on.")
        for control in (self._slider, self.number):
            control.setAccessibleDescription(text)
