"""Flips: at which temperatures the same draw would have taken another token.

Tokens are drawn in the order of their logits, which no temperature changes, and the place that a draw u takes in this
order never falls when T rises. Proof: for i before j the ratio of weights w_i / w_j = exp((z_i - z_j) / T) falls or
stays, so the share of any first tokens among a fixed number of them falls or stays, too, and every weight relative to
the largest rises or stays. So top-p needs as many tokens or more to reach p, min-p removes as many or fewer, and with
more tokens kept the share of the first ones is smaller still: those that lie below u at one T do so at every higher T.
T = 0 takes the first token. A token therefore owns one interval of temperatures, and bisection finds its ends.

It walks over float64 numbers by their bit patterns: read as integers they count the positive numbers through. Shares
of weights sorted once lead it close to an end; the last steps ask the sampler itself, so that what is said of a
temperature is what happens there. Sums rounded in another way would be off by some of these steps. Letters: V vocabulary.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from inference.sampling import Decision, Distribution, decide
from inference.types import Flip, SamplingParams

HIGHEST_TEMPERATURE = 100.0
LOWEST_TEMPERATURE = 1e-200  # between 0 and this nothing changes: see `ranking.RankedWeights`
_CLOSE_STEPS = 64  # rounding seldom moves an end by as many float64 numbers
_BLOCK_TOKENS = 256


def flips(
    logits: np.ndarray,
    history_ids: Sequence[int] | np.ndarray,
    params: SamplingParams,
    seed: int,
    position: int,
    token_bytes: Callable[[int], bytes],
) -> tuple[Flip | None, Flip | None]:
    """The nearest temperatures below and above the one used at which the same draw takes another token.

    None where there is none from 0 to 100, and for both at temperature 0, where nothing is drawn. Arguments and errors
    as for `sampling.decide`.
    """
    if params.temperature == 0.0:
        return None, None
    choice = _Choice(decide(logits, history_ids, params, seed, position))

    def flip(temperature: float | None) -> Flip | None:
        if temperature is None:
            return None
        token_id = choice.token_at(temperature)
        return Flip(temperature, token_id, token_bytes(token_id))

    return flip(choice.flip_below()), flip(choice.flip_above())


class _Choice:
    """A token that was drawn, and the temperatures that would have drawn it as well."""

    def __init__(self, decision: Decision):
        self.decision = decision
        self.temperature = decision.distribution.params.temperature
        self.place = decision.distribution.weights.ranking.place(decision.token_id)
        self.shares = _Shares(decision.distribution)
        self.tokens = {self.temperature: decision.token_id}  # what the sampler said: in a large vocabulary it is slow

    def flip_below(self) -> float | None:
        """Towards 0, where the first token is taken."""
        if self.place == 1:
            return None
        if self.is_taken(LOWEST_TEMPERATURE):  # it shares the largest logit
            return 0.0
        u = self.decision.draw.u
        return self._flip_towards(LOWEST_TEMPERATURE, lambda t: self.shares.of_first(self.place - 1, t) <= u)

    def flip_above(self) -> float | None:
        """Towards the highest temperature, where the tokens come closest to each other."""
        if self.is_taken(HIGHEST_TEMPERATURE):
            return None
        u = self.decision.draw.u
        return self._flip_towards(HIGHEST_TEMPERATURE, lambda t: self.shares.of_first(self.place, t) > u)

    def token_at(self, temperature: float) -> int:
        """The id that the sampler takes at another temperature."""
        if temperature not in self.tokens:
            used = self.decision.distribution
            other = used.reshaped(replace(used.params, temperature=temperature))
            self.tokens[temperature] = other.taken_by(self.decision.draw.u).token_id
        return self.tokens[temperature]

    def is_taken(self, temperature: float) -> bool:
        """Whether the sampler takes this token at another temperature."""
        return self.token_at(temperature) == self.decision.token_id

    def _flip_towards(self, end: float, is_taken_about: Callable[[float], bool]) -> float:
        """The first float64 on the way to `end`, where another token is taken, at which the sampler takes another one.

        `is_taken_about` says the same as `is_taken`, but for rounding errors, and in less time.
        """
        used = _bits(self.temperature)
        inside, outside = _bisect(used, _bits(end), is_taken_about, _CLOSE_STEPS)
        step = outside - inside
        while inside != used and not self.is_taken(_number(inside)):
            outside, inside, step = inside, _moved(inside, -step, used), step * 16
        while outside != _bits(end) and self.is_taken(_number(outside)):
            inside, outside, step = outside, _moved(outside, step, _bits(end)), step * 16
        return _number(_bisect(inside, outside, self.is_taken, 1)[1])


class _Shares:
    """What share of the tokens that are kept the first ones have, at any temperature."""

    def __init__(self, drawn_from: Distribution):
        self.params = drawn_from.params
        falling = -np.sort(-drawn_from.weights.ranking.logits)
        self.exponents = falling[: self.params.top_k or None] - drawn_from.weights.peak
        self.weights = np.empty_like(self.exponents)

    def of_first(self, count: int, temperature: float) -> float:
        """The probability that one of the first `count` tokens is drawn."""
        weights = np.multiply(self.exponents, 1.0 / temperature, out=self.weights)
        np.exp(weights, out=weights)
        kept_count = len(weights)
        if self.params.top_p < 1.0:
            kept_count = _count_to_reach(weights, self.params.top_p)
        if self.params.min_p > 0.0:
            kept_count = min(kept_count, int(np.count_nonzero(weights >= self.params.min_p)))
        if count >= kept_count:
            return 1.0
        return float(weights[:count].sum() / weights[:kept_count].sum())


def _count_to_reach(weights: np.ndarray, share: float) -> int:
    """How many first weights make up `share` of all; summed by blocks, for a running sum of all is slow."""
    ends = np.cumsum(np.add.reduceat(weights, np.arange(0, len(weights), _BLOCK_TOKENS)))
    wanted = share * ends[-1]
    block = int(ends.searchsorted(wanted))
    start = block * _BLOCK_TOKENS
    before = ends[block - 1] if block else 0.0
    sums = before + np.cumsum(weights[start : start + _BLOCK_TOKENS])
    return start + min(int(sums.searchsorted(wanted)) + 1, len(sums))


def _bisect(inside: int, outside: int, is_inside: Callable[[float], bool], gap: int) -> tuple[int, int]:
    """Bit patterns on both sides of an end, at most `gap` apart, between two that lie on either side of it."""
    while abs(outside - inside) > gap:
        middle = (inside + outside) // 2
        if is_inside(_number(middle)):
            inside = middle
        else:
            outside = middle
    return inside, outside


def _moved(bits: int, by: int, limit: int) -> int:
    """The bit pattern so many steps further, but not beyond `limit`, which lies that way."""
    return min(bits + by, limit) if by > 0 else max(bits + by, limit)


def _bits(number: float) -> int:
    """Bit pattern of a positive float64 as an integer: the next larger number has the next larger integer."""
    return struct.unpack("<q", struct.pack("<d", number))[0]


def _number(bits: int) -> float:
    """The float64 with this bit pattern."""
    return struct.unpack("<d", struct.pack("<q", bits))[0]
