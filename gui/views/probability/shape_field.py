"""One sampling parameter to play with: a slider with a mark at the value really used, and the exact number."""

from bisect import bisect_left

from PySide6.QtCore import QLocale, QObject, QPointF, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF, QWheelEvent
from PySide6.QtWidgets import QDoubleSpinBox, QLabel, QSlider, QStyle, QStyleOptionSlider, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme, slider_style

Number = int | float
_DIGITS = 4  # what a box shows; the value itself has all its digits


def number_text(value: Number) -> str:
    """A value as the boxes show it: two digits behind the point, more where it has them; bare if it is whole by nature."""
    if isinstance(value, int):
        return str(value)
    whole, _, fraction = f"{value:.{_DIGITS}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


class ShapeSlider(QSlider):
    """A slider over a list of rising values, with a small triangle under the value really used."""

    def __init__(self, stops: tuple[Number, ...], parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._stops = stops
        self._mark: Number | None = None
        self._mark_color = self.palette().windowText().color()
        self.setRange(0, len(stops) - 1)
        self.setPageStep(max(1, len(stops) // 10))
        self.setMinimumWidth(80)

    @property
    def stop(self) -> Number:
        """The value at the handle."""
        return self._stops[self.value()]

    def set_stops(self, stops: tuple[Number, ...]) -> None:
        """Run over other values; emits nothing."""
        with QSignalBlocker(self):
            self._stops = stops
            self.setRange(0, len(stops) - 1)

    def move_to(self, value: Number) -> None:
        """Put the handle at the stop nearest to `value`; emits nothing."""
        with QSignalBlocker(self):
            self.setValue(self._nearest(value))

    def set_mark(self, value: Number | None) -> None:
        """Mark the value really used."""
        self._mark = value
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._mark_color = QColor(theme.text)
        self.setStyleSheet(slider_style(theme))

    def mark_x(self) -> float | None:
        """Where the mark is (px); None without one."""
        if self._mark is None:
            return None
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        option.sliderPosition = option.sliderValue = self._nearest(self._mark)
        handle = self.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self)
        return handle.center().x() + 0.5

    def paintEvent(self, event: QPaintEvent) -> None:
        """The slider and its mark."""
        super().paintEvent(event)
        x = self.mark_x()
        if x is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._mark_color)
        base = self.height() - 0.5
        painter.drawPolygon(QPolygonF([QPointF(x - 3.5, base), QPointF(x + 3.5, base), QPointF(x, base - 4)]))
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page, not the value, unless the slider has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _nearest(self, value: Number) -> int:
        right = min(bisect_left(self._stops, value), len(self._stops) - 1)
        left = max(0, right - 1)
        return left if value - self._stops[left] < self._stops[right] - value else right


class ShapeBox(QDoubleSpinBox):
    """A box for one parameter; `off_text` stands in place of `off`."""

    def __init__(self, limits: tuple[Number, Number, Number], off_text: str = "", parent: QWidget | None = None) -> None:
        """`limits` are the lowest and the highest value, and the step of the arrow keys."""
        super().__init__(parent)
        low, high, step = limits
        self._is_whole = isinstance(step, int)
        self._off_text = off_text
        self.setLocale(QLocale.c())  # a point, like every other number of the panel
        self.setDecimals(0 if self._is_whole else _DIGITS)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setKeyboardTracking(False)  # half a number is not a choice
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("100.0000") + 14)
        if off_text:
            self.setSpecialValueText(off_text)  # Qt shows it at the lowest value

    def textFromValue(self, value: float) -> str:
        """As many digits as the value has."""
        return number_text(round(value) if self._is_whole else float(value))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page, not the value, unless the box has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ShapeField(QObject):
    """Name, slider and box of one parameter, to be laid out by their owner; `edited` reports what the user did.

    `value` keeps every digit it was given: a temperature at which a choice flips may have seventeen.
    """

    edited = Signal()

    def __init__(self, name: str, explanation: str, slider: ShapeSlider, box: ShapeBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.label = QLabel(name)
        self.slider, self.box = slider, box
        self._name = name
        self._explanation = explanation
        self._value: Number = slider.stop
        self.label.setBuddy(box)
        slider.setAccessibleName(self.tr("{name}, slider").format(name=name))
        box.setAccessibleName(name)
        self.set_used(None)
        slider.valueChanged.connect(self._on_slider_moved)
        box.valueChanged.connect(self._on_box_changed)

    @property
    def value(self) -> Number:
        """The exact value."""
        return self._value

    def set_value(self, value: Number) -> None:
        """Show a value; emits nothing."""
        self._value = value
        self.slider.move_to(value)
        with QSignalBlocker(self.box):
            self.box.setValue(value)

    def set_used(self, value: Number | None) -> None:
        """Mark the value really used, and say it."""
        self.slider.set_mark(value)
        used = "" if value is None else self.tr("As used: {value}").format(value=number_text(value))
        for control in (self.slider, self.box):
            control.setAccessibleDescription(used)
            control.setToolTip(tooltip(f"{self._explanation}\n\n{used}".strip()))
        self.label.setToolTip(tooltip(self._explanation))

    def set_enabled(self, is_enabled: bool) -> None:
        """Whether it can be changed."""
        for control in (self.label, self.slider, self.box):
            control.setEnabled(is_enabled)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.slider.set_theme(theme)

    @Slot()
    def _on_slider_moved(self) -> None:
        self.set_value(self.slider.stop)
        self.edited.emit()

    @Slot()
    def _on_box_changed(self) -> None:
        value = self.box.value()
        self._value = round(value) if self.box.decimals() == 0 else round(value, _DIGITS)
        self.slider.move_to(self._value)
        self.edited.emit()
