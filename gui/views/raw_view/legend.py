"""What the shapes of chips mean, and how many there are of each."""

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.theme import Theme
from gui.views.raw_view.chip import KINDS, Chip, kind_name
from gui.views.raw_view.painter import AIR, PADDING, ChipFonts, ChipPainter

GAP = 16
COUNT_GAP = 6
ROW_GAP = 6


class Legend(QWidget):
    """A sample chip of every kind there is, with its count; wraps where it is narrow."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._counts: list[tuple[str, str, int]] = []  # kind, name, count
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(self.tr("Legend"))

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.update()

    def count(self, chips: Sequence[Chip]) -> None:
        """Show the kinds of these chips; those that fell out of the context are a kind of their own."""
        counts = Counter("forgotten" if chip.is_forgotten else chip.kind for chip in chips)
        self._counts = [(kind, kind_name(kind), counts[kind]) for kind in KINDS if counts[kind]]
        if counts["forgotten"]:
            self._counts.append(("forgotten", self.tr("fell out"), counts["forgotten"]))
        self.setAccessibleDescription(", ".join(f"{name} {count:,}" for _, name, count in self._counts))
        self.setVisible(bool(self._counts))
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        """One row."""
        return QSize(300, self.heightForWidth(self.width()))

    def heightForWidth(self, width: int) -> int:
        """As many rows as the samples need."""
        places = self._places(width)
        return places[-1].bottom() + 1 if places else self._chip_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width may need other rows."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The samples and their counts."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chips = ChipPainter(self._theme, ChipFonts(self.font()))
        for place, (kind, name, count) in zip(self._places(self.width()), self._counts, strict=True):
            chips.paint(painter, place, kind, (name, ""), dim=kind == "forgotten")
            painter.setPen(chips.muted)
            x = place.right() + 1 + COUNT_GAP
            painter.drawText(x, place.top() + AIR + self.fontMetrics().ascent(), f"{count:,}")
        painter.end()

    def _fit(self) -> None:
        self.setFixedHeight(self.heightForWidth(self.width()))

    def _chip_height(self) -> int:
        return self.fontMetrics().height() + 2 * AIR

    def _places(self, width: int) -> list[QRect]:
        """Where the samples stand."""
        metrics, height = self.fontMetrics(), self._chip_height()
        places, x, y = [], 0, 0
        for _, name, count in self._counts:
            sample = metrics.horizontalAdvance(name) + 2 * PADDING
            whole = sample + COUNT_GAP + metrics.horizontalAdvance(f"{count:,}")
            if x and x + whole > width:
                x, y = 0, y + height + ROW_GAP
            places.append(QRect(x, y, sample, height))
            x += whole + GAP
        return places
