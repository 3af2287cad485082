"""Which model is loaded: the one chosen, the one that comes with the program, or another folder."""

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.main_window import MainWindow
from gui.paths import Paths
from gui.preferences import Preferences
from inference.types import ModelSpec, RunFailed


class Loading(QObject):
    """Loads models and tells the window how that goes. `model` is the one named on the command line, if one was."""

    def __init__(
        self, host: EngineHost, chat: Chat, preferences: Preferences, window: MainWindow, paths: Paths, model: Path | None
    ):
        super().__init__(window)
        self._chat, self._preferences, self._window, self._paths, self._model = chat, preferences, window, paths, model
        host.load_progressed.connect(window.show_loading)
        host.load_failed.connect(self._on_load_failed)
        host.model_ready.connect(self._on_model_ready)
        window.banner.button_clicked.connect(self.use_bundled)
        window.actions_by_key["bundled_model"].setEnabled(paths.bundled_model() is not None)

    @Slot()
    def load_chosen(self) -> None:
        """Load the model named on the command line or in the settings, else the bundled one."""
        chosen = self._chosen()
        if chosen:
            self._chat.load(str(chosen))
        else:
            self._window.banner.show_message(
                self.tr("This copy of Glassbox has no bundled model. Open a model folder in the Model menu.")
            )

    @Slot()
    def use_bundled(self) -> None:
        """Load the model that comes with the program, from now on."""
        self._load("")

    @Slot()
    def ask_for_folder(self) -> None:
        """Load the model of a folder that the user chooses, from now on."""
        folder = QFileDialog.getExistingDirectory(self._window, self.tr("Open a model folder (Hugging Face layout, safetensors)"))
        if folder:
            self._load(folder)

    def _load(self, path: str) -> None:
        self._model = None
        self._window.banner.hide()
        self._preferences.update({"model_path": path})
        self.load_chosen()

    def _chosen(self) -> Path | str | None:
        return self._model or self._preferences.settings.model_path or self._paths.bundled_model()

    @Slot(object)
    def _on_load_failed(self, failure: RunFailed) -> None:
        bundled = self._paths.bundled_model()
        self._window.show_load_failure(failure, can_use_bundled=bundled not in (None, self._chosen()))

    @Slot(object)
    def _on_model_ready(self, spec: ModelSpec) -> None:
        title = self.tr("Chat with {name}").format(name=spec.name)
        self._window.transcript.set_welcome(title, self._welcome_text(spec))

    def _welcome_text(self, spec: ModelSpec) -> str:
        text = self.tr(
            "It runs on this computer, and nothing leaves it.\nBeside each answer you see what else the model could have said."
        )
        return f"{spec.description}\n{text}" if spec.description else text
