"""Tokens by falling logit, equal logits by lower id: found from the front, without sorting the vocabulary.

Every rule that shortens a distribution (top-k, top-p, min-p) keeps a beginning of this order, and the draw walks
along it. Both need its first tokens and running sums, hardly ever all of it. Letters: V vocabulary.
"""

import math
from typing import Literal, NamedTuple

import numpy as np

BITS_PER_NAT = 1.0 / math.log(2.0)
HEAD_TOKENS = 128  # sorted at once; a draw or a top-p border seldom lies behind them
_GROUPS_PER_TOKEN = 4
_BINS = 4096
_BINNED_NATS = 40.0  # weights under e^-40 of the largest share the last bin: hardly any draw lands there


class Ranking:
    """The ids of `logits` (V,) by falling logit, equal logits by lower id, sorted only as far as somebody asked."""

    __slots__ = ("_ids", "logits")

    def __init__(self, logits: np.ndarray):
        self.logits = logits
        self._ids = np.empty(0, dtype=np.int64)

    def first(self, count: int) -> np.ndarray:
        """The first `count` ids (all V if there are fewer), int64."""
        count = min(count, len(self.logits))
        if count > len(self._ids):
            self._ids = self._sorted_front(max(count, min(HEAD_TOKENS, len(self.logits))))
        return self._ids[:count]

    def place(self, token_id: int) -> int:
        """Where `token_id` stands, 1 = first."""
        value = self.logits[token_id]
        ahead = np.count_nonzero(self.logits > value) + np.count_nonzero(self.logits[:token_id] == value)
        return 1 + int(ahead)

    def _sorted_front(self, count: int) -> np.ndarray:
        """At least `count` ids in order: all that reach a bound which at least `count` logits reach."""
        pool = self.logits
        n_groups = count * _GROUPS_PER_TOKEN
        if n_groups * 2 <= len(pool):  # a bound from the maxima of groups is nearly as tight, and far cheaper
            pool = pool[: len(pool) // n_groups * n_groups].reshape(-1, n_groups).max(axis=0)
        bound = np.partition(pool, len(pool) - count)[len(pool) - count]
        candidates = (self.logits >= bound).nonzero()[0]
        return candidates[np.argsort(-self.logits[candidates], kind="stable")]


class Place(NamedTuple):
    """A token in the order: it is number `count`; the running sum of weights is `before` ahead of it, `through` with it."""

    count: int
    token_id: int
    before: float
    through: float


class RankedWeights:
    """The weights exp((logit - peak) / T) of a ranking and their running sums; float64, the largest weight is 1.

    With a `limit` only so many first tokens count. `total` is the sum of the weights that count. `head_ids` are the
    first tokens in order, with their weights `head` and running sums `head_sums`. Without a limit `exponents` and
    `weights` hold all V; otherwise they are None.
    """

    __slots__ = ("_bin_sums", "_bins", "_scale", "exponents", "head", "head_ids", "head_sums", "peak", "ranking", "temperature")
    __slots__ += ("total", "weights")

    def __init__(self, ranking: Ranking, peak: float, temperature: float, limit: int = 0):
        self.ranking = ranking
        self.peak = np.float64(peak)
        self.temperature = temperature
        # Two unequal float32 logits differ by 1e-45 at least: under T = 1e-200 every weight but the largest is 0 anyway,
        # and nothing overflows.
        self._scale = 1.0 / max(temperature, 1e-200)
        self._bins: np.ndarray | None = None
        self._bin_sums: np.ndarray | None = None
        self.head_ids = ranking.first(limit or HEAD_TOKENS)
        if limit:
            self.exponents = self.weights = None
            self.head = np.exp(self._exponents_of(ranking.logits[self.head_ids]))
        else:
            self.exponents = self._exponents_of(ranking.logits)
            self.weights = np.exp(self.exponents)
            self.head = self.weights[self.head_ids]
        self.head_sums = np.cumsum(self.head)
        self.total = float(self.head_sums[-1] if self._is_complete else self.weights.sum())

    @property
    def _is_complete(self) -> bool:
        """Whether the head is all that counts."""
        return self.weights is None or len(self.head_ids) == len(self.weights)

    def _exponents_of(self, logits: np.ndarray) -> np.ndarray:
        exponents = logits - self.peak  # float64: the difference of two float32 is exact, or nearly
        if self._scale != 1.0:
            exponents *= self._scale
        return exponents

    def of(self, ids: np.ndarray) -> np.ndarray:
        """Weights of `ids`, whether they count or not."""
        if self.weights is not None:
            return self.weights[ids]
        return np.exp(self._exponents_of(self.ranking.logits[ids]))

    def find(self, share: float, total: float, side: Literal["reaches", "exceeds"]) -> Place:
        """The first token whose running sum, as a fraction of `total`, reaches or exceeds `share`, which is below 1.

        Where rounding leaves the last sum short of `share`, it is the last token with a weight.
        """
        index = int((self.head_sums / total).searchsorted(share, "left" if side == "reaches" else "right"))
        if index == len(self.head_sums):  # never for a complete head: its last sum is `total`
            return self._find_in_bins(share, total, side)
        before = float(self.head_sums[index - 1]) if index else 0.0
        return Place(index + 1, int(self.head_ids[index]), before, float(self.head_sums[index]))

    def last_at_least(self, weight: float) -> Place:
        """The last token whose weight is at least `weight`, which is above 0 and at most 1."""
        if self._is_complete or self.head[-1] < weight:
            count = int(np.count_nonzero(self.head >= weight))
            before = float(self.head_sums[count - 2]) if count > 1 else 0.0
            return Place(count, int(self.head_ids[count - 1]), before, float(self.head_sums[count - 1]))
        ids = (self.weights >= weight).nonzero()[0]
        logits = self.ranking.logits[ids]
        last = int(ids[(logits == logits.min()).nonzero()[0][-1]])
        through = float(self.weights[ids].sum())
        return Place(len(ids), last, through - float(self.weights[last]), through)

    def _find_in_bins(self, share: float, total: float, side: Literal["reaches", "exceeds"]) -> Place:
        """As `find`, over all V: tokens fall into bins by exponent, and only the bin that holds the border is sorted."""
        self._fill_bins()
        numpy_side = "left" if side == "reaches" else "right"
        chosen = int((self._bin_sums / total).searchsorted(share, numpy_side))
        if chosen == _BINS:
            chosen = int(self._bins[self.weights > 0.0].max())
        ids = (self._bins == chosen).nonzero()[0]
        ids = ids[self.weights[ids] > 0.0]
        ids = ids[np.argsort(-self.ranking.logits[ids], kind="stable")]
        before = float(self._bin_sums[chosen - 1]) if chosen else 0.0
        sums = before + np.cumsum(self.weights[ids])
        sums[-1] = self._bin_sums[chosen]  # the same sum, rounded the other way: the border must lie inside this bin
        index = min(int((sums / total).searchsorted(share, numpy_side)), len(sums) - 1)
        count = np.count_nonzero(self._bins < chosen) + index + 1
        return Place(count, int(ids[index]), float(sums[index - 1]) if index else before, float(sums[index]))

    def _fill_bins(self) -> None:
        """Sort every token into a bin by its exponent, falling, and sum the weights up to the end of each bin."""
        if self._bins is not None:
            return
        span = min(-float(self.exponents.min()), _BINNED_NATS)
        bins = self.exponents * (-(_BINS - 1) / span if span else 0.0)
        self._bins = np.minimum(bins, _BINS - 1, out=bins).astype(np.intp)
        self._bin_sums = np.cumsum(np.bincount(self._bins, weights=self.weights, minlength=_BINS))


def entropy_bits(exponents: np.ndarray, weights: np.ndarray, total: float) -> float:
    """Entropy of the distribution weights / total, where weights = exp(exponents); nothing for weights of 0."""
    # H = ln(total) - sum(p * exponent). Not a BLAS dot: over 10,000 values its threads take longer than the sum.
    # The bound changes no product, as exp(-1000) is 0, and makes that of a -inf logit 0 instead of NaN.
    products = np.maximum(exponents, -1000.0)
    products *= weights
    return (math.log(total) - float(products.sum()) / total) * BITS_PER_NAT
