"""The tooltip of a token: what is known of it, without asking the model."""

import math

from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from gui.models.message import ChatMessage
from gui.models.plain_tooltip import tooltip
from gui.models.token_text import label_of, ordinal, percent
from gui.models.utf16 import utf16_length
from inference.types import TokenNumbers

DELAY_MS = 350
BELOW = QPoint(2, 18)  # from the mouse: the token itself stays readable
LONGEST_LABEL = 60


class TokenTip(QObject):
    """Shows the tooltip of the token that the mouse rests on, somewhere in the widget `over`."""

    def __init__(self, over: QWidget):
        super().__init__(over)
        self._over = over
        self._text = ""  # of the token under the mouse
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._on_timeout)

    def point_at(self, message: ChatMessage, token: int) -> None:
        """The mouse is over this token."""
        self.hide()
        self._text = self.text_of(message, token)
        self._timer.start()

    def hide(self) -> None:
        """The mouse is elsewhere."""
        self._timer.stop()
        if self._text:
            self._text = ""
            QToolTip.hideText()

    @Slot()
    def _on_timeout(self) -> None:
        is_busy = QApplication.activePopupWidget() is not None or QGuiApplication.mouseButtons() != Qt.MouseButton.NoButton
        if self._text and not is_busy:  # nothing covers a menu or a selection that is being made
            QToolTip.showText(QCursor.pos() + BELOW, tooltip(self._text), self._over)

    def text_of(self, message: ChatMessage, token: int) -> str:
        """What the tooltip says, a fact in every line."""
        record = message.tokens[token]
        label = label_of(record.token_id, record.token_bytes).text
        lines = [label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"]
        lines += self._numbers(record.numbers) if record.numbers else [self.tr("Click to see its numbers.")]
        lines.append(self._origin(message, token))
        return "\n".join(line for line in lines if line)

    def _numbers(self, numbers: TokenNumbers) -> list[str]:
        lines = [self.tr("Model probability: {value}").format(value=percent(numbers.model_prob))]
        if not math.isnan(numbers.sampling_prob):
            lines.append(self.tr("Sampling probability: {value}").format(value=percent(numbers.sampling_prob)))
        lines.append(self.tr("Rank: {place}").format(place=ordinal(numbers.rank)))
        surprise = self.tr("Surprise: {bits} bits").format(bits=f"{numbers.surprise_bits:.1f}")
        entropy = self.tr("Entropy: {bits} bits").format(bits=f"{numbers.entropy_bits:.1f}")
        return [*lines, surprise, entropy]

    def _origin(self, message: ChatMessage, token: int) -> str:
        """Who chose a token, where the model did not."""
        record = message.tokens[token]
        if message.role == "assistant":
            if not record.is_given:
                return ""
            own_text = message.request.text if message.request else ""
            return self.tr("Your words.") if record.end <= utf16_length(own_text) else self.tr("Chosen by hand.")
        return self.tr("Your words.") if message.role == "user" else ""
