"""What a StepTrace says: by hand, against the slow twin and a double-precision oracle, and by counted frequencies."""

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference import ranking
from inference.errors import NumericsError, RequestError
from inference.sampling import decide
from inference.trace import trace_given, trace_step
from inference.types import SamplingParams, StepTrace
from tests.inference.sampling_twin import falling, softmax, twin
from tests.inference.test_sampling import LOGITS, PARAMS

PLAIN = SamplingParams(temperature=1.0)
FILTERED = SamplingParams(temperature=0.8, top_k=40, top_p=0.9, min_p=0.05)


def name(token_id: int) -> bytes:
    return b"<%d>" % token_id


def traced(
    logits: np.ndarray, params: SamplingParams, rows: int, history: tuple = (), seed: int = 0, position: int = 0
) -> StepTrace:
    return trace_step(logits, decide(logits, history, params, seed, position), rows, name)


def logs(*weights: float) -> np.ndarray:
    return np.array([math.log(w) if w else -math.inf for w in weights], dtype=np.float32)


def test_numbers_of_four_tokens_by_hand():
    """Probabilities 1/8, 1/2, 1/8, 1/4 have entropy 7/4 bits; top-k 2 leaves 2/3 and 1/3; the chosen id 3 costs 2 bits."""
    logits = logs(1, 4, 1, 2)
    params = SamplingParams(temperature=1.0, top_k=2)
    position = next(t for t in range(100) if decide(logits, (), params, 0, t).token_id == 3)
    trace = traced(logits, params, rows=3, position=position)
    assert trace.ids.tolist() == [1, 3, 0]
    assert trace.ranks.tolist() == [1, 2, 3]
    assert trace.token_bytes == (b"<1>", b"<3>", b"<0>")
    assert trace.model_probs.tolist() == pytest.approx([0.5, 0.25, 0.125], abs=1e-7)
    assert trace.sampling_probs.tolist() == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-7)
    assert trace.removed_by == ("", "", "top-k")
    assert (trace.chosen_id, trace.chosen_rank, trace.kept_count, trace.vocab_size, trace.others_count) == (3, 2, 2, 4, 1)
    assert trace.chosen_model_prob == pytest.approx(0.25, abs=1e-7)
    assert trace.chosen_sampling_prob == pytest.approx(1 / 3, abs=1e-7)
    assert trace.surprise_bits == pytest.approx(2.0, abs=1e-6)
    assert trace.entropy_bits == pytest.approx(1.75, abs=1e-6)
    assert trace.others_model_mass == pytest.approx(0.125, abs=1e-7)
    assert trace.others_sampling_mass == 0.0
    assert (trace.draw_low, trace.draw_high) == pytest.approx((2 / 3, 1.0), abs=1e-7)
    assert trace.strip_ids == (1, 3)
    assert trace.strip_bytes == (b"<1>", b"<3>")
    assert trace.strip_ends.tolist() == pytest.approx([2 / 3, 1.0], abs=1e-7)
    assert trace.params is params


def test_a_chosen_token_outside_the_likeliest_takes_the_last_row_with_its_own_rank():
    """Ids 1 and 2 share rank places by lower id: 1 is third, 2 is fourth."""
    trace = trace_given(logs(4, 1, 1, 2), 2, (), PLAIN, 2, name)
    assert trace.ids.tolist() == [0, 2]
    assert trace.ranks.tolist() == [1, 4]
    assert trace.chosen_rank == 4
    assert trace.others_count == 2
    assert trace.others_model_mass == pytest.approx(3 / 8, abs=1e-7)


def test_temperature_zero_says_who_removed_the_others_and_draws_nothing():
    trace = traced(logs(1, 4, 1, 2), SamplingParams(temperature=0.0), rows=4)
    assert trace.removed_by == ("", "temperature", "temperature", "temperature")
    assert trace.sampling_probs.tolist() == [1, 0, 0, 0]
    assert math.isnan(trace.draw_u)
    assert (trace.draw_low, trace.draw_high, trace.kept_count) == (0.0, 1.0, 1)
    assert (trace.strip_ids, trace.strip_ends.tolist()) == ((1,), [1.0])


