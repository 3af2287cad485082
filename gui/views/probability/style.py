"""What the parts of the panel share: margins, columns, fonts, colours, and the base of every part painted by hand."""

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF
from PySide6.QtGui import QColor, QFont, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.theme import Theme, number_font
from gui.views.probability.face import Face
from gui.views.probability.words import RULES, cut_text, sampling_heading

MARGIN = 16  # left and right of everything in the panel, px
GUTTER = 8  # width of the rows' scroll bar, inside the right margin, px
BAR_HEIGHT = 3
BAR_GAP = 1
SMALL = 0.9  # size of secondary text, of the widget's own
MARKER_WIDTH = 6.0  # the triangle that points at the chosen token
SWATCH_WIDTH = 10.0  # the sample of a bar's colour beside its name


class Fonts:
    """The panel's fonts, all derived from the widget's own."""

    def __init__(self, base: QFont) -> None:
        small = QFont(base)
        small.setPointSizeF(base.pointSizeF() * SMALL)
        number = number_font(base)
        # The space of a fixed-width font is too wide between a number and its unit.
        number.setWordSpacing(-Face(number).width("0") / 2)
        self.text = Face(QFont(base))
        self.strong = Face(_bold(base))
        self.small = Face(small)
        self.number = Face(number)
        self.number_strong = Face(_bold(number))


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of rows, their heading and the others row stand (px from the left edge of the panel)."""

    rank_right: float
    token_left: float
    token_right: float
    model_right: float
    sampling_right: float

    @property
    def bar_width(self) -> float:
        """The length of a bar that stands for 100 %."""
        return self.sampling_right - self.token_left

    def bar(self, y: float, share: float) -> QRectF:
        """The bar of a probability; one that is not zero stays visible."""
        width = max(share * self.bar_width, 1.0) if share > 0 else 0.0
        return QRectF(self.token_left, y, width, BAR_HEIGHT)

    @classmethod
    def of(cls, width: float, fonts: Fonts) -> "Columns":
        """The columns of a panel `width` px wide."""
        number_width = fonts.number.width(">99.9\u00a0%")
        heading_width = SWATCH_WIDTH + 4 + fonts.small.width(sampling_heading())
        cut_width = max(fonts.small.width(cut_text(rule)) for rule in RULES)
        right = width - MARGIN
        model_right = round(right - max(number_width, heading_width, cut_width) - 10)
        rank_right = round(MARGIN + MARKER_WIDTH + 3 + fonts.small.width("00"))
        return cls(rank_right, rank_right + 8, model_right - number_width - 8, model_right, right)


class Paints:
    """The theme's colours as QColor, made once."""

    def __init__(self, theme: Theme) -> None:
        self.window = QColor(theme.window)
        self.surface = QColor(theme.surface)
        self.text = QColor(theme.text)
        self.muted = QColor(theme.muted)
        self.border = QColor(theme.border)
        self.accent = QColor(theme.accent)
        self.on_accent = QColor(theme.on_accent)
        self.bar = QColor(theme.bar)
        self.removed = QColor(theme.removed)
        self.segments = (QColor(theme.segment_a), QColor(theme.segment_b))


class PaintedWidget(QWidget):
    """A part of the panel that paints itself from the theme; it keeps `fonts` and `paints` up to date."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.paints = Paints(theme)
        self.fonts = Fonts(self.font())

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.paints = Paints(theme)
        self.restyle()
        self.update()

    def restyle(self) -> None:
        """Work out again what depends on colours, fonts or width; for parts that have such things."""

    def changeEvent(self, event: QEvent) -> None:
        """Follow a change of the widget's font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.fonts = Fonts(self.font())
            self.restyle()
            self.updateGeometry()
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow a change of the width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.restyle()


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setBold(True)
    return bold
