"""Doubles with meaning: an engine that speaks a given text byte by byte, and a worker without a thread."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gui.engine_worker import Posted, Request
from inference.types import (
    CountTokensRequest,
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    ModelReady,
    ModelSpec,
    PrefillProgress,
    PromptSpan,
    PromptTokens,
    RunFailed,
    RunFinished,
    RunStats,
    SamplingParams,
    StepExplained,
    StepTrace,
    TokenCount,
    TokenEvent,
)

VOCABULARY = 256
NEXT = ord("!")  # what the engine would say next, if asked


def make_spec(**changes: object) -> ModelSpec:
    """The facts about a model that speaks bytes."""
    values = {
        "name": "scripted",
        "path": "/scripted",
        "family": "llama",
        "parameter_count": 1000,
        "vocab_size": VOCABULARY,
        "context_tokens": 512,
        "n_layers": 1,
        "n_heads": 1,
        "width": 8,
        "device": "cpu",
        "dtype": "float32",
        "weights_bytes": 4000,
        "weights_hash": "abc",
        "has_chat_template": True,
        "load_s": 0.0,
    }
    return ModelSpec(**(values | changes))


def make_trace(chosen: int, rows: int = 12, params: SamplingParams | None = None, u: float = 0.25) -> StepTrace:
    """A trace whose chosen byte has one half and the others share the rest."""
    probs = np.full(VOCABULARY, 0.5 / (VOCABULARY - 1))
    probs[chosen] = 0.5
    order = sorted(range(VOCABULARY), key=lambda i: (-probs[i], i))[:rows]
    p = probs[order]
    return StepTrace(
        ids=np.array(order),
        token_bytes=tuple(bytes([i]) for i in order),
        model_probs=p,
        sampling_probs=p,
        ranks=np.arange(1, rows + 1),
        removed_by=("",) * rows,
        chosen_id=chosen,
        chosen_model_prob=0.5,
        chosen_sampling_prob=0.5,
        chosen_rank=1,
        surprise_bits=1.0,
        entropy_bits=1.0 + 0.5 * math.log2(VOCABULARY - 1),
        others_count=VOCABULARY - rows,
        others_model_mass=1 - float(p.sum()),
        others_sampling_mass=1 - float(p.sum()),
        kept_count=VOCABULARY,
        vocab_size=VOCABULARY,
        draw_u=u,
        draw_low=0.0,
        draw_high=0.5,
        strip_ids=tuple(order),
        strip_bytes=tuple(bytes([i]) for i in order),
        strip_ends=np.cumsum(p),
        params=params or SamplingParams(),
    )


@dataclass
class ScriptedEngine:
    """Answers every request with `text`, one byte a token; remembers what it was asked."""

    text: str = "Hello there."
    spec: ModelSpec = field(default_factory=make_spec)
    requests: list[Request] = field(default_factory=list)

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """The prompt, one prefill step, the bytes, the end."""
        self.requests.append(request)
        prompt = tuple(b for message in request.messages for b in message.content.encode())
        yield PromptTokens(request.run_id, prompt, (PromptSpan(0, len(prompt), "content", 0),), 0)
        yield PrefillProgress(request.run_id, len(prompt), len(prompt), 0)
        data = self.text.encode()[: request.max_new_tokens]
        drawn = 0
        for step, value in enumerate(data):
            if request.cancel.is_set:
                break
            trace = make_trace(value, request.trace_rows, request.params) if request.trace_rows else None
            drawn += 1
            yield TokenEvent(request.run_id, step, value, bytes([value]), chr(value) if value < 128 else "", False, trace)
        reason = "cancelled" if request.cancel.is_set else "end"
        stats = RunStats(len(prompt), 0, drawn, 0.01, 0.01 * max(1, drawn))
        yield RunFinished(request.run_id, reason, stats, "", tuple(data[:drawn]))

    def explain(self, request: ExplainRequest) -> StepExplained:
        """The step again."""
        self.requests.append(request)
        token = NEXT if request.token_id is None else request.token_id
        return StepExplained(request.run_id, make_trace(token, request.trace_rows, request.params))

    def count_tokens(self, text: str) -> int:
        """Bytes."""
        return len(text.encode())


class ScriptedWorker:
    """Runs requests on the caller's thread, event by event, when the test says so."""

    def __init__(self, post: Callable[[Posted], None], engine: ScriptedEngine):
        self.post = post
        self.engine = engine
        self.pending: list[Iterator[Posted]] = []
        self.load_error = ""
        self.is_closed = False

    def start(self) -> None:
        """Nothing to start."""

    def submit(self, request: Request) -> None:
        """Keep the request until `run`."""
        self.pending.append(self._events(request))

    def close(self, timeout_s: float) -> bool:
        """Note that it was asked to."""
        self.is_closed = True
        return True

    def run(self, events: int = 1 << 30) -> int:
        """Post at most this many events; returns how many there were."""
        posted = 0
        while self.pending and posted < events:
            event = next(self.pending[0], None)
            if event is None:
                self.pending.pop(0)
                continue
            self.post(event)
            posted += 1
        return posted

    def _events(self, request: Request) -> Iterator[Posted]:
        match request:
            case LoadRequest() if self.load_error:
                yield RunFailed(request.run_id, "checkpoint", self.load_error)
            case LoadRequest():
                yield LoadProgress("weights", 0.5)
                yield ModelReady(request.run_id, self.engine.spec)
            case GenerateRequest():
                yield from self.engine.generate(request)
            case ExplainRequest():
                yield self.engine.explain(request)
            case CountTokensRequest():
                yield TokenCount(request.run_id, self.engine.count_tokens(request.text))
