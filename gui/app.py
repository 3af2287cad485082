"""The composition root: builds every part of the program and hands them to one another."""

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from gui import diagnostics, launcher
from gui.certainty import Certainty
from gui.chat import Chat
from gui.choosing import Choosing
from gui.comparing import Comparing
from gui.dialogs import Dialogs
from gui.drafting import Drafting
from gui.earlier import Earlier
from gui.editing import Editing
from gui.enabling import Enabling
from gui.engine_host import EngineHost, WorkerMaker
from gui.engine_worker import EngineWorker
from gui.exporting import Exporting
from gui.garbage import GarbagePolicy
from gui.inspector import Inspector
from gui.journal import Journal
from gui.loading import Loading
from gui.looking import Looking
from gui.main_window import MainWindow
from gui.message_commands import MessageCommands
from gui.models.conversation import Conversation
from gui.models.tint import TINT_KINDS
from gui.paths import FolderError, Paths
from gui.preferences import Preferences
from gui.replaying import Replaying
from gui.settings import SettingsStore
from gui.theme import apply_theme, theme_for

log = logging.getLogger(__name__)

PAGES = 4  # of the panel


class Glassbox(QObject):
    """The running program: its parts, and what its commands do."""

    def __init__(self, application: QApplication, paths: Paths, model: Path | None = None, worker: WorkerMaker = EngineWorker):
        super().__init__()
        self._application = application
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
        self.loading = Loading(self.host, self.chat, self.preferences, self.window, paths, model)
        self.dialogs = Dialogs(self.host, self.chat, self.preferences, self._theme, self.window)
        self.journal = Journal(self.conversation, self)
        self.earlier = Earlier(self.chat, self.journal, self.inspector, self._theme, self.window)
        self._connect_window()
        self._connect_tools()
        self._connect_commands()
        self._notes = (*self.preferences.notes, *self.journal.open(paths))
        self._show_settings()

    def _make_tools(self) -> None:
        """What the reader does with steps and answers; each owns its own window, where it has one."""
        host, chat, conversation, inspector, window = self.host, self.chat, self.conversation, self.inspector, self.window
        self.choosing = Choosing(chat, inspector, conversation, window.panel, self)
        self.drafting = Drafting(host, chat, conversation, inspector, window.composer, window.panel, self)
        self.comparing = Comparing(host, chat, conversation, self._theme, window)
        self.replaying = Replaying(host, chat, conversation, inspector, self._theme, window)
        self.looking = Looking(host, chat, conversation, inspector, self._theme, window)
        self.certainty = Certainty(conversation, inspector, self._theme, window)
        self.exporting = Exporting(conversation, inspector, window.panel, window)
        self.editing = Editing(conversation, window.composer, self)
        self.commands = MessageCommands(
            chat, conversation, inspector, self.comparing, self.looking, self.replaying, self.exporting, self.editing, self
        )
        self.enabling = Enabling(window.actions_by_key, chat, conversation, inspector, self.commands, self)

    def start(self) -> None:
        """Show the window; the engine starts once it is on screen."""
        self.window.show()
        QTimer.singleShot(0, self.loading, self.loading.load_chosen)

    def is_busy(self) -> bool:
        """Whether an answer is being made."""
        return self.chat.is_busy

    def close(self) -> bool:
        """Save what is left and end the engine; False when its thread did not end in time."""
        self.journal.close()
        return self.host.close()

    def _connect_window(self) -> None:
        window = self.window
        window.composer.submitted.connect(self._on_submitted)
        window.composer.stop_requested.connect(self.chat.stop)
        window.composer.draft_changed.connect(self._on_draft_changed)
        window.transcript.example_chosen.connect(self._on_submitted)
        window.transcript.command_requested.connect(self.commands.run)
        window.transcript.switch_requested.connect(self.commands.switch)
        window.legend.tint_chosen.connect(self._on_tint_chosen)
        window.panel.temperature_changed.connect(self.preferences.set_temperature)
        window.escape_pressed.connect(self._on_escape)
        window.closed.connect(self._on_closed)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_color_scheme_changed)

    def _connect_tools(self) -> None:
        banner = self.window.banner
        self.host.model_ready.connect(self._on_model_ready)
        self.host.tokens_counted.connect(self._on_tokens_counted)
        self.exporting.failed.connect(banner.show_message)
        self.exporting.told.connect(self._on_told)
        self.commands.told.connect(self._on_told)
        self.preferences.changed.connect(self._on_preferences_changed)
        self.preferences.save_failed.connect(banner.show_message)
        self.journal.failed.connect(banner.show_message)
        self.earlier.failed.connect(banner.show_message)

    def _connect_commands(self) -> None:
        for key, command in (self._window_commands() | self._tool_commands()).items():
            self.window.actions_by_key[key].triggered.connect(command)
        self.window.actions_by_key["panel"].toggled.connect(self._on_panel_toggled)
        for key in ("strips", "drafts"):
            self.window.actions_by_key[key].toggled.connect(self._on_switch_toggled)

    def _window_commands(self) -> dict[str, Callable[[], None]]:
        return {
            "new_chat": self.chat.new_chat,
            "earlier": self.earlier.open,
            "stop": self.chat.stop,
            "settings": self.dialogs.show_settings,
            "quit": self.window.close,
            "cut": self.window.edit,
            "copy": self.window.edit,
            "paste": self.window.edit,
            "select_all": self.window.edit,
            "copy_answer": self.window.copy_last_answer,
            "find": self.window.transcript.show_find,
            "write": self.window.composer.focus,
            "open_model": self.loading.ask_for_folder,
            "other_models": self.dialogs.show_models,
            "bundled_model": self.loading.use_bundled,
            "shortcuts": self.dialogs.show_shortcuts,
            "system_info": self.dialogs.copy_system_info,
            "install_launcher": self.dialogs.install_launcher,
            "about": self.dialogs.show_about,
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
            "write_differently": "edit",
            "export_json": "export",
            "export_csv": "export_csv",
        }
        return {
            "live": self.inspector.release,
            "inspect": self.inspector.hold_newest,
            "pause": self.choosing.pause_or_resume,
            "step": self.choosing.step,
            "tint": self._on_next_tint,
            **{f"tint_{kind}": partial(self._on_tint_chosen, kind) for kind in TINT_KINDS},
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
        self.enabling.refresh()
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
        self.window.actions_by_key[f"tint_{settings.tint}"].setChecked(True)
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

    @Slot(object)
    def _on_model_ready(self, _spec: object) -> None:
        self.inspector.refresh()
        self._on_draft_changed(self.window.composer.text())

    @Slot(str)
    def _on_submitted(self, text: str) -> None:
        if self.window.composer.mode == "continue" and self.chat.spec is None:  # only a model's tokens of it can be kept
            self.window.composer.set_text(text)
            self._on_told(self.tr("A text can be continued once a model is loaded."))
            return
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
        else:
            self.drafting.refresh()  # what follows the draft depends on most settings
        if "scene" in keys:
            self.window.refresh()
        if "threads" in keys:
            self.loading.load_chosen()

    @Slot()
    def _on_color_scheme_changed(self) -> None:
        self._apply_theme()

    def _apply_theme(self) -> None:
        theme = theme_for(self.preferences.settings.theme)
        if theme is not self._theme:
            self._theme = theme
            apply_theme(self._application, theme)
            for part in (self.window, self.dialogs, self.comparing, self.replaying, self.looking, self.certainty, self.earlier):
                part.set_theme(theme)

    @Slot(bool)
    def _on_panel_toggled(self, shown: bool) -> None:
        """A panel that opens again shows what is newest, not what it showed when it was closed."""
        self.window.show_panel(shown)
        if shown:
            self.inspector.refresh()
            self.drafting.refresh()

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
