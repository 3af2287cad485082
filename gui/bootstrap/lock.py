"""A file lock between processes; the operating system frees it when its holders end, however they end."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gui.bootstrap.progress import Progress

POLL_S = 0.2

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def locked(file: Path, progress: Progress) -> Iterator[int]:
    """Hold the lock, waiting visibly for another holder; yields the descriptor, which a child may inherit to hold it too."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not _try_lock(descriptor):
            progress.show("Waiting for another start that is setting Glassbox up")
            time.sleep(POLL_S)
        yield descriptor
    finally:
        os.close(descriptor)
