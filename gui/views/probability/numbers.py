"""One plain sentence about the step, and its four figures."""

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import choices, percent
from gui.theme import Theme
from gui.views.probability.style import MARGIN, PaintedWidget
from gui.views.probability.words import model_definition, next_sentence, rank_of_vocabulary, sampling_definition, sentence
from inference.types import StepTrace

_WIDE = 540  # px from which the four figures stand in one line
_SHARES_WIDE = (0.2, 0.32, 0.2, 0.28)
_SHARES_NARROW = (0.4, 0.6)
_SENTENCE_GAP = 6
_LINE_GAP = 4
_TOKEN_CHARACTERS = 20
_FEWEST_TOKEN_CHARACTERS = 7
_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextDontClip)  # letters of a fallback font may be higher than the line


class Numbers(PaintedWidget):
    """The sentence keeps room for its longest form, so that nothing below moves while text streams."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._trace: StepTrace | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # spares the painting of all that lies under it
        self._is_next = False
        self._names = (self.tr("surprise"), self.tr("entropy"), self.tr("rank"), self.tr("chosen: model → sampling"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Surprise, entropy and rank"))
        self.restyle()

    def set_trace(self, trace: StepTrace, *, is_next: bool = False) -> None:
        """Show the numbers of a trace; `is_next`: the choice is still to be made, and the sentence says so."""
        self._trace, self._is_next = trace, is_next
        self.update()

    def describe(self) -> None:
        """Tell accessibility about the numbers."""
        if self._trace is not None:
            figures = "; ".join(f"{name}: {value}" for name, value in zip(self._names, self.values(), strict=True))
            self.setAccessibleDescription(f"{self.sentence()} {figures}")

    def sentence(self) -> str:
        """The sentence shown: with the whole token if that fits."""
        say = next_sentence if self._is_next else sentence
        text = say(self._trace, _TOKEN_CHARACTERS)
        return text if self._fits(text) else say(self._trace, _FEWEST_TOKEN_CHARACTERS)

    def values(self) -> tuple[str, ...]:
        """The figures shown, in reading order: surprise, entropy, rank, probabilities of the chosen token."""
        trace = self._trace
        entropy = self.tr("{bits:.1f} bits ≈ {count} choices")
        entropy = entropy.format(bits=trace.entropy_bits, count=choices(trace.entropy_bits))
        if trace.chosen_id < 0:
            return "–", entropy, "–", "–"
        return (
            self.tr("{bits:.2f} bits").format(bits=trace.surprise_bits),
            entropy,
            rank_of_vocabulary(trace.chosen_rank, trace.vocab_size),
            f"{percent(trace.chosen_model_prob)} → {percent(trace.chosen_sampling_prob)}",
        )

    def definitions(self) -> tuple[str, ...]:
        """What the figures mean, in the same order."""
        return (
            self.tr(
                "Surprise of the chosen token: -log2 of its model probability. "
                "1 bit is as likely as heads, 10 bits are 1 chance in 1,024."
            ),
            self.tr(
                "Entropy H of the model's distribution over the whole vocabulary: how much was open before the choice. "
                "2 to the power H is the number of equally likely tokens that would leave as much open."
            ),
            self.tr("The chosen token's place by model probability; 1 is the likeliest of the whole vocabulary."),
            self.tr("The chosen token's two probabilities.") + f"\n\n{model_definition()}\n\n{sampling_definition()}",
        )

    def height_for(self, width: int) -> int:
        """Room for the longest sentence and the figures, in px."""
        lines = 1 if width >= _WIDE else 2
        figures = lines * self._figure_height() + (lines - 1) * _LINE_GAP
        return self._height_of(self._longest(), width) + _SENTENCE_GAP + figures

    def restyle(self) -> None:
        """Make room for the longest sentence at this width."""
        self._sentence_height = self._height_of(self._longest(), self.width())
        self._rects = self._figure_rects()
        self.setFixedHeight(self.height_for(self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sentence and the figures."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.paints.window)
        if self._trace is None:
            painter.end()
            return
        fonts = self.fonts
        painter.setPen(self.paints.text)
        painter.setFont(fonts.text.font)
        painter.drawText(QRectF(MARGIN, 0, self.width() - 2 * MARGIN, self._sentence_height), _WRAP, self.sentence())
        digit_width = fonts.number.width("0")
        for value, rect in zip(self.values(), self._rects, strict=True):
            fits = len(value) * digit_width <= rect.width()
            painter.setFont(fonts.number.font if fits else fonts.small.font)
            painter.drawText(QPointF(rect.left(), rect.top() + fonts.small.height + fonts.text.ascent), value)
        painter.setFont(fonts.small.font)
        painter.setPen(self.paints.muted)
        for name, rect in zip(self._names, self._rects, strict=True):
            fonts.small.draw(painter, rect.left(), rect.top() + fonts.small.ascent, name)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Define the figure under the pointer."""
        if event.type() != QEvent.Type.ToolTip:
            return super().event(event)
        for definition, rect in zip(self.definitions(), self._rects, strict=True):
            if rect.contains(event.pos()):
                QToolTip.showText(event.globalPos(), tooltip(definition), self, rect)
                return True
        QToolTip.hideText()
        return True

    def _figure_rects(self) -> list[QRect]:
        width = self.width() - 2 * MARGIN
        shares = _SHARES_WIDE if self.width() >= _WIDE else _SHARES_NARROW
        rects = []
        for top_place in range(4 // len(shares)):
            top = self._sentence_height + _SENTENCE_GAP + top_place * (self._figure_height() + _LINE_GAP)
            for place, share in enumerate(shares):
                left = MARGIN + round(sum(shares[:place]) * width)
                rects.append(QRect(left, top, round(share * width), self._figure_height()))
        return rects

    def _figure_height(self) -> int:
        return self.fonts.small.height + self.fonts.text.height

    def _fits(self, text: str) -> bool:
        """Whether a sentence fits; exact wrapping is tried only where the plain width leaves it open."""
        lines = self._sentence_height // self.fonts.text.height
        if self.fonts.text.metrics.horizontalAdvance(text) < (lines - 0.3) * (self.width() - 2 * MARGIN):
            return True
        return self._height_of(text, self.width()) < self._sentence_height + self.fonts.text.height

    def _longest(self) -> str:
        return self.tr("The model chose between about 8,192 tokens; it drew “ tokens”, its 152,064th guess.")

    def _height_of(self, text: str, width: int) -> int:
        room = QRectF(0, 0, width - 2 * MARGIN, 1000)
        return round(self.fonts.text.metrics.boundingRect(room, _WRAP, text).height())
