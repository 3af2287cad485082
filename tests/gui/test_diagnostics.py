"""The log, the last-resort handlers, and what a user copies into a report."""

import logging
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import qInstallMessageHandler, qWarning
from pytestqt.qtbot import QtBot

from gui import diagnostics
from tests.gui.scripted import make_spec

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the handlers show to the user; the handlers of before come back afterwards."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    before = qInstallMessageHandler(None)
    shown: list[str] = []
    diagnostics.install_handlers(shown.append)
    yield shown
    qInstallMessageHandler(before)


@pytest.mark.logs_warnings
def test_an_uncaught_exception_is_logged_and_shown(reports: list[str], caplog: pytest.LogCaptureFixture):
    error = ValueError("of some kind")
    sys.excepthook(ValueError, error, None)
    assert reports == ["ValueError: of some kind"]
    assert caplog.records[0].exc_info[1] is error


@pytest.mark.logs_warnings
def test_an_exception_of_another_thread_is_logged_only(reports: list[str], caplog: pytest.LogCaptureFixture):
    """The window may be touched by its own thread alone."""
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    assert reports == []
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.mark.logs_warnings
def test_messages_of_qt_go_to_the_log(reports: list[str], caplog: pytest.LogCaptureFixture):
    """With the percent signs they have."""
    qWarning("50 % of %s")
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("qt", "WARNING", "50 % of %s")
    ]


def test_system_information_names_the_model_and_no_path(qtbot: QtBot):
    text = diagnostics.system_information(make_spec(path="/home/somebody/models/x", weights_hash="abcdef" * 9))
    assert "somebody" not in text
    assert str(Path.home()) not in text
    assert "model: scripted, llama, 1,000 parameters, float32 on cpu, context 512, weights abcdefabcdef\n" in text + "\n"
    assert "model: none" in diagnostics.system_information(None)


def test_every_dependency_is_in_the_report():
    """The list of packages follows pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {line.partition("==")[0] for line in project["dependencies"]} == set(diagnostics.PACKAGES)
    assert {"python", "qt", *diagnostics.PACKAGES} == set(diagnostics.package_versions())


def test_the_age_of_the_process_is_in_seconds(monkeypatch: pytest.MonkeyPatch):
    """Also where the system does not tell it: never less than the time this module is there, never CPU time."""
    told = diagnostics.process_age_s()

    def refuse(*_arguments: object, **_options: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", refuse)
    guessed = diagnostics.process_age_s()
    assert 0 < guessed <= told + 0.1


def test_a_log_that_cannot_be_written_costs_only_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    handlers = logging.getLogger().handlers[:]
    diagnostics.start_logging(tmp_path / "missing" / "glassbox.log")
    assert capsys.readouterr().err.startswith("No log file: ")
    assert logging.getLogger().handlers == handlers  # pytest's own are there already, so that nothing is added
