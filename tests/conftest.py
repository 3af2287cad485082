"""Shared set-up: no screen, no network, the user's own files out of reach; warnings and leaks fail the test."""

import gc
import logging
import os
import threading
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pytest


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a test writes by mistake lands in a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture(autouse=True)
def no_logged_warnings(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A warning logged by the program fails the test, unless it carries `@pytest.mark.logs_warnings`."""
    yield
    if request.node.get_closest_marker("logs_warnings"):
        return
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    unexpected = [f"{record.name}: {record.getMessage()}" for record in records if record.levelno >= logging.WARNING]
    assert not unexpected, "logged warnings: mend the cause or mark the test logs_warnings"


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """A thread, a visible window or a running timer that a test leaves behind fails it."""
    threads = set(threading.enumerate())
    is_gui = "qtbot" in request.fixturenames or "qapp" in request.fixturenames
    before = left_by_qt() if is_gui else set()
    yield
    left = {thread for thread in threading.enumerate() if thread.is_alive()} - threads
    assert not left, f"threads left running: {left}; close what started them"
    if is_gui:
        leaks = left_by_qt() - before
        assert not leaks, f"left behind: {leaks}; close windows or add them to qtbot, stop timers or give them a parent"


def left_by_qt() -> set[object]:
    """Windows on screen, and running timers that no window owns."""
    from PySide6.QtCore import QEvent, QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import isValid

    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    windows = {widget for widget in QApplication.topLevelWidgets() if widget.isVisible()}
    timers = [o for o in gc.get_objects() if issubclass(type(o), QTimer)]  # isinstance would ask lazy objects for their class
    return windows | {timer for timer in timers if isValid(timer) and timer.isActive() and timer.parent() is None}
