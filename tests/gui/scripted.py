"""Doubles with meaning: an engine that speaks a given text byte by byte, and a worker without a thread."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from gui.engine_worker import Posted, Request
from inference.types import (
    AskAnswered,
    AskedToken,
    AskRequest,
    ColumnEnded,
    ColumnToken,
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
    PrefillProgress,
    PromptNumbers,
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
    TokenNumbers,
    TokensDescribed,
)

VOCABULARY = 256
NUMBERS = TokenNumbers(0.5, 0.5, 1.0, 5.0, 1)
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
    reused: int = 0  # what it says of its cache

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """The prompt, one prefill step, what is given of the answer, the rest of its bytes, the end."""
        self.requests.append(request)
        prompt, spans = self._prompt(request)
        given = request.answer_prefix_ids + tuple(request.text.encode())
        names = tuple(bytes([value]) for value in prompt)
        yield PromptTokens(request.run_id, prompt, spans, self.reused, token_bytes=names)
        if request.with_numbers and len(prompt) > 1:
            yield PromptNumbers(request.run_id, 1, (NUMBERS,) * (len(prompt) - 1))
        yield PrefillProgress(request.run_id, len(prompt), len(prompt), 0)
        for step in range(request.known_tokens, len(given)):
            yield self._token(request, step, given[step], is_given=True)
        ids, reason = list(given), "end"
        forced = dict(request.forced)
        limit = (request.max_new_tokens or len(self.text.encode())) if request.draws else 0
        for step, value in enumerate(self.text.encode()):
            if step < len(given):
                continue
            if request.cancel.is_set or step - len(given) >= limit:
                reason = "cancelled" if request.cancel.is_set else "length"
                break
            ids.append(forced.get(step, value))
            yield self._token(request, step, ids[-1], is_given=step in forced)
        if request.cancel.is_set:
            reason = "cancelled"
        drawn = len(ids) - len(given)
        stats = RunStats(len(prompt), self.reused, drawn, 0.01, 0.01 * max(1, drawn))
        yield RunFinished(request.run_id, reason, stats, "", tuple(ids))

    def _prompt(self, request: GenerateRequest) -> tuple[tuple[int, ...], tuple[PromptSpan, ...]]:
        if not request.messages:
            return request.prompt_ids, (PromptSpan(0, len(request.prompt_ids), "content"),) if request.prompt_ids else ()
        ids: list[int] = []
        spans = []
        for index, message in enumerate(request.messages):
            spans.append(PromptSpan(len(ids), len(ids) + len(message.content.encode()), "content", index))
            ids.extend(message.content.encode())
        return tuple(ids), tuple(spans)

    def _token(self, request: GenerateRequest, step: int, value: int, *, is_given: bool) -> TokenEvent:
        has_trace = request.trace_rows > 0 and not is_given
        return TokenEvent(
            request.run_id,
            step,
            value,
            bytes([value]),
            chr(value) if value < 128 else "",
            trace=make_trace(value, request.trace_rows, request.params) if has_trace else None,
            numbers=NUMBERS if request.with_numbers else None,
            is_given=is_given,
        )

    def compare(self, request: CompareRequest) -> Iterator[Event]:
        """Every column says the rest of the text."""
        self.requests.append(request)
        rest = self.text.encode()[len(request.answer_prefix_ids) :][: request.max_new_tokens]
        step = GenerateRequest(request.run_id, prompt_ids=(0,), trace_rows=0, with_numbers=True)
        for offset, value in enumerate(rest):
            for column in range(len(request.temperatures)):
                token = self._token(step, len(request.answer_prefix_ids) + offset, value, is_given=False)
                yield ColumnToken(request.run_id, column, token)
        for column in range(len(request.temperatures)):
            yield ColumnEnded(request.run_id, column, "end", "", (*request.answer_prefix_ids, *rest))
        yield RunFinished(request.run_id, "length", RunStats(1, 0, len(rest), 0.01, 0.01))

    def ask(self, request: AskRequest) -> AskAnswered:
        """Every byte has one half."""
        self.requests.append(request)
        tokens = tuple(AskedToken(value, bytes([value]), NUMBERS, "") for value in request.text.encode())
        return AskAnswered(request.run_id, request.text, tokens)

    def explain_draft(self, request: DraftRequest) -> DraftExplained:
        """An exclamation mark follows."""
        self.requests.append(request)
        return DraftExplained(request.run_id, make_trace(NEXT, request.trace_rows, request.params))

    def describe(self, request: DescribeRequest) -> TokensDescribed:
        """Bytes; none is special."""
        self.requests.append(request)
        names = tuple(bytes([value]) for value in request.ids)
        return TokensDescribed(request.run_id, request.ids, names, (False,) * len(names))

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
            case CompareRequest():
                yield from self.engine.compare(request)
            case ExplainRequest():
                yield self.engine.explain(request)
            case AskRequest():
                yield self.engine.ask(request)
            case DraftRequest():
                yield self.engine.explain_draft(request)
            case DescribeRequest():
                yield self.engine.describe(request)
            case CountTokensRequest():
                yield TokenCount(request.run_id, self.engine.count_tokens(request.text))
