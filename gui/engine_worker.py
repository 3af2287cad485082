"""The one thread that may touch the engine: takes requests from a queue, drives generators, posts events.

Nothing here runs on the UI thread except the methods of EngineWorker that say so.
"""

import logging
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from inference.errors import CheckpointError, InferenceError
from inference.types import (
    CountTokensRequest,
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelReady,
    ModelSpec,
    RunFailed,
    StepExplained,
    StepTrace,
    TokenCount,
)

log = logging.getLogger(__name__)

# How long one thread may hold the interpreter while the other waits. Measured with the panel open: 5 ms cost 4.4 % of tokens/s,
# 0.5 ms 1.9 %, 0.1 ms 1.2 % (medians of the self-check).
SWITCH_INTERVAL_S = 0.0001


class EngineLike(Protocol):
    """What the worker needs of an engine; tests script one."""

    spec: ModelSpec

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Events of one answer."""

    def explain(self, request: ExplainRequest) -> StepTrace:
        """The trace of one position."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""


Loader = Callable[[LoadRequest, Callable[[LoadProgress], None]], EngineLike]
Request = LoadRequest | GenerateRequest | ExplainRequest | CountTokensRequest
Posted = Event | LoadProgress | ModelReady | StepExplained | TokenCount


def load_engine(request: LoadRequest, progress: Callable[[LoadProgress], None]) -> EngineLike:
    """Import torch, then load the model; only ever called on the worker thread."""
    progress(LoadProgress("engine", 0.0))
    import inference

    return inference.load(request.path, request.device, request.dtype, threads=request.threads, progress=progress)


class LoadAbandonedError(Exception):
    """Nobody waits for this model any more: another one was chosen, or the program ends."""


class EngineWorker:
    """Serialises all engine calls on one thread; `post` receives every event there, in order."""

    def __init__(self, post: Callable[[Posted], None], loader: Loader = load_engine):
        self._loader = loader
        self._post_event = post
        self._queue: queue.SimpleQueue[LoadRequest | GenerateRequest | None] = queue.SimpleQueue()  # None: look around
        self._drafts: deque[CountTokensRequest] = deque(maxlen=1)  # only the newest of each is answered
        self._questions: deque[ExplainRequest] = deque(maxlen=1)
        self._wanted_load = 0
        self._is_closing = False
        self._engine: EngineLike | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread (UI thread)."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queue a request (UI thread). A newer draft, question or load replaces an older one that is not answered yet."""
        match request:
            case CountTokensRequest():
                self._drafts.append(request)
                self._queue.put(None)
            case ExplainRequest():
                self._questions.append(request)
                self._queue.put(None)
            case LoadRequest():
                self._wanted_load = request.run_id
                self._queue.put(request)
            case GenerateRequest():
                self._queue.put(request)

    def close(self, timeout_s: float) -> bool:
        """End the thread after the step in work (UI thread); False when it did not end in time. Nothing is posted any more."""
        self._is_closing = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _post(self, event: Posted) -> None:
        if not self._is_closing:  # whoever received the events may be gone
            self._post_event(event)

    def _run(self) -> None:
        while not self._is_closing:
            request = self._queue.get()
            if request is not None and not self._is_closing:
                with self._failures_posted(request):
                    self._handle(request)
            self._answer_small_requests()
        self._engine = None

    @contextmanager
    def _failures_posted(self, request: Request) -> Iterator[None]:
        """Whatever goes wrong with a request is told as its RunFailed, and stays without effect on any other."""
        try:
            yield
        except LoadAbandonedError:
            log.info("gave up loading a model that is no longer wanted")
        except InferenceError as error:
            self._post(RunFailed(request.run_id, error.kind, str(error)))
        except Exception as error:
            log.exception("the engine failed on %s", type(request).__name__)
            self._post(RunFailed(request.run_id, "internal", f"Something unexpected went wrong: {error}"))

    def _handle(self, request: LoadRequest | GenerateRequest) -> None:
        match request:
            case LoadRequest():
                self._load(request)
            case GenerateRequest():
                for event in self._loaded().generate(request):
                    self._post(event)
                    self._answer_small_requests()

    def _loaded(self) -> EngineLike:
        if self._engine is None:
            raise CheckpointError("No model is loaded. Choose one in the Model menu.")
        return self._engine

    def _load(self, request: LoadRequest) -> None:
        def report(progress: LoadProgress) -> None:
            if self._is_closing or request.run_id != self._wanted_load:
                raise LoadAbandonedError
            self._post(progress)

        self._engine = None  # the old weights leave the memory before the new ones come
        self._engine = self._loader(request, report)
        self._post(ModelReady(request.run_id, self._engine.spec))

    def _answer_small_requests(self) -> None:
        """Count the newest draft and explain the newest question, also between two tokens of an answer."""
        while self._drafts:
            draft = self._drafts.popleft()
            with self._failures_posted(draft):
                self._post(TokenCount(draft.run_id, self._loaded().count_tokens(draft.text)))
        while self._questions:
            question = self._questions.popleft()
            with self._failures_posted(question):
                self._post(StepExplained(question.run_id, self._loaded().explain(question)))
