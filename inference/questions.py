"""Questions about single positions: how a token came to be chosen, how likely a text is there, what follows a draft.

None of them changes what the session holds. The logits of the last few contexts are kept, so that the same position can be
asked about again and again, with other parameters, without the model.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from inference.flips import flips
from inference.limits import Limits
from inference.numbers import read_numbers
from inference.prompt_making import PromptMaker
from inference.sampling import decide, distribution
from inference.session import Session
from inference.stages import stages
from inference.tokenizer import Tokenizer
from inference.trace import trace_given, trace_step
from inference.types import (
    AskAnswered,
    AskedToken,
    AskRequest,
    DraftExplained,
    DraftRequest,
    ExplainRequest,
    SamplingParams,
    StepDetails,
    StepExplained,
    StepTrace,
)

REMEMBERED_CONTEXTS = 8


class Position(NamedTuple):
    """What a request asks about: the logits (V,) there, the ids before it, and whether its token was drawn from them."""

    request: ExplainRequest
    logits: np.ndarray
    history: np.ndarray
    step: int
    is_drawn: bool


class _AsUsed(NamedTuple):
    """What was explained last, with the parameters that were really used."""

    used: ExplainRequest
    position: Position
    trace: StepTrace
    details: StepDetails | None


class Questions:
    """Answers them for one model."""

    def __init__(self, session: Session, tokenizer: Tokenizer, prompts: PromptMaker, limits: Limits):
        self._session = session
        self._tokenizer = tokenizer
        self._prompts = prompts
        self._limits = limits
        self._remembered: OrderedDict[tuple[int, ...], np.ndarray] = OrderedDict()
        self._newest: _AsUsed | None = None

    def forget(self) -> None:
        """Give the memory of the logits back."""
        self._remembered.clear()
        self._newest = None

    def explain(self, request: ExplainRequest) -> StepExplained:
        """See `Engine.explain`."""
        used = replace(request, run_id=0, what_if=None)
        if self._newest is None or self._newest.used != used:  # else a slider moves: only what it would change is new
            position = self._position(used)
            self._newest = _AsUsed(used, position, *self._explained(position, used.params))
        what_if = () if request.what_if is None else self._explained(self._newest.position, request.what_if)
        return StepExplained(request.run_id, self._newest.trace, self._newest.details, *what_if)

    def ask(self, request: AskRequest) -> AskAnswered:
        """See `Engine.ask`."""
        ids, context = self._tokenizer.encode(request.text), request.context_ids
        self._limits.check_ids(context + ids[:-1])
        tokens = [
            self._asked(logits, context + ids[:place], token_id, request.params)
            for place, (logits, token_id) in enumerate(zip(self._chain(context, ids), ids, strict=True))
        ]
        return AskAnswered(request.run_id, request.text, tuple(tokens))

    def explain_draft(self, request: DraftRequest) -> DraftExplained:
        """See `Engine.explain_draft`."""
        ids = self._prompts.draft(request)
        [logits] = self._session.logits(self._session.look(ids))
        token_bytes = self._tokenizer.token_bytes
        trace = trace_given(logits[0], None, np.asarray(ids), request.params, request.trace_rows, token_bytes)
        return DraftExplained(request.run_id, trace)

    def _position(self, request: ExplainRequest) -> Position:
        self._limits.check_ids(request.context_ids)
        logits, history = self._logits_after(request.context_ids), np.asarray(request.context_ids)
        step = len(history) - request.answer_start
        is_drawn = request.is_drawn
        if is_drawn and request.token_id is not None:  # a token that these parameters do not draw was not drawn by them
            is_drawn = decide(logits, history, request.params, request.seed, step).token_id == request.token_id
        return Position(request, logits, history, step, is_drawn)

    def _explained(self, at: Position, params: SamplingParams) -> tuple[StepTrace, StepDetails | None]:
        """The choice that these parameters make there, or what they make of the token that was given."""
        request, token_bytes = at.request, self._tokenizer.token_bytes
        if at.is_drawn:
            decision = decide(at.logits, at.history, params, request.seed, at.step)
            trace = trace_step(at.logits, decision, request.trace_rows, token_bytes)
        else:
            trace = trace_given(at.logits, request.token_id, at.history, params, request.trace_rows, token_bytes)
        if not request.with_details:
            return trace, None
        below = above = None
        if at.is_drawn:
            below, above = flips(at.logits, at.history, params, request.seed, at.step, token_bytes)
        return trace, StepDetails(stages(at.logits, at.history, params, trace.ids), below, above)

    def _asked(self, logits: np.ndarray, history: tuple[int, ...], token_id: int, params: SamplingParams) -> AskedToken:
        made = distribution(logits, history if params.repetition_penalty != 1.0 else (), params)
        ids = np.array([token_id])
        removed_by = made.removed_by(ids)
        [numbers] = read_numbers(logits[None], (token_id,))
        numbers = numbers._replace(sampling_prob=float(made.probabilities(ids, removed_by)[0]))
        return AskedToken(token_id, self._tokenizer.token_bytes(token_id), numbers, removed_by[0])

    def _chain(self, context: tuple[int, ...], ids: tuple[int, ...]) -> Iterator[np.ndarray]:
        """The logits (V,) that each of the ids is drawn from after the context and the ids before it: read in one pass."""
        if len(ids) == 1:
            yield self._logits_after(context)
        elif ids:
            for rows in self._session.logits(self._session.look(context + ids[:-1], len(ids))):
                yield from rows

    def _logits_after(self, ids: tuple[int, ...]) -> np.ndarray:
        """Logits (V,), from memory or from the model."""
        if ids not in self._remembered:
            [logits] = self._session.logits(self._session.look(ids))
            self._remembered[ids] = logits[0]
            if len(self._remembered) > REMEMBERED_CONTEXTS:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(ids)
        return self._remembered[ids]