def test_rows_stay_in_model_order_while_the_strip_follows_the_penalised_order():
    """Penalty 4 brings id 1 from ln 4 to ln 4 / 4 = ln sqrt 2: 2 and 1 to the power of 1, then sqrt 2 between them."""
    trace = trace_given(logs(1, 4, 1, 2), 1, (1,), SamplingParams(temperature=1.0, repetition_penalty=4.0), 4, name)
    assert trace.ids.tolist() == [1, 3, 0, 2]
    assert trace.strip_ids == (3, 1, 0, 2)
    assert trace.strip_bytes == (b"<3>", b"<1>", b"<0>", b"<2>")
    total = 4 + math.sqrt(2)
    assert trace.sampling_probs.tolist() == pytest.approx([math.sqrt(2) / total, 2 / total, 1 / total, 1 / total], abs=1e-6)
    assert trace.chosen_model_prob == pytest.approx(0.5, abs=1e-7), "the model distribution knows no penalty"


def test_given_text_is_not_drawn():
    trace = trace_given(logs(1, 4, 1, 2), 0, (), SamplingParams(temperature=1.0, top_k=1), 2, name)
    assert math.isnan(trace.draw_u)
    assert (trace.draw_low, trace.draw_high) == (0.0, 1.0)
    assert (trace.chosen_id, trace.chosen_sampling_prob, trace.removed_by) == (0, 0.0, ("", "top-k"))
    assert trace.surprise_bits == pytest.approx(3.0, abs=1e-6)


def test_no_token_yet_leaves_the_chosen_numbers_out():
    trace = trace_given(logs(1, 4, 1, 2), None, (), PLAIN, 2, name)
    assert (trace.chosen_id, trace.chosen_rank) == (-1, 0)
    assert all(math.isnan(x) for x in (trace.chosen_model_prob, trace.chosen_sampling_prob, trace.surprise_bits, trace.draw_u))
    assert trace.ids.tolist() == [1, 3]


@pytest.mark.parametrize("token_id", [-1, 4])
def test_an_id_outside_the_vocabulary_is_refused(token_id: int):
    with pytest.raises(RequestError, match="vocabulary of 4"):
        trace_given(logs(1, 4, 1, 2), token_id, (), PLAIN, 2, name)


def test_nan_in_given_logits_is_refused():
    with pytest.raises(NumericsError):
        trace_given(np.array([0, math.nan], np.float32), 0, (), PLAIN, 2, name)


def test_certain_and_impossible_tokens_have_exact_bits():
    """One possible token: entropy 0 and surprise 0; the impossible one is infinitely surprising, and 0 log 0 is 0."""
    certain = trace_given(logs(0, 5, 0), 1, (), PLAIN, 3, name)
    assert (certain.entropy_bits, certain.surprise_bits, certain.chosen_model_prob) == (0.0, 0.0, 1.0)
    assert (certain.strip_ids, certain.strip_ends.tolist()) == ((1,), [1.0]), "tokens of probability 0 own no interval"
    assert trace_given(logs(0, 5, 0), 2, (), PLAIN, 3, name).surprise_bits == math.inf


def test_surprise_survives_a_probability_too_small_for_a_float():
    """e^-2000 is 0 in float64, but 2000 nats are 2885.39 bits."""
    trace = trace_given(np.array([0, -2000], np.float32), 1, (), PLAIN, 2, name)
    assert trace.chosen_model_prob == 0.0
    assert trace.surprise_bits == pytest.approx(2000 / math.log(2))


def test_equal_logits_have_the_entropy_of_their_count():
    assert traced(np.full(1024, 3.5, np.float32), PLAIN, rows=5).entropy_bits == pytest.approx(10.0, abs=1e-12)


