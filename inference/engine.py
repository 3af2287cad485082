"""The engine: load a model, then answer, score and explain; a generator of events that knows no threads and no Qt."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from inference import checkpoint, sampling
from inference.answer import Answer
from inference.chat import ChatFormat
from inference.context import forgotten
from inference.device import memory_errors
from inference.errors import ContextFullError, InferenceError, OutOfMemoryError, RequestError
from inference.model import Transformer
from inference.prompt import Prompt
from inference.session import Session
from inference.tokenizer import Tokenizer
from inference.trace import trace_given, trace_step
from inference.types import (
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    ModelSpec,
    PrefillProgress,
    PromptSpan,
    PromptTokens,
    RunFailed,
    RunStats,
    ScoreRequest,
    StepTrace,
    TokenEvent,
)

SCORE_CHUNK_TOKENS = 256
NO_MEMORY = "There was not enough memory to go on. Close other programs, start a new chat or choose a smaller model."
SLOW_STEP_S = 0.03  # a step that takes longer leaves the reader time to look at every one


class Engine:
    """One loaded model with its tokenizer, chat format and cache. Not thread-safe: one caller at a time."""

    def __init__(self, spec: ModelSpec, model: Transformer, tokenizer: Tokenizer, chat: ChatFormat, session: Session):
        self.spec = spec
        self.model = model
        self.tokenizer = tokenizer
        self.chat = chat
        self.session = session

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        device: str = "auto",
        dtype: str = "auto",
        threads: int = 0,
        progress: Callable[[LoadProgress], None] | None = None,
    ) -> "Engine":
        """See `inference.load`."""
        with memory_errors("There is not enough memory for this model. Close other programs or choose a smaller model."):
            loaded = checkpoint.open_checkpoint(Path(path), device, dtype, threads, progress or (lambda _: None))
            session = Session(loaded.model, loaded.spec.context_tokens, loaded.device, loaded.dtype)
            session.step([0])  # the first pass through torch's kernels is slow; not in front of a reader
        session.rewind([0])
        return cls(loaded.spec, loaded.model, loaded.tokenizer, loaded.chat, session)

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` is, alone."""
        return len(self.tokenizer.encode(text))

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Logits after every position of `ids`, float32 (T, V), computed afresh; the conversation's cache is left alone.

        Raises RequestError for ids outside the vocabulary and ContextFullError for more than the context holds.
        """
        return self._logits_of(self._hidden(ids))

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Answer a request: PromptTokens, PrefillProgress…, TokenEvent…, and last exactly one RunFinished or RunFailed."""
        try:
            with memory_errors(NO_MEMORY):
                yield from self._generate(request)
        except InferenceError as error:
            if isinstance(error, OutOfMemoryError):
                self.session.clear()
            yield RunFailed(request.run_id, error.kind, str(error))

    def score(self, request: ScoreRequest) -> Iterator[StepTrace]:
        """The trace of every id after the first, in order; ends early when cancelled."""
        ids = np.asarray(request.ids)
        hidden = self._hidden(request.ids)
        for start in range(0, len(ids) - 1, SCORE_CHUNK_TOKENS):  # all logits of a long text would not fit into memory
            logits = self._logits_of(hidden[start : start + SCORE_CHUNK_TOKENS])
            for position in range(start + 1, min(start + SCORE_CHUNK_TOKENS + 1, len(ids))):
                if request.cancel.is_set:
                    return
                yield self._trace_given(logits[position - start - 1], int(ids[position]), ids[:position], request)

    def explain(self, request: ExplainRequest) -> StepTrace:
        """The full trace of one position, equal to the one seen live: from the cache where it holds the context."""
        self._check_ids(request.context_ids)
        with memory_errors(NO_MEMORY):
            cached = self.session.peek(list(request.context_ids))
            logits = self._logits_of(self._hidden(request.context_ids)[-1]) if cached is None else cached.cpu().numpy()
        history = np.asarray(request.context_ids)
        position = len(request.context_ids) - request.answer_start
        decision = sampling.decide(logits, history, request.params, request.seed, position)
        if request.token_id is not None and request.token_id != decision.token_id:
            return self._trace_given(logits, request.token_id, history, request)
        return trace_step(logits, decision, request.trace_rows, self.tokenizer.token_bytes)

    def _generate(self, request: GenerateRequest) -> Iterator[Event]:
        prompt, dropped = self._prompt(request)
        ids = [*prompt.ids, *request.answer_prefix_ids]
        self._check_ids(ids)
        reused = self.session.rewind(ids)
        yield PromptTokens(request.run_id, tuple(ids), prompt.spans, reused, dropped)
        started = time.perf_counter()
        logits = None
        for logits in self.session.read(ids[reused:], request.cancel):  # noqa: B007  the last ones begin the answer
            yield PrefillProgress(request.run_id, len(self.session.ids), len(ids), reused)
        prefill_s = time.perf_counter() - started
        answer = Answer(request, self.tokenizer, self.chat)
        started = time.perf_counter()
        if logits is not None and not request.cancel.is_set:
            yield from self._decode(request, answer, logits)
        stats = RunStats(len(ids), reused, answer.new_tokens, prefill_s, time.perf_counter() - started)
        yield answer.finished(stats)

    def _decode(self, request: GenerateRequest, answer: Answer, logits: torch.Tensor) -> Iterator[TokenEvent]:
        """The loop itself: distribution, draw, append, and again."""
        needs_history = request.params.repetition_penalty != 1.0
        nothing = np.empty(0, dtype=np.int64)
        next_trace_s = step_began_s = 0.0
        while True:
            values = logits.cpu().numpy()
            history = np.array(self.session.ids) if needs_history else nothing
            decision = sampling.decide(values, history, request.params, request.seed, answer.step)
            event = answer.append(decision.token_id)
            if len(self.session.ids) >= self.spec.context_tokens:
                answer.end("context")
            if request.cancel.is_set:
                answer.end("cancelled")
            now = time.perf_counter()
            is_due = now >= next_trace_s or now - step_began_s > SLOW_STEP_S or answer.reason
            if request.trace_rows and is_due:
                step = trace_step(values, decision, request.trace_rows, self.tokenizer.token_bytes)
                event = replace(event, trace=step)
                next_trace_s = now + request.trace_interval_s
            yield event
            if request.cancel.is_set:
                answer.end("cancelled")
            if answer.reason:
                return
            step_began_s = time.perf_counter()
            logits = self.session.step([decision.token_id])

    def _prompt(self, request: GenerateRequest) -> tuple[Prompt, tuple[int, ...]]:
        """The ids before the answer, and the messages that had to leave the view to make them fit."""
        if bool(request.messages) == bool(request.prompt_ids):
            raise RequestError("A request needs either messages or prompt ids.")
        room = self._answer_room(request)
        if request.prompt_ids:
            self._check_fits(len(request.prompt_ids) + len(request.answer_prefix_ids), 1)
            return Prompt(request.prompt_ids, (PromptSpan(0, len(request.prompt_ids), "content"),)), ()
        limit = self.spec.context_tokens - room - len(request.answer_prefix_ids)
        prompt = self.chat.render(request.messages, request.scene)
        if len(prompt.ids) <= limit:
            return prompt, ()
        return self._shortened_prompt(request, prompt, limit)

    def _shortened_prompt(self, request: GenerateRequest, prompt: Prompt, limit: int) -> tuple[Prompt, tuple[int, ...]]:
        """Forget whole turns until the prompt fits; the sizes are estimates, so the limit shrinks while it does not."""
        messages, shorter = request.messages, prompt
        sizes = message_sizes(prompt, len(messages))
        target = limit - (len(prompt.ids) - sum(sizes))  # what stands before the first message always stays
        dropped: tuple[int, ...] = ()
        while len(dropped) < sum(message.role != "system" for message in messages) - 1:
            before, dropped = dropped, forgotten(messages, sizes, target)
            if dropped == before:
                target -= max(1, limit // 100)
                continue
            kept = [message for i, message in enumerate(messages) if i not in dropped]
            shorter = self.chat.render(kept, request.scene)
            if len(shorter.ids) <= limit:
                return reindexed(shorter, dropped, len(messages)), dropped
            target -= len(shorter.ids) - limit
        raise self._too_long(len(shorter.ids), self.spec.context_tokens - limit)

    def _answer_room(self, request: GenerateRequest) -> int:
        """Tokens kept free for the answer: as long as it may become, but at most a quarter of the context."""
        quarter = max(1, self.spec.context_tokens // 4)
        return min(request.max_new_tokens, quarter) if request.max_new_tokens else quarter

    @torch.inference_mode()
    def _hidden(self, ids: Sequence[int]) -> torch.Tensor:
        """Final vectors (T, C) of a text read afresh, without the conversation's cache."""
        self._check_ids(ids)
        return self.model(torch.tensor([list(ids)], device=self.session.device))[0]

    @torch.inference_mode()
    def _logits_of(self, hidden: torch.Tensor) -> np.ndarray:
        return self.model.logits(hidden).cpu().numpy()

    def _trace_given(
        self, logits: np.ndarray, token_id: int, history: np.ndarray, request: ScoreRequest | ExplainRequest
    ) -> StepTrace:
        return trace_given(logits, token_id, history, request.params, request.trace_rows, self.tokenizer.token_bytes)

    def _check_ids(self, ids: Sequence[int]) -> None:
        if not ids:
            raise RequestError("There is no token to start from.")
        if not 0 <= min(ids) <= max(ids) < self.spec.vocab_size:
            raise RequestError(f"A token id is outside the vocabulary of {self.spec.vocab_size:,} tokens.")
        self._check_fits(len(ids), 0)

    def _check_fits(self, tokens: int, room: int) -> None:
        if tokens + room > self.spec.context_tokens:
            raise self._too_long(tokens, room)

    def _too_long(self, tokens: int, room: int) -> ContextFullError:
        return ContextFullError(
            f"The context holds {self.spec.context_tokens:,} tokens; this needs {tokens + room:,}. "
            "Shorten the message or the system prompt, or choose a model with a longer context."
        )


def message_sizes(prompt: Prompt, messages: int) -> list[int]:
    """Tokens of every message: its content and the marks up to the next message's content."""
    sizes = [0] * messages
    owner = -1
    for span in prompt.spans:
        owner = span.message_index if span.message_index >= 0 else owner
        if owner >= 0:
            sizes[owner] += span.end - span.start
    return sizes


def reindexed(prompt: Prompt, dropped: tuple[int, ...], messages: int) -> Prompt:
    """The prompt with its spans' message indices counted among all messages, dropped ones included."""
    kept = [i for i in range(messages) if i not in dropped]
    spans = [
        PromptSpan(span.start, span.end, span.kind, kept[span.message_index] if span.message_index >= 0 else -1)
        for span in prompt.spans
    ]
    return Prompt(prompt.ids, tuple(spans))
