"""One beginning continued at several temperatures at once: a batch with a row for each, read once and decoded together.

Every column is the answer that `generate` would give at its temperature with the same seed.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from inference.answer import Answer
from inference.chat import ChatFormat
from inference.errors import RequestError
from inference.numbers import drawn_numbers
from inference.prompt_making import PromptMaker
from inference.sampling import decide
from inference.session import Session
from inference.tokenizer import Tokenizer
from inference.types import (
    ColumnEnded,
    ColumnToken,
    CompareRequest,
    Event,
    PrefillProgress,
    RunFinished,
    RunStats,
    SamplingParams,
    TokenEvent,
)


class Column(NamedTuple):
    """One row of the batch."""

    index: int
    params: SamplingParams
    answer: Answer


class Comparison:
    """One run, from a request to its RunFinished; afterwards the session holds the common beginning."""

    def __init__(self, request: CompareRequest, session: Session, tokenizer: Tokenizer, chat: ChatFormat, prompts: PromptMaker):
        if not request.temperatures:
            raise RequestError("There is no temperature to compare.")
        prompts.check_comparison(request)
        self.request = request
        self.session = session
        self.columns: list[Column] = []
        for index, temperature in enumerate(request.temperatures):
            answer = Answer(request.run_id, tokenizer, chat.end_ids, prompts.stop_texts(request), request.max_new_tokens)
            answer.begin(request.answer_prefix_ids)
            self.columns.append(Column(index, replace(request.params, temperature=temperature), answer))

    def events(self) -> Iterator[Event]:
        """PrefillProgress…, ColumnToken… and a ColumnEnded for every column, and last RunFinished."""
        request, session = self.request, self.session
        ids = [*request.prompt_ids, *self.columns[0].answer.ids]
        reused = session.rewind(ids)
        started = time.perf_counter()
        last = None
        for hidden in session.read(ids[reused:], request.cancel):
            last = hidden[-1:]
            yield PrefillProgress(request.run_id, len(session.ids), len(ids), reused)
        prefill_s = time.perf_counter() - started
        started = time.perf_counter()
        if last is not None and not request.cancel.is_set:
            [logits] = session.logits(last)
            yield from self._decode(logits)
        else:
            yield from self._ended(self.columns)
        new_tokens = sum(column.answer.new_tokens for column in self.columns)
        stats = RunStats(len(ids), reused, new_tokens, prefill_s, time.perf_counter() - started)
        yield RunFinished(request.run_id, "cancelled" if request.cancel.is_set else "length", stats)

    def _decode(self, logits: np.ndarray) -> Iterator[Event]:
        """A token for every column at a time, from logits (1, V); columns that ended leave the batch."""
        request, session = self.request, self.session
        running = [column for column in self.columns if column.answer.reason is None]
        yield from self._ended([column for column in self.columns if column.answer.reason is not None])
        if not running:
            return
        cache = session.fork(len(running), min(session.context_tokens, len(session.ids) + request.max_new_tokens))
        logits = np.broadcast_to(logits, (len(running), logits.shape[1]))
        while running:
            for column, row in zip(running, logits, strict=True):
                yield ColumnToken(request.run_id, column.index, self._draw(column, row))
                if cache.length >= session.context_tokens:
                    column.answer.end("context")
            going = [] if request.cancel.is_set else [i for i, column in enumerate(running) if column.answer.reason is None]
            yield from self._ended([column for i, column in enumerate(running) if i not in going])
            if going and len(going) < len(running):
                cache.keep_rows(going)
            running = [running[i] for i in going]
            if running:
                logits = session.step_rows([column.answer.ids[-1] for column in running], cache)

    def _draw(self, column: Column, logits: np.ndarray) -> TokenEvent:
        history = np.empty(0, dtype=np.int64)
        if column.params.repetition_penalty != 1.0:
            history = np.array([*self.request.prompt_ids, *column.answer.ids])
        decision = decide(logits, history, column.params, self.request.seed, column.answer.step)
        return replace(column.answer.append(decision.token_id), numbers=drawn_numbers(logits, decision))

    def _ended(self, columns: Sequence[Column]) -> Iterator[ColumnEnded]:
        """Without a reason of its own a column was cancelled."""
        for index, _, answer in columns:
            tail = answer.tail()
            yield ColumnEnded(self.request.run_id, index, answer.reason or "cancelled", tail, answer.final_ids())
