"""The settings and the help: windows that belong to no message and no step.

Each is read when it is first opened: the main window is there sooner.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog

from gui import diagnostics, launcher
from gui.actions import shortcut_table
from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.main_window import MainWindow
from gui.preferences import Preferences
from gui.theme import Theme, control_style
from inference.types import ModelSpec

if TYPE_CHECKING:
    from gui.views.settings_dialog.dialog import SettingsDialog


class Dialogs(QObject):
    """Opens them; `settings` is the settings dialog once it was opened."""

    def __init__(self, host: EngineHost, chat: Chat, preferences: Preferences, theme: Theme, window: MainWindow):
        super().__init__(window)
        self._chat, self._preferences, self._theme, self._window = chat, preferences, theme, window
        self.settings: SettingsDialog | None = None
        host.model_ready.connect(self._on_model_ready)
        preferences.changed.connect(self._on_preferences_changed)
        window.transcript.scene_edit_requested.connect(self.show_scene)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self.settings is not None:
            self.settings.set_theme(theme)

    @Slot()
    def show_settings(self) -> None:
        """Open the settings, or bring them to the front."""
        if self.settings is None:
            from gui.views.settings_dialog.dialog import SettingsDialog

            preferences = self._preferences
            self.settings = SettingsDialog(preferences.settings, preferences.notes, self._theme, self._window)
            self.settings.changed.connect(preferences.update)
            if self._chat.spec is not None:
                self.settings.set_model_scene(self._chat.spec.default_scene)
        self.settings.show()
        self.settings.raise_()
        self.settings.activateWindow()

    @Slot()
    def show_scene(self) -> None:
        """Open the settings at the text that sets up a chat."""
        self.show_settings()
        self.settings.show_option("scene")

    @Slot()
    def show_shortcuts(self) -> None:
        """Show the table of keys."""
        from gui.views.shortcuts_dialog import ShortcutsDialog

        self._ask(ShortcutsDialog(shortcut_table(), self._window))

    @Slot()
    def show_about(self) -> None:
        """Show what this program is."""
        from gui.views.about_dialog import AboutDialog

        self._ask(AboutDialog(self._chat.spec, diagnostics.package_versions(), self._window))

    @Slot()
    def show_models(self) -> None:
        """Show where larger models are found."""
        from gui.models.known_models import KNOWN_MODELS
        from gui.views.models_dialog import ModelsDialog

        dialog = ModelsDialog(KNOWN_MODELS, self._window)
        dialog.open_requested.connect(self._window.actions_by_key["open_model"].trigger, Qt.ConnectionType.QueuedConnection)
        self._ask(dialog)

    def _ask(self, dialog: QDialog) -> None:
        """Show a dialog in the program's look until it is closed."""
        dialog.setStyleSheet(control_style(self._theme))
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def copy_system_info(self) -> None:
        """Put what a bug report needs on the clipboard."""
        QGuiApplication.clipboard().setText(diagnostics.system_information(self._chat.spec))
        self._window.statusBar().showMessage(self.tr("System information copied"), 4000)

    @Slot()
    def install_launcher(self) -> None:
        """Put the program into the applications menu."""
        try:
            paths = launcher.install_launcher()
        except OSError as error:
            self._window.banner.show_message(self.tr("The menu entry could not be written: {error}").format(error=error))
            return
        text = self.tr("Glassbox is in the applications menu now: {path}").format(path=paths[0])
        self._window.statusBar().showMessage(text, 8000)

    @Slot(object)
    def _on_model_ready(self, spec: ModelSpec) -> None:
        if self.settings is not None:
            self.settings.set_model_scene(spec.default_scene)

    @Slot(object)
    def _on_preferences_changed(self, _keys: frozenset[str]) -> None:
        if self.settings is not None:
            self.settings.set_settings(self._preferences.settings)
