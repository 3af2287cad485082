"""A number: a slider and a box that always agree."""

import secrets
from bisect import bisect_left

from PySide6.QtCore import QLocale, QPointF, QRectF, QSignalBlocker, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionSpinBox,
    QWidget,
)

from gui.models.option import FRACTION_DIGITS, NumberOption, translated
from gui.views.settings_dialog.field import Field

BOX_CHARACTERS = 13  # every box is this wide, so that they stand in one column


class NumberBox(QDoubleSpinBox):
    """A spin box for any NumberOption: whole or not, up to 2^53, with a word in place of one value."""

    def __init__(self, option: NumberOption, parent: QWidget | None = None):
        super().__init__(parent)
        self._option = option
        self._word = translated(option.special_text)
        self.setLocale(QLocale.c())  # numbers look as they do in the panel and in the file
        self.setDecimals(0 if option.is_whole else FRACTION_DIGITS)
        self.setRange(option.minimum, option.maximum)
        self.setSingleStep(option.step)
        self.setSuffix(f" {translated(option.unit)}" if option.unit else "")
        self.setKeyboardTracking(False)  # half a number is not a choice
        self.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
        self.setAccelerated(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().setTextMargins(5, 0, 0, 0)
        self.setFixedWidth(self.fontMetrics().horizontalAdvance("0" * BOX_CHARACTERS) + 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box, and arrows in its buttons: a style sheet cannot draw them without picture files."""
        super().paintEvent(event)
        option = QStyleOptionSpinBox()
        self.initStyleOption(option)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for button, flag, direction in (
            (QStyle.SubControl.SC_SpinBoxUp, QAbstractSpinBox.StepEnabledFlag.StepUpEnabled, -1),
            (QStyle.SubControl.SC_SpinBoxDown, QAbstractSpinBox.StepEnabledFlag.StepDownEnabled, 1),
        ):
            is_live = self.isEnabled() and flag in self.stepEnabled()
            role = QPalette.ColorRole.PlaceholderText if is_live else QPalette.ColorRole.Mid
            painter.setPen(QPen(self.palette().color(role), 1.4, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
            middle = QRectF(self.style().subControlRect(QStyle.ComplexControl.CC_SpinBox, option, button, self)).center()
            tip, ends = middle.y() + 1.5 * direction, middle.y() - 1.5 * direction
            painter.drawPolyline([QPointF(middle.x() - 3.5, ends), QPointF(middle.x(), tip), QPointF(middle.x() + 3.5, ends)])

    def textFromValue(self, value: float) -> str:
        """The word, or as many digits as the value has."""
        return self._option.describe(value)

    def valueFromText(self, text: str) -> float:
        """What `textFromValue` says, backwards."""
        if self._is_word(text):
            return self._option.special_value
        return super().valueFromText(text.replace(",", "."))

    def validate(self, text: str, position: int) -> object:
        """Take the word, a comma for a point, and a digit typed into the word."""
        if self._is_word(text):
            return QValidator.State.Acceptable, text, position
        if self._word and self._word in text:
            text = text.replace(self._word, "")
            position = min(position, len(text))
        elif self._word and text and self._word.startswith(text):
            return QValidator.State.Intermediate, text, position
        return super().validate(text.replace(",", "."), position)

    def _is_word(self, text: str) -> bool:
        return bool(self._word) and text.strip() == self._word

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page, not the value, unless the box has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class StopSlider(QSlider):
    """A slider over a list of values; its position is an index."""

    def __init__(self, stops: tuple[int | float, ...], parent: QWidget | None = None):
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._stops = stops
        self.setRange(0, len(stops) - 1)
        self.setPageStep(max(1, len(stops) // 10))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def stop(self) -> int | float:
        """The value at the handle."""
        return self._stops[self.value()]

    def move_to(self, value: float) -> None:
        """Put the handle at the stop nearest to `value`; emits nothing."""
        right = min(bisect_left(self._stops, value), len(self._stops) - 1)
        left = max(0, right - 1)
        with QSignalBlocker(self):
            self.setValue(left if value - self._stops[left] < self._stops[right] - value else right)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the page, not the value, unless the slider has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class NumberField(Field):
    """Slider (where declared), box, and a button that draws a value (where declared)."""

    def __init__(self, option: NumberOption, parent: QWidget | None = None):
        super().__init__(option, parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        self.slider: StopSlider | None = None
        if option.has_slider:
            self.slider = StopSlider(option.stops(), self)
            self.slider.valueChanged.connect(self._on_slider_changed)
            self.describe(self.slider, self.tr("{option}, slider").format(option=option.title))
            layout.addWidget(self.slider, 1)
        self.box = NumberBox(option, self)
        self.box.valueChanged.connect(self._on_box_changed)
        self.describe(self.box)
        layout.addWidget(self.box)
        if option.draw_text:
            button = QPushButton(translated(option.draw_text), self)
            button.setAutoDefault(False)
            button.clicked.connect(self._on_draw)
            layout.addWidget(button)
        if not option.has_slider:
            layout.addStretch(1)
        self.set_value(option.default)

    @property
    def target(self) -> QWidget:
        """See Field."""
        return self.box

    @property
    def value(self) -> int | float:
        """The value in its exact form."""
        return self.option.exact(self.box.value())

    def set_value(self, value: object) -> None:
        """See Field."""
        if value != self.value:
            with QSignalBlocker(self.box):
                self.box.setValue(value)
        self._show()

    def commit(self) -> None:
        """See Field."""
        self.box.interpretText()

    def _show(self) -> None:
        if self.slider is not None:
            self.slider.move_to(self.value)

    @Slot()
    def _on_box_changed(self) -> None:
        self._show()
        self.changed.emit(self.option.key, self.value)

    @Slot()
    def _on_slider_changed(self) -> None:
        self.box.setValue(self.slider.stop)

    @Slot()
    def _on_draw(self) -> None:
        self.box.setValue(self.option.minimum + secrets.randbelow(self.option.maximum - self.option.minimum + 1))