def test_arrays_are_read_only_and_logits_untouched():
    logits = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    before = logits.copy()
    logits.setflags(write=False)
    trace = traced(logits, SamplingParams(temperature=1.0, repetition_penalty=1.2), rows=5, history=(3, 4))
    np.testing.assert_array_equal(logits, before)
    for array in (trace.ids, trace.model_probs, trace.sampling_probs, trace.ranks, trace.strip_ends):
        assert not array.flags.writeable
        assert array.base is None, "a view would keep the whole vocabulary alive"
    assert {a.dtype.name for a in (trace.ids, trace.ranks)} == {"int64"}
    assert {a.dtype.name for a in (trace.model_probs, trace.sampling_probs, trace.strip_ends)} == {"float64"}


def test_tracing_does_not_change_the_choice_and_a_decision_may_be_traced_twice():
    logits = np.random.default_rng(1).standard_normal(3000).astype(np.float32)
    decision = decide(logits, (), PLAIN, 9, 9)
    small, large = trace_step(logits, decision, 3, name), trace_step(logits, decision, 400, name)
    assert small.chosen_id == large.chosen_id == decision.token_id
    assert small.entropy_bits == large.entropy_bits
    assert large.ids.tolist()[:400] == falling(logits)[:399] + large.ids.tolist()[399:]


@settings(deadline=None, max_examples=400)
@given(LOGITS, PARAMS, st.data(), st.integers(1, 60), st.integers(0, 2**70), st.sampled_from([1, 3, 128]))
def test_every_number_agrees_with_the_slow_twin(
    values: list, params: SamplingParams, data: st.DataObject, rows: int, seed: int, head: int
):
    logits = np.array(values, dtype=np.float32)
    if params.repetition_penalty < 1:
        logits = np.clip(logits, None, np.float32(1e38))
    history = tuple(data.draw(st.lists(st.integers(0, len(values) - 1), max_size=8)))
    expected = twin(logits, list(history) if params.repetition_penalty != 1 else [], params)
    assume(not expected.is_borderline)
    with mock.patch.object(ranking, "HEAD_TOKENS", head):
        trace = traced(logits, params, rows, history, seed)
    check_against(trace, logits, rows, expected, head)


