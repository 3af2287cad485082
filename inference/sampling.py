"""From logits to a distribution to a choice, always in this order.

1. Repetition penalty: the logit of every id in the history, once, is divided by it if positive, else multiplied
   (as Hugging Face's RepetitionPenaltyLogitsProcessor; https://arxiv.org/abs/1909.05858).
2. Temperature: divide by T. T = 0 takes the largest value (equal ones: the lowest id), draws nothing and ends here.
3. Top-k: the k largest stay; equal values stay by lower id.
4. Top-p: the smallest set, by falling probability after top-k, whose mass reaches p; at least one token.
5. Min-p: tokens with at least min-p times the largest probability stay.
6. Renormalise, order by falling probability (equal ones by lower id), draw u in [0, 1), take the first token whose
   cumulative probability exceeds u.

A logit of minus infinity is a token of probability 0; it is never drawn. Letters: V vocabulary.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inference.errors import NumericsError
from inference.ranking import Place, RankedWeights, Ranking
from inference.types import RemovedBy, SamplingParams

_WORD = (1 << 64) - 1


class Draw(NamedTuple):
    """The uniform number `u` and the interval [low, high) that the chosen token owns; u is NaN if nothing was drawn."""

    u: float = math.nan
    low: float = 0.0
    high: float = 1.0


class Cut(NamedTuple):
    """One rule that removed tokens: all that come after `last` in the order of drawing."""

    rule: RemovedBy
    last: Place


class Distribution(NamedTuple):
    """What a token is drawn from. `cuts` are in the order of the rules, none longer than the one before.

    `kept_count` tokens were removed by no rule, and `mass` is the sum of their weights.
    """

    params: SamplingParams
    weights: RankedWeights
    cuts: tuple[Cut, ...]
    kept_count: int
    mass: float

    def removed_by(self, ids: np.ndarray) -> tuple[RemovedBy, ...]:
        """For every id the first rule that removed it; "" for one that stayed."""
        if not self.cuts:
            return ("",) * len(ids)
        logits = self.weights.ranking.logits
        borders = [(cut.rule, float(logits[cut.last.token_id]), cut.last.token_id) for cut in self.cuts]
        values = logits[ids].tolist()
        return tuple(_first_rule(borders, value, token_id) for value, token_id in zip(values, ids.tolist(), strict=True))

    def probabilities(self, ids: np.ndarray, removed_by: Sequence[RemovedBy]) -> np.ndarray:
        """The probability of drawing each id, float64; `removed_by` is what the method of that name says of them."""
        probabilities = self.weights.of(ids) / self.mass
        if self.cuts:
            probabilities[[bool(rule) for rule in removed_by]] = 0.0
        return probabilities

    def is_kept(self) -> np.ndarray:
        """For every id of the vocabulary whether no rule removed it, bool (V,)."""
        logits = self.weights.ranking.logits
        if not self.cuts:
            return np.ones(len(logits), dtype=bool)
        last_id = self.cuts[-1].last.token_id
        value = logits[last_id]
        is_kept = logits > value
        is_kept[: last_id + 1] |= logits[: last_id + 1] == value
        return is_kept

    def reshaped(self, params: SamplingParams) -> "Distribution":
        """What the same logits make of other parameters; the repetition penalty must be the same."""
        return _distribution(self.weights.ranking, self.weights.peak, params)

    def taken_by(self, u: float) -> "Decision":
        """The token that a draw of `u` takes, step 6; `u` is ignored at temperature 0."""
        if self.params.temperature == 0.0:
            return Decision(self.cuts[0].last.token_id, Draw(), self)
        place = self.weights.find(u, self.mass, "exceeds")
        if place.count > self.kept_count:  # u is within a rounding error of 1
            place = self.cuts[-1].last
        high = place.through / self.mass
        # The last token owns all up to 1, also where the sums, rounded, end just below.
        return Decision(place.token_id, Draw(u, place.before / self.mass, high if high > u else 1.0), self)


class Decision(NamedTuple):
    """The chosen token, how it was drawn, and from what."""

    token_id: int
    draw: Draw
    distribution: Distribution

    @property
    def sampling_prob(self) -> float:
        """The probability that the chosen token had in the draw."""
        return float(self.distribution.weights.of(np.array([self.token_id]))[0]) / self.distribution.mass


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) with 53 random bits: a pure function of its arguments, by Philox4x64-10.

    It equals `np.random.Generator(np.random.Philox(key=seed % 2**128, counter=position)).random()`, at a third of the time.
    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, https://doi.org/10.1145/2063384.2063405
    """
    counter = position + 1  # numpy counts up before it produces
    c0, c1, c2, c3 = counter & _WORD, (counter >> 64) & _WORD, 0, 0
    k0, k1 = seed & _WORD, (seed >> 64) & _WORD
    for _ in range(10):
        a, b = c0 * 0xD2E7470EE14C6C93, c2 * 0xCA5A826395121157
        c0, c1, c2, c3 = (b >> 64) ^ c1 ^ k0, b & _WORD, (a >> 64) ^ c3 ^ k1, a & _WORD
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & _WORD, (k1 + 0xBB67AE8584CAA73B) & _WORD
    return (c0 >> 11) * 2.0**-53


