"""Passes on what changes quickly: the first at once, then no faster than answers come, and the last one always."""

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal, Slot

_INTERVAL_MS = 33  # at most 30 questions a second
_PATIENCE_MS = 400  # a question that has no answer by then holds up no other


class ChangeThrottle(QObject):
    """`due` carries a value that was offered; a newer one replaces one that still waits."""

    due = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[object] = []  # the newest value offered, if it is not passed on yet
        self._is_unanswered = False
        self._since_last = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)

    def offer(self, value: object) -> None:
        """Pass this value on as soon as it is time."""
        self._waiting = [value]
        self._go_on()

    def answered(self) -> None:
        """What was passed on last has its answer."""
        self._is_unanswered = False
        self._go_on()

    def drop(self) -> None:
        """Forget what still waits."""
        self._waiting = []
        self._is_unanswered = False
        self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        self._go_on()

    def _go_on(self) -> None:
        if not self._waiting:
            return
        pause = _PATIENCE_MS if self._is_unanswered else _INTERVAL_MS
        passed = self._since_last.elapsed() if self._since_last.isValid() else pause
        if passed < pause:
            self._timer.start(pause - passed)
            return
        self._timer.stop()
        value = self._waiting.pop()
        self._is_unanswered = True
        self._since_last.start()
        self.due.emit(value)