def check_against(trace: StepTrace, logits: np.ndarray, rows: int, expected, head: int) -> None:
    """Every field of a trace, from the twin's numbers and a softmax in plain Python."""
    model, order = softmax(logits), falling(logits)
    ids = order[:rows]
    if trace.chosen_id not in ids:
        ids[-1] = trace.chosen_id
    shown = trace.ids.tolist()
    assert shown == ids
    assert trace.ranks.tolist() == [order.index(i) + 1 for i in ids]
    assert trace.token_bytes == tuple(name(i) for i in ids)
    assert list(trace.removed_by) == [expected.removed_by[i] for i in ids]
    np.testing.assert_allclose(trace.model_probs, [model[i] for i in ids], rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(trace.sampling_probs, [expected.probs[i] for i in ids], rtol=1e-9, atol=1e-300)
    rest = [i for i in range(len(logits)) if i not in ids]
    assert trace.others_count == len(rest)
    assert trace.others_model_mass == pytest.approx(math.fsum(model[i] for i in rest), abs=1e-12)
    assert trace.others_sampling_mass == pytest.approx(math.fsum(expected.probs[i] for i in rest), abs=1e-12)
    if set(expected.kept) <= set(ids):
        assert trace.others_sampling_mass == 0.0
    assert trace.model_probs.sum() + trace.others_model_mass == pytest.approx(1, abs=1e-9)
    assert trace.sampling_probs.sum() + trace.others_sampling_mass == pytest.approx(1, abs=1e-9)
    chosen = ids.index(trace.chosen_id)
    assert trace.chosen_model_prob == trace.model_probs[chosen]
    assert trace.chosen_sampling_prob == trace.sampling_probs[chosen]
    assert trace.chosen_rank == trace.ranks[chosen]
    if model[trace.chosen_id] > 1e-300:
        assert trace.surprise_bits == pytest.approx(-math.log2(model[trace.chosen_id]), abs=1e-9)
    assert trace.entropy_bits == pytest.approx(-math.fsum(p * math.log2(p) for p in model if p), abs=1e-9)
    assert (trace.kept_count, trace.vocab_size) == (len(expected.kept), len(logits))
    owners = [i for i in expected.kept[:rows] if expected.probs[i] > 1e-300]
    shown = min(len(owners), max(head, len(trace.strip_ids)))  # behind the tokens sorted at once the strip may end
    assert list(trace.strip_ids[:shown]) == owners[:shown]
    ends = np.cumsum([expected.probs[i] for i in trace.strip_ids])
    np.testing.assert_allclose(trace.strip_ends, ends, atol=1e-12)
    if not math.isnan(trace.draw_u):
        assert trace.draw_low <= trace.draw_u < trace.draw_high
        if trace.chosen_id in trace.strip_ids:
            segment = trace.strip_ids.index(trace.chosen_id)
            assert trace.strip_ends[segment] == pytest.approx(trace.draw_high, abs=1e-12)


@pytest.mark.parametrize("vocab", [8192, 150_000])
@pytest.mark.parametrize("params", [SamplingParams(), FILTERED, SamplingParams(temperature=1.5, repetition_penalty=1.2)])
def test_large_vocabularies_agree_with_double_precision(vocab: int, params: SamplingParams):
    """Rows and others add up to 1, and probabilities, rank and entropy are right to 1e-9, with equal and -inf logits."""
    rng = np.random.default_rng(vocab)
    logits = (rng.standard_normal(vocab) * 3).astype(np.float32)
    logits[rng.integers(0, vocab, 500)] = logits.max()
    logits[rng.integers(0, vocab, 500)] = -np.inf
    double = logits.astype(np.float64)
    weights = np.exp(double - double.max())
    model = weights / math.fsum(weights)
    order = np.lexsort((np.arange(vocab), -double))
    for position in range(3):
        trace = traced(logits, params, 12, history=(5, 6, 7), position=position)
        assert trace.ids.tolist()[:11] == order[:11].tolist()
        assert order[trace.chosen_rank - 1] == trace.chosen_id
        np.testing.assert_allclose(trace.model_probs, model[trace.ids], rtol=1e-9)
        positive = model[model > 0]
        assert trace.entropy_bits == pytest.approx(-math.fsum(positive * np.log2(positive)), rel=1e-9)
        assert trace.model_probs.sum() + trace.others_model_mass == pytest.approx(1, abs=1e-9)
        assert trace.sampling_probs.sum() + trace.others_sampling_mass == pytest.approx(1, abs=1e-9)
        assert trace.draw_low <= trace.draw_u < trace.draw_high
        assert trace.draw_high - trace.draw_low == pytest.approx(trace.chosen_sampling_prob, abs=1e-12)


COUNTED = [
    PLAIN,
    SamplingParams(temperature=0.5),
    SamplingParams(temperature=2.0, repetition_penalty=1.5),
    SamplingParams(temperature=1.0, top_k=7),
    SamplingParams(temperature=1.2, top_p=0.8),
    SamplingParams(temperature=1.0, top_k=20, top_p=0.95, min_p=0.1),
]


@pytest.mark.parametrize("params", COUNTED)
def test_frequencies_of_20000_draws_agree_with_the_trace(params: SamplingParams):
    """Chi-square against `sampling_probs`; a correct sampler fails one seed in a thousand, and this seed is fixed."""
    logits = (np.random.default_rng(2).standard_normal(24) * 1.5).astype(np.float32)
    logits[[3, 9]] = logits[5]
    history = np.array([1, 5, 5, 20])
    trace = trace_given(logits, None, history, params, 24, name)
    counts = np.zeros(24)
    for position in range(20_000):
        counts[decide(logits, history, params, 11, position).token_id] += 1
    expected = 20_000 * trace.sampling_probs
    counts = counts[trace.ids]
    assert counts[expected == 0].sum() == 0
    counts, expected = counts[expected > 0], expected[expected > 0]
    assert ((counts - expected) ** 2 / expected).sum() < chi_square_bound(len(counts) - 1)


def chi_square_bound(freedom: int) -> float:
    """What chi-square exceeds once in a thousand times (Wilson and Hilferty's approximation)."""
    return freedom * (1 - 2 / (9 * freedom) + 3.09 * math.sqrt(2 / (9 * freedom))) ** 3
