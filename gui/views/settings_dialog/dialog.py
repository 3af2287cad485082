"""The settings dialog: every declared option, in use beside the chat; a change applies without an OK button."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QHideEvent, QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from gui.models.option import ChoiceOption, TextOption, translated
from gui.models.settings import GROUPS, OPTIONS, Settings
from gui.theme import Theme, control_style
from gui.views.settings_dialog.field import Field
from gui.views.settings_dialog.navigation import Navigation
from gui.views.settings_dialog.page import Page, muted_label

FIRST_SIZE = (840, 560)  # fits a screen of 900x600 with the window's frame
MINIMUM_SIZE = (600, 400)
MAX_NOTES = 4  # more would leave no room for the options
NUMBER_DELAY_MS = 200  # a slider under way is not a choice yet
TEXT_DELAY_MS = 500


class SettingsDialog(QDialog):
    """Shows settings and reports what the user changes; it keeps and saves nothing itself."""

    changed = Signal(dict)  # key -> value, only what changed

    def __init__(self, settings: Settings, notes: Sequence[str], theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.setMinimumSize(*MINIMUM_SIZE)
        self.resize(*FIRST_SIZE)
        self._settings = settings
        self._pending: dict[str, object] = {}
        self._undo: dict[str, object] = {}  # what the last "Restore defaults" replaced
        self._options = {option.key: option for option in OPTIONS if option.group}
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.timeout.connect(self._flush)
        self._notes = self._make_notes(notes)
        self._navigation = Navigation([translated(group.title) for group in GROUPS], self)
        self._pages = QStackedWidget(self)
        self._page_of: dict[str, Page] = {}
        self._make_pages()
        self._restore = QPushButton(self)
        self._close = QPushButton(self.tr("Clos&e"), self)
        self._footer = muted_label("", self)
        self._lay_out()
        self._connect()
        self._on_page_turned(0)
        self.set_theme(theme)
        self.set_settings(settings)

    def set_settings(self, settings: Settings) -> None:
        """Show the settings in force; emits nothing. What the user is just changing stays as it is."""
        self._settings = settings
        for key in self._options.keys() - self._pending.keys():
            self.field(key).set_value(getattr(settings, key))
        self._refresh()

    def set_model_scene(self, default_scene: str) -> None:
        """Show the loaded model's own scene; "" means that the model has a chat template and needs none."""
        page, option = self._page_of["scene"], self._options["scene"]
        page.fields["scene"].set_placeholder(default_scene)
        page.set_field_enabled("scene", bool(default_scene))
        if default_scene:
            page.set_help("scene", translated(option.help))
        else:
            page.set_help("scene", self.tr("Not used now: the loaded model has a chat template, which sets up the conversation."))

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(
            control_style(theme) + f"#notes {{ background: {theme.surface}; border: 1px solid {theme.border}; "
            f"border-left: 4px solid {theme.warning}; padding: 8px 10px; }}"
        )

    def show_option(self, key: str) -> None:
        """Turn to an option's page and put the focus on it."""
        self._navigation.setCurrentRow(self._pages.indexOf(self._page_of[key]))
        self._page_of[key].show_field(key)

    def field(self, key: str) -> Field:
        """The control of an option."""
        return self._page_of[key].fields[key]

    def _make_notes(self, notes: Sequence[str]) -> QLabel:
        shown = list(notes[:MAX_NOTES])
        if len(notes) > MAX_NOTES:
            shown.append(self.tr("… and %n more.", "", len(notes) - MAX_NOTES))
        label = QLabel("\n".join(shown), self)
        label.setObjectName("notes")
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setVisible(bool(notes))
        return label

    def _make_pages(self) -> None:
        for group in GROUPS:
            options = tuple(option for option in self._options.values() if option.group == group.key)
            page = Page(group, options, self._label_width(), self)
            page.setAccessibleName(translated(group.title))
            self._pages.addWidget(page)
            for option in options:
                self._page_of[option.key] = page
                page.fields[option.key].changed.connect(self._on_field_changed)

    def _label_width(self) -> int:
        """px, so that the controls of all pages stand in one column."""
        return max(self.fontMetrics().horizontalAdvance(option.title) for option in self._options.values())

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._navigation)
        middle.addWidget(_line(QFrame.Shape.VLine, self))
        middle.addWidget(self._pages, 1)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(20, 12, 20, 12)
        bottom.setSpacing(10)
        bottom.addWidget(self._footer, 1)
        for button in (self._restore, self._close):
            button.setAutoDefault(False)  # Enter in a number box must not press them
            bottom.addWidget(button)
        top = QVBoxLayout()
        top.setContentsMargins(14, 12 if self._notes.text() else 0, 14, 12 if self._notes.text() else 0)
        top.addWidget(self._notes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addLayout(middle, 1)
        column.addWidget(_line(QFrame.Shape.HLine, self))
        column.addLayout(bottom)

    def _connect(self) -> None:
        self._navigation.currentRowChanged.connect(self._pages.setCurrentIndex)
        self._navigation.currentRowChanged.connect(self._on_page_turned)
        self._restore.clicked.connect(self._on_restore)
        self._close.clicked.connect(self.reject)
        for keys, slot in (("Ctrl+PgDown", self._on_next_page), ("Ctrl+PgUp", self._on_previous_page)):
            QShortcut(QKeySequence(keys), self).activated.connect(slot)

    def _refresh(self) -> None:
        """Bring in line what depends on values: options that need another one, and the restore button."""
        for key, option in self._options.items():
            if option.needs:
                other, value = option.needs
                self._page_of[key].set_field_enabled(key, self.field(other).value == value)
        is_default = all(self.field(key).value == option.default for key, option in self._options.items())
        self._restore.setText(self.tr("&Undo restore") if self._undo else self.tr("Restore &defaults"))
        self._restore.setEnabled(bool(self._undo) or not is_default)

    @Slot(str, object)
    def _on_field_changed(self, key: str, value: object) -> None:
        self._undo = {}
        self._pending[key] = value
        self._refresh()
        match self._options[key]:
            case ChoiceOption():
                self._flush()
            case TextOption():
                self._delay.start(TEXT_DELAY_MS)
            case _:
                self._delay.start(NUMBER_DELAY_MS)

    @Slot()
    def _flush(self) -> None:
        """Report what is pending and differs from the settings in force."""
        self._delay.stop()
        pending, self._pending = self._pending, {}
        changes = {key: value for key, value in pending.items() if value != getattr(self._settings, key)}
        if changes:
            self._settings = replace(self._settings, **changes)
            self.changed.emit(changes)

    def _finish_input(self) -> None:
        for key in self._options:
            self.field(key).commit()
        self._flush()

    @Slot(int)
    def _on_page_turned(self, page: int) -> None:
        waits = GROUPS[page].waits_for_answer
        self._footer.setText(self.tr("A change applies from the next answer on.") if waits else "")

    @Slot()
    def _on_restore(self) -> None:
        self._finish_input()
        values, self._undo = self._undo, {}
        if not values:
            values = {key: option.default for key, option in self._options.items()}
            self._undo = {key: getattr(self._settings, key) for key in values}
        for key, value in values.items():
            self.field(key).set_value(value)
        self._pending = dict(values)
        self._flush()
        self._refresh()

    @Slot()
    def _on_next_page(self) -> None:
        self._turn(1)

    @Slot()
    def _on_previous_page(self) -> None:
        self._turn(-1)

    def _turn(self, pages: int) -> None:
        self._navigation.setCurrentRow((self._navigation.currentRow() + pages) % self._pages.count())

    def changeEvent(self, event: QEvent) -> None:
        """Nothing stays pending when the user turns to another window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._finish_input()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing stays pending when the dialog closes."""
        super().hideEvent(event)
        self._finish_input()


def _line(shape: QFrame.Shape, parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setFrameShape(shape)
    line.setFrameShadow(QFrame.Shadow.Plain)
    line.setForegroundRole(QPalette.ColorRole.Mid)
    return line
