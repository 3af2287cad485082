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
    AskAnswered,
    AskRequest,
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
    ModelSpec,
    RunFailed,
    StepExplained,
    TokenCount,
    TokensDescribed,
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

    def compare(self, request: CompareRequest) -> Iterator[Event]:
        """Events of one comparison."""

    def explain(self, request: ExplainRequest) -> StepExplained:
        """The trace of one position."""

    def ask(self, request: AskRequest) -> AskAnswered:
        """How likely a text is at one position."""

    def explain_draft(self, request: DraftRequest) -> DraftExplained:
        """What would follow a draft."""

    def describe(self, request: DescribeRequest) -> TokensDescribed:
        """What ids are."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text."""


Loader = Callable[[LoadRequest, Callable[[LoadProgress], None]], EngineLike]
LongRequest = LoadRequest | GenerateRequest | CompareRequest
SmallRequest = ExplainRequest | AskRequest | DraftRequest | DescribeRequest | CountTokensRequest
Request = LongRequest | SmallRequest
Posted = Event | LoadProgress | ModelReady | StepExplained | AskAnswered | DraftExplained | TokensDescribed | TokenCount


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
        self._queue: queue.SimpleQueue[LongRequest | None] = queue.SimpleQueue()  # None: look around
        kinds = (CountTokensRequest, ExplainRequest, AskRequest, DescribeRequest, DraftRequest)
        self._small: dict[type, deque[SmallRequest]] = {kind: deque(maxlen=1) for kind in kinds}  # the newest of each
        self._wanted_load = 0
        self._is_closing = False
        self._engine: EngineLike | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread (UI thread)."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queue a request (UI thread). A newer small request or load replaces an older one that is not answered yet."""
        if type(request) in self._small:
            self._small[type(request)].append(request)
            self._queue.put(None)
            return
        if isinstance(request, LoadRequest):
            self._wanted_load = request.run_id
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

    def _handle(self, request: LongRequest) -> None:
        match request:
            case LoadRequest():
                self._load(request)
            case GenerateRequest():
                self._drive(self._loaded().generate(request))
            case CompareRequest():
                self._drive(self._loaded().compare(request))

    def _drive(self, events: Iterator[Event]) -> None:
        for event in events:
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
        """Answer the newest of each kind, also between two tokens of an answer."""
        for waiting in self._small.values():
            while waiting:
                request = waiting.popleft()
                with self._failures_posted(request):
                    self._post(self._answer_to(request))

    def _answer_to(self, request: SmallRequest) -> Posted:
        engine = self._loaded()
        match request:
            case CountTokensRequest():
                return TokenCount(request.run_id, engine.count_tokens(request.text))
            case ExplainRequest():
                return engine.explain(request)
            case AskRequest():
                return engine.ask(request)
            case DescribeRequest():
                return engine.describe(request)
            case DraftRequest():
                return engine.explain_draft(request)
