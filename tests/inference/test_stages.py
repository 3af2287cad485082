"""Stages: by hand, against a plain-Python implementation, against the trace of the same step, and by counted draws."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inference.errors import NumericsError
from inference.sampling import decide
from inference.stages import stages
from inference.trace import trace_given
from inference.types import SamplingParams, Stage, StepTrace
from tests.inference.sampling_twin import falling, softmax, twin
from tests.inference.test_sampling import LOGITS, PARAMS
from tests.inference.test_trace import chi_square_bound, logs, name

RULES = ["model", "penalty", "temperature", "top-k", "top-p", "min-p"]


def test_every_stage_by_hand():
    """Weights 8 : 4 : 2 : 1 : 1 at T = 1, penalised to 4 : 4 : 2 : 1 : 1, squared, then four, three and two of them.

    T = 1/2 makes 16 : 16 : 4 : 1 : 1. Top-k 4 removes the last 1 of 38, top-p 0.95 the next 1 of 37 (36 / 37 = 0.973,
    32 / 37 = 0.865), and min-p 0.5 the 4 of 36.
    """
    penalty = math.log(8) / math.log(4)
    params = SamplingParams(0.5, top_k=4, top_p=0.95, min_p=0.5, repetition_penalty=penalty)
    made = stages(np.array([0, math.log(8), math.log(4), math.log(2), 0], np.float32), (1,), params, (1, 2, 0))
    assert [stage.rule for stage in made] == RULES
    assert not any(stage.is_off for stage in made)
    expected = [[8, 4, 1], [4, 4, 1], [16, 16, 1], [16, 16, 1], [16, 16, 0], [16, 16, 0]]
    totals = [16, 12, 38, 37, 36, 32]
    for stage, probs, total in zip(made, expected, totals, strict=True):
        assert stage.probs.tolist() == pytest.approx([p / total for p in probs], abs=1e-6)
        assert stage.others_mass == pytest.approx(1 - sum(probs) / total, abs=1e-6)
    assert [stage.kept_count for stage in made] == [5, 5, 5, 4, 3, 2]
    assert [stage.removed_count for stage in made] == [0, 0, 0, 1, 1, 1]
    assert [stage.removed_mass for stage in made] == pytest.approx([0, 0, 0, 1 / 38, 1 / 37, 4 / 36], abs=1e-6)
    penalty_moved = 8 / 16 - 4 / 12  # id 1 alone lost
    temperature_moved = 2 * (16 / 38 - 4 / 12)  # ids 1 and 2 alone won
    moved = [0, penalty_moved, temperature_moved, 1 / 38, 1 / 37, 4 / 36]
    assert [stage.moved_mass for stage in made] == pytest.approx(moved, abs=1e-6)
    assert made[0].entropy_bits == pytest.approx((8 * 1 + 4 * 2 + 2 * 3 + 2 * 4) / 16, abs=1e-6)
    assert made[-1].entropy_bits == pytest.approx(1.0, abs=1e-6)
    assert made[-1].others_mass == 0.0


@pytest.mark.parametrize(
    ("params", "on"),
    [
        (SamplingParams(1.0), ["model"]),
        (SamplingParams(0.8), ["model", "temperature"]),
        (SamplingParams(1.0, top_k=3), ["model", "top-k"]),
        (SamplingParams(1.0, top_k=4), ["model"]),
        (SamplingParams(1.0, top_k=400, repetition_penalty=1.1), ["model", "penalty"]),
        (SamplingParams(1.0, top_p=0.999), ["model", "top-p"]),
        (SamplingParams(1.0, min_p=1e-9), ["model", "min-p"]),
        (SamplingParams(0.0, 2, 0.5, 0.5, 1.1), ["model", "penalty", "temperature"]),
    ],
)
def test_what_is_switched_off_repeats_the_stage_before(params: SamplingParams, on: list[str]):
    """Also a top-k of the whole vocabulary, and every filter after temperature 0."""
    made = stages(logs(8, 4, 2, 1), (0, 3), params, (0, 1))
    assert [stage.rule for stage in made if not stage.is_off] == on
    for before, stage in zip(made, made[1:], strict=False):
        if stage.is_off:
            assert stage.probs.tolist() == before.probs.tolist()
            assert (stage.removed_count, stage.removed_mass, stage.moved_mass) == (0, 0.0, 0.0)
            assert (stage.kept_count, stage.others_mass) == (before.kept_count, before.others_mass)
            assert stage.entropy_bits == before.entropy_bits


def test_a_rule_that_is_on_may_remove_nothing():
    """Top-p 0.5 leaves one token, with which min-p has nothing to do."""
    made = stages(logs(8, 4, 2, 1), (), SamplingParams(1.0, top_p=0.5, min_p=0.9), (0, 1))
    assert not made[5].is_off
    assert (made[5].removed_count, made[5].removed_mass, made[5].moved_mass, made[5].kept_count) == (0, 0.0, 0.0, 1)


def test_temperature_zero_removes_all_but_one():
    made = stages(logs(1, 4, 4, 1), (), SamplingParams(0.0), (1, 2, 0))
    assert made[2].probs.tolist() == [1.0, 0.0, 0.0]
    assert (made[2].kept_count, made[2].removed_count, made[2].others_mass, made[2].entropy_bits) == (1, 3, 0.0, 0.0)
    assert made[2].removed_mass == pytest.approx(0.6, abs=1e-7)
    assert made[2].moved_mass == pytest.approx(0.6, abs=1e-7)


def test_a_mass_too_small_for_the_difference_from_one_is_still_exact():
    """e^-60 is removed: 1 minus what is left would be 0."""
    [*_, stage] = stages(np.array([0, -60], np.float32), (), SamplingParams(1.0, min_p=0.5), (0, 1))
    assert stage.removed_mass == pytest.approx(math.exp(-60), rel=1e-12)


def test_arrays_are_read_only_and_logits_untouched():
    logits = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    before = logits.copy()
    logits.setflags(write=False)
    for stage in stages(logits, (3, 4), SamplingParams(0.8, 40, 0.9, 0.01, 1.2), (1, 2, 3)):
        assert not stage.probs.flags.writeable
        assert stage.probs.base is None, "a view would keep the whole vocabulary alive"
        assert stage.probs.dtype == np.float64
    np.testing.assert_array_equal(logits, before)


def test_logits_that_make_no_distribution_are_refused():
    with pytest.raises(NumericsError):
        stages(np.array([0, math.nan], np.float32), (), SamplingParams(), (0,))


# Against plain Python


def naive(logits: np.ndarray, history: list[int], params: SamplingParams) -> list[tuple[list[float], list[int]]]:
    """Probabilities of all tokens after every rule, and the ids that are kept, each from the definition alone."""
    penalised = twin(logits, history, SamplingParams(1.0, repetition_penalty=params.repetition_penalty)).scores
    everything = list(range(len(logits)))
    made = [(softmax(logits), everything), (softmax(penalised), everything)]
    order = falling(penalised)
    if params.temperature == 0:
        only = [1.0 if i == order[0] else 0.0 for i in everything]
        return made + [(only, [order[0]])] * 4
    peak = float(penalised[order[0]])
    weights = [math.exp((float(z) - peak) / params.temperature) for z in penalised]

    def left(kept: list[int]) -> tuple[list[float], list[int]]:
        mass = math.fsum(weights[i] for i in kept)
        return [weights[i] / mass if i in set(kept) else 0.0 for i in everything], kept

    made.append(left(order))
    made.append(left(order[: params.top_k or None]))
    probs, kept = made[-1]
    reached = (n + 1 for n in range(len(kept)) if math.fsum(probs[i] for i in kept[: n + 1]) >= params.top_p)
    made.append(left(kept[: next(reached, len(kept))] if params.top_p < 1 else kept))
    kept = made[-1][1]
    made.append(left([i for i in kept if weights[i] >= params.min_p]))
    return made


@settings(deadline=None, max_examples=200)
@given(LOGITS, PARAMS, st.data(), st.integers(1, 60))
def test_every_number_agrees_with_plain_python(values: list, params: SamplingParams, data: st.DataObject, rows: int):
    logits = np.array(values, dtype=np.float32)
    if params.repetition_penalty < 1:
        logits = np.clip(logits, None, np.float32(1e38))
    history = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=8))
    assume(not twin(logits, history if params.repetition_penalty != 1 else [], params).is_borderline)
    trace = trace_given(logits, None, history, params, rows, name)
    made = stages(logits, history, params, trace.ids)
    check_with_trace(made, trace)
    expected = naive(logits, history, params)
    before = expected[0]
    for stage, (probs, kept) in zip(made, expected, strict=True):
        np.testing.assert_allclose(stage.probs, [probs[i] for i in trace.ids], rtol=1e-9, atol=1e-300)
        rest = set(range(len(values))) - set(trace.ids.tolist())
        removed = set(before[1]) - set(kept)
        assert stage.others_mass == pytest.approx(math.fsum(probs[i] for i in rest), abs=1e-12)
        assert (stage.kept_count, stage.removed_count) == (len(kept), len(removed))
        assert stage.removed_mass == pytest.approx(math.fsum(before[0][i] for i in removed), rel=1e-9, abs=1e-300)
        moved = math.fsum(abs(a - b) for a, b in zip(probs, before[0], strict=True)) / 2
        assert stage.moved_mass == pytest.approx(moved, abs=1e-12)
        assert stage.entropy_bits == pytest.approx(-math.fsum(p * math.log2(p) for p in probs if p), abs=1e-9)
        before = probs, kept


def check_with_trace(made: tuple[Stage, ...], trace: StepTrace) -> None:
    """The first stage is the trace's belief, the last its choice, and every row leaves at the rule that removed it."""
    assert [stage.rule for stage in made] == RULES
    np.testing.assert_array_equal(made[0].probs, trace.model_probs)
    np.testing.assert_array_equal(made[-1].probs, trace.sampling_probs)
    assert (made[0].others_mass, made[-1].others_mass) == (trace.others_model_mass, trace.others_sampling_mass)
    assert made[0].entropy_bits == trace.entropy_bits
    assert (made[0].kept_count, made[-1].kept_count) == (trace.vocab_size, trace.kept_count)
    assert sum(stage.removed_count for stage in made) == trace.vocab_size - trace.kept_count
    removed = {rule: {i for i, remover in enumerate(trace.removed_by) if remover == rule} for rule in ("", *RULES)}
    for before, stage in zip(made, made[1:], strict=False):
        left = set(np.flatnonzero((before.probs > 0) & (stage.probs == 0)).tolist())
        if stage.rule in ("top-k", "top-p", "min-p"):
            assert left == {i for i in removed[stage.rule] if before.probs[i] > 0}
        assert len(removed[stage.rule]) <= stage.removed_count
    for stage in made:
        assert stage.probs.sum() + stage.others_mass == pytest.approx(1, abs=1e-9)


