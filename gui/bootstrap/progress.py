"""Shows how set-up goes on: one live line in a terminal, plain lines in a pipe, a small window for a double-click."""

import os
import shutil
import time
from types import TracebackType
from typing import IO, Self

from gui.bootstrap.errors import SetupError


class Progress:
    """Where nothing can be shown, as under a windowed Python without a console; base of those that show something."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def announce(self, text: str) -> None:
        """Say what is about to happen."""

    def show(self, phrase: str, detail: str = "") -> None:
        """Say what is being done now; called several times a second."""

    def close(self) -> None:
        """Leave the screen as it should stay."""


class PlainProgress(Progress):
    """A line for each new phrase."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self._phrase = ""
        self._started_s = time.monotonic()

    def announce(self, text: str) -> None:
        """Write the text."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def show(self, phrase: str, detail: str = "") -> None:
        """Write the phrase when it is a new one."""
        if phrase != self._phrase:
            self._phrase = phrase
            self.announce(f"{time.monotonic() - self._started_s:4.0f} s  {phrase}")


class TerminalProgress(Progress):
    """One line that is written over."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self._line = ""
        self._started_s = time.monotonic()

    def announce(self, text: str) -> None:
        """Write the text above the line."""
        self._stream.write(f"\r\x1b[K{text}\n")

    def show(self, phrase: str, detail: str = "") -> None:
        """Replace the line."""
        line = f"{time.monotonic() - self._started_s:4.0f} s  {phrase}" + (f" ({detail})" if detail else "")
        line = line[: shutil.get_terminal_size().columns - 1]
        if line != self._line:
            self._line = line
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()

    def close(self) -> None:
        """Remove the line."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person reads what is written there, on a screen that can replace a line."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def stream_progress(stream: IO[str] | None) -> Progress:
    """The progress that suits a stream; None is a Python without a console."""
    if stream is None:
        return Progress()
    return TerminalProgress(stream) if is_terminal(stream) else PlainProgress(stream)


def stopped() -> SetupError:
    """What is raised when the user ends the set-up."""
    return SetupError("Set-up was stopped before it was complete. Start again to finish it.")
