"""The slow, obvious twin of `inference.sampling` and `inference.trace`: sort everything, sum everything, one token at a time."""

import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from inference.types import SamplingParams


@dataclass
class Twin:
    """All V tokens by one definition each; `is_borderline` where a rounding error could move a border."""

    scores: np.ndarray
    order: list[int]
    weights: list[float]
    removed_by: list[str]
    kept: list[int]
    probs: list[float]
    is_borderline: bool

    def interval(self, token_id: int) -> tuple[float, float]:
        """The share of [0, 1) that a token owns, by summing all before it."""
        place = self.kept.index(token_id)
        low = math.fsum(self.probs[i] for i in self.kept[:place])
        return low, low + self.probs[token_id]


def falling(values: np.ndarray) -> list[int]:
    """All ids by falling value, equal values by lower id."""
    return sorted(range(len(values)), key=lambda i: (-float(values[i]), i))


def softmax(logits: np.ndarray) -> list[float]:
    """Of the raw logits in double precision, without a vectorised operation."""
    peak = max(float(z) for z in logits)
    weights = [math.exp(float(z) - peak) for z in logits]
    total = math.fsum(weights)
    return [w / total for w in weights]


def twin(logits: np.ndarray, history: list[int], params: SamplingParams) -> Twin:
    scores = logits.copy()
    for i in set(history):
        scores[i] = scores[i] * params.repetition_penalty if scores[i] < 0 else scores[i] / params.repetition_penalty
    order = falling(scores)
    removed_by = [""] * len(logits)
    kept = order
    is_borderline = False

    def keep(count: int, rule: str) -> None:
        nonlocal kept
        for i in kept[count:]:
            removed_by[i] = rule
        kept = kept[:count]

    if params.temperature == 0:
        weights = [1.0] * len(logits)
        keep(1, "temperature")
    else:
        peak = float(scores[order[0]])
        weights = [math.exp((float(z) - peak) / params.temperature) for z in scores]
        if params.top_k:
            keep(params.top_k, "top-k")
        if params.top_p < 1:
            total = math.fsum(weights[i] for i in kept)
            sums = [s / total for s in accumulate(weights[i] for i in kept)]
            is_borderline |= any(0 < abs(s - params.top_p) < 1e-9 for s in sums)
            reached = (n + 1 for n, s in enumerate(sums) if s >= params.top_p)
            keep(next(reached, len(kept)), "top-p")  # rounded, the sums may end just below a p that is next to 1
        if params.min_p:
            is_borderline |= any(0 < abs(weights[i] - params.min_p) < 1e-9 for i in kept)
            keep(sum(weights[i] >= params.min_p for i in kept), "min-p")
    mass = math.fsum(weights[i] for i in kept)
    probs = [0.0 if rule else w / mass for rule, w in zip(removed_by, weights, strict=True)]
    return Twin(scores, order, weights, removed_by, kept, probs, is_borderline)
