"""The composition root: builds every part of the program and hands them to one another."""

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from gui import diagnostics, launcher
from gui.actions import shortcut_table
from gui.certainty import Certainty
from gui.chat import Chat
from gui.choosing import Choosing
from gui.comparing import Comparing
from gui.drafting import Drafting
from gui.editing import Editing
from gui.engine_host import EngineHost, WorkerMaker
from gui.engine_worker import EngineWorker
from gui.exporting import Exporting
from gui.garbage import GarbagePolicy
from gui.inspector import Inspector
from gui.journal import Journal
from gui.looking import Looking
from gui.main_window import MainWindow
from gui.message_commands import MessageCommands
from gui.models.conversation import Conversation
from gui.models.tint import TINT_KINDS
from gui.paths import FolderError, Paths
from gui.preferences import Preferences
from gui.replaying import Replaying
from gui.settings import SettingsStore
from gui.theme import apply_theme, control_style, theme_for
from gui.views.about_dialog import AboutDialog
from gui.views.settings_dialog.dialog import SettingsDialog
from gui.views.shortcuts_dialog import ShortcutsDialog
from inference.types import ModelSpec, RunFailed

log = logging.getLogger(__name__)

PAGES = 4  # of the panel


class Glassbox(QObject):
    """The running program: its parts, and what its commands do."""

    def __init__(self, application: QApplication, paths: Paths, model: Path | None = None, worker: WorkerMaker = EngineWorker):
        super().__init__()
        self._application, self._paths, self._model = application, paths, model
        self.preferences = Preferences(SettingsStore(paths.settings_file), self)
        self._theme = theme_for(self.preferences.settings.theme)
        apply_theme(application, self._theme)
        self.host = EngineHost(worker, self)
        self.conversation = Conversation(self)
        self.chat = Chat(self.host, self.conversation, self.preferences.current, self)
        state = QSettings(str(paths.window_file), QSettings.Format.IniFormat, self)
        self.window = MainWindow(self.chat, self.conversation, self._theme, state)
        self.inspector = Inspector(self.host, self.chat, self.conversation, self.window.transcript, self.window.panel, self)
        self._make_tools()
        self.journal = Journal(self.conversation, self)
        self._dialog: SettingsDialog | None = None
        self._connect_engine()
        self._connect_window()
        self._connect_commands()
        self._notes = (*self.preferences.notes, *self.journal.open(paths))
        self._show_settings()

    def _make_tools(self) -> None:
        """What the reader does with steps and answers; each owns its own window, where it has one."""
        host, chat, conversation, inspector, window = self.host, self.chat, self.conversation, self.inspector, self.window
        self.choosing = Choosing(chat, inspector, conversation, window.panel, self)
        self.drafting = Drafting(host, chat, inspector, window.composer, window.panel, self)
        self.comparing = Comparing(host, chat, conversation, self._theme, window)
        self.replaying = Replaying(host, chat, conversation, inspector, self._theme, window)
        self.looking = Looking(host, chat, conversation, inspector, self._theme, window)
        self.certainty = Certainty(conversation, inspector, self._theme, window)
        self.exporting = Exporting(conversation, inspector, window.panel, window)
        self.editing = Editing(conversation, window.composer, self)
        self.commands = MessageCommands(
            chat, conversation, inspector, self.comparing, self.looking, self.replaying, self.exporting, self.editing, self
        )

    def start(self) -> None:
        """Show the window; the engine starts once it is on screen."""
        self.window.show()
        QTimer.singleShot(0, self, self.load_chosen_model)

    def is_busy(self) -> bool:
        """Whether an answer is being made."""
        return self.chat.is_busy

    def close(self) -> bool:
        """Save what is left and end the engine; False when its thread did not end in time."""
        self.journal.close()
        return self.host.close()

    def _connect_engine(self) -> None:
        self.host.load_progressed.connect(self.window.show_loading)
        self.host.load_failed.connect(self._on_load_failed)
        self.host.model_ready.connect(self._on_model_ready)
        self.host.tokens_counted.connect(self._on_tokens_counted)

    def _connect_window(self) -> None:
        window = self.window
        window.composer.submitted.connect(self._on_submitted)
        window.composer.stop_requested.connect(self.chat.stop)
        window.composer.draft_changed.connect(self._on_draft_changed)
        window.transcript.example_chosen.connect(self._on_submitted)
        window.transcript.command_requested.connect(self.commands.run)
        window.transcript.switch_requested.connect(self.commands.switch)
        window.legend.tint_chosen.connect(self._on_tint_chosen)
        window.transcript.scene_edit_requested.connect(self._on_scene_edit_requested)
        window.panel.temperature_changed.connect(self.preferences.set_temperature)
        window.banner.button_clicked.connect(self._on_use_bundled)
        window.escape_pressed.connect(self._on_escape)
        window.closed.connect(self._on_closed)
        self.exporting.failed.connect(window.banner.show_message)
        self.exporting.told.connect(self._on_told)
        self.inspector.changed.connect(self._on_inspector_changed)
        self.chat.changed.connect(self._on_chat_changed)
        self.preferences.changed.connect(self._on_preferences_changed)
        self.preferences.save_failed.connect(window.banner.show_message)
        self.journal.failed.connect(window.banner.show_message)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_color_scheme_changed)

    def _connect_commands(self) -> None:
        for key, command in (self._window_commands() | self._tool_commands()).items():
            self.window.actions_by_key[key].triggered.connect(command)
        self.window.actions_by_key["panel"].toggled.connect(self._on_panel_toggled)
        for key in ("strips", "drafts"):
            self.window.actions_by_key[key].toggled.connect(self._on_switch_toggled)

    def _window_commands(self) -> dict[str, Callable[[], None]]:
        return {
            "new_chat": self.chat.new_chat,
            "stop": self.chat.stop,
            "settings": self.show_settings_dialog,
            "quit": self.window.close,
            "cut": self.window.edit,
            "copy": self.window.edit,
            "paste": self.window.edit,
            "select_all": self.window.edit,
            "copy_answer": self.window.copy_last_answer,
            "find": self.window.transcript.show_find,
            "write": self.window.composer.focus,
            "open_model": self._on_open_model,
            "bundled_model": self._on_use_bundled,
            "shortcuts": self._on_shortcuts,
            "system_info": self._on_system_info,
            "install_launcher": self._on_install_launcher,
            "about": self._on_about,
        }

    def _tool_commands(self) -> dict[str, Callable[[], None]]:
        here = {
            "again": "regenerate",
            "continue": "continue",
            "previous_version": "previous",
            "next_version": "next",
            "replay": "replay",
            "compare": "compare",
            "raw": "raw",
            "export_json": "export",
            "export_csv": "export_csv",
        }
        return {
            "live": self.inspector.release,
            "inspect": self.inspector.hold_newest,
            "pause": self.choosing.pause_or_resume,
            "step": self.choosing.step,
            "tint": self._on_next_tint,
            "least_certain": self.certainty.open,
            "step_csv": self.exporting.copy_step_csv,
            "step_json": self.exporting.copy_step_json,
            "copy_picture": self.exporting.copy_picture,
            "save_picture": self.exporting.save_picture,
            **{f"page_{number + 1}": partial(self._show_page, number) for number in range(PAGES)},
            **{key: partial(self.commands.run_here, command) for key, command in here.items()},
        }

    def _show_page(self, number: int) -> None:
        self.window.actions_by_key["panel"].setChecked(True)
        self.window.panel.enter_page(number)

    def _show_settings(self) -> None:
        """Bring everything that shows a setting, or what was restored, in line with it."""
        self.window.panel.set_temperature(self.preferences.settings.temperature)
        self._show_instruments()
        self.window.refresh()
        self.inspector.show_newest()
        self._on_inspector_changed()
        self.window.actions_by_key["bundled_model"].setEnabled(self._paths.bundled_model() is not None)
        if self._notes:
            self.window.banner.show_message("\n".join(self._notes))

    def _show_instruments(self) -> None:
        """Tint, strips and drafts as the settings say."""
        settings = self.preferences.settings
        self.window.set_tint(settings.tint)
        self.window.transcript.set_strips(settings.strips == "shown")
        self.chat.requests.is_scored = settings.strips == "shown" or settings.tint != "off"
        self.drafting.is_on = settings.drafts == "shown"
        self.drafting.refresh()
        for key in ("strips", "drafts"):
            self.window.actions_by_key[key].setChecked(getattr(settings, key) == "shown")

    @Slot(str)
    def _on_tint_chosen(self, kind: str) -> None:
        self.preferences.update({"tint": kind})

    @Slot()
    def _on_next_tint(self) -> None:
        kinds = TINT_KINDS
        self.preferences.update({"tint": kinds[(kinds.index(self.preferences.settings.tint) + 1) % len(kinds)]})

    @Slot(bool)
    def _on_switch_toggled(self, shown: bool) -> None:
        self.preferences.update({self.sender().objectName(): "shown" if shown else "hidden"})

    @Slot(str)
    def _on_told(self, text: str) -> None:
        self.window.statusBar().showMessage(text, 6000)

    @Slot()
    def _on_chat_changed(self) -> None:
        """The commands that can do something now, and no others."""
        messages, busy = self.conversation.messages, self.chat.is_busy
        answer = self.commands.answer_at_hand()
        can_use = answer is not None and self.chat.can_use(messages[answer])
        place, count = (1, 1) if answer is None else self.conversation.siblings(answer)
        is_cut_short = (
            answer is not None
            and messages[answer].status in ("paused", "stopped", "done")
            and (messages[answer].finish_reason in ("length", "cancelled"))
        )
        enabled = {
            "again": answer is not None and self.chat.spec is not None,
            "continue": can_use and not busy and is_cut_short,
            "previous_version": place > 1,
            "next_version": place < count,
            "replay": can_use and not busy,
            "compare": can_use and not busy,
            "raw": answer is not None,
            "export_json": answer is not None,
            "export_csv": answer is not None,
            "pause": busy or self.chat.paused is not None,
            "step": self.chat.paused is not None,
            "least_certain": answer is not None,
        }
        for key, is_enabled in enabled.items():
            self.window.actions_by_key[key].setEnabled(is_enabled)

    @Slot()
    def load_chosen_model(self) -> None:
        """Load the model named on the command line or in the settings, else the bundled one."""
        chosen = self._chosen_model()
        if chosen:
            self.chat.load(str(chosen))
        else:
            self.window.banner.show_message(
                self.tr("This copy of Glassbox has no bundled model. Open a model folder in the Model menu.")
            )

    def _chosen_model(self) -> Path | str | None:
        return self._model or self.preferences.settings.model_path or self._paths.bundled_model()

    @Slot(object)
    def _on_load_failed(self, failure: RunFailed) -> None:
        bundled = self._paths.bundled_model()
        self.window.show_load_failure(failure, can_use_bundled=bundled not in (None, self._chosen_model()))

    def _load(self, path: str) -> None:
        self._model = None
        self.window.banner.hide()
        self.preferences.update({"model_path": path})
        self.load_chosen_model()

    @Slot(object)
    def _on_model_ready(self, spec: ModelSpec) -> None:
        self.window.transcript.set_welcome(self.tr("Chat with {name}").format(name=spec.name), self._welcome_text(spec))
        if self.inspector.held is None:
            self.inspector.show_newest()
        if self._dialog is not None:
            self._dialog.set_model_scene(spec.default_scene)
        self._on_draft_changed(self.window.composer.text())

    def _welcome_text(self, spec: ModelSpec) -> str:
        text = self.tr(
            "It runs on this computer, and nothing leaves it.\nBeside each answer you see what else the model could have said."
        )
        return f"{spec.description}\n{text}" if spec.description else text

    @Slot(str)
    def _on_submitted(self, text: str) -> None:
        self.inspector.release()
        edited = self.editing.take()
        if edited is not None:
            self.chat.send_instead(edited, text)
        elif self.window.composer.mode == "continue":
            self.chat.continue_text(text)
        else:
            self.chat.send(text)

    @Slot(str)
    def _on_draft_changed(self, text: str) -> None:
        if text and self.chat.spec is not None:
            self.host.count_tokens(text)
        else:
            self.window.composer.set_token_count(None)
            self.window.composer.set_hint(self.editing.hint)

    @Slot(int)
    def _on_tokens_counted(self, count: int) -> None:
        """Show the size of the message, and warn before it is sent in vain."""
        spec, hint = self.chat.spec, self.editing.hint
        if spec is not None and count >= spec.context_tokens:
            hint = self.tr("Too long: the context holds {count} tokens").format(count=f"{spec.context_tokens:,}")
        self.window.composer.set_token_count(count)
        self.window.composer.set_hint(hint)

    @Slot()
    def _on_inspector_changed(self) -> None:
        self.window.actions_by_key["live"].setEnabled(self.inspector.held is not None)
        self._on_chat_changed()

    @Slot()
    def _on_escape(self) -> None:
        if self.chat.is_busy:
            self.chat.stop()
        elif not self.editing.cancel():
            self.inspector.release()

    @Slot(object)
    def _on_preferences_changed(self, keys: frozenset[str]) -> None:
        settings = self.preferences.settings
        if "theme" in keys:
            self._apply_theme()
        if "temperature" in keys:
            self.window.panel.set_temperature(settings.temperature)
        if keys & {"tint", "strips", "drafts"}:
            self._show_instruments()
        if "scene" in keys:
            self.window.refresh()
        if "threads" in keys:
            self.load_chosen_model()
        if self._dialog is not None:
            self._dialog.set_settings(settings)

    @Slot()
    def _on_color_scheme_changed(self) -> None:
        self._apply_theme()

    def _apply_theme(self) -> None:
        theme = theme_for(self.preferences.settings.theme)
        if theme is not self._theme:
            self._theme = theme
            apply_theme(self._application, theme)
            for part in (self.window, self.comparing, self.replaying, self.looking, self.certainty):
                part.set_theme(theme)
            if self._dialog is not None:
                self._dialog.set_theme(theme)

    @Slot()
    def show_settings_dialog(self) -> None:
        """Open the settings, or bring them to the front."""
        if self._dialog is None:
            self._dialog = SettingsDialog(self.preferences.settings, self.preferences.notes, self._theme, self.window)
            self._dialog.changed.connect(self.preferences.update)
            if self.chat.spec is not None:
                self._dialog.set_model_scene(self.chat.spec.default_scene)
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    @Slot()
    def _on_scene_edit_requested(self) -> None:
        self.show_settings_dialog()
        self._dialog.show_option("scene")

    @Slot()
    def _on_open_model(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.window, self.tr("Open a model folder (Hugging Face layout, safetensors)"))
        if folder:
            self._load(folder)

    @Slot()
    def _on_use_bundled(self) -> None:
        self._load("")

    @Slot(bool)
    def _on_panel_toggled(self, shown: bool) -> None:
        """A panel that opens again shows what is newest, not what it showed when it was closed."""
        self.window.show_panel(shown)
        if shown and self.inspector.held is None:
            self.inspector.show_newest()

    @Slot()
    def _on_shortcuts(self) -> None:
        self._ask(ShortcutsDialog(shortcut_table(), self.window))

    @Slot()
    def _on_about(self) -> None:
        self._ask(AboutDialog(self.chat.spec, diagnostics.package_versions(), self.window))

    def _ask(self, dialog: QDialog) -> None:
        """Show a dialog in the program's look until it is closed."""
        dialog.setStyleSheet(control_style(self._theme))
        dialog.exec()
        dialog.deleteLater()

    @Slot()
    def _on_system_info(self) -> None:
        QGuiApplication.clipboard().setText(diagnostics.system_information(self.chat.spec))
        self.window.statusBar().showMessage(self.tr("System information copied"), 4000)

    @Slot()
    def _on_install_launcher(self) -> None:
        try:
            paths = launcher.install_launcher()
        except OSError as error:
            self.window.banner.show_message(self.tr("The menu entry could not be written: {error}").format(error=error))
            return
        self.window.statusBar().showMessage(
            self.tr("Glassbox is in the applications menu now: {path}").format(path=paths[0]), 8000
        )

    @Slot()
    def _on_closed(self) -> None:
        self._application.quit()


def make_application(paths: Paths) -> QApplication:
    """The QApplication with the program's name, icon and style."""
    application = QApplication([sys.argv[0]])
    application.setApplicationName("Glassbox")
    application.setDesktopFileName(launcher.APPLICATION_ID)  # before the first window, or Wayland shows no icon
    application.setStyle("Fusion")
    application.setWindowIcon(QIcon(str(paths.resource("icons", "glassbox.svg"))))
    return application


def main(model: Path | None, profile: Path | None) -> int:
    """Run the program; returns its exit code."""
    paths = Paths(profile)
    try:
        diagnostics.start_logging(paths.log_file)
        application = make_application(paths)
        program = Glassbox(application, paths, model)
    except FolderError as error:
        print(error, file=sys.stderr)  # noqa: T201  there is no log to write to
        return 1
    diagnostics.install_handlers(program.window.banner.show_message)
    garbage = GarbagePolicy(program.is_busy, program)
    program.host.model_ready.connect(garbage.freeze)
    program.start()
    code = application.exec()
    if not program.close():  # in the middle of one long step; nothing of the user's is in that thread
        log.warning("the engine thread did not end in time")
        logging.shutdown()
        os._exit(code)
    garbage.release()
    return code
