"""The sampling contract: by hand, against the slow twin, against transformers, and by counted frequencies."""

import math
from collections.abc import Sequence
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference import ranking, sampling
from inference.errors import NumericsError
from inference.sampling import decide, distribution, uniform
from inference.types import SamplingParams
from tests.inference.sampling_twin import falling, twin

PLAIN = SamplingParams(temperature=1.0)
ALMOST_ONE = 1.0 - 2.0**-53


def float32(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def kept_ids(logits: np.ndarray, params: SamplingParams, history: Sequence[int] = ()) -> list[int]:
    """The ids that no rule removed."""
    removed = distribution(logits, history, params).removed_by(np.arange(len(logits)))
    return [i for i, rule in enumerate(removed) if not rule]


def probabilities(logits: np.ndarray, params: SamplingParams, history: Sequence[int] = ()) -> list[float]:
    made = distribution(logits, history, params)
    ids = np.arange(len(logits))
    return made.probabilities(ids, made.removed_by(ids)).tolist()


def decide_at(u: float, logits: np.ndarray, params: SamplingParams) -> sampling.Decision:
    """The decision that a draw of exactly u makes."""
    with mock.patch.object(sampling, "uniform", lambda seed, position: u):
        return decide(logits, [], params, 0, 0)


# The step-by-step examples use probabilities 1/8, 1/2, 1/8, 1/4 for ids 0 to 3; order of drawing: 1, 3, 0, 2.
FOUR = float32(*(math.log(p) for p in (0.125, 0.5, 0.125, 0.25)))


def test_plain_distribution_is_the_softmax():
    assert probabilities(FOUR, PLAIN) == pytest.approx([0.125, 0.5, 0.125, 0.25], abs=1e-7)


def test_temperature_half_squares_the_odds():
    """1/64, 1/4, 1/64, 1/16 sum to 22/64."""
    assert probabilities(FOUR, SamplingParams(temperature=0.5)) == pytest.approx([1 / 22, 16 / 22, 1 / 22, 4 / 22], abs=1e-6)


def test_temperature_two_takes_square_roots_of_the_odds():
    """Relative to the likeliest: 1/2, 1, 1/2, 1/sqrt(2)."""
    total = 2 + math.sqrt(0.5)
    expected = [0.5 / total, 1 / total, 0.5 / total, math.sqrt(0.5) / total]
    assert probabilities(FOUR, SamplingParams(temperature=2.0)) == pytest.approx(expected, abs=1e-6)


def test_penalty_divides_positive_and_multiplies_negative_logits_of_each_seen_id_once():
    """2 becomes 1, -1 becomes -2; id 0, seen twice, is divided once; the unseen 1 and 0 stay."""
    logits = float32(2.0, 1.0, -1.0, 0.0)
    made = distribution(logits, [0, 2, 0], SamplingParams(temperature=1.0, repetition_penalty=2.0))
    assert made.weights.ranking.logits.tolist() == [1.0, 1.0, -2.0, 0.0]
    assert logits.tolist() == [2.0, 1.0, -1.0, 0.0], "the caller's logits are left alone"


def test_penalty_comes_before_temperature_and_filters():
    """After the penalty ids 0 and 1 share the largest logit, so top-k 1 keeps id 0 and top-k 2 both, at 1/2 each."""
    logits = float32(2.0, 1.0, -1.0, 0.0)
    params = SamplingParams(temperature=0.5, top_k=2, repetition_penalty=2.0)
    assert probabilities(logits, params, [0]) == [0.5, 0.5, 0.0, 0.0]


def test_history_is_not_read_without_a_penalty():
    decide(FOUR, None, PLAIN, 0, 0)


def test_penalty_with_an_empty_history_changes_nothing():
    params = SamplingParams(temperature=1.0, repetition_penalty=1.5)
    assert probabilities(FOUR, params, []) == probabilities(FOUR, PLAIN)


@pytest.mark.parametrize(("k", "expected"), [(1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3])])
def test_top_k_keeps_exactly_k_and_the_lower_id_of_equals(k: int, expected: list[int]):
    assert kept_ids(FOUR, SamplingParams(temperature=1.0, top_k=k)) == expected


@pytest.mark.parametrize("vocab", [5, 300, 5000])
@pytest.mark.parametrize("k", [1, 2, 4, 150])
def test_top_k_keeps_exactly_k_where_all_are_equal(vocab: int, k: int):
    assert kept_ids(np.zeros(vocab, np.float32), SamplingParams(top_k=k)) == list(range(min(k, vocab)))


