"""One of a few words: all of them in sight, side by side."""

from PySide6.QtCore import QSignalBlocker, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QRadioButton, QWidget

from gui.models.option import ChoiceOption, translated
from gui.views.settings_dialog.field import Field


class ChoiceField(Field):
    """A row of radio buttons; the focus goes to the one that is chosen."""

    def __init__(self, option: ChoiceOption, parent: QWidget | None = None):
        super().__init__(option, parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        self.buttons: dict[str, QRadioButton] = {}
        for word, text in option.choices:
            button = QRadioButton(translated(text), self)
            self.describe(button, f"{option.title}: {translated(text)}")
            button.toggled.connect(self._on_toggled)
            layout.addWidget(button)
            self.buttons[word] = button
        layout.addStretch(1)
        self.set_value(option.default)

    @property
    def target(self) -> QWidget:
        """The button that is chosen."""
        return self.buttons[self.value]

    @property
    def value(self) -> str:
        """The word chosen."""
        return next(word for word, button in self.buttons.items() if button.isChecked())

    def set_value(self, value: object) -> None:
        """See Field."""
        blockers = [QSignalBlocker(button) for button in self.buttons.values()]
        self.buttons[value].setChecked(True)
        for blocker in blockers:
            blocker.unblock()
        self._lead_focus()

    def _lead_focus(self) -> None:
        """Let Tab and the label's mnemonic go to the button that is chosen; Qt does so only after the first click."""
        for button in self.buttons.values():
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if button.isChecked() else Qt.FocusPolicy.ClickFocus)
        if self._label is not None:
            self._label.setBuddy(self.target)

    @Slot(bool)
    def _on_toggled(self, is_checked: bool) -> None:
        if is_checked:
            self._lead_focus()
            self.changed.emit(self.option.key, self.value)
