"""The legend of the tint: which number the text is tinted by, and what its colours mean."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup, QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.tint import MAX_ENTROPY_BITS, MAX_RANK, MAX_SURPRISE_BITS, TINT_KINDS, TintKind
from gui.theme import Theme, tint_color

SIDE = 24
GAP = 12
RAMP_WIDTH = 120
RAMP_HEIGHT = 12
RAMP_STOPS = 12
SMALL = 0.9  # size of the numbers, of the widget's own


class Ramp(QWidget):
    """The colours of the tint from expected to unexpected, between the numbers they stand for."""

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self._theme = theme
        self._low = self._high = ""
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * SMALL)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.update()

    def set_ends(self, low: str, high: str) -> None:
        """What the first and the last colour stand for."""
        self._low, self._high = low, high
        self.setAccessibleDescription(self.tr("From {low} to {high}").format(low=low, high=high))
        self.updateGeometry()
        self.update()

    def _label_widths(self) -> tuple[float, float]:
        metrics = QFontMetricsF(self.font())
        return metrics.horizontalAdvance(self._low), metrics.horizontalAdvance(self._high)

    def sizeHint(self) -> QSize:
        """The colours and a number on either side."""
        return QSize(round(sum(self._label_widths())) + RAMP_WIDTH + GAP + 2, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Number, colours, number."""
        super().paintEvent(event)
        painter = QPainter(self)
        low, high = self._label_widths()
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(QRectF(0, 0, low + 1, self.height()), middle | Qt.AlignmentFlag.AlignLeft, self._low)
        box = QRectF(round(low + GAP / 2) + 0.5, (self.height() - RAMP_HEIGHT) // 2 + 0.5, RAMP_WIDTH - 1, RAMP_HEIGHT - 1)
        painter.drawText(
            QRectF(box.right() + GAP / 2, 0, high + 1, self.height()), middle | Qt.AlignmentFlag.AlignLeft, self._high
        )
        colors = QLinearGradient(box.topLeft(), box.topRight())
        for stop in range(RAMP_STOPS + 1):
            colors.setColorAt(stop / RAMP_STOPS, tint_color(self._theme, stop / RAMP_STOPS))
        painter.setPen(QColor(self._theme.border))
        painter.setBrush(colors)
        painter.drawRect(box)


class TintLegend(QWidget):
    """A slim bar under the conversation while a tint is on. Emits `tint_chosen` (a kind; "off" to close)."""

    tint_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self.kind: TintKind = "off"
        self.menu = QMenu(self)
        self.menu.triggered.connect(self._on_triggered)
        self._group = QActionGroup(self)
        for kind in TINT_KINDS[1:]:
            self._add(kind)
        self.button = self._tool_button("", self.tr("What the text is tinted by"))
        self.button.setMenu(self.menu)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.ramp = Ramp(theme, self)
        self.ramp.setAccessibleName(self.tr("Colours of the tint"))
        self.note = QLabel(self)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.close_button = self._tool_button("✕", self.tr("Switch the tint off"))
        self.close_button.setToolTip(self.close_button.accessibleName())
        self.close_button.clicked.connect(self._on_close)
        self._lay_out()
        self.set_theme(theme)
        self.set_tint("off")

    def _add(self, kind: TintKind) -> None:
        action = self.menu.addAction(self._names()[kind])
        action.setData(kind)
        action.setCheckable(True)
        self._group.addAction(action)

    def _tool_button(self, text: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(SIDE, 6, SIDE, 5)
        row.setSpacing(GAP)
        row.addWidget(self.button)
        row.addWidget(self.ramp)
        row.addWidget(self.note, 1)
        row.addWidget(self.close_button)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.ramp.set_theme(theme)
        palette = self.note.palette()
        palette.setColor(self.note.foregroundRole(), QColor(theme.muted))
        self.note.setPalette(palette)
        style = (
            f"QToolButton {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};"
            f" border-radius: 5px; padding: 3px 8px; }}"
            f"QToolButton:hover {{ background: {theme.raised}; }}"
            f"QToolButton:focus {{ border-color: {theme.accent}; }}"
            "QToolButton::menu-indicator { image: none; }"  # the text carries its own arrow
        )
        self.button.setStyleSheet(style)
        self.close_button.setStyleSheet(style)
        self.update()

    def set_tint(self, kind: TintKind) -> None:
        """Explain this tint; "off" hides the legend."""
        self.kind = kind
        self.setVisible(kind != "off")
        if kind == "off":
            return
        name = self._names()[kind]
        self.button.setText(self.tr("Tint: {name}  ▾").format(name=name))
        self.button.setAccessibleDescription(name)
        self.button.setToolTip(tooltip(self._meanings()[kind]))
        self.ramp.setToolTip(tooltip(self._meanings()[kind]))
        self.ramp.set_ends(*self._ends()[kind])
        for action in self._group.actions():
            action.setChecked(action.data() == kind)
        self._show_note()

    def _names(self) -> dict[TintKind, str]:
        return {
            "model": self.tr("model probability"),
            "sampling": self.tr("sampling probability"),
            "surprise": self.tr("surprise"),
            "entropy": self.tr("entropy"),
            "rank": self.tr("rank"),
        }

    def _ends(self) -> dict[TintKind, tuple[str, str]]:
        probability = (self.tr("100 %"), self.tr("0 %"))
        return {
            "model": probability,
            "sampling": probability,
            "surprise": (self.tr("0 bits"), self.tr("{bits:g} or more").format(bits=MAX_SURPRISE_BITS)),
            "entropy": (self.tr("0 bits"), self.tr("{bits:g} or more").format(bits=MAX_ENTROPY_BITS)),
            "rank": (self.tr("1st"), self.tr("{rank:,}th or later").format(rank=MAX_RANK)),
        }

    def _meanings(self) -> dict[TintKind, str]:
        return {
            "model": self.tr("How likely the model itself found the token, on a linear scale."),
            "sampling": self.tr("The chance with which the token was drawn, after all sampling settings, on a linear scale."),
            "surprise": self.tr("How unexpected the token was: -log2 of its model probability."),
            "entropy": self.tr("How uncertain the model was before the token, whichever was chosen."),
            "rank": self.tr("The token's place among all by model probability, on a logarithmic scale."),
        }

    def _notes(self) -> str:
        return self.tr("without tint: not drawn") if self.kind == "sampling" else self.tr("without tint: not known")

    def _show_note(self) -> None:
        text = self._notes()
        self.note.setToolTip(text)
        fits = self.note.fontMetrics().horizontalAdvance(text) <= self.note.width()
        self.note.setText(text if fits else "")

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        self.tint_chosen.emit(action.data())

    @Slot()
    def _on_close(self) -> None:
        self.tint_chosen.emit("off")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The note is left out where there is no room for it."""
        super().resizeEvent(event)
        self.layout().activate()
        if self.kind != "off":
            self._show_note()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line above sets the bar off from the conversation."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QColor(self._theme.border))
        painter.drawLine(0, 0, self.width(), 0)