@pytest.mark.parametrize(("p", "expected"), [(0.0, [1]), (0.3, [1]), (0.6, [1, 3]), (0.8, [0, 1, 3]), (0.9, [0, 1, 2, 3])])
def test_top_p_keeps_the_smallest_set_that_reaches_p(p: float, expected: list[int]):
    assert kept_ids(FOUR, SamplingParams(temperature=1.0, top_p=p)) == expected


@pytest.mark.parametrize(("p", "count"), [(0.1, 1), (0.3, 3), (0.7, 7), (0.71, 8), (0.9, 9)])
def test_top_p_stops_where_the_mass_is_exactly_p(p: float, count: int):
    """Ten equal tokens: 7 of them are 0.7, which reaches 0.7."""
    assert kept_ids(np.zeros(10, np.float32), SamplingParams(top_p=p)) == list(range(count))


def test_top_p_measures_mass_after_top_k():
    """Top-k 2 leaves 2/3 and 1/3: 0.6 is reached by the first alone, where it takes two of the whole vocabulary."""
    assert kept_ids(FOUR, SamplingParams(temperature=1.0, top_k=2, top_p=0.6)) == [1]


@pytest.mark.parametrize(("p", "expected"), [(0.2, [0, 1, 2, 3]), (0.3, [1, 3]), (0.6, [1]), (1.0, [1])])
def test_min_p_is_relative_to_the_largest_probability(p: float, expected: list[int]):
    assert kept_ids(FOUR, SamplingParams(temperature=1.0, min_p=p)) == expected


def test_min_p_one_keeps_every_token_as_likely_as_the_likeliest():
    assert kept_ids(float32(3, 1, 3, 3), SamplingParams(min_p=1.0)) == [0, 2, 3]


def test_removed_by_names_the_first_rule():
    """Ids by falling logit: 2, 0, 3, 1, 4. Top-k 4 drops 4; top-p 0.9 of 8:4:2:1 drops 1; min-p 0.3 drops 3."""
    logits = float32(*(math.log(w) for w in (4, 1, 8, 2, 0.5)))
    params = SamplingParams(temperature=1.0, top_k=4, top_p=0.9, min_p=0.3)
    made = distribution(logits, [], params)
    assert made.removed_by(np.arange(5)) == ("", "top-p", "", "min-p", "top-k")
    assert made.kept_count == 2
    assert probabilities(logits, params) == pytest.approx([1 / 3, 0, 2 / 3, 0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("u", "token", "low", "high"),
    [(0.0, 0, 0, 0.25), (0.24, 0, 0, 0.25), (0.25, 1, 0.25, 0.5), (0.5, 2, 0.5, 0.75), (ALMOST_ONE, 3, 0.75, 1)],
)
def test_draw_takes_the_first_token_whose_cumulative_probability_exceeds_u(u: float, token: int, low: float, high: float):
    decision = decide_at(u, np.zeros(4, np.float32), PLAIN)
    assert (decision.token_id, *decision.draw) == (token, u, low, high)


def test_draw_walks_by_falling_probability_not_by_id():
    """FOUR's intervals: id 1 [0, 1/2), 3 [1/2, 3/4), 0 [3/4, 7/8), 2 [7/8, 1)."""
    assert [decide_at(u, FOUR, PLAIN).token_id for u in (0.1, 0.49, 0.51, 0.74, 0.76, 0.87, 0.88, 0.99)] == [
        1,
        1,
        3,
        3,
        0,
        0,
        2,
        2,
    ]


@pytest.mark.parametrize("vocab", [3, 200, 4000])
def test_the_largest_u_draws_a_token_that_can_be_drawn(vocab: int):
    """Sums that end a rounding error below 1, weights that underflow and -inf logits leave no hole at the end."""
    rng = np.random.default_rng(vocab)
    for trial in range(50):
        logits = (rng.standard_normal(vocab) * 10 ** rng.uniform(-2, 2.5)).astype(np.float32)
        logits[rng.integers(0, vocab, vocab // 3)] = -np.inf
        params = SamplingParams(temperature=1.0, min_p=0.01 * (trial % 2))
        decision = decide_at(ALMOST_ONE, logits, params)
        assert probabilities(logits, params)[decision.token_id] > 0
        assert decision.draw.low <= ALMOST_ONE < decision.draw.high <= 1 + 1e-12


def test_temperature_zero_takes_the_lowest_of_the_largest_draws_nothing_and_ignores_the_seed():
    params = SamplingParams(temperature=0.0, top_p=0.0, min_p=1.0, top_k=3)
    for seed in range(5):
        decision = decide(float32(1, 7, 0, 7), [], params, seed, seed)
        assert decision.token_id == 1
        assert math.isnan(decision.draw.u)
        assert decision.draw[1:] == (0.0, 1.0)
    assert decision.distribution.removed_by(np.arange(4)) == ("temperature", "", "temperature", "temperature")


def test_temperature_zero_looks_at_penalised_logits():
    params = SamplingParams(temperature=0.0, repetition_penalty=2.0)
    assert decide(float32(1, 1.9, 0, 1.5), [1], params, 0, 0).token_id == 3


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-250, 5e-324])
def test_temperature_towards_zero_becomes_temperature_zero(temperature: float):
    logits = float32(1.0, 1.5, -40.0, 1.25)
    params = SamplingParams(temperature=temperature)
    assert probabilities(logits, params) == pytest.approx([0, 1, 0, 0], abs=1e-12)
    assert {decide_at(u, logits, params).token_id for u in (0.0, 0.5, ALMOST_ONE)} == {1}


@pytest.mark.parametrize("temperature", [1e-3, 5e-324])
def test_temperature_towards_zero_shares_between_equals(temperature: float):
    assert probabilities(float32(1, 2, 2, 0), SamplingParams(temperature=temperature)) == [0, 0.5, 0.5, 0]


@pytest.mark.parametrize("params", [PLAIN, SamplingParams(temperature=0.0), SamplingParams(top_k=2)])
@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (float32(1, math.nan, 2), "NaN"),
        (float32(1, math.inf, 2), "infinite"),
        (float32(-math.inf, -math.inf), "no token"),
        (float32(math.nan, math.inf), "NaN"),
    ],
)
def test_logits_that_make_no_distribution_are_refused(params: SamplingParams, logits: np.ndarray, message: str):
    with pytest.raises(NumericsError, match=message):
        decide(logits, [], params, 0, 0)


