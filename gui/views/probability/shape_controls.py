"""The four parameters that shape a distribution, one below the other: what they are at, and what they really were."""

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from gui.theme import Theme
from gui.views.probability.shape_field import Number, ShapeBox, ShapeField, ShapeSlider
from gui.views.probability.style import GUTTER, MARGIN
from inference.types import SamplingParams

_MOST_BY_ONE = 100  # top-k up to this is a stop of its own; above, two significant digits


class ShapeControls(QWidget):
    """`edited` reports that the user moved something; `params` then says where everything stands."""

    edited = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._used = SamplingParams()
        self._vocab_size = 0
        self.temperature = self._field(
            self.tr("Temperature"),
            self.tr("Divides the model's raw output before the softmax; 0 always takes the likeliest token."),
            ShapeSlider(tuple(round(step / 100, 2) for step in range(201))),
            ShapeBox((0.0, 100.0, 0.05)),
        )
        self.top_k = self._field(
            self.tr("Top-k"),
            self.tr("Only the k likeliest tokens can be drawn. 0 switches it off."),
            ShapeSlider((0, 1)),
            ShapeBox((0, 1, 1), off_text=self.tr("off")),
        )
        self.top_p = self._field(
            self.tr("Top-p"),
            self.tr("Only the smallest set of likeliest tokens whose probabilities reach p can be drawn. 1 switches it off."),
            ShapeSlider(tuple(round(step / 100, 2) for step in range(101))),
            ShapeBox((0.0, 1.0, 0.01)),
        )
        self.min_p = self._field(
            self.tr("Min-p"),
            self.tr("Only tokens with at least this part of the largest probability can be drawn. 0 switches it off."),
            ShapeSlider((*(step / 200 for step in range(40)), *(round(step / 50, 2) for step in range(10, 51)))),
            ShapeBox((0.0, 1.0, 0.01), off_text=self.tr("off")),
        )
        self._fields = (self.temperature, self.top_k, self.top_p, self.min_p)
        self._arrange()
        self.set_theme(theme)

    @property
    def params(self) -> SamplingParams:
        """Where the controls stand; the repetition penalty is that really used."""
        values = (field.value for field in self._fields)
        return SamplingParams(*values, repetition_penalty=self._used.repetition_penalty)

    def set_used(self, params: SamplingParams | None, vocab_size: int) -> None:
        """Mark the values really used; None: there are none, and nothing can be moved."""
        if params is not None:
            self._used = params
            self._set_vocab_size(vocab_size)
        for field, value in zip(self._fields, _values(self._used), strict=True):
            field.set_used(None if params is None else value)
            field.set_enabled(params is not None)

    def set_params(self, params: SamplingParams) -> None:
        """Put the controls where these parameters are; emits nothing."""
        for field, value in zip(self._fields, _values(params), strict=True):
            field.set_value(value)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        for field in self._fields:
            field.set_theme(theme)

    def _field(self, name: str, explanation: str, slider: ShapeSlider, box: ShapeBox) -> ShapeField:
        field = ShapeField(name, explanation, slider, box, self)
        field.edited.connect(self.edited)
        return field

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for row, field in enumerate(self._fields):
            grid.addWidget(field.label, row, 0)
            grid.addWidget(field.slider, row, 1)
            grid.addWidget(field.box, row, 2)

    def _set_vocab_size(self, size: int) -> None:
        if size != self._vocab_size:
            self._vocab_size = size
            with QSignalBlocker(self.top_k.box):
                self.top_k.box.setMaximum(max(size, self._used.top_k))
            self.top_k.slider.set_stops(_top_k_stops(size))


def _values(params: SamplingParams) -> tuple[Number, ...]:
    return float(params.temperature), params.top_k, float(params.top_p), float(params.min_p)


def _top_k_stops(vocab_size: int) -> tuple[int, ...]:
    stops, stop = [], 0
    while stop < vocab_size:
        stops.append(stop)
        stop += 1 if stop < _MOST_BY_ONE else 10 ** (len(str(stop)) - 2)
    return (*stops, vocab_size)
