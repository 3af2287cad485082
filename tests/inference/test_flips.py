"""Flips: by formula, against dense scans of temperatures by the slow twin, and against the sampler itself."""

import math
import time
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference import flips as flips_module
from inference import ranking, sampling
from inference.errors import NumericsError
from inference.flips import flips
from inference.sampling import decide
from inference.types import Flip, SamplingParams
from tests.inference.sampling_twin import twin
from tests.inference.test_sampling import ALMOST_ONE, LOGITS, PARAMS, float32


def name(token_id: int) -> bytes:
    return b"<%d>" % token_id


def flips_at(
    u: float, logits: np.ndarray, params: SamplingParams, history: tuple[int, ...] = ()
) -> tuple[Flip | None, Flip | None]:
    """The flips of a draw of exactly u."""
    with mock.patch.object(sampling, "uniform", lambda seed, position: u):
        return flips(logits, history, params, 0, 0, name)


def taken(u: float, logits: np.ndarray, params: SamplingParams, history: tuple[int, ...], temperature: float) -> int:
    """What the sampler takes at another temperature, everything computed afresh."""
    with mock.patch.object(sampling, "uniform", lambda seed, position: u):
        return decide(logits, history, replace(params, temperature=temperature), 0, 0).token_id


# By formula. Of two tokens whose logits are d apart the first has the share 1 / (1 + exp(-d / T)).


def temperature_of_share(distance: float, share: float) -> float:
    return distance / math.log(share / (1 - share))


@pytest.mark.parametrize("used", [0.1, 0.5, 1.0, 1])
def test_the_first_token_flips_above_where_its_share_falls_to_u(used: float):
    below, above = flips_at(0.7, float32(-1.0, 1.0), SamplingParams(used))
    assert below is None
    assert (above.token_id, above.token_bytes) == (0, b"<0>")
    assert above.temperature == pytest.approx(temperature_of_share(2.0, 0.7), rel=1e-14)


@pytest.mark.parametrize("used", [3, 5.0, 99.0, 100.0])
def test_the_last_token_flips_below_where_the_first_ones_share_rises_over_u(used: float):
    below, above = flips_at(0.7, float32(-1.0, 1.0), SamplingParams(used))
    assert above is None
    assert (below.token_id, below.token_bytes) == (1, b"<1>")
    assert below.temperature == pytest.approx(temperature_of_share(2.0, 0.7), rel=1e-14)


def test_a_token_in_the_middle_flips_to_its_neighbours():
    """Weights 1 : q : q^2 with q = exp(-1 / T): the first two hold (1 + q) / (1 + q + q^2), the first 1 / (1 + q + q^2)."""
    below, above = flips_at(0.75, float32(-1.0, 0.0, 1.0), SamplingParams(1.0))
    q = (-1 + math.sqrt(1 - 4 * (1 - 1 / 0.75))) / 2
    assert below.token_id == 2
    assert below.temperature == pytest.approx(-1 / math.log(q), rel=1e-14)
    q = (0.25 + math.sqrt(0.25**2 + 4 * 0.75 * 0.25)) / (2 * 0.75)
    assert above.token_id == 0
    assert above.temperature == pytest.approx(-1 / math.log(q), rel=1e-14)


def test_top_p_flips_where_it_lets_a_token_in():
    """At 1.0 the first token reaches 0.7 alone; the second comes in where the first has less, and then owns u = 0.9."""
    below, above = flips_at(0.9, float32(1.0, 0.0), SamplingParams(1.0, top_p=0.7))
    assert below is None
    assert above.token_id == 1
    assert above.temperature == pytest.approx(temperature_of_share(1.0, 0.7), rel=1e-14)


def test_min_p_flips_where_it_lets_a_token_in():
    """exp(-1 / T) reaches 0.4 at T = 1 / ln 2.5."""
    below, above = flips_at(0.9, float32(1.0, 0.0), SamplingParams(1.0, min_p=0.4))
    assert (below, above.token_id) == (None, 1)
    assert above.temperature == pytest.approx(1 / math.log(2.5), rel=1e-14)


def test_the_penalty_comes_first():
    """It halves the logit of id 1, so the distance is 1, not 3."""
    _, above = flips_at(0.7, float32(1.0, 4.0), SamplingParams(0.5, repetition_penalty=2.0), (1,))
    assert above.temperature == pytest.approx(temperature_of_share(1.0, 0.7), rel=1e-14)


def test_temperature_zero_draws_nothing_that_could_flip():
    assert flips_at(0.9, float32(1.0, 0.9), SamplingParams(0.0)) == (None, None)