def test_penalty_that_overflows_is_refused():
    with pytest.raises(NumericsError, match="infinite"):
        decide(float32(3e38, 0), [0], SamplingParams(repetition_penalty=0.01), 0, 0)


def test_minus_infinity_is_never_drawn():
    logits = float32(-math.inf, 0, -math.inf, 0)
    drawn = {decide(logits, [], SamplingParams(temperature=100.0, top_k=3), 5, t).token_id for t in range(200)}
    assert drawn == {1, 3}


# Against the slow twin

LOGIT = st.one_of(
    st.sampled_from([0.0, 1.0, 1.0, 2.5, -3.0, -math.inf]),
    st.floats(-30, 30, width=32),
    st.floats(-(2.0**120), 2.0**120, width=32),
)
LOGITS = st.lists(LOGIT, min_size=1, max_size=50).filter(lambda values: max(values) > -math.inf)
SHARES = st.one_of(st.sampled_from([0.0, 0.05, 0.5, 0.9, 1.0]), st.floats(0, 1))
PARAMS = st.builds(
    SamplingParams,
    temperature=st.one_of(st.sampled_from([0.0, 0.8, 1.0, 2.0]), st.floats(0.05, 100)),
    top_k=st.one_of(st.just(0), st.integers(1, 55)),
    top_p=st.one_of(st.just(1.0), SHARES),
    min_p=st.one_of(st.just(0.0), SHARES),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.3, 0.5]),
)


@settings(deadline=None, max_examples=400)
@given(LOGITS, PARAMS, st.data(), st.floats(0, ALMOST_ONE), st.sampled_from([1, 2, 5, 128]))
def test_decide_agrees_with_the_slow_twin(values: list, params: SamplingParams, data: st.DataObject, u: float, head: int):
    """Same kept set, same rule for every removed token, same probabilities, and the draw lands where the twin's does.

    `head` moves the border between what is sorted at once and what is found by bins, so that few tokens reach both.
    """
    logits = np.array(values, dtype=np.float32)
    history = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=8))
    if params.repetition_penalty < 1:
        logits = np.clip(logits, None, np.float32(1e38))
    expected = twin(logits, history if params.repetition_penalty != 1 else [], params)
    assume(not expected.is_borderline)
    ids = np.arange(len(values))
    with mock.patch.object(ranking, "HEAD_TOKENS", head), mock.patch.object(sampling, "uniform", lambda seed, position: u):
        decision = decide(logits, history, params, 0, 0)
        made = decision.distribution
        removed_by = made.removed_by(ids)
        probs = made.probabilities(ids, removed_by)
    assert list(removed_by) == expected.removed_by
    assert made.kept_count == len(expected.kept)
    np.testing.assert_allclose(probs, expected.probs, rtol=1e-9, atol=1e-300)
    assert made.is_kept().tolist() == [not rule for rule in removed_by]
    assert not removed_by[decision.token_id]
    assert decision.sampling_prob == probs[decision.token_id]
    if params.temperature > 0:
        low, high = expected.interval(decision.token_id)
        assert decision.draw.low == pytest.approx(low, abs=1e-12)
        assert decision.draw.high == pytest.approx(high, abs=1e-12)
        assert decision.draw.low <= u < decision.draw.high


