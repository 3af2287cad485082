"""What stands above and below the rows, in the same columns: the heading, which is the legend, and the others row."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import percent
from gui.theme import Theme
from gui.views.probability.style import BAR_GAP, BAR_HEIGHT, MARGIN, SWATCH_WIDTH, Columns, PaintedWidget
from gui.views.probability.words import (
    model_definition,
    model_heading,
    sampling_definition,
    sampling_heading,
    settings_line,
)
from inference.types import StepTrace


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
        self._settings = ""
        self.setAccessibleName(self.tr("What the columns show"))

    def set_trace(self, trace: StepTrace) -> None:
        """Name the settings of a trace."""
        settings = settings_line(trace)
        if settings != self._settings:
            self._settings = settings
            self.setAccessibleDescription(settings)
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
        settings = small.metrics.elidedText(self._settings, Qt.TextElideMode.ElideRight, self.width() - 2 * MARGIN)
        small.draw(painter, MARGIN, small.ascent, settings)
        baseline = self.height() - small.height - 4 + small.ascent
        small.draw(painter, self.columns.token_left, baseline, self.tr("token"))
        for text, right, color in (
            (model_heading(), self.columns.model_right, self.paints.bar),
            (sampling_heading(), self.columns.sampling_right, self.paints.accent),
        ):
            small.draw_to(painter, right, baseline, text)
            middle = round(baseline - small.metrics.xHeight() / 2)
            left = right - small.width(text) - 4 - SWATCH_WIDTH
            painter.fillRect(QRectF(left, middle - 1, SWATCH_WIDTH, BAR_HEIGHT), color)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Say what the name under the pointer means."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        if event.pos().y() < self.height() / 2:
            text = f"{self._settings}\n\n{model_definition()}\n\n{sampling_definition()}"
        else:
            text = sampling_definition() if event.pos().x() > self.columns.model_right else model_definition()
        QToolTip.showText(event.globalPos(), tooltip(text), self)
        return True


class Others(_TableEnd):
    """Every token that has no row, so that the columns add up to 100 %."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self.setAccessibleName(self.tr("All other tokens"))
        self.setToolTip(tooltip(self.tr("All tokens that have no row, taken together. The rows and the others add up to 100 %.")))

    def set_trace(self, trace: StepTrace) -> None:
        """Show the others of a trace."""
        self._trace = trace
        self.update()

    def describe(self) -> None:
        """Tell accessibility about the others."""
        if self._trace is not None:
            self.setAccessibleDescription(
                self.tr("{name}, model {model}, sampling {sampling}").format(
                    name=self.name(),
                    model=percent(self._trace.others_model_mass),
                    sampling=percent(self._trace.others_sampling_mass),
                )
            )

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
        if self._trace is None:
            return
        painter = QPainter(self)
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
        for share, right, color in (
            (self._trace.others_model_mass, columns.model_right, self.paints.bar),
            (self._trace.others_sampling_mass, columns.sampling_right, self.paints.accent),
        ):
            number.draw_to(painter, right, baseline, percent(share))
            painter.fillRect(columns.bar(bar_top, share), color)
            bar_top += BAR_HEIGHT + BAR_GAP
        painter.end()
