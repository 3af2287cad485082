"""What a StepTrace says: the numbers of one position, every one over the whole vocabulary.

Probabilities are exact to float64: nothing is renormalised over the rows shown. Letters: V vocabulary, K rows.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from inference.errors import RequestError
from inference.ranking import BITS_PER_NAT, RankedWeights, Ranking, entropy_bits
from inference.sampling import Decision, Distribution, Draw, distribution
from inference.types import SamplingParams, StepTrace


def trace_step(logits: np.ndarray, decision: Decision, rows: int, token_bytes: Callable[[int], bytes]) -> StepTrace:
    """The trace of a choice made by `sampling.decide` from the same float32 logits (V,); `rows` is K, at least 1."""
    return _trace(logits, decision.distribution, decision.token_id, decision.draw, rows, token_bytes)


def trace_given(
    logits: np.ndarray,
    token_id: int | None,
    history_ids: Sequence[int] | np.ndarray,
    params: SamplingParams,
    rows: int,
    token_bytes: Callable[[int], bytes],
) -> StepTrace:
    """The trace of a token that is already there, or of no token yet (None); nothing is drawn.

    Raises RequestError for an id outside the vocabulary, and NumericsError as `sampling.decide`.
    """
    if token_id is not None and not 0 <= token_id < len(logits):
        raise RequestError(f"Token {token_id} is outside the model's vocabulary of {len(logits):,} tokens.")
    return _trace(logits, distribution(logits, history_ids, params), token_id, Draw(), rows, token_bytes)


class _Model(NamedTuple):
    """The model distribution: softmax of the raw logits at T = 1."""

    weights: RankedWeights
    entropy_bits: float

    def surprise_bits(self, token_id: int) -> float:
        """-log2 of the token's probability, also where that is too small for a float64."""
        return (math.log(self.weights.total) - float(self.weights.exponents[token_id])) * BITS_PER_NAT


def _model(logits: np.ndarray, drawn_from: Distribution) -> _Model:
    """The model distribution, with whatever the sampling distribution has already computed of it."""
    weights = drawn_from.weights
    is_same = drawn_from.params.repetition_penalty == 1.0  # otherwise these weights are of other logits
    if not is_same or weights.temperature != 1.0 or weights.exponents is None:
        ranking = weights.ranking if is_same else Ranking(logits)
        weights = RankedWeights(ranking, float(logits[ranking.first(1)[0]]), 1.0)
    return _Model(weights, entropy_bits(weights.exponents, weights.weights, weights.total))


def _trace(
    logits: np.ndarray, drawn_from: Distribution, token_id: int | None, draw: Draw, rows: int, token_bytes: Callable[[int], bytes]
) -> StepTrace:
    model = _model(logits, drawn_from)
    ids, ranks, chosen = _rows(model.weights.ranking, token_id, rows)
    id_list = ids.tolist()
    names = tuple(map(token_bytes, id_list))
    removed_by = drawn_from.removed_by(ids)
    model_probs = model.weights.of(ids) / model.weights.total
    sampling_probs = drawn_from.probabilities(ids, removed_by)
    kept_rows = removed_by.count("")
    strip_ids, strip_ends = _strip(drawn_from, len(id_list))
    strip_bytes = names[: len(strip_ids)] if strip_ids == id_list[: len(strip_ids)] else tuple(map(token_bytes, strip_ids))
    for array in (ids, ranks, model_probs, sampling_probs, strip_ends):
        array.setflags(write=False)
    return StepTrace(
        ids=ids,
        token_bytes=names,
        model_probs=model_probs,
        sampling_probs=sampling_probs,
        ranks=ranks,
        removed_by=removed_by,
        chosen_id=-1 if token_id is None else token_id,
        chosen_model_prob=math.nan if chosen is None else float(model_probs[chosen]),
        chosen_sampling_prob=math.nan if chosen is None else float(sampling_probs[chosen]),
        chosen_rank=0 if chosen is None else int(ranks[chosen]),
        surprise_bits=math.nan if token_id is None else model.surprise_bits(token_id),
        entropy_bits=model.entropy_bits,
        others_count=len(logits) - len(id_list),
        others_model_mass=rest_of(model_probs, is_all=len(id_list) == len(logits)),
        others_sampling_mass=rest_of(sampling_probs, is_all=kept_rows == drawn_from.kept_count),
        kept_count=drawn_from.kept_count,
        vocab_size=len(logits),
        draw_u=draw.u,
        draw_low=draw.low,
        draw_high=draw.high,
        strip_ids=tuple(strip_ids),
        strip_bytes=strip_bytes,
        strip_ends=strip_ends,
        params=drawn_from.params,
    )


def _rows(ranking: Ranking, token_id: int | None, rows: int) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Ids and ranks of the rows, and which row is the chosen token's: the last, unless it is among the likeliest."""
    ids = ranking.first(rows).copy()
    ranks = np.arange(1, len(ids) + 1, dtype=np.int64)
    if token_id is None:
        return ids, ranks, None
    found = (ids == token_id).nonzero()[0]
    if len(found):
        return ids, ranks, int(found[0])
    ids[-1], ranks[-1] = token_id, ranking.place(token_id)
    return ids, ranks, len(ids) - 1


def _strip(drawn_from: Distribution, count: int) -> tuple[list[int], np.ndarray]:
    """The first `count` tokens in drawing order that own an interval, of those sorted at once, and the end of each one's."""
    weights = drawn_from.weights
    n_owners = np.count_nonzero(weights.head[: min(count, drawn_from.kept_count)])
    return weights.head_ids[:n_owners].tolist(), weights.head_sums[:n_owners] / drawn_from.mass


def rest_of(probabilities: np.ndarray, *, is_all: bool) -> float:
    """What these leave of 1; exactly 0 where they are all there are."""
    return 0.0 if is_all else max(0.0, 1.0 - math.fsum(probabilities.tolist()))
