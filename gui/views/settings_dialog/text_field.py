"""Text of several lines, with a grey text that shows what an empty field stands for."""

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from gui.models.option import TextOption
from gui.views.settings_dialog.field import Field


class TextField(Field):
    """A plain text edit; Tab leaves it."""

    def __init__(self, option: TextOption, parent: QWidget | None = None):
        super().__init__(option, parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self.edit = QPlainTextEdit(self)
        self.edit.setTabChangesFocus(True)
        self.edit.setFixedHeight(self.edit.fontMetrics().lineSpacing() * option.rows + 16)
        self.edit.textChanged.connect(self._on_text_changed)
        self.describe(self.edit)
        self._too_long = QLabel(self)
        self._too_long.setWordWrap(True)
        self._too_long.hide()
        self._start = QPushButton(self.tr("&Edit this text"), self)
        self._start.setAutoDefault(False)
        self._start.clicked.connect(self._on_start)
        self._start.hide()
        layout.addWidget(self.edit)
        layout.addWidget(self._too_long)
        layout.addWidget(self._start)
        self.setFocusProxy(self.edit)

    @property
    def value(self) -> str:
        """The text, cut where it is too long."""
        return self.option.clean(self.edit.toPlainText())[: self.option.max_characters]

    def set_value(self, value: object) -> None:
        """See Field. The cursor stays where the text is the same."""
        if value != self.value:
            with QSignalBlocker(self.edit):
                self.edit.setPlainText(value)
            self._show()

    def set_placeholder(self, text: str) -> None:
        """Show what an empty field stands for; "" for nothing."""
        self.edit.setPlaceholderText(text)
        self._show()
