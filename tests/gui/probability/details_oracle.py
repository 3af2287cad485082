"""Steps with all their stages, by plain numpy: what the pages of the panel are shown in tests."""

import math
from dataclasses import replace

import numpy as np

from inference.types import Flip, SamplingParams, Stage, StepDetails, StepTrace
from tests.gui.probability.conftest import make_trace, token


def make_step(logits, params: SamplingParams, *, history=(), u=0.4137, chosen=None, is_scored=False, k=12, flips=(None, None)):
    """A trace and its details. The trace's rows are ranked by the raw logits, whatever the penalty makes of them."""
    raw = np.asarray(logits, dtype=np.float64)
    penalised = raw.copy()
    for index in set(history):
        penalised[index] *= params.repetition_penalty if raw[index] < 0 else 1 / params.repetition_penalty
    trace = _trace(raw, penalised, params, k, u, chosen, is_scored)
    return trace, StepDetails(make_stages(raw, penalised, params, trace.ids), *flips)


def make_stages(raw, penalised, params, ids) -> tuple[Stage, ...]:
    stages, before, kept = [], softmax(raw), np.ones(len(raw), bool)
    stages.append(_stage("model", False, before, before, kept, kept, ids))
    for rule in ("penalty", "temperature", "top-k", "top-p", "min-p"):
        after, keeps = apply_rule(rule, before, penalised, kept, params)
        is_off = bool(np.array_equal(keeps, kept) and np.allclose(after, before, atol=1e-15))
        stages.append(_stage(rule, is_off, before, after, kept, keeps, ids))
        before, kept = after, keeps
    return tuple(stages)


def apply_rule(rule, before, penalised, kept, params):
    order = np.lexsort((np.arange(len(before)), -penalised))
    keeps = kept.copy()
    if rule == "penalty":
        return softmax(penalised), keeps
    if rule == "temperature":
        if params.temperature == 0:
            keeps[order[1:]] = False
            return keeps.astype(float), keeps
        return softmax(penalised / params.temperature), keeps
    if params.temperature == 0:
        return before, keeps
    if rule == "top-k" and params.top_k:
        keeps[order[params.top_k :]] = False
    elif rule == "top-p" and params.top_p < 1:
        keeps[order[int(np.searchsorted(np.cumsum(before[order]), params.top_p)) + 1 :]] = False
    elif rule == "min-p" and params.min_p:
        keeps &= before >= params.min_p * before.max()
    after = np.where(keeps, before, 0.0)
    return after / after.sum(), keeps


def softmax(z):
    weights = np.exp(z - z.max())
    return weights / weights.sum()


def _stage(rule, is_off, before, after, kept, keeps, ids) -> Stage:
    removed = kept & ~keeps
    positive = after[after > 0]
    return Stage(
        rule=rule,
        is_off=is_off,
        probs=after[ids],
        others_mass=max(float(1 - after[ids].sum()), 0.0),
        kept_count=int(keeps.sum()),
        removed_count=int(removed.sum()),
        removed_mass=float(before[removed].sum()),
        moved_mass=float(np.abs(after - before).sum() / 2),
        entropy_bits=float(-(positive * np.log2(positive)).sum()),
    )


def _trace(raw, penalised, params, k, u, chosen, is_scored) -> StepTrace:
    """`make_trace` knows no penalty: the draw is that of the penalised logits, the beliefs those of the raw ones."""
    drawn = make_trace(penalised, k=k, u=u, params=params, chosen=chosen, is_scored=is_scored)
    if np.array_equal(raw, penalised):
        return drawn
    model = softmax(raw)
    order = np.lexsort((np.arange(len(raw)), -raw))
    ids = order[:k].copy()
    if drawn.chosen_id not in ids:
        ids[-1] = drawn.chosen_id
    rank = np.empty(len(raw), dtype=np.int64)
    rank[order] = np.arange(1, len(raw) + 1)
    removed, before, kept = np.full(len(raw), "", dtype=object), model, np.ones(len(raw), bool)
    for rule in ("penalty", "temperature", "top-k", "top-p", "min-p"):
        before, keeps = apply_rule(rule, before, penalised, kept, params)
        removed[kept & ~keeps] = rule
        kept = keeps
    return replace(
        drawn,
        ids=ids,
        token_bytes=tuple(token(i) for i in ids.tolist()),
        model_probs=model[ids],
        sampling_probs=before[ids],
        ranks=rank[ids],
        removed_by=tuple(removed[ids]),
        chosen_model_prob=float(model[drawn.chosen_id]),
        chosen_rank=int(rank[drawn.chosen_id]),
        surprise_bits=float(-np.log2(model[drawn.chosen_id])),
        entropy_bits=float(-(model * np.log2(model)).sum()),
        others_model_mass=float(1 - model[ids].sum()),
        others_sampling_mass=max(float(1 - before[ids].sum()), 0.0),
    )


def no_choice(trace: StepTrace) -> StepTrace:
    """The same step before anything was chosen."""
    nan = math.nan
    return replace(
        trace,
        chosen_id=-1,
        chosen_rank=0,
        chosen_model_prob=nan,
        chosen_sampling_prob=nan,
        surprise_bits=nan,
        draw_u=nan,
        draw_low=0.0,
        draw_high=1.0,
    )


def flip(temperature: float, index: int) -> Flip:
    return Flip(temperature, index, token(index))