@pytest.mark.parametrize(
    ("u", "params"),
    [
        (0.0, SamplingParams(0.7)),
        (ALMOST_ONE, SamplingParams(0.7, top_k=1)),
        (ALMOST_ONE, SamplingParams(0.7, top_p=0.0)),
        (ALMOST_ONE, SamplingParams(0.7, min_p=1.0)),
        (0.3, SamplingParams(100.0)),
    ],
)
def test_a_choice_that_no_temperature_changes_has_no_flips(u: float, params: SamplingParams):
    assert flips_at(u, float32(0.0, 5.0, -math.inf, 4.5), params) == (None, None)


@pytest.mark.parametrize("used", [5e-324, 1e-250, 0.5, 100.0])
def test_a_token_that_shares_the_largest_logit_flips_at_zero(used: float):
    """Just above 0 the equals share, at 0 the lowest id takes all."""
    below, above = flips_at(0.6, float32(-math.inf, 3.0, 3.0, -math.inf), SamplingParams(used))
    assert (below, above) == (Flip(0.0, 1, b"<1>"), None)


def test_a_flip_far_below_is_found():
    """One unit in the last place of the logits apart: the first token's share rises to 0.9 at 1.2e-7 / ln 9."""
    distance = float(np.float32(1.0) - np.nextafter(np.float32(1.0), np.float32(0.0)))
    below, _ = flips_at(0.9, np.array([1.0, 1.0 - distance], np.float32), SamplingParams(0.8))
    assert below.token_id == 0
    assert below.temperature == pytest.approx(temperature_of_share(distance, 0.9), rel=1e-9)


def test_no_distribution_no_flips():
    with pytest.raises(NumericsError):
        flips_at(0.5, float32(math.nan, 1.0), SamplingParams())


def test_the_real_draw_is_that_of_seed_and_position():
    logits = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    params = SamplingParams(1.0, top_p=0.9)
    for position in range(10):
        u = sampling.uniform(77, position)
        assert flips(logits, (), params, 77, position, name) == flips_at(u, logits, params)


# Against the sampler and the twin


def check_with_sampler(
    found: tuple[Flip | None, Flip | None], u: float, logits: np.ndarray, params: SamplingParams, history: tuple[int, ...]
) -> None:
    """At a flip the sampler takes what is said there; at the float64 before it, seen from the one used, the same as used."""
    used = taken(u, logits, params, history, params.temperature)
    for flip, end in zip(found, (0.0, 100.0), strict=True):
        if flip is None:
            assert taken(u, logits, params, history, end) == used
            continue
        assert flip.temperature <= params.temperature if end == 0.0 else flip.temperature > params.temperature
        assert flip.token_id != used
        assert flip.token_bytes == name(flip.token_id)
        assert taken(u, logits, params, history, flip.temperature) == flip.token_id
        assert taken(u, logits, params, history, math.nextafter(flip.temperature, params.temperature)) == used


def twin_choice(u: float, logits: np.ndarray, params: SamplingParams, history: tuple[int, ...]) -> int | None:
    """The place in the order of drawing of the token that the twin takes; None where a rounding error could change it."""
    drawn = twin(logits, list(history) if params.repetition_penalty != 1 else [], params)
    if drawn.is_borderline:
        return None
    if params.temperature == 0:
        return 0
    total = 0.0
    for place, token_id in enumerate(drawn.kept):
        total += drawn.probs[token_id]
        if abs(total - u) < 1e-10:
            return None
        if total > u:
            return place
    return None


DRAWN = PARAMS.filter(lambda params: params.temperature > 0)
GRID = [0.0, *np.geomspace(0.01, 100.0, 120).tolist()]


@settings(deadline=None, max_examples=300)
@given(LOGITS, DRAWN, st.data(), st.floats(0, ALMOST_ONE), st.sampled_from([1, 3, 128]))
def test_flips_agree_with_the_sampler_and_with_a_dense_scan(
    values: list, params: SamplingParams, data: st.DataObject, u: float, head: int
):
    """On a grid of temperatures the twin takes the same token inside the flips, another one outside, and never goes back."""
    logits = np.clip(np.array(values, dtype=np.float32), None, np.float32(1e38))
    history = tuple(data.draw(st.lists(st.integers(0, len(values) - 1), max_size=8)))
    with mock.patch.object(ranking, "HEAD_TOKENS", head):
        below, above = flips_at(u, logits, params, history)
        check_with_sampler((below, above), u, logits, params, history)
    used = twin_choice(u, logits, params, history)
    assume(used is not None)
    places = []
    for temperature in GRID:
        place = twin_choice(u, logits, replace(params, temperature=temperature), history)
        if place is None:
            continue
        places.append(place)
        is_below = below is not None and temperature <= below.temperature
        is_above = above is not None and temperature >= above.temperature
        assert (place < used, place > used) == (is_below, is_above)
    assert places == sorted(places), "the place of one draw never falls with rising temperature"


