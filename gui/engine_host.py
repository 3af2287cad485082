"""The UI thread's side of the engine: sends requests, receives events, forgets what belongs to an older run."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from gui.engine_worker import EngineWorker, Posted, Request, SmallRequest
from inference.types import (
    AskAnswered,
    AskRequest,
    CancelFlag,
    CompareRequest,
    CountTokensRequest,
    DescribeRequest,
    DraftExplained,
    DraftRequest,
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelReady,
    PrefillProgress,
    PromptNumbers,
    PromptTokens,
    RunFailed,
    RunFinished,
    RunStats,
    StepExplained,
    TokenCount,
    TokenEvent,
    TokensDescribed,
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

    One answer can be made at a time, and beside it one run whose events belong to no conversation (a comparison, an answer
    run again): the engine takes them one after the other. Small questions are answered between two tokens of either.

    Events are handed on at most once a frame, and the frames grow with the time the last one took, so that
    neither a fast model floods the window nor a slow window the model.
    """

    load_progressed = Signal(object)  # LoadProgress
    model_ready = Signal(object)  # ModelSpec
    load_failed = Signal(object)  # RunFailed
    prompt_read = Signal(object)  # PromptTokens
    prompt_scored = Signal(object)  # PromptNumbers
    prefill_progressed = Signal(object)  # PrefillProgress
    tokens_arrived = Signal(object)  # tuple[TokenEvent, ...], never empty
    run_finished = Signal(object)  # RunFinished
    run_failed = Signal(object)  # RunFailed
    step_explained = Signal(object)  # StepExplained
    explain_failed = Signal(object)  # RunFailed
    asked = Signal(object)  # AskAnswered
    ask_failed = Signal(object)  # RunFailed
    draft_explained = Signal(object)  # DraftExplained
    draft_failed = Signal(object)  # RunFailed
    described = Signal(object)  # TokensDescribed
    tokens_counted = Signal(int)
    aside_arrived = Signal(object)  # tuple of the events of a run beside the conversation, its end included
    _woken = Signal()

    def __init__(self, make_worker: WorkerMaker = EngineWorker, parent: QObject | None = None):
        super().__init__(parent)
        self._outbox = Outbox(self._woken.emit)
        self._worker = make_worker(self._outbox.post)
        self._run_ids = itertools.count(1)
        self._load_id = 0
        self._newest: dict[type, int] = {}  # run id of the newest small request of each kind
        self._request: GenerateRequest | None = None
        self._aside: GenerateRequest | CompareRequest | None = None
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

    @property
    def is_running_aside(self) -> bool:
        """Whether a run beside the conversation goes on."""
        return self._aside is not None

    def load(self, path: str, device: str = "auto", dtype: str = "auto", threads: int = 0) -> None:
        """Load a model; the one loaded before and any that is still loading are dropped, an answer in work is stopped."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()
        self.stop()
        self.stop_aside()
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

    def run_aside(self, request: GenerateRequest | CompareRequest) -> GenerateRequest | CompareRequest:
        """Start a run whose events go to aside_arrived; returns the request with its run id.

        One that still goes on is stopped, ends at once as cancelled, and is heard no more.
        """
        if self._aside is not None:
            self.stop_aside()
            ended, self._aside = self._aside, None
            self.aside_arrived.emit((RunFinished(ended.run_id, "cancelled", RunStats(0, 0, 0, 0.0, 0.0)),))
        self._aside = replace(request, run_id=next(self._run_ids), cancel=CancelFlag())
        self._worker.submit(self._aside)
        return self._aside

    def stop_aside(self) -> None:
        """Ask the run beside the conversation to stop; it ends with a RunFinished like any other."""
        if self._aside is not None:
            self._aside.cancel.set()

    def explain(self, request: ExplainRequest) -> None:
        """Ask for the trace of one position; a newer question replaces the answer to an older one."""
        self._submit_small(request)

    def ask(self, request: AskRequest) -> None:
        """Ask how likely a text is; a newer question replaces the answer to an older one."""
        self._submit_small(request)

    def explain_draft(self, request: DraftRequest) -> None:
        """Ask what would follow a draft; a newer draft replaces the answer to an older one."""
        self._submit_small(request)

    def describe(self, request: DescribeRequest) -> None:
        """Ask for the bytes of ids; a newer question replaces the answer to an older one."""
        self._submit_small(request)

    def count_tokens(self, text: str) -> None:
        """Ask how many tokens a draft has; answered by tokens_counted unless a newer draft follows."""
        self._submit_small(CountTokensRequest(0, text))

    def _submit_small(self, request: SmallRequest) -> None:
        run_id = self._newest[type(request)] = next(self._run_ids)
        self._worker.submit(replace(request, run_id=run_id))

    def close(self) -> bool:
        """Stop everything and end the thread; False when it did not end in time. Nothing is emitted any more."""
        self.stop()
        self.stop_aside()
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
        """Emit in order; tokens that follow one another go out together, and so does all of a run aside."""
        batch: list[TokenEvent] = []
        beside: list[Posted] = []
        for event in events:
            if self._aside is not None and event.run_id == self._aside.run_id:
                beside.append(event)
                if isinstance(event, RunFinished | RunFailed):
                    self._aside = None
            elif isinstance(event, TokenEvent):
                if self._is_current(event.run_id):
                    batch.append(event)
            else:
                batch = self._emit_tokens(batch)
                self._emit(event)
        self._emit_tokens(batch)
        if beside:
            self.aside_arrived.emit(tuple(beside))

    def _emit_tokens(self, batch: list[TokenEvent]) -> list[TokenEvent]:
        if batch:
            self.tokens_arrived.emit(tuple(batch))
        return []

    def _emit(self, event: Posted) -> None:
        if isinstance(event, LoadProgress):
            self.load_progressed.emit(event)
        elif event.run_id == self._load_id:
            self._emit_load(event)
        elif self._is_current(event.run_id):
            self._emit_run(event)
        elif event.run_id in self._newest.values():
            self._emit_small(event)

    def _emit_load(self, event: ModelReady | RunFailed) -> None:
        match event:
            case ModelReady():
                self.model_ready.emit(event.spec)
            case RunFailed():
                self.load_failed.emit(event)

    def _emit_run(self, event: Event) -> None:
        match event:
            case PromptTokens():
                self.prompt_read.emit(event)
            case PromptNumbers():
                self.prompt_scored.emit(event)
            case PrefillProgress():
                self.prefill_progressed.emit(event)
            case RunFinished():
                self._request = None
                self.run_finished.emit(event)
            case RunFailed():
                self._request = None
                self.run_failed.emit(event)

    def _emit_small(self, event: Posted) -> None:
        match event:
            case StepExplained():
                self.step_explained.emit(event)
            case AskAnswered():
                self.asked.emit(event)
            case DraftExplained():
                self.draft_explained.emit(event)
            case TokensDescribed():
                self.described.emit(event)
            case TokenCount():
                self.tokens_counted.emit(event.count)
            case RunFailed() if event.run_id == self._newest.get(ExplainRequest):
                self.explain_failed.emit(event)
            case RunFailed() if event.run_id == self._newest.get(AskRequest):
                self.ask_failed.emit(event)
            case RunFailed() if event.run_id == self._newest.get(DraftRequest):
                self.draft_failed.emit(event)

    def _is_current(self, run_id: int) -> bool:
        return self._request is not None and self._request.run_id == run_id
