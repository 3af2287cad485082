"""What stands in place of a page that has nothing to show: why, and the way to it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gui.theme import Theme, control_style
from gui.views.probability.keys import token_steps
from gui.views.probability.style import MARGIN


class Waiting(QWidget):
    """A sentence and, where that helps, a button that holds the newest token. Arrow keys go on walking the text."""

    step_by = Signal(int)
    hold_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = QLabel()
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._button = QPushButton(self.tr("Hold the newest token"))
        self._button.setAccessibleName(self._button.text())
        self._button.clicked.connect(self.hold_requested)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN + 8, 0, MARGIN + 8, 0)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(self._label)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint the button in these colours."""
        self._button.setStyleSheet(control_style(theme))

    @property
    def text(self) -> str:
        """The sentence shown."""
        return self._label.text()

    def set_text(self, text: str, *, can_hold: bool = False) -> None:
        """Say why there is nothing here; plain text."""
        self._label.setText(text)
        self._button.setVisible(can_hold)
        self.setAccessibleName(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk the tokens of the text."""
        if steps := token_steps(event):
            self.step_by.emit(steps)
        else:
            super().keyPressEvent(event)