@pytest.mark.parametrize("spread", [0.0, 0.001, 1.0, 5.0, 60.0])
@pytest.mark.parametrize("params", [PLAIN, SamplingParams(top_p=0.9), SamplingParams(temperature=2.0, min_p=0.001, top_p=0.999)])
def test_large_vocabularies_agree_with_the_slow_twin(spread: float, params: SamplingParams):
    """Borders and draws behind the sorted head, with many equal logits and some of minus infinity."""
    rng = np.random.default_rng(int(spread * 1000))
    logits = (rng.standard_normal(3000) * spread).astype(np.float32)
    logits[rng.integers(0, 3000, 300)] = logits[7]
    logits[rng.integers(0, 3000, 100)] = -np.inf
    expected = twin(logits, [], params)
    ids = np.arange(3000)
    made = distribution(logits, [], params)
    removed_by = made.removed_by(ids)
    assert list(removed_by) == expected.removed_by
    np.testing.assert_allclose(made.probabilities(ids, removed_by), expected.probs, rtol=1e-9, atol=1e-300)
    ends = np.cumsum([expected.probs[i] for i in expected.kept])
    for u in rng.random(100):
        decision = decide_at(u, logits, params)
        place = expected.kept.index(decision.token_id)
        assert ends[place] > u - 1e-12
        assert place == 0 or ends[place - 1] <= u + 1e-12
        assert decision.draw.low == pytest.approx(ends[place] - expected.probs[decision.token_id], abs=1e-12)


@pytest.mark.parametrize("used", [PLAIN, SamplingParams(0.0), SamplingParams(0.7, top_k=5), SamplingParams(2.0, top_p=0.99)])
@pytest.mark.parametrize("other", [SamplingParams(0.0), SamplingParams(1.3), SamplingParams(0.5, 300, 0.9, 0.01)])
def test_reshaped_is_what_the_other_parameters_make_afresh(used: SamplingParams, other: SamplingParams):
    """To the last bit, penalty included, and the same draw takes the same token."""
    logits = (np.random.default_rng(4).standard_normal(2000) * 2).astype(np.float32)
    used, other = (replace(params, repetition_penalty=1.2) for params in (used, other))
    reshaped = distribution(logits, [5, 6], used).reshaped(other)
    fresh = distribution(logits, [5, 6], other)
    assert (reshaped.params, reshaped.cuts, reshaped.kept_count) == (other, fresh.cuts, fresh.kept_count)
    ids = np.arange(2000)
    removed_by = fresh.removed_by(ids)
    np.testing.assert_array_equal(reshaped.probabilities(ids, removed_by), fresh.probabilities(ids, removed_by))
    for position in range(20):
        decision = decide(logits, [5, 6], other, 1, position)
        again = reshaped.taken_by(uniform(1, position))
        assert again.token_id == decision.token_id
        np.testing.assert_equal(again.draw, decision.draw)


@pytest.mark.parametrize("count", [1, 2, 40, 129, 2000, 5000])
def test_ranking_finds_the_front_of_the_full_sort(count: int):
    rng = np.random.default_rng(count)
    logits = rng.integers(-40, 40, 5000).astype(np.float32)  # about 60 of every value
    ranked = ranking.Ranking(logits)
    expected = falling(logits)
    assert ranked.first(count).tolist() == expected[:count]
    assert ranked.first(3).tolist() == expected[:3], "a shorter front after a longer one"
    assert [ranked.place(i) for i in expected[:200]] == list(range(1, 201))


def test_a_share_at_the_border_of_a_bin_falls_into_an_interval_that_holds_it():
    """Sums by bin and sums by token round differently; a share between the two must not fall through."""
    logits = np.random.default_rng(5).standard_normal(4000).astype(np.float32)
    weights = ranking.RankedWeights(ranking.Ranking(logits), float(logits.max()), 2.0)
    weights.find(0.99, weights.total, "exceeds")
    for share in np.nextafter(weights._bin_sums / weights.total, 0.0):
        if 0.2 < share < 0.999:
            place = weights.find(float(share), weights.total, "exceeds")
            assert place.before / weights.total <= share < place.through / weights.total


