"""Runs a program, reading its output line by line while the progress keeps ticking."""

import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Protocol

from gui.bootstrap.progress import Progress

TICK_S = 0.25


class Reader(Protocol):
    """Turns output into words about what the program is doing now."""

    @property
    def phrase(self) -> str:
        """In a few words."""

    @property
    def detail(self) -> str:
        """How far it is; may be empty."""

    def read(self, line: str) -> None:
        """Take one line."""


def run(
    command: Sequence[str],
    reader: Reader,
    progress: Progress,
    log: IO[str],
    *,
    environ: Mapping[str, str] | None = None,
    keep_open: int | None = None,
) -> int:
    """The exit code of `command`; its output goes to `reader` and `log`, and it ends when the user stops the progress.

    `keep_open` is a descriptor that the program inherits.
    """
    pass_fds = () if keep_open is None or sys.platform == "win32" else (keep_open,)
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=environ,
        pass_fds=pass_fds,
        creationflags=flags,
    )
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_pump, args=(child.stdout, lines), daemon=True).start()
    try:
        _follow(lines, reader, progress, log)
        return child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def _pump(stream: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _follow(lines: "queue.SimpleQueue[str | None]", reader: Reader, progress: Progress, log: IO[str]) -> None:
    while True:
        try:
            line = lines.get(timeout=TICK_S)
        except queue.Empty:
            line = ""
        if line is None:
            return
        if line:
            log.write(line)
            reader.read(line.rstrip())
        progress.show(reader.phrase, reader.detail)
