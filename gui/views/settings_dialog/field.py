"""What the dialog's rows have in common: a widget that holds the value of one option."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from gui.models.option import Option, translated


class Field(QWidget):
    """The control of one option. Emits `changed` for what the user does, never for `set_value`."""

    changed = Signal(str, object)  # key, value

    def __init__(self, option: Option, parent: QWidget | None = None):
        super().__init__(parent)
        self.option = option
        self._label: QLabel | None = None

    @property
    def target(self) -> QWidget:
        """The control that takes the focus. Not a focus proxy: with one, Tab skips the controls before it."""
        raise NotImplementedError

    def set_label(self, label: QLabel) -> None:
        """Let the label's mnemonic lead to the control."""
        self._label = label
        label.setBuddy(self.target)

    def set_value(self, value: object) -> None:
        """Show a value that is already in force."""
        raise NotImplementedError

    def commit(self) -> None:
        """Take what is typed but not yet confirmed."""

    def describe(self, widget: QWidget, name: str = "") -> None:
        """Give a control its name and its help for screen readers."""
        widget.setAccessibleName(name or self.option.title)
        widget.setAccessibleDescription(translated(self.option.help))