def decide(
    logits: np.ndarray, history_ids: Sequence[int] | np.ndarray, params: SamplingParams, seed: int, position: int
) -> Decision:
    """Choose the token that follows, from float32 logits (V,), which are left as they are.

    `history_ids` are what the repetition penalty looks at (not read where that is 1). `position` counts the tokens of
    the answer from 0. Raises NumericsError for NaN, plus infinity, or no finite logit at all.
    """
    made = distribution(logits, history_ids, params)
    return made.taken_by(uniform(seed, position) if params.temperature else math.nan)


def distribution(logits: np.ndarray, history_ids: Sequence[int] | np.ndarray, params: SamplingParams) -> Distribution:
    """What the next token is drawn from: steps 1 to 5. Arguments and errors as for `decide`."""
    penalty = params.repetition_penalty
    ranking = Ranking(logits if penalty == 1.0 else _penalised(logits, history_ids, penalty))
    return _distribution(ranking, _finite_peak(ranking.logits), params)


def _distribution(ranking: Ranking, peak: float, params: SamplingParams) -> Distribution:
    """Steps 2 to 5, from logits that went through step 1."""
    if params.temperature == 0.0:
        weights = RankedWeights(ranking, peak, 1.0, limit=1)
        return Distribution(params, weights, (Cut("temperature", weights.find(0.0, 1.0, "exceeds")),), 1, 1.0)
    vocab_size = len(ranking.logits)
    top_k = params.top_k if params.top_k < vocab_size else 0
    weights = RankedWeights(ranking, peak, params.temperature, limit=top_k)
    cuts = _cuts(weights, params, top_k)
    kept_count, mass = (cuts[-1].last.count, cuts[-1].last.through) if cuts else (vocab_size, weights.total)
    return Distribution(params, weights, cuts, kept_count, mass)


def _cuts(weights: RankedWeights, params: SamplingParams, top_k: int) -> tuple[Cut, ...]:
    """Steps 3 to 5: the rules that removed something, or may have."""
    cuts = []
    if top_k:
        before = float(weights.head_sums[-2]) if top_k > 1 else 0.0
        cuts.append(Cut("top-k", Place(top_k, int(weights.head_ids[-1]), before, weights.total)))
    if params.top_p < 1.0:
        cuts.append(Cut("top-p", weights.find(params.top_p, weights.total, "reaches")))
    if params.min_p > 0.0:
        last = weights.last_at_least(params.min_p)  # the largest weight is 1, so min-p is a bound on weights as it stands
        if not cuts or last.count < cuts[-1].last.count:
            cuts.append(Cut("min-p", last))
    return tuple(cuts)


def _penalised(logits: np.ndarray, history_ids: Sequence[int] | np.ndarray, penalty: float) -> np.ndarray:
    """A copy of the logits with step 1 applied; every id once, however often it occurs."""
    ids = np.asarray(history_ids, dtype=np.int64)
    penalised = logits.copy()
    values = logits[ids]
    with np.errstate(over="ignore"):  # what overflows upwards is refused with the other infinities
        penalised[ids] = np.where(values < 0, values * penalty, values / penalty)
    return penalised


def _finite_peak(logits: np.ndarray) -> float:
    """The largest logit; raises NumericsError unless it is a number that a distribution can be made from."""
    peak = float(logits.max())  # NaN if there is one anywhere
    if math.isfinite(peak):
        return peak
    found = "NaN (not a number)" if math.isnan(peak) else "an infinite logit" if peak > 0 else "no token that could be drawn"
    raise NumericsError(
        f"The model produced {found}, so no next token can be chosen. "
        "Its weights may be damaged, or its numbers too large for this precision: try float32, or load another copy."
    )


def _first_rule(borders: list[tuple[RemovedBy, float, int]], value: float, token_id: int) -> RemovedBy:
    for rule, last_value, last_id in borders:
        if value < last_value or (value == last_value and token_id > last_id):
            return rule
    return ""
