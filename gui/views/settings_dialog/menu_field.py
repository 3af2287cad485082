"""One of many words: a list that opens."""

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from gui.models.option import ChoiceOption, translated
from gui.views.settings_dialog.field import Field


class MenuField(Field):
    """A closed list of the choices, the one in force in sight."""

    def __init__(self, option: ChoiceOption, parent: QWidget | None = None):
        super().__init__(option, parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.box = QComboBox(self)
        self.describe(self.box)
        for word, text in option.choices:
            self.box.addItem(translated(text), word)
        layout.addWidget(self.box)
        layout.addStretch(1)
        self.set_value(option.default)
        self.box.currentIndexChanged.connect(self._on_index_changed)

    @property
    def target(self) -> QWidget:
        """The list."""
        return self.box

    @property
    def value(self) -> str:
        """The word chosen."""
        return self.box.currentData()

    def set_value(self, value: object) -> None:
        """See Field."""
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(self.box.findData(value))

    @Slot(int)
    def _on_index_changed(self, _index: int) -> None:
        self.changed.emit(self.option.key, self.value)
