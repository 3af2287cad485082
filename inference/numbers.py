"""The few numbers that every token of a text has: cheap enough for each token drawn, and for every token that is read.

They come from the logits as they are, over the whole vocabulary. Sums of float32 exponentials are off by less than 1e-5
bits, which a test binds to float64; the traces, which show more digits, compute in float64 throughout.
Letters: N tokens, V vocabulary.
"""

import math
from collections.abc import Sequence

import numpy as np

from inference.ranking import BITS_PER_NAT, RankedWeights, Ranking
from inference.sampling import Decision
from inference.types import TokenNumbers

_LEAST_EXPONENT = -1000.0  # changes no product with its exponential, which is 0, and makes that of a -inf logit 0 instead of NaN
_CELLS_AT_ONCE = 1 << 19  # what is computed from so many logits still fits into a processor's cache


def drawn_numbers(logits: np.ndarray, decision: Decision) -> TokenNumbers:
    """The numbers of a token that `sampling.decide` chose from these logits (V,), using what the decision already knows."""
    token_id, weights = decision.token_id, decision.distribution.weights
    if decision.distribution.params.repetition_penalty == 1.0:
        peak, rank = float(weights.peak), _rank(weights, token_id)
    else:  # the decision ranks other logits
        peak, rank = float(logits.max()), Ranking(logits).place(token_id)
    exponents = logits - peak
    exponentials = np.exp(exponents)
    total = float(exponentials.sum())
    np.maximum(exponents, _LEAST_EXPONENT, out=exponents)
    exponents *= exponentials
    log_total = math.log(total)
    surprise = (log_total - (float(logits[token_id]) - peak)) * BITS_PER_NAT
    entropy = (log_total - float(exponents.sum()) / total) * BITS_PER_NAT
    sampling_prob = float(weights.of(np.array([token_id]))[0]) / decision.distribution.mass
    return TokenNumbers(2.0**-surprise, sampling_prob, surprise, entropy, rank)


def read_numbers(logits: np.ndarray, ids: Sequence[int]) -> tuple[TokenNumbers, ...]:
    """The numbers of tokens that were read: row i of the logits (N, V) is what came before ids[i]."""
    rows = max(1, _CELLS_AT_ONCE // logits.shape[1])
    found: list[TokenNumbers] = []
    for start in range(0, len(ids), rows):
        found += _numbers(logits[start : start + rows], np.asarray(ids[start : start + rows], dtype=np.int64))
    return tuple(found)


@np.errstate(invalid="ignore")
def _numbers(logits: np.ndarray, ids: np.ndarray) -> list[TokenNumbers]:
    """All of it for several rows at once; NaN where the logits are no numbers, which drawing from them will tell."""
    peaks = logits.max(axis=1, keepdims=True)
    exponents = logits - peaks
    weights = np.exp(exponents)
    totals = weights.sum(axis=1).astype(np.float64)
    np.maximum(exponents, _LEAST_EXPONENT, out=exponents)
    exponents *= weights
    log_totals = np.log(totals)
    entropies = (log_totals - exponents.sum(axis=1) / totals) * BITS_PER_NAT
    own = logits[np.arange(len(ids)), ids]
    surprises = (log_totals - (own.astype(np.float64) - peaks[:, 0])) * BITS_PER_NAT
    rows = zip(np.exp2(-surprises).tolist(), surprises.tolist(), entropies.tolist(), _ranks(logits, ids, own), strict=True)
    return [TokenNumbers(prob, math.nan, surprise, entropy, rank) for prob, surprise, entropy, rank in rows]


def _ranks(logits: np.ndarray, ids: np.ndarray, own: np.ndarray) -> list[int]:
    """Places by falling logit, equal ones by lower id, 1 = first."""
    ahead = np.count_nonzero(logits > own[:, None], axis=1).tolist()
    return [
        1 + count + int(np.count_nonzero(row[:token_id] == value))
        for count, row, token_id, value in zip(ahead, logits, ids.tolist(), own, strict=True)
    ]


def _rank(weights: RankedWeights, token_id: int) -> int:
    """The place of a drawn token, most often among those that the draw has sorted."""
    found = (weights.head_ids == token_id).nonzero()[0]
    return 1 + int(found[0]) if len(found) else weights.ranking.place(token_id)
