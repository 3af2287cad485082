"""From belief to choice: the distribution after every rule of the sampling contract, one after the other.

Every stage is what `sampling.distribution` makes of the rules so far, so the last one is what was drawn from.
Letters: V vocabulary, K rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from inference.ranking import entropy_bits
from inference.sampling import Distribution, distribution
from inference.trace import rest_of
from inference.types import SamplingParams, Stage, StageRule

_OFF = SamplingParams(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0)
_RULES: tuple[tuple[StageRule, str], ...] = (
    ("penalty", "repetition_penalty"),
    ("temperature", "temperature"),
    ("top-k", "top_k"),
    ("top-p", "top_p"),
    ("min-p", "min_p"),
)


def stages(
    logits: np.ndarray,
    history_ids: Sequence[int] | np.ndarray,
    params: SamplingParams,
    row_ids: Sequence[int] | np.ndarray,
) -> tuple[Stage, ...]:
    """Six stages: the model's own distribution, penalty, temperature, top-k, top-p, min-p.

    `row_ids` are the K rows of the trace; the other arguments and the errors are those of `sampling.decide`. A stage is
    off where the parameters switch its rule off, and so is every filter after temperature 0, which leaves one token.
    """
    ids = np.asarray(row_ids, dtype=np.int64)
    wanted = _in_force(params, len(logits))
    settings = _OFF
    shape = _Shape.of(distribution(logits, history_ids, settings))
    made = [_stage("model", shape, shape, ids)]
    for rule, name in _RULES:
        value = getattr(wanted, name)
        if value == getattr(_OFF, name):
            made.append(replace(made[-1], rule=rule, is_off=True, removed_count=0, removed_mass=0.0, moved_mass=0.0))
            continue
        settings = replace(settings, **{name: value})
        is_penalty = rule == "penalty"  # it makes other logits; what follows starts from those
        changed = distribution(logits, history_ids, settings) if is_penalty else shape.drawn_from.reshaped(settings)
        before, shape = shape, _Shape.of(changed, shape)
        made.append(_stage(rule, before, shape, ids))
    return tuple(made)


class _Shape(NamedTuple):
    """A distribution with the weights of all V tokens, of those that were removed as well."""

    drawn_from: Distribution
    exponents: np.ndarray
    weights: np.ndarray
    is_kept: np.ndarray

    @classmethod
    def of(cls, drawn_from: Distribution, before: "_Shape | None" = None) -> "_Shape":
        """The weights are the distribution's own, or else those `before` the rule that only removed tokens."""
        own = drawn_from.weights if drawn_from.weights.weights is not None else before
        return cls(drawn_from, own.exponents, own.weights, drawn_from.is_kept())

    def probabilities(self) -> np.ndarray:
        """Of all V tokens."""
        return np.where(self.is_kept, self.weights, 0.0) / self.drawn_from.mass

    def entropy_bits(self) -> float:
        """Of the tokens that are left."""
        return entropy_bits(self.exponents[self.is_kept], self.weights[self.is_kept], self.drawn_from.mass)


def _in_force(params: SamplingParams, vocab_size: int) -> SamplingParams:
    """The parameters without the filters that have nothing to remove."""
    if params.temperature == 0.0:
        return replace(params, top_k=0, top_p=1.0, min_p=0.0)
    return replace(params, top_k=0) if params.top_k >= vocab_size else params


def _stage(rule: StageRule, before: _Shape, after: _Shape, ids: np.ndarray) -> Stage:
    removed_by = after.drawn_from.removed_by(ids)
    probs = after.drawn_from.probabilities(ids, removed_by)
    probs.setflags(write=False)
    is_removed = before.is_kept & ~after.is_kept
    removed_mass = float(before.weights[is_removed].sum()) / before.drawn_from.mass
    moved_mass = removed_mass  # what a filter takes is what the others gain
    if rule in ("penalty", "temperature"):
        moved_mass = 0.5 * float(np.abs(after.probabilities() - before.probabilities()).sum())
    return Stage(
        rule=rule,
        is_off=False,
        probs=probs,
        others_mass=rest_of(probs, is_all=removed_by.count("") == after.drawn_from.kept_count),
        kept_count=after.drawn_from.kept_count,
        removed_count=before.drawn_from.kept_count - after.drawn_from.kept_count,
        removed_mass=removed_mass,
        moved_mass=moved_mass,
        entropy_bits=after.entropy_bits(),
    )
