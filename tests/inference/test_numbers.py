"""The numbers of every token agree with float64, however they are computed, and with what a trace says."""

import numpy as np
import pytest

from inference import numbers
from inference.numbers import drawn_numbers, read_numbers
from inference.sampling import decide
from inference.trace import trace_given, trace_step
from inference.types import SamplingParams, TokenNumbers

CLOSE = {"rtol": 0, "atol": 1e-5}


def make_logits(rows: int, vocab: int, seed: int = 0, scale: float = 3.0) -> np.ndarray:
    """Random, with ties and a token that cannot be drawn in every row."""
    logits = (np.random.default_rng(seed).normal(size=(rows, vocab)) * scale).astype(np.float32)
    logits[:, 5] = logits[:, 2]
    logits[:, 9] = logits.max(axis=1)
    logits[:, 7] = -np.inf
    return logits


def expected(logits: np.ndarray, token_id: int) -> TokenNumbers:
    """By definition, in float64, one row at a time."""
    row = logits.astype(np.float64)
    log_probs = row - np.logaddexp.reduce(row)
    probs = np.exp(log_probs)
    entropy = -sum(p * lp for p, lp in zip(probs, log_probs, strict=True) if p > 0) / np.log(2)
    rank = sorted(range(len(row)), key=lambda i: (-row[i], i)).index(token_id) + 1
    return TokenNumbers(float(probs[token_id]), np.nan, float(-log_probs[token_id] / np.log(2)), float(entropy), rank)


@pytest.mark.parametrize(("rows", "vocab"), [(1, 16), (7, 512), (40, 8192), (3, 150_000)])
@pytest.mark.parametrize("scale", [0.0, 3.0, 30.0])
def test_read_numbers_are_those_of_float64(rows: int, vocab: int, scale: float):
    """For ties, logits of minus infinity, flat and peaked distributions; ranks exactly."""
    logits = make_logits(rows, vocab, scale=scale)
    ids = [2, 5, 7, 9, 0, 15, 3] * (rows // 7 + 1)
    for row, token_id, found in zip(logits, ids, read_numbers(logits, ids[:rows]), strict=False):
        wanted = expected(row, token_id)
        assert found.rank == wanted.rank
        assert found.model_prob == pytest.approx(wanted.model_prob, abs=1e-6)
        np.testing.assert_allclose(found.entropy_bits, wanted.entropy_bits, **CLOSE)
        np.testing.assert_allclose(found.surprise_bits, wanted.surprise_bits, **CLOSE)
        assert np.isnan(found.sampling_prob)


def test_many_rows_are_worked_on_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """A long prompt and a large vocabulary need little memory, and the pieces make no difference."""
    logits, ids = make_logits(30, 512), list(range(30))
    whole = read_numbers(logits, ids)
    sizes = []
    piecewise = numbers._numbers
    monkeypatch.setattr(numbers, "_CELLS_AT_ONCE", 4 * 512)
    monkeypatch.setattr(numbers, "_numbers", lambda rows, ids: sizes.append(len(rows)) or piecewise(rows, ids))
    assert repr(read_numbers(logits, ids)) == repr(whole)  # repr: NaN is not equal to itself
    assert sizes == [4] * 7 + [2]


@pytest.mark.parametrize("scale", [0.0, 3.0])
@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(temperature=1.0),
        SamplingParams(temperature=0.0),
        SamplingParams(temperature=1.7, top_k=40, top_p=0.9, min_p=0.01),
        SamplingParams(temperature=0.7, repetition_penalty=1.8),
        SamplingParams(temperature=0.0, repetition_penalty=1.8),
    ],
    ids=str,
)
def test_drawn_numbers_are_those_of_the_trace(params: SamplingParams, scale: float):
    """For likely and unlikely draws alike, with and without a penalty, which changes no model probability."""
    logits = make_logits(200, 8192, scale=scale)
    history = np.arange(0, 8192, 3)
    for position, row in enumerate(logits):
        decision = decide(row, history, params, 1, position)
        found, trace = drawn_numbers(row, decision), trace_step(row, decision, 5, lambda _: b"")
        assert found.rank == trace.chosen_rank
        assert found.model_prob == pytest.approx(trace.chosen_model_prob, abs=1e-6)
        assert found.sampling_prob == pytest.approx(trace.chosen_sampling_prob, abs=1e-12)
        np.testing.assert_allclose(found[2:4], (trace.surprise_bits, trace.entropy_bits), **CLOSE)


def test_both_ways_are_one():
    """A token has the same numbers whether it was drawn or read later, the sampling probability excepted."""
    for position, row in enumerate(make_logits(50, 8192)):
        decision = decide(row, (), SamplingParams(temperature=1.3), 2, position)
        [read] = read_numbers(row[None], (decision.token_id,))
        drawn = drawn_numbers(row, decision)
        assert drawn.rank == read.rank
        np.testing.assert_allclose([drawn[0], *drawn[2:4]], [read[0], *read[2:4]], **CLOSE)


def test_the_surprise_of_what_cannot_be_drawn_is_infinite():
    [found] = read_numbers(make_logits(1, 512), (7,))
    trace = trace_given(make_logits(1, 512)[0], 7, (), SamplingParams(), 3, lambda _: b"")
    assert found.surprise_bits == trace.surprise_bits == np.inf
    assert found.model_prob == 0.0


def test_logits_that_are_no_numbers_give_none():
    """Without a warning: the run that draws from them says what is wrong."""
    logits = make_logits(3, 16)
    logits[0, 3], logits[1, 3], logits[2] = np.nan, np.inf, -np.inf
    for found in read_numbers(logits, (1, 1, 1)):
        assert np.isnan(found.surprise_bits)
        assert np.isnan(found.entropy_bits)
