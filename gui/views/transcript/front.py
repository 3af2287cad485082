"""What stands above the first message: the scene, and before the first message a greeting with examples."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme
from gui.views.transcript.style import button_style, scaled_font, set_text_color

GREETING_SIDE = 32
SCENE_GAP = 12  # to the first message


class SceneBlock(QFrame):
    """The text that sets up a chat with a model that has no chat template; closed until the reader opens it.

    Emits `toggled` when its height changed, and `edit_requested`.
    """

    toggled = Signal()
    edit_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.setObjectName("scene")
        self.arrow = QToolButton(self)
        self.arrow.setCheckable(True)
        self.arrow.setAutoRaise(True)
        self.arrow.setAccessibleName(self.tr("Show the scene"))
        self.title = QLabel(self.tr("Scene: this model has no chat template, so this text sets up the conversation"), self)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setWordWrap(True)
        self.text = QLabel(self)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setAccessibleName(self.tr("Scene"))
        self.edit = QPushButton(self.tr("Edit scene…"), self)
        self.edit.setAccessibleName(self.tr("Edit scene"))
        self.edit.clicked.connect(self.edit_requested)
        self.arrow.toggled.connect(self._on_toggled)
        self._lay_out()
        self._on_toggled(False)
        self.set_theme(theme)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(8, 6, 8, 6)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.arrow, 0, 0)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.edit, 0, 2)
        grid.addWidget(self.text, 1, 1, 1, 2)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(f"QFrame#scene {{ border: 1px solid {theme.border}; border-radius: 10px; }}")
        self.edit.setStyleSheet(button_style(theme, 6).replace("padding: 6px 12px", "padding: 3px 10px"))
        self.arrow.setStyleSheet(
            f"QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 2px; }}"
            f"QToolButton:focus {{ border-color: {theme.accent}; }}"
        )
        set_text_color(self.title, theme.muted)
        set_text_color(self.text, theme.text)

    @Slot(bool)
    def _on_toggled(self, is_open: bool) -> None:
        self.arrow.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.text.setVisible(is_open)
        self.toggled.emit()


class Greeting(QWidget):
    """What the window is for, and a few messages to begin with. Emits `example_chosen` (its text)."""

    example_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.title = self._label(scaled_font(self, 1.8, QFont.Weight.DemiBold))
        self.text = self._label(scaled_font(self, 1.1))
        self.examples = [self._example(text) for text in self._example_texts()]
        column = QVBoxLayout(self)
        column.setContentsMargins(GREETING_SIDE, 24, GREETING_SIDE, 24)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addSpacing(18)
        grid = QGridLayout()
        grid.setSpacing(10)
        for place, button in enumerate(self.examples):
            grid.addWidget(button, place // 2, place % 2)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addLayout(grid)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(3)
        self.set_theme(theme)

    def _example_texts(self) -> tuple[str, ...]:
        return (
            self.tr("Once upon a time there was a"),
            self.tr("Tell me a story about a dragon"),
            self.tr("What is a token?"),
            self.tr("Hello! How are you?"),
        )

    def _label(self, font: QFont) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        label.setWordWrap(True)
        label.setFont(font)
        return label

    def _example(self, text: str) -> QPushButton:
        button = QPushButton(text.replace("&", "&&"), self)
        button.setProperty("example", text)
        button.setAccessibleName(self.tr("Send: {text}").format(text=text))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(self._on_example)
        return button

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        set_text_color(self.title, theme.text)
        set_text_color(self.text, theme.muted)
        for button in self.examples:
            button.setStyleSheet(button_style(theme, 10).replace("padding: 6px 12px", "padding: 10px 16px"))

    @Slot()
    def _on_example(self) -> None:
        self.example_chosen.emit(self.sender().property("example"))


class Front(QWidget):
    """Scene and greeting, one above the other."""

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.scene = SceneBlock(theme, self)
        self.greeting = Greeting(theme, self)
        self.scene.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, SCENE_GAP)
        column.addWidget(self.scene)
        column.addWidget(self.greeting, 1)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.scene.set_theme(theme)
        self.greeting.set_theme(theme)
