"""One page of the dialog: the options of a group, each with label, control and help."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gui.models.option import ChoiceOption, Group, NumberOption, Option, TextOption, translated
from gui.views.settings_dialog.choice_field import ChoiceField
from gui.views.settings_dialog.field import Field
from gui.views.settings_dialog.menu_field import MenuField
from gui.views.settings_dialog.number_field import NumberField
from gui.views.settings_dialog.text_field import TextField

FIELDS = {NumberOption: NumberField, ChoiceOption: ChoiceField, TextOption: TextField}
MOST_IN_A_ROW = 3  # choices side by side; more of them open as a list
TITLE_SCALE, HELP_SCALE = 1.35, 0.92  # of the size of text
ROW_GAP = 16


class Page(QScrollArea):
    """Scrolls when the window is small. `fields` are the controls by key."""

    def __init__(self, group: Group, options: tuple[Option, ...], label_width: int, parent: QWidget | None = None):
        super().__init__(parent)
        self.fields: dict[str, Field] = {}
        self._helps: dict[str, QLabel] = {}
        self._labels: dict[str, QLabel] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        body = QWidget(self)
        column = QVBoxLayout(body)
        column.setContentsMargins(28, 22, 28, 22)
        column.setSpacing(4)
        column.addWidget(self._title(translated(group.title)))
        if group.intro:
            column.addWidget(muted_label(translated(group.intro), body))
        column.addSpacing(ROW_GAP)
        grid = self._grid(options, body)
        grid.setColumnMinimumWidth(0, label_width)
        column.addLayout(grid, 1)
        self.setWidget(body)

    def _title(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setFont(scaled(label.font(), TITLE_SCALE))
        return label

    def _grid(self, options: tuple[Option, ...], body: QWidget) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for option in options:
            self._add(grid, option, body)
        if not any(isinstance(field, TextField) for field in self.fields.values()):
            grid.setRowStretch(grid.rowCount(), 1)
        return grid

    def _add(self, grid: QGridLayout, option: Option, body: QWidget) -> None:
        field = field_class(option)(option, body)
        label = QLabel(translated(option.label), body)
        field.set_label(label)
        row = grid.rowCount()
        is_text = isinstance(field, TextField)
        grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop if is_text else Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(field, row, 1)
        grid.setRowStretch(row, 1 if is_text else 0)
        self.fields[option.key], self._labels[option.key] = field, label
        if option.help:
            self._helps[option.key] = muted_label(translated(option.help), body)
            grid.setRowMinimumHeight(row + 1, 4)
            grid.addWidget(self._helps[option.key], row + 2, 1)
        grid.setRowMinimumHeight(grid.rowCount(), ROW_GAP)

    def set_field_enabled(self, key: str, is_enabled: bool) -> None:
        """Switch an option's control and label on or off."""
        self.fields[key].setEnabled(is_enabled)
        self._labels[key].setEnabled(is_enabled)

    def set_help(self, key: str, text: str) -> None:
        """Say something else below an option that has a help."""
        self._helps[key].setText(text)

    def show_field(self, key: str) -> None:
        """Bring an option into sight and give it the focus."""
        self.ensureWidgetVisible(self.fields[key])
        self.fields[key].target.setFocus(Qt.FocusReason.TabFocusReason)  # numbers are selected


def scaled(font: QFont, factor: float) -> QFont:
    """The font at another size."""
    font = QFont(font)
    font.setPointSizeF(font.pointSizeF() * factor)
    return font


def muted_label(text: str, parent: QWidget) -> QLabel:
    """Small secondary text that wraps."""
    label = QLabel(text, parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setFont(scaled(label.font(), HELP_SCALE))
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def field_class(option: Option) -> type[Field]:
    """The control that suits an option."""
    if isinstance(option, ChoiceOption) and len(option.choices) > MOST_IN_A_ROW:
        return MenuField
    return FIELDS[type(option)]
