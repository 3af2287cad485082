"""What stands above and below the rows, in the same columns: the heading, which is the legend, and the others row."""

import math

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import percent
from gui.theme import Theme
from gui.views.probability.face import fitting
from gui.views.probability.style import BAR_GAP, BAR_HEIGHT, MARGIN, SWATCH_WIDTH, Columns, PaintedWidget
from gui.views.probability.words import (
    model_definition,
    model_heading,
    sampling_definition,
    sampling_heading,
    settings_lines,
    what_if_definition,
    what_if_heading,
    what_if_lines,
)
from inference.types import SamplingParams, StepTrace


class _TableEnd(PaintedWidget):
    """A line in the columns of the rows."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.columns = Columns.of(self.width(), self.fonts)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def restyle(self) -> None:
        """The columns follow width and font."""
        self.columns = Columns.of(self.width(), self.fonts)


class Heading(_TableEnd):
    """Names the two probabilities beside a sample of their bars, over their columns, and says how they were made."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shown: tuple[SamplingParams, SamplingParams | None, bool] | None = None
        self._settings: tuple[str, ...] = ("",)
        self._has_what_if = False
        self.setAccessibleName(self.tr("What the columns show"))

    def set_trace(self, trace: StepTrace, what_if: StepTrace | None = None, *, has_what_if: bool = False) -> None:
        """Name the settings of a trace; while a what-if is on its way (`has_what_if`) its columns already have their names."""
        shown = (trace.params, what_if and what_if.params, has_what_if)
        if shown == self._shown:
            return
        self._shown = shown
        self._has_what_if = has_what_if or what_if is not None
        self._settings = settings_lines(trace) if what_if is None else what_if_lines(what_if)
        self.setAccessibleDescription(self._settings[0])
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines of small text."""
        return QSize(300, 2 * self.fonts.small.height + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the settings, and under them the headings over their columns."""
        painter = QPainter(self)
        small = self.fonts.small
        painter.setFont(small.font)
        painter.setPen(self.paints.muted)
        small.draw(painter, MARGIN, small.ascent, fitting(self._settings, small, self.width() - 2 * MARGIN))
        baseline = self.height() - small.height - 4 + small.ascent
        small.draw(painter, self.columns.token_left, baseline, self.tr("token"))
        for (text, color, _), right in zip(self._columns_shown(), self._ends(), strict=True):
            small.draw_to(painter, right, baseline, text)
            middle = round(baseline - small.metrics.xHeight() / 2)
            left = right - small.width(text) - 4 - SWATCH_WIDTH
            painter.fillRect(QRectF(left, middle - 1, SWATCH_WIDTH, BAR_HEIGHT), color)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Say what the name under the pointer means."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        left, right = (definition for _, _, definition in self._columns_shown())
        if event.pos().y() < self.height() / 2:
            text = f"{self._settings[0]}\n\n{left}\n\n{right}"
        else:
            text = right if event.pos().x() > self.columns.model_right else left
        QToolTip.showText(event.globalPos(), tooltip(text), self)
        return True

    def _columns_shown(self) -> tuple[tuple[str, QColor, str], ...]:
        """Name, colour and definition of both columns of numbers."""
        sampling = (sampling_heading(), self.paints.accent, sampling_definition())
        if self._has_what_if:
            return sampling, (what_if_heading(), self.paints.text, what_if_definition())
        return (model_heading(), self.paints.bar, model_definition()), sampling

    def _ends(self) -> tuple[float, float]:
        return self.columns.model_right, self.columns.sampling_right


class Others(_TableEnd):
    """Every token that has no row, so that the columns add up to 100 %."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # spares the painting of all that lies under it
        self._shares = (0.0, 0.0)
        self._has_what_if = False
        self.setAccessibleName(self.tr("All other tokens"))
        self.setToolTip(tooltip(self.tr("All tokens that have no row, taken together. The rows and the others add up to 100 %.")))

    def set_trace(self, trace: StepTrace, what_if_mass: float | None = None, *, has_what_if: bool = False) -> None:
        """Show the others of a trace; `what_if_mass` is what other settings leave to them."""
        self._trace = trace
        self._has_what_if = has_what_if or what_if_mass is not None
        if self._has_what_if:
            self._shares = (trace.others_sampling_mass, math.nan if what_if_mass is None else what_if_mass)
        else:
            self._shares = (trace.others_model_mass, trace.others_sampling_mass)
        self.update()

    def describe(self) -> None:
        """Tell accessibility about the others."""
        if self._trace is None:
            return
        text = self.tr("{name}, sampling {left}, what if {right}") if self._has_what_if else ""
        text = text or self.tr("{name}, model {left}, sampling {right}")
        left, right = (_percent(share) for share in self._shares)
        self.setAccessibleDescription(text.format(name=self.name(), left=left, right=right))

    def name(self) -> str:
        """What the row is called: "others (8,172 tokens)"."""
        count = self._trace.others_count if self._trace is not None else 0
        text = self.tr("others (1 token)") if count == 1 else self.tr("others ({count:,} tokens)")
        return text.format(count=count)

    def sizeHint(self) -> QSize:
        """As high as a row, with a line above."""
        return QSize(300, self.fonts.text.height + 2 * BAR_HEIGHT + BAR_GAP + 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the row under a line, the way a sum is written."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.paints.window)
        if self._trace is None:
            painter.end()
            return
        columns, small, number = self.columns, self.fonts.small, self.fonts.number
        baseline = 5 + self.fonts.text.ascent
        painter.fillRect(QRectF(MARGIN, 0, self.width() - 2 * MARGIN, 1), self.paints.border)
        painter.setPen(self.paints.muted)
        painter.setFont(small.font)
        name = self.name()
        if small.width(name) > columns.token_right - columns.token_left:
            name = self.tr("others ({count:,})").format(count=self._trace.others_count)
        small.draw(painter, columns.token_left, baseline, name)
        painter.setPen(self.paints.text)
        painter.setFont(number.font)
        bar_top = 5 + self.fonts.text.height + 2
        sampling, what_if = self.paints.accent, self.paints.text
        colors = (sampling, what_if) if self._has_what_if else (self.paints.bar, sampling)
        for share, right, color in zip(self._shares, (columns.model_right, columns.sampling_right), colors, strict=True):
            number.draw_to(painter, right, baseline, _percent(share))
            painter.fillRect(columns.bar(bar_top, share), color)
            bar_top += BAR_HEIGHT + BAR_GAP
        painter.end()


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else percent(share)
