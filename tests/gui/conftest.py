"""The real main window with a scripted engine, and what every GUI test needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.app import Glassbox
from gui.paths import Paths
from tests.gui.scripted import ScriptedEngine, ScriptedWorker


class Stage:
    """The program under test, the engine it talks to, and a way to let both act."""

    def __init__(self, qtbot: QtBot, profile: Path):
        self.qtbot = qtbot
        self.engine = ScriptedEngine()
        self.program = Glassbox(QApplication.instance(), Paths(profile), Path("/scripted"), self._make_worker)
        self.window = self.program.window
        self.conversation = self.program.conversation

    def _make_worker(self, post: object) -> ScriptedWorker:
        self.worker = ScriptedWorker(post, self.engine)
        return self.worker

    def run(self, events: int | None = None) -> None:
        """Let the engine post so many events, or all there are and those they lead to, and the window show them."""
        while self.worker.run(events or 1 << 30):
            self.qtbot.wait(5)  # the wake-up is queued
            self.qtbot.waitUntil(self._has_shown_all, timeout=10_000)
            if events:
                break

    def _has_shown_all(self) -> bool:
        """Whether the window has taken everything that was posted; a slow frame makes the next one wait."""
        host = self.program.host
        return not host._outbox._events and not host._frame.isActive()

    def ready(self) -> "Stage":
        """Show the window and load the model."""
        self.program.start()
        self.qtbot.waitExposed(self.window)
        self.qtbot.wait(10)
        self.run()
        return self

    def close(self) -> None:
        """End the program, as the user does, and free its windows."""
        self.program.close()
        self.window.close()
        self.program.deleteLater()
        self.window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def type(self, text: str) -> None:
        """Type into whatever has the focus, key by key."""
        self.qtbot.keyClicks(QApplication.focusWidget(), text)


@pytest.fixture
def stage(qtbot: QtBot, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(qtbot, tmp_path / "profile")
    yield stage
    stage.close()
