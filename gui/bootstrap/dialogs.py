"""Set-up for a double-click, where no terminal is seen: progress and errors in whatever small window the system can show."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from gui.bootstrap.progress import Progress, is_terminal, stopped, stream_progress

TITLE = "Glassbox"
TK_WINDOW = Path(__file__).with_name("tk_window.py")


class WindowProgress(Progress):
    """Feeds a program that shows each line it reads and ends with its input; the user ends set-up by closing it."""

    def __init__(self, command: list[str]):
        self._phrase = ""
        self._window = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, encoding="utf-8"
        )

    def show(self, phrase: str, detail: str = "") -> None:
        """Replace the text in the window; raises SetupError when it was closed."""
        text = f"# {phrase}" + (f" ({detail})" if detail else "")
        if self._window.poll() is not None:
            raise stopped()
        if text != self._phrase:
            self._phrase = text
            try:
                self._window.stdin.write(f"{text}\n")
                self._window.stdin.flush()
            except BrokenPipeError:
                raise stopped() from None

    def close(self) -> None:
        """Close the window."""
        with contextlib.suppress(BrokenPipeError):
            self._window.stdin.close()
        self._window.terminate()
        self._window.wait()


def has_screen(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether windows can be shown at all."""
    return sys.platform in ("win32", "darwin") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def progress_command() -> list[str] | None:
    """A program for WindowProgress: our own where Tk is installed, else one of the desktop's."""
    if _has_tk():
        return [sys.executable, str(TK_WINDOW), "progress"]
    text = "Glassbox is being set up. Only the first start takes this long."
    if shutil.which("zenity"):
        return ["zenity", "--progress", "--pulsate", "--auto-close", f"--title={TITLE}", f"--text={text}", "--width=460"]
    if shutil.which("xmessage"):
        return ["xmessage", "-center", "-title", TITLE, "-buttons", "Stop:1", text]
    return None


def error_command(text: str) -> list[str] | None:
    """A program that shows a sentence; None where the system has none."""
    if _has_tk():
        return [sys.executable, str(TK_WINDOW), "error", text]
    for command in (
        ["zenity", "--error", "--no-markup", f"--title={TITLE}", f"--text={text}", "--width=460"],
        ["xmessage", "-center", "-title", TITLE, text],
        ["notify-send", f"--app-name={TITLE}", "--urgency=critical", TITLE, text],
    ):
        if shutil.which(command[0]):
            return command
    return None


def choose_progress(stream: IO[str] | None, *, with_window: bool) -> Progress:
    """The progress for a stream, or a window if that is asked for, possible, and nobody reads the stream."""
    if with_window and not is_terminal(stream) and has_screen():
        command = progress_command()
        if command is not None:
            return WindowProgress(command)
    return stream_progress(stream)


def show_error(text: str) -> None:
    """Show a sentence in a window until the user closes it, where that is possible."""
    command = error_command(text) if has_screen() else None
    if command is not None:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _has_tk() -> bool:
    return all(importlib.util.find_spec(name) for name in ("tkinter", "_tkinter"))
