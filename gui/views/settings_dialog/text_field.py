"""Text of several lines, with a grey text that shows what an empty field stands for."""

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.models.option import TextOption
from gui.views.settings_dialog.field import Field


class TextField(Field):
    """A plain text edit; Tab leaves it. With a placeholder comes a button that makes it text to edit."""

    def __init__(self, option: TextOption, parent: QWidget | None = None):
        super().__init__(option, parent)
        self.edit = QPlainTextEdit(self)
        self.edit.setTabChangesFocus(True)
        self.edit.setMinimumHeight(self.edit.fontMetrics().lineSpacing() * option.rows + 16)
        self.edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # the page shares out what room it has
        self.edit.textChanged.connect(self._on_text_changed)
        self.describe(self.edit)
        self._too_long = QLabel(self)
        self._too_long.setWordWrap(True)
        self.start = QPushButton(self.tr("Edit &a copy of the grey text"), self)
        self.start.setAutoDefault(False)
        self.start.clicked.connect(self._on_start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self._too_long)
        layout.addWidget(self.start, 0, Qt.AlignmentFlag.AlignLeft)
        self._show()

    @property
    def target(self) -> QWidget:
        """See Field."""
        return self.edit

    @property
    def value(self) -> str:
        """The text, cut where it is too long."""
        return self._text()[: self.option.max_characters]

    def set_value(self, value: object) -> None:
        """See Field. Where the text is the same, cursor and undo history stay."""
        if value != self.value:
            with QSignalBlocker(self.edit):
                self.edit.setPlainText(value)
            self._show()

    def set_placeholder(self, text: str) -> None:
        """Show what an empty field stands for; "" for nothing."""
        self.edit.setPlaceholderText(text)
        self._show()

    def _text(self) -> str:
        return self.option.clean(self.edit.document().toRawText())  # toPlainText turns no-break spaces into spaces

    def _show(self) -> None:
        text, limit = self._text(), self.option.max_characters
        too_long = self.tr("This is too long: only the first {limit} of {count} characters are used.")
        self._too_long.setText(too_long.format(limit=f"{limit:,}", count=f"{len(text):,}"))
        self._too_long.setVisible(len(text) > limit)
        self.start.setVisible(bool(self.edit.placeholderText()))
        self.start.setEnabled(not text)

    @Slot()
    def _on_text_changed(self) -> None:
        self._show()
        self.changed.emit(self.option.key, self.value)

    @Slot()
    def _on_start(self) -> None:
        self.edit.setFocus()
        self.edit.insertPlainText(self.edit.placeholderText())
