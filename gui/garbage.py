"""When Python's cyclic garbage is collected: on the UI thread, at quiet moments.

Left alone the collector runs on whichever thread allocates, and would destroy Qt objects on the engine thread;
and a full collection with torch loaded takes over 100 ms, unless what exists by then is frozen.
"""

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

COLLECT_EVERY_MS = 10_000


class GarbagePolicy(QObject):
    """Turns automatic collection off while it lives; `release` turns it on again. While `is_busy` it waits."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject | None = None):
        super().__init__(parent)
        self._is_busy = is_busy
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(COLLECT_EVERY_MS)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    @Slot()
    def freeze(self) -> None:
        """Exempt all that exists (the imported libraries above all) from later collections."""
        gc.freeze()

    @Slot()
    def _on_timeout(self) -> None:
        if not self._is_busy():
            gc.collect()

    def release(self) -> None:
        """Back to Python's own policy."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()
