"""The UI thread's side of the engine: sends requests, receives events, forgets what belongs to an older run."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from gui.engine_worker import EngineWorker, Posted, Request
from inference.types import (
    CancelFlag,
    CountTokensRequest,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelReady,
    PrefillProgress,
    PromptTokens,
    RunFailed,
    RunFinished,
    StepExplained,
    TokenCount,
    TokenEvent,
)

FRAME_MS = 16
CLOSE_TIMEOUT_S = 2.0


class WorkerLike(Protocol):
    """What the host needs of a worker; tests script one that has no thread."""

    def start(self) -> None:
        """Begin to take requests."""

    def submit(self, request: Request) -> None:
        """Queue a request."""

    def close(self, timeout_s: float) -> bool:
        """End; False when that took too long."""


WorkerMaker = Callable[[Callable[[Posted], None]], WorkerLike]


class Outbox:
    """What the worker has posted and the UI has not yet taken; wakes the UI once per batch, never once per event."""

    def __init__(self, wake: Callable[[], None]):
        self._events: deque[Posted] = deque()
        self._wake = wake
        self._is_awake = False

    def post(self, event: Posted) -> None:
        """Add an event (worker thread)."""
        self._events.append(event)
        if not self._is_awake:
            self._is_awake = True
            self._wake()

    def take(self) -> list[Posted]:
        """Everything posted so far (UI thread)."""
        self._is_awake = False  # before emptying: an event that comes meanwhile wakes again
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events


class EngineHost(QObject):
    """Owns the worker and the signals; every signal is emitted on the UI thread.

    Events are handed on at most once a frame, and the frames grow with the time the last one took, so that
    neither a fast model floods the window nor a slow window the model.
    """

    load_progressed = Signal(object)  # LoadProgress
    model_ready = Signal(object)  # ModelSpec
    load_failed = Signal(object)  # RunFailed
    prompt_read = Signal(object)  # PromptTokens
    prefill_progressed = Signal(object)  # PrefillProgress
    tokens_arrived = Signal(object)  # tuple[TokenEvent, ...], never empty
    run_finished = Signal(object)  # RunFinished
    run_failed = Signal(object)  # RunFailed
    step_explained = Signal(object)  # StepExplained
    explain_failed = Signal(object)  # RunFailed
    tokens_counted = Signal(int)
    _woken = Signal()

    def __init__(self, make_worker: WorkerMaker = EngineWorker, parent: QObject | None = None):
        super().__init__(parent)
        self._outbox = Outbox(self._woken.emit)
        self._worker = make_worker(self._outbox.post)
        self._run_ids = itertools.count(1)
        self._load_id = self._count_id = self._explain_id = 0
        self._request: GenerateRequest | None = None
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.setTimerType(Qt.TimerType.PreciseTimer)
        self._frame.timeout.connect(self._on_frame)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self._last_flush_s = 0.0
        self._flush_ended_s = 0.0
        self._is_started = self._is_closed = False

    @property
    def is_running(self) -> bool:
        """Whether an answer is being made (or still being stopped)."""
        return self._request is not None

    def load(self, path: str, device: str = "auto", dtype: str = "auto", threads: int = 0) -> None:
        """Load a model; the one loaded before and any that is still loading are dropped, an answer in work is stopped."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()
        self.stop()
        self._load_id = next(self._run_ids)
        self._worker.submit(LoadRequest(self._load_id, path, device, dtype, threads))

    def generate(self, request: GenerateRequest) -> GenerateRequest:
        """Start an answer; returns the request with its run id and a cancel flag of its own. One at a time."""
        if self._request is not None:
            raise RuntimeError("an answer is already being made")
        self._request = replace(request, run_id=next(self._run_ids), cancel=CancelFlag())
        self._worker.submit(self._request)
        return self._request

    def stop(self) -> None:
        """Ask the running answer to stop; it ends with run_finished like any other."""
        if self._request is not None:
            self._request.cancel.set()

    def abandon(self) -> None:
        """Stop the running answer and hear no more of it."""
        self.stop()
        self._request = None

    def explain(self, request: ExplainRequest) -> None:
        """Ask for the trace of one position; a newer question replaces the answer to an older one."""
        self._explain_id = next(self._run_ids)
        self._worker.submit(replace(request, run_id=self._explain_id))

    def count_tokens(self, text: str) -> None:
        """Ask how many tokens a draft has; answered by tokens_counted unless a newer draft follows."""
        self._count_id = next(self._run_ids)
        self._worker.submit(CountTokensRequest(self._count_id, text))

    def close(self) -> bool:
        """Stop everything and end the thread; False when it did not end in time. Nothing is emitted any more."""
        self.stop()
        self._is_closed = True
        self._frame.stop()
        return self._worker.close(CLOSE_TIMEOUT_S) if self._is_started else True

    @Slot()
    def _on_woken(self) -> None:
        if not (self._is_closed or self._frame.isActive()):
            interval_ms = max(FRAME_MS, 2000 * self._last_flush_s)
            since_ms = 1000 * (time.perf_counter() - self._flush_ended_s)
            self._frame.start(max(0, round(interval_ms - since_ms)))

    @Slot()
    def _on_frame(self) -> None:
        started = time.perf_counter()
        self._deliver(self._outbox.take())
        self._flush_ended_s = time.perf_counter()
        self._last_flush_s = self._flush_ended_s - started

    def _deliver(self, events: Iterable[Posted]) -> None:
        """Emit in order; tokens that follow one another go out together."""
        batch: list[TokenEvent] = []
        for event in events:
            if isinstance(event, TokenEvent):
                if self._is_current(event.run_id):
                    batch.append(event)
                continue
            batch = self._emit_tokens(batch)
            self._emit(event)
        self._emit_tokens(batch)

    def _emit_tokens(self, batch: list[TokenEvent]) -> list[TokenEvent]:
        if batch:
            self.tokens_arrived.emit(tuple(batch))
        return []

    def _emit(self, event: Posted) -> None:
        match event:
            case LoadProgress():
                self.load_progressed.emit(event)
            case ModelReady() if event.run_id == self._load_id:
                self.model_ready.emit(event.spec)
            case RunFailed() if event.run_id == self._load_id:
                self.load_failed.emit(event)
            case PromptTokens() if self._is_current(event.run_id):
                self.prompt_read.emit(event)
            case PrefillProgress() if self._is_current(event.run_id):
                self.prefill_progressed.emit(event)
            case RunFinished() if self._is_current(event.run_id):
                self._request = None
                self.run_finished.emit(event)
            case RunFailed() if self._is_current(event.run_id):
                self._request = None
                self.run_failed.emit(event)
            case RunFailed() if event.run_id == self._explain_id:
                self.explain_failed.emit(event)
            case StepExplained() if event.run_id == self._explain_id:
                self.step_explained.emit(event)
            case TokenCount() if event.run_id == self._count_id:
                self.tokens_counted.emit(event.count)

    def _is_current(self, run_id: int) -> bool:
        return self._request is not None and self._request.run_id == run_id
