"""One answer: read what is not in the cache yet, then draw token after token, and tell every step as an event."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from inference.answer import Answer
from inference.chat import ChatFormat
from inference.numbers import drawn_numbers, read_numbers
from inference.prompt_making import Beginning, PromptMaker
from inference.sampling import Decision, decide
from inference.session import Session
from inference.tokenizer import Tokenizer
from inference.trace import trace_given, trace_step
from inference.types import (
    Event,
    GenerateRequest,
    PrefillProgress,
    PromptNumbers,
    PromptTokens,
    RunStats,
    StepTrace,
    TokenEvent,
    TokenNumbers,
)

SLOW_STEP_S = 0.03  # a step that takes longer leaves the reader time to look at every one


class Generation:
    """One run of the engine, from a request to its RunFinished."""

    def __init__(self, request: GenerateRequest, session: Session, tokenizer: Tokenizer, chat: ChatFormat, prompts: PromptMaker):
        self.request = request
        self.session = session
        self.tokenizer = tokenizer
        self.prompts = prompts
        self.answer = Answer(request.run_id, tokenizer, chat.end_ids, prompts.stop_texts(request), request.max_new_tokens)
        self.forced = dict(request.forced)
        self.logits: np.ndarray | None = None  # (V,) after the last token that was given, once all are read

    def events(self) -> Iterator[Event]:
        """All events in order. Raises InferenceError where the request cannot be answered."""
        request, answer = self.request, self.answer
        made = self.prompts.beginning(request)
        given = answer.begin(made.prefix)
        ids = [*made.prompt.ids, *answer.ids]
        new = self._new_words(made, len(ids))
        reused = self._rewind(ids, new)
        yield self._prompt_tokens(made, reused)
        if cached := [position for position in new if position < min(reused, len(made.prompt.ids))]:
            numbers = tuple(self.session.numbers[position] for position in cached)
            yield PromptNumbers(request.run_id, cached[0], numbers)
        started = time.perf_counter()
        yield from self._read(ids, reused, len(made.prompt.ids), deque(given[request.known_tokens :]))
        prefill_s = time.perf_counter() - started
        if self.logits is not None and not request.draws:
            answer.end("length")
        started = time.perf_counter()
        if self.logits is not None and answer.reason is None and not request.cancel.is_set:
            yield from self._decode(self.logits)
        stats = RunStats(len(ids), reused, answer.new_tokens, prefill_s, time.perf_counter() - started)
        yield answer.finished(stats)

    def _new_words(self, made: Beginning, end: int) -> range:
        """Positions of what the reader has just written, if its numbers are wanted; `end` is where all that is given ends.

        The very first token of a context follows nothing and has none.
        """
        request, prompt = self.request, made.prompt
        if not request.with_numbers:
            return range(0)
        if request.text:
            return range(max(1, len(prompt.ids) + len(request.answer_prefix_ids)), end)
        contents = [span for span in prompt.spans if span.kind == "content"]
        last = [span for span in contents if span.message_index == contents[-1].message_index]
        return range(max(1, last[0].start), last[-1].end) if last else range(0)

    def _rewind(self, ids: list[int], new: range) -> int:
        """How many ids stay in the cache: of new words (a question may have read them) only those that have their numbers."""
        reused = self.session.rewind(ids)
        unscored = (position for position in new if position < reused and position not in self.session.numbers)
        first = next(unscored, None)
        return reused if first is None else self.session.rewind(ids[: first + 1])

    def _prompt_tokens(self, made: Beginning, reused: int) -> PromptTokens:
        ids, spans = made.prompt.ids, made.prompt.spans
        return PromptTokens(self.request.run_id, ids, spans, reused, made.dropped, tuple(map(self.tokenizer.token_bytes, ids)))

    def _read(self, ids: list[int], reused: int, prompt_tokens: int, given: deque[TokenEvent]) -> Iterator[Event]:
        """Read what the cache lacks; the answer's given tokens are told when they are read, with their numbers."""
        request, session = self.request, self.session
        # The first token read follows from what is still in the cache; a token the caller knows needs no numbers.
        is_known = prompt_tokens <= reused < prompt_tokens + request.known_tokens
        before = session.look(ids[:reused]) if request.with_numbers and reused and not is_known else None
        known = {position - prompt_tokens: numbers for position, numbers in session.numbers.items()}
        yield from told(given, reused - prompt_tokens, known if request.with_numbers else {})
        for hidden in session.read(ids[reused:], request.cancel):
            done = len(session.ids)
            yield PrefillProgress(request.run_id, done, len(ids), reused)
            numbers = self._numbers(before, hidden, ids[:done]) if request.with_numbers else {}
            session.numbers |= numbers
            if of_prompt := [position for position in numbers if position < prompt_tokens]:
                yield PromptNumbers(request.run_id, of_prompt[0], tuple(numbers[position] for position in of_prompt))
            yield from told(given, done - prompt_tokens, {position - prompt_tokens: n for position, n in numbers.items()})
            before = hidden[-1:]
        if before is not None and len(session.ids) == len(ids):
            [logits] = session.logits(before)
            self.logits = logits[0]
        yield from self._told_unread(given)

    def _numbers(self, before: Tensor | None, hidden: Tensor, ids: list[int]) -> dict[int, TokenNumbers]:
        """By position the numbers of tokens that were read as final vectors `hidden`, the last of `ids`.

        `before` is the vector of the position ahead of them; without it the first token has no numbers.
        """
        sources = hidden[:-1] if before is None else torch.cat((before, hidden[:-1]))
        done = len(ids) - len(sources)
        found: dict[int, TokenNumbers] = {}
        for logits in self.session.logits(sources):
            numbers = read_numbers(logits, ids[done : done + len(logits)])
            found.update(zip(range(done, done + len(logits)), numbers, strict=True))
            done += len(logits)
        return found

    def _told_unread(self, given: deque[TokenEvent]) -> Iterator[TokenEvent]:
        """What is left of the given tokens: an end token, or all that a cancelled run no longer read."""
        for event in given:
            if self.logits is not None and self.request.with_numbers:
                event = replace(event, numbers=read_numbers(self.logits[None], (event.token_id,))[0])
            yield event

    def _decode(self, logits: np.ndarray) -> Iterator[TokenEvent]:
        """The loop itself: distribution, draw, append, and again."""
        request, answer, session = self.request, self.answer, self.session
        next_trace_s = step_began_s = 0.0
        while True:
            event, decision = self._choose(logits)
            if len(session.ids) >= session.context_tokens:
                answer.end("context")
            if request.cancel.is_set:
                answer.end("cancelled")
            now = time.perf_counter()
            is_due = now >= next_trace_s or now - step_began_s > SLOW_STEP_S or answer.reason
            if request.trace_rows and is_due:
                event = replace(event, trace=self._trace(logits, event.token_id, decision))
                next_trace_s = now + request.trace_interval_s
            yield event
            if request.cancel.is_set:
                answer.end("cancelled")
            if answer.reason:
                return
            step_began_s = time.perf_counter()
            logits = session.step(event.token_id)

    def _choose(self, logits: np.ndarray) -> tuple[TokenEvent, Decision | None]:
        """The next token: drawn, or without a decision where the request says which."""
        request, step = self.request, self.answer.step
        if step in self.forced:
            decision, event = None, self.answer.append(self.forced[step], is_given=True)
        else:
            decision = decide(logits, self._history(), request.params, request.seed, step)
            event = self.answer.append(decision.token_id)
        if request.with_numbers:
            numbers = drawn_numbers(logits, decision) if decision else read_numbers(logits[None], (event.token_id,))[0]
            event = replace(event, numbers=numbers)
        return event, decision

    def _trace(self, logits: np.ndarray, token_id: int, decision: Decision | None) -> StepTrace:
        rows, token_bytes = self.request.trace_rows, self.tokenizer.token_bytes
        if decision is not None:
            return trace_step(logits, decision, rows, token_bytes)
        return trace_given(logits, token_id, self._history(), self.request.params, rows, token_bytes)

    def _history(self) -> np.ndarray:
        """What the repetition penalty looks at: all that was read, where there is one."""
        return np.array(self.session.ids if self.request.params.repetition_penalty != 1.0 else (), dtype=np.int64)


def told(given: deque[TokenEvent], until: int, numbers: dict[int, TokenNumbers]) -> Iterator[TokenEvent]:
    """The waiting events of steps before `until`, each with its numbers where there are some."""
    while given and given[0].step < until:
        event = given.popleft()
        yield replace(event, numbers=numbers[event.step]) if event.step in numbers else event
