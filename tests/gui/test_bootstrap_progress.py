"""What a person sees while the packages come, and why they did not."""

import io
import sys
import tempfile
from pathlib import Path

import pytest

from gui.bootstrap import dialogs
from gui.bootstrap.errors import SetupError
from gui.bootstrap.pip_output import PipOutput, explain
from gui.bootstrap.progress import PlainProgress, Progress, TerminalProgress, stream_progress
from gui.bootstrap.running import run

READ_LINES = "import sys; sys.stderr.close(); open(sys.argv[1], 'w').writelines(sys.stdin)"


class Terminal(io.StringIO):
    """A stream that says a person is reading it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("line", "phrase"),
    [
        ("Collecting torch==2.13.0", "Looking for torch"),
        ("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (190.1 MB)", "Downloading torch 2.13.0 (190.1 MB)"),
        ("  Using cached https://host/a/jinja2-3.1.6-py3-none-any.whl (134 kB)", "Reading jinja2 3.1.6 (134 kB)"),
        ("Processing /wheels/torch-2.13.0%2Bcpu-cp311-cp311-linux_x86_64.whl", "Reading torch 2.13.0+cpu"),
        ("  Downloading regex-2026.11.19.tar.gz (5 kB)", "Downloading regex 2026.11.19 (5 kB)"),
        ("  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl.metadata (3 kB)", "Preparing"),
        ("  Building wheel for tiny (pyproject.toml): started", "Building tiny"),
        ("WARNING: Retrying (Retry(total=4, ...", "No answer from the package index, trying again"),
        ("Requirement already satisfied: numpy==2.4.6 in /x", "Preparing"),
    ],
)
def test_pip_lines_become_phrases(line, phrase):
    output = PipOutput([])
    output.read(line)
    assert (output.phrase, output.detail) == (phrase, "")


def test_unpacking_is_counted_by_what_is_complete(tmp_path):
    """pip is silent while it unpacks, the longest step; a package is complete when its RECORD is there."""
    output = PipOutput([tmp_path])
    output.read("Installing collected packages: typing_extensions, PySide6-Essentials, torch")
    assert output.detail == "1 of 3, typing_extensions"
    record = tmp_path / "typing_extensions-4.16.0.dist-info" / "RECORD"
    record.parent.mkdir()
    assert output.detail == "1 of 3, typing_extensions"
    record.touch()
    assert output.detail == "2 of 3, PySide6-Essentials"
    for name in ("pyside6_essentials-6.11.3", "torch-2.13.0+cpu"):
        (tmp_path / f"{name}.dist-info").mkdir()
        (tmp_path / f"{name}.dist-info" / "RECORD").touch()
    assert output.detail == "3 of 3, torch"


@pytest.mark.parametrize(
    ("output", "parts"),
    [
        ("x: Failed to establish a new connection: [Errno 101] Network is unreachable", ["could not be reached", "internet"]),
        ("Temporary failure in name resolution\nERROR: No matching distribution found for torch==2.13.0", ["not be reached"]),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", ["disk is full", "Free"]),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", ["certificate", "PIP_CERT"]),
        ("ERROR: No matching distribution found for torch==2.13.0", ["no torch==2.13.0 for Python", "another Python"]),
        ("ERROR: one thing.\nERROR: Something else.", ["Set-up failed: Something else. Start again"]),
        ("", ["ended with code 3", "setup.log"]),
    ],
)
def test_reasons_for_a_failure(tmp_path, output, parts):
    sentence = explain(output, 3, tmp_path / "setup.log")
    assert "\n" not in sentence
    assert all(part in sentence for part in parts), sentence


def test_a_full_disk_shows_both_places(tmp_path):
    """Packages pass through the temporary folder, which is often the smaller one."""
    assert tempfile.gettempdir() in explain("No space left on device", 1, tmp_path / "log")


def test_a_terminal_has_one_line_that_changes():
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.announce("Setting up")
    progress.show("Downloading torch", "")
    progress.show("Downloading torch", "")
    progress.show("Installing packages", "2 of 9, numpy")
    progress.close()
    shown = stream.getvalue().split("\r\x1b[K")
    assert shown == ["", "Setting up\n", "   0 s  Downloading torch", "   0 s  Installing packages (2 of 9, numpy)", ""]


def test_a_pipe_has_a_line_per_phrase():
    stream = io.StringIO()
    progress = PlainProgress(stream)
    for detail in ("1 of 2, a", "2 of 2, b"):
        progress.show("Installing packages", detail)
    assert stream.getvalue() == "   0 s  Installing packages\n"


def test_each_stream_gets_what_suits_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert [type(stream_progress(stream)) for stream in (None, io.StringIO(), Terminal())] == [
        Progress,
        PlainProgress,
        TerminalProgress,
    ]
    monkeypatch.setenv("TERM", "dumb")
    assert type(stream_progress(Terminal())) is PlainProgress


class TestWindow:
    """A double-click, where nobody sees a terminal."""

    @pytest.fixture
    def desktop(self, monkeypatch):
        """A session with these programs and no Tk."""

        def set_programs(*names: str) -> None:
            monkeypatch.setattr(dialogs, "has_screen", lambda: True)
            monkeypatch.setattr(dialogs, "_has_tk", lambda: "tk" in names)
            monkeypatch.setattr(dialogs.shutil, "which", lambda name: name if name in names else None)

        return set_programs

    @pytest.mark.parametrize("programs", [("tk", "zenity"), ("zenity", "xmessage"), ("xmessage", "notify-send")])
    def test_the_best_program_there_is(self, desktop, programs):
        desktop(*programs)
        expected = sys.executable if programs[0] == "tk" else programs[0]
        assert dialogs.progress_command()[0] == expected
        assert dialogs.error_command("text")[0] == expected
        assert any("text" in part for part in dialogs.error_command("text"))

    def test_without_any_program_progress_goes_to_the_stream(self, desktop):
        desktop()
        assert dialogs.error_command("text") is None
        assert type(dialogs.choose_progress(io.StringIO(), with_window=True)) is PlainProgress

    def test_a_terminal_needs_no_window(self, desktop, monkeypatch):
        monkeypatch.setenv("TERM", "xterm")
        desktop("tk")
        assert type(dialogs.choose_progress(Terminal(), with_window=True)) is TerminalProgress

    def test_the_window_reads_each_phrase_once(self, tmp_path):
        """Both our window and zenity take lines that start with "# " and end with their input."""
        read = tmp_path / "read"
        with dialogs.WindowProgress([sys.executable, "-c", READ_LINES, str(read)]) as progress:
            for _ in range(3):
                progress.show("Downloading torch")
            progress.show("Installing packages", "1 of 2, a")
            progress._window.stdin.close()
            progress._window.wait(20)
        assert read.read_text() == "# Downloading torch\n# Installing packages (1 of 2, a)\n"

    def test_closing_the_window_stops_the_program_that_runs(self, tmp_path):
        """The user's Cancel ends pip too, at once, and says that set-up is not complete."""
        progress = dialogs.WindowProgress([sys.executable, "-c", "pass"])
        alive = tmp_path / "alive"
        sleeper = f"import time, pathlib; time.sleep(20); pathlib.Path({str(alive)!r}).touch()"
        with pytest.raises(SetupError, match="was stopped"), progress, (tmp_path / "log").open("w") as log:
            run([sys.executable, "-c", sleeper], PipOutput([]), progress, log)
        assert not alive.exists()


def test_output_is_read_and_logged(tmp_path):
    """Both streams, whatever their bytes; the exit code comes back."""
    log_file, output = tmp_path / "log", PipOutput([])
    code = "import sys; sys.stdout.buffer.write(b'Collecting \\xff\\n'); sys.stderr.write('ERROR: no\\n'); sys.exit(5)"
    with log_file.open("w", encoding="utf-8") as log:
        assert run([sys.executable, "-u", "-c", code], output, Progress(), log) == 5
    assert output.text == "Collecting \ufffd\nERROR: no"
    assert Path(log_file).read_text(encoding="utf-8") == "Collecting \ufffd\nERROR: no\n"