@pytest.mark.parametrize("error", [-1e-3, -1e-9, 1e-9, 1e-3])
def test_the_sampler_has_the_last_word(error: float):
    """Flips are the same, to the last bits, whichever way the shares that lead to them are off."""
    logits = (np.random.default_rng(4).standard_normal(300) * 2).astype(np.float32)
    exact = flips_module._Shares.of_first
    for position in range(12):
        params = SamplingParams(0.9, top_p=0.95 if position % 2 else 1.0)
        expected = flips(logits, (), params, 5, position, name)
        with mock.patch.object(flips_module._Shares, "of_first", lambda *arguments: exact(*arguments) + error):
            found = flips(logits, (), params, 5, position, name)
        check_with_sampler(found, sampling.uniform(5, position), logits, params, ())
        for flip, other in zip(found, expected, strict=True):
            assert (flip is None) == (other is None)
            if flip:
                assert flip.token_id == other.token_id
                assert flip.temperature == pytest.approx(other.temperature, rel=1e-12)


@pytest.mark.parametrize("params", [SamplingParams(2.0), SamplingParams(2.0, top_p=0.8), SamplingParams(2.0, 400, min_p=0.2)])
def test_shares_lead_so_close_that_the_sampler_is_seldom_asked(params: SamplingParams):
    """Bisection by the sampler alone would ask it more than 110 times; it is what takes the time in a large vocabulary."""
    logits = (np.random.default_rng(6).standard_normal(500) * 2).astype(np.float32)
    reshaped = mock.Mock(side_effect=sampling.Distribution.reshaped)
    with mock.patch.object(sampling.Distribution, "reshaped", lambda *arguments: reshaped(*arguments)):
        for position in range(40):
            flips(logits, (), params, 8, position, name)
    assert reshaped.call_count / 40 < 25


class Scan:
    """An independent sampler for large vocabularies: everything sorted and summed, in double precision."""

    def __init__(self, logits: np.ndarray, params: SamplingParams, u: float):
        self.ids = np.lexsort((np.arange(len(logits)), -logits))
        self.values = logits[self.ids].astype(np.float64) - float(logits.max())
        self.params, self.u = params, u

    def taken(self, temperature: float) -> int:
        weights = np.exp(self.values / temperature)
        if self.params.top_k:
            weights = weights[: self.params.top_k]
        sums = np.cumsum(weights)
        kept = len(weights)
        if self.params.top_p < 1:
            kept = int((sums < self.params.top_p * sums[-1]).sum()) + 1
        kept = min(kept, int((weights >= self.params.min_p).sum()))
        return int(self.ids[(sums[:kept] <= self.u * sums[kept - 1]).sum()])


LARGE = [
    SamplingParams(0.8),
    SamplingParams(3.0, top_p=0.95, min_p=1e-4),
    SamplingParams(1.0, top_k=200, top_p=0.9, min_p=0.01),
    SamplingParams(1.0, top_p=0.5),
]


@pytest.mark.parametrize("params", LARGE)
@pytest.mark.parametrize(("vocab", "count"), [(3, 40), (129, 20), (8192, 12), (150_000, 2)])
def test_large_vocabularies_with_ties_and_minus_infinity(vocab: int, count: int, params: SamplingParams):
    """At both sides of every flip, 1e-9 away from it, an independent sampler takes the old and the new token."""
    rng = np.random.default_rng(vocab)
    logits = (rng.standard_normal(vocab) * 4).astype(np.float32)
    logits[rng.integers(0, vocab, vocab // 10)] = logits[0]
    logits[rng.integers(0, vocab, vocab // 20)] = -np.inf
    flipped = 0
    for position in range(count):
        u = sampling.uniform(3, position)
        found = flips(logits, (), params, 3, position, name)
        check_with_sampler(found, u, logits, params, ())
        scan = Scan(logits, params, u)
        used = scan.taken(params.temperature)
        ends = [0.01 if found[0] is None else found[0].temperature, 100.0 if found[1] is None else found[1].temperature]
        inside = np.geomspace(max(ends[0], 0.01) * (1 + 1e-9), ends[1] * (1 - 1e-9), 8)
        assert {scan.taken(t) for t in inside} == {used}
        for flip, factor in zip(found, (1 - 1e-9, 1 + 1e-9), strict=True):
            if flip and 0.01 < flip.temperature < 99.0:
                assert scan.taken(flip.temperature * factor) != used
                flipped += 1
    assert flipped > 0


@pytest.mark.slow
@pytest.mark.parametrize(("vocab", "budget_s"), [(8192, 0.01), (150_000, 0.15)])
def test_flips_take_no_longer_than_a_reader_notices(vocab: int, budget_s: float):
    """The best of several runs, for a machine may be busy; the flattest distribution is the slowest."""
    logits = np.random.default_rng(1).standard_normal(vocab).astype(np.float32)
    best = math.inf
    for position in range(12):
        started = time.perf_counter()
        flips(logits, (), SamplingParams(3.0, top_p=0.95), 0, position, name)
        best = min(best, time.perf_counter() - started)
    assert best < budget_s
