"""From belief to choice: what every rule of the sampling contract did to the distribution at one step."""

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QWidget

from gui.theme import Theme
from gui.views.probability.page_scroll import PageScroll
from gui.views.probability.style import GUTTER, MARGIN, SMALL
from gui.views.probability.waterfall import Waterfall
from inference.types import StepDetails, StepTrace


class PathPage(QWidget):
    """One line for every stage, from the model's own distribution to the token drawn, and a sentence about one of them.

    `step_by` asks for another token of the text (-1 previous, +1 next).
    """

    step_by = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waterfall = Waterfall(theme)
        self._sentence = QLabel()
        self._scroll = PageScroll(theme, self)
        self._arrange()
        self.setFocusProxy(self._waterfall)
        self._waterfall.line_reached.connect(self._on_line_reached)
        self._waterfall.step_by.connect(self.step_by)
        self.show(None, None)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._waterfall.set_theme(theme)
        self._scroll.set_theme(theme)

    def show(self, trace: StepTrace | None, details: StepDetails | None) -> None:
        """Show the stages of a step; without details, why they are not there."""
        is_there = trace is not None and details is not None
        self._waterfall.setVisible(is_there)
        if is_there:
            self._waterfall.set_step(trace, details)
            self._sentence.setText(self._waterfall.sentence())
        elif trace is None:
            self._sentence.setText(self.tr("From what the model believes to the token that is drawn, rule by rule."))
        else:
            self._sentence.setText(self.tr("Hold this token to see its path: click it in the text."))

    def changeEvent(self, event: QEvent) -> None:
        """The sentence stays smaller than the rest."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._shrink_sentence()

    def _arrange(self) -> None:
        self.setAccessibleName(self.tr("Path"))
        self._sentence.setTextFormat(Qt.TextFormat.PlainText)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._sentence.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
        self._shrink_sentence()
        column = self._scroll.column
        column.setSpacing(4)
        column.addWidget(self._waterfall)
        column.addWidget(self._sentence)
        column.addStretch(1)

    def _shrink_sentence(self) -> None:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self._sentence.setFont(font)

    @Slot()
    def _on_line_reached(self) -> None:
        self._sentence.setText(self._waterfall.sentence())
        if self._waterfall.hasFocus():
            rect = self._waterfall.current_rect()
            self._scroll.ensureVisible(0, rect.center().y(), 0, rect.height() // 2 + 1)