# Against transformers

FILTERS = [
    SamplingParams(temperature=0.7),
    SamplingParams(temperature=1.3, top_k=40),
    SamplingParams(temperature=1.0, top_p=0.9),
    SamplingParams(temperature=2.0, top_p=0.95),
    SamplingParams(temperature=1.0, min_p=0.05),
    SamplingParams(temperature=0.8, top_k=50, top_p=0.8, min_p=0.1, repetition_penalty=1.3),
    SamplingParams(temperature=1.5, top_k=400, top_p=0.97, min_p=0.01, repetition_penalty=0.8),
]


@pytest.mark.parametrize("params", FILTERS)
def test_kept_sets_and_probabilities_equal_transformers(params: SamplingParams):
    """The processors in the order in which transformers chains them, in double precision after the penalty."""
    torch = pytest.importorskip("torch")
    processors = pytest.importorskip("transformers.generation.logits_process")
    chain = [processors.TemperatureLogitsWarper(params.temperature)]
    if params.top_k:
        chain.append(processors.TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        chain.append(processors.TopPLogitsWarper(params.top_p))
    if params.min_p:
        chain.append(processors.MinPLogitsWarper(params.min_p))
    rng = np.random.default_rng(3)
    for _ in range(10):
        logits = (rng.standard_normal(1000) * 3).astype(np.float32)
        history = rng.integers(0, 1000, 100)
        ids = torch.from_numpy(history)[None]
        scores = torch.from_numpy(logits.copy())[None]
        if params.repetition_penalty != 1:
            scores = processors.RepetitionPenaltyLogitsProcessor(params.repetition_penalty)(ids, scores)
            made = distribution(logits, history, params)
            np.testing.assert_array_equal(made.weights.ranking.logits, scores[0].numpy())
        scores = scores.double()
        for step in chain:
            scores = step(ids, scores)
        expected = torch.softmax(scores[0], dim=-1).numpy()
        assert kept_ids(logits, params, history) == expected.nonzero()[0].tolist()
        np.testing.assert_allclose(probabilities(logits, params, history), expected, rtol=1e-9)


# The uniform numbers


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**64 - 1, 2**64, 2**127 + 11, -1, 2**130 + 5])
@pytest.mark.parametrize("position", [0, 1, 2, 1000, 2**64 - 1, 2**64, 2**70])
def test_uniform_equals_numpys_philox(seed: int, position: int):
    oracle = np.random.Generator(np.random.Philox(key=seed % 2**128, counter=position))
    assert uniform(seed, position) == oracle.random()


def test_uniform_is_uniform_over_positions():
    """Kolmogorov-Smirnov on 20,000: a true uniform exceeds 1.95 / sqrt(n) once in a thousand times."""
    draws = np.sort([uniform(7, t) for t in range(20_000)])
    grid = np.arange(len(draws) + 1) / len(draws)
    distance = max(np.abs(draws - grid[1:]).max(), np.abs(draws - grid[:-1]).max())
    assert draws[0] >= 0.0
    assert draws[-1] < 1.0
    assert distance < 1.95 / math.sqrt(len(draws))


@pytest.mark.parametrize("pairs", ["neighbouring positions", "neighbouring seeds"])
def test_uniform_is_independent_between(pairs: str):
    """Chi-square of 20,000 pairs on a 10 x 10 grid: 99 degrees of freedom, 148 is exceeded once in a thousand times."""
    if pairs == "neighbouring positions":
        x = np.array([uniform(7, t) for t in range(20_001)])
        x, y = x[:-1], x[1:]
    else:
        x, y = (np.array([uniform(seed, t) for t in range(20_000)]) for seed in (41, 42))
    counts = np.histogram2d(x, y, bins=10, range=[[0, 1], [0, 1]])[0]
    assert ((counts - 200) ** 2 / 200).sum() < 148.2


def test_the_same_seed_and_position_choose_the_same_token_and_others_do_not():
    logits = np.zeros(1000, np.float32)
    tokens = [decide(logits, [], PLAIN, 3, t).token_id for t in range(50)]
    assert [decide(logits, [], PLAIN, 3, t).token_id for t in range(50)] == tokens
    assert len(set(tokens)) > 40
    assert [decide(logits, [], PLAIN, 4, t).token_id for t in range(50)] != tokens
