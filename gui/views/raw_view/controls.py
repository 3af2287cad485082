"""Two small controls of the raw view: a line that is cut where it is too long, and a check box that is seen in the dark."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QSizePolicy, QStyle, QStyleOptionButton, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme


class OneLine(QLabel):
    """Plain text in one line, its end cut with an ellipsis where there is no room; the tooltip has the whole of it then."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_whole(self, text: str) -> None:
        """The text, of which as much is shown as fits."""
        self._whole = text
        self.setAccessibleDescription(text)
        self._cut()

    @property
    def whole(self) -> str:
        """The text, uncut."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width shows more or less of it."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        self.setText(shown)
        self.setToolTip("" if shown == self._whole else tooltip(self._whole))


class CheckBox(QCheckBox):
    """A check box in the theme's colours; it draws its own tick, which a style sheet cannot do without picture files."""

    def __init__(self, text: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._tick = QColor(theme.on_accent)
        self.setStyleSheet(
            f"QCheckBox {{ color: {theme.text}; spacing: 7px; padding: 3px 6px 3px 2px; border: 1px solid transparent;"
            f" border-radius: 5px; outline: none; }} QCheckBox:focus {{ border-color: {theme.accent}; }}"
            f"QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {theme.muted}; border-radius: 3px;"
            f" background: {theme.surface}; }}"
            f"QCheckBox::indicator:checked {{ border-color: {theme.accent}; background: {theme.accent}; }}"
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box, and the tick in it."""
        super().paintEvent(event)
        if not self.isChecked():
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        middle = QPointF(self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self).center())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._tick, 1.8, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline([middle + QPointF(-3, 0.7), middle + QPointF(-0.5, 3.2), middle + QPointF(4, -2.3)])
        painter.end()