ALL_RULES = SamplingParams(0.8, top_k=3000, top_p=0.95, min_p=0.001, repetition_penalty=1.3)
SETTINGS = [SamplingParams(0.0), SamplingParams(1.7), SamplingParams(2.5, top_p=0.98), SamplingParams(1.0, min_p=0.01), ALL_RULES]


@pytest.mark.parametrize("params", SETTINGS)
@pytest.mark.parametrize("vocab", [8192, 150_000])
def test_large_vocabularies_add_up_at_every_stage(vocab: int, params: SamplingParams):
    """With equal and -inf logits: against the trace, and masses and entropies against sums of sorted float64 numbers."""
    rng = np.random.default_rng(vocab)
    logits = (rng.standard_normal(vocab) * 3).astype(np.float32)
    logits[rng.integers(0, vocab, 500)] = logits.max()
    logits[rng.integers(0, vocab, 500)] = -np.inf
    history = rng.integers(0, vocab, 100)
    trace = trace_given(logits, 7, history, params, 12, name)
    made = stages(logits, history, params, trace.ids)
    check_with_trace(made, trace)
    scores = logits.copy()
    penalty = np.float32(params.repetition_penalty)
    for i in set(history.tolist()):
        scores[i] = scores[i] * penalty if scores[i] < 0 else scores[i] / penalty
    exponents = np.sort(scores.astype(np.float64) - float(scores.max()))[::-1] / (params.temperature or 1e-9)
    weights = np.exp(exponents)
    before = vocab
    for stage in made[3:] if params.temperature else ():
        kept, mass = stage.kept_count, math.fsum(weights[: stage.kept_count])
        assert stage.removed_mass == pytest.approx(math.fsum(weights[kept:before]) / math.fsum(weights[:before]), abs=1e-12)
        assert stage.moved_mass == stage.removed_mass
        probs = weights[:kept] / mass
        probs = probs[probs > 0]
        assert stage.entropy_bits == pytest.approx(-math.fsum(probs * np.log2(probs)), abs=1e-9)
        before = kept


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(0.9, repetition_penalty=1.3),
        SamplingParams(1.3, top_k=300, top_p=0.9, repetition_penalty=0.7),
        SamplingParams(2.5, top_p=0.97, min_p=0.02),
    ],
)
def test_frequencies_of_20000_draws_agree_with_rows_and_others(params: SamplingParams):
    """Chi-square over the rows of the panel and the one number for all other tokens, those behind the sorted head included."""
    logits = (np.random.default_rng(8).standard_normal(1000) * 1.2).astype(np.float32)
    logits[40:60] = logits[3]
    history = np.arange(0, 1000, 3)
    trace = trace_given(logits, None, history, params, 12, name)
    last = stages(logits, history, params, trace.ids)[-1]
    counts = np.zeros(1000)
    for position in range(20_000):
        counts[decide(logits, history, params, 21, position).token_id] += 1
    rows = counts[trace.ids]
    observed = np.append(rows, 20_000 - rows.sum())
    for expected in (
        20_000 * np.append(trace.sampling_probs, trace.others_sampling_mass),
        20_000 * np.append(last.probs, last.others_mass),
    ):
        assert observed[expected == 0].sum() == 0
        some = expected > 0
        assert ((observed - expected)[some] ** 2 / expected[some]).sum() < chi_square_bound(int(some.sum()) - 1)
