"""The panel's title line: which step is shown, whether it follows the text, and the way to other steps."""

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from gui.theme import Theme
from gui.views.probability.style import MARGIN, PaintedWidget

StepState = Literal["live", "held", "paused", "draft"]

_DOT = 7.0
_TEXT_LEFT = 14


class StateLine(PaintedWidget):
    """What is shown, in words and as a sign: painted, because it changes with every token.

    "live · step 17" beside a full dot, "held" beside a ring, "paused" beside two bars, "after your draft" beside a full dot.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._step = -1
        self._state: StepState = "live"
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(self.tr("Step shown"))

    def set_state(self, step: int, state: StepState) -> None:
        """Show a step; a negative one stands for none."""
        if (step, state) != (self._step, self._state):
            self._step, self._state = step, state
            self.update()

    def describe(self) -> None:
        """Tell accessibility about the step."""
        self.setAccessibleDescription(self.text())

    def text(self) -> str:
        """The words shown where there is room for them."""
        return self._texts()[0]

    def _texts(self) -> tuple[str, ...]:
        """The words, and shorter ones for a narrow panel."""
        if self._state == "draft":
            return self.tr("after your draft"), self.tr("draft")
        if self._step < 0:
            return ("",)
        if self._state == "paused":
            texts = self.tr("paused · step {step:,}"), self.tr("paused · {step:,}")
        elif self._state == "held":
            texts = self.tr("held · step {step:,}"), self.tr("held · {step:,}")
        else:
            texts = self.tr("live · step {step:,}"), self.tr("live · {step:,}")
        return *(text.format(step=self._step) for text in texts), f"{self._step:,}"

    def sizeHint(self) -> QSize:
        """Room for a step of four digits, in few words."""
        width = self.fonts.small.width(self.tr("held · {step:,}").format(step=8888))
        return QSize(round(width) + _TEXT_LEFT, self.fonts.text.height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the sign and the words, centred on the line of the title."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.paints.window)
        texts = self._texts()
        if not texts[0]:
            painter.end()
            return
        middle = self.height() / 2
        self._paint_sign(painter, middle)
        painter.setPen(self.paints.muted)
        painter.setFont(self.fonts.small.font)
        room = self.width() - _TEXT_LEFT - 4
        text = next((words for words in texts if self.fonts.small.metrics.horizontalAdvance(words) <= room), texts[-1])
        baseline = middle - self.fonts.small.height / 2 + self.fonts.small.ascent
        painter.drawText(QPointF(_TEXT_LEFT, baseline), text)
        painter.end()

    def _paint_sign(self, painter: QPainter, middle: float) -> None:
        if self._state == "paused":
            for left in (1.0, 5.0):
                painter.fillRect(QRectF(left, middle - 4, 3, 8), self.paints.accent)
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.paints.accent, 1.5))
        painter.setBrush(self.paints.window if self._state == "held" else self.paints.accent)
        painter.drawEllipse(QRectF(1, middle - _DOT / 2, _DOT, _DOT))


class Header(QWidget):
    """Title, state, and buttons for the previous step, the next step, and back to live."""

    step_by = Signal(int)
    live_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = StateLine(theme)
        title = QLabel(self.tr("Next token"))
        font = title.font()
        font.setBold(True)
        font.setPointSizeF(font.pointSizeF() * 1.1)
        title.setFont(font)
        self.live = QToolButton()
        self.live.setText(self.tr("Live"))
        self.live.setAccessibleName(self.tr("Back to live"))
        self.live.setToolTip(self.tr("Follow the newest token again (Esc)"))
        self.previous = _arrow_button(Qt.ArrowType.LeftArrow, self.tr("Previous token"))
        self.next = _arrow_button(Qt.ArrowType.RightArrow, self.tr("Next token"))
        policy = self.live.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.live.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN - 4, 0)
        row.setSpacing(2)
        row.addWidget(title)
        row.addSpacing(8)
        row.addWidget(self.state, 1)
        self.buttons = (self.live, self.previous, self.next)
        for button in self.buttons:
            row.addWidget(button)
        self.live.clicked.connect(self._on_live_clicked)
        self.previous.clicked.connect(self._on_previous_clicked)
        self.next.clicked.connect(self._on_next_clicked)
        self.set_state(-1, "live")

    def set_state(self, step: int, state: StepState) -> None:
        """Show a step; a negative one stands for none."""
        self.state.set_state(step, state)
        has_step = step >= 0
        if self.previous.isEnabled() != has_step:
            self.previous.setEnabled(has_step)
            self.next.setEnabled(has_step)
        self.live.setVisible(has_step and state == "held")

    @Slot()
    def _on_live_clicked(self) -> None:
        self.live_requested.emit()

    @Slot()
    def _on_previous_clicked(self) -> None:
        self.step_by.emit(-1)

    @Slot()
    def _on_next_clicked(self) -> None:
        self.step_by.emit(1)


def _arrow_button(arrow: Qt.ArrowType, name: str) -> QToolButton:
    button = QToolButton()
    button.setArrowType(arrow)
    button.setAutoRaise(True)
    button.setFixedWidth(22)
    button.setAccessibleName(name)
    button.setToolTip(name)
    return button
