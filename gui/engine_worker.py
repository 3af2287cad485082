"""The one thread that may touch the engine: takes requests from a queue, drives generators, posts events.

Nothing here runs on the UI thread except the methods of EngineWorker that say so.
"""

import logging
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from inference.errors import InferenceError
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

SWITCH_INTERVAL_S = 0.0005  # how long this thread may hold the interpreter while the UI thread waits for it


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


class EngineWorker:
    """Serialises all engine calls on one thread; `post` receives every event there, in order."""

    def __init__(self, post: Callable[[Posted], None], loader: Loader = load_engine):
        self._loader = loader
        self._post = post
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._draft: CountTokensRequest | None = None
        self._question: ExplainRequest | None = None
        self._engine: EngineLike | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread (UI thread)."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queue a request (UI thread). A newer draft or question replaces one that still waits."""
        match request:
            case CountTokensRequest():
                self._draft = request
            case ExplainRequest():
                self._question = request
        self._queue.put(request)

    def close(self, timeout_s: float) -> bool:
        """End the thread after the request in work (UI thread); False when it did not end in time."""
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (request := self._queue.get()) is not None:
            try:
                self._handle(request)
            except InferenceError as error:
                self._post(RunFailed(request.run_id, error.kind, str(error)))
            except Exception as error:
                log.exception("the engine failed on %s", type(request).__name__)
                self._post(RunFailed(request.run_id, "internal", f"Something unexpected went wrong: {error}"))
        self._engine = None

    def _handle(self, request: Request) -> None:
        match request:
            case LoadRequest():
                self._load(request)
            case CountTokensRequest() | ExplainRequest():
                self._answer_small_requests()
            case GenerateRequest() if self._engine is None:
                self._post(RunFailed(request.run_id, "checkpoint", "No model is loaded. Choose one in the Model menu."))
            case GenerateRequest():
                for event in self._engine.generate(request):
                    self._post(event)
                    self._answer_small_requests()

    def _load(self, request: LoadRequest) -> None:
        self._engine = None  # the old weights leave the memory before the new ones come
        self._engine = self._loader(request, self._post)
        self._post(ModelReady(request.run_id, self._engine.spec))

    def _answer_small_requests(self) -> None:
        """Count the newest draft and explain the newest question, also between two tokens of an answer."""
        draft, self._draft = self._draft, None
        if draft is not None and self._engine is not None:
            self._post(TokenCount(draft.run_id, self._engine.count_tokens(draft.text)))
        question, self._question = self._question, None
        if question is not None and self._engine is not None:
            self._explain(question)

    def _explain(self, question: ExplainRequest) -> None:
        """A question that cannot be answered must not end the answer in work."""
        try:
            self._post(StepExplained(question.run_id, self._engine.explain(question)))
        except InferenceError as error:
            self._post(RunFailed(question.run_id, error.kind, str(error)))
