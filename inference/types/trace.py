"""The numbers of one step (DESIGN section 4).

Letters: V vocabulary, K rows of a trace, N tokens kept by the filters. Arrays are read-only.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from inference.types.common import RemovedBy, SamplingParams, StageRule

if TYPE_CHECKING:  # only the names of the arrays: a window that shows none yet need not wait for numpy
    import numpy as np


class TokenNumbers(NamedTuple):
    """What is worth knowing of every token of a text. `sampling_prob` is NaN for a token that was read, not drawn."""

    model_prob: float
    sampling_prob: float
    surprise_bits: float
    entropy_bits: float
    rank: int  # by model probability, 1 = most likely


@dataclass(frozen=True, slots=True, eq=False)
class StepTrace:
    """What the model believed at one position and how the choice was made (DESIGN section 4).

    The K rows are the likeliest tokens by model probability, falling, ties by lower id; the chosen token takes the
    last row when it is not among them. Probabilities are fractions of 1 over the whole vocabulary. `removed_by[i]`
    is "" for a token that no rule removed, and `kept_count` counts those (at temperature 0 it is 1). The strip lists
    the first tokens in drawing order (falling sampling probability), those of probability 0 left out, with the
    cumulative probability at which each one's interval ends; a chosen token beyond them is in none of its segments:
    its interval is [draw_low, draw_high), which holds draw_u.
    `draw_u` is NaN, and the interval is (0, 1), where nothing was drawn (temperature 0, or text being scored).
    Where nothing was chosen `chosen_id` is -1, `chosen_rank` 0, and the other chosen_ numbers and the surprise are NaN.
    The surprise of a token of logit minus infinity is infinite.
    """

    ids: "np.ndarray"  # (K,) int64
    token_bytes: tuple[bytes, ...]
    model_probs: "np.ndarray"  # (K,) float64
    sampling_probs: "np.ndarray"  # (K,) float64
    ranks: "np.ndarray"  # (K,) int64, by model probability, 1 = most likely
    removed_by: tuple[RemovedBy, ...]
    chosen_id: int
    chosen_model_prob: float
    chosen_sampling_prob: float
    chosen_rank: int
    surprise_bits: float
    entropy_bits: float
    others_count: int
    others_model_mass: float
    others_sampling_mass: float
    kept_count: int
    vocab_size: int
    draw_u: float
    draw_low: float
    draw_high: float
    strip_ids: tuple[int, ...]
    strip_bytes: tuple[bytes, ...]
    strip_ends: "np.ndarray"  # (<= K,) float64, cumulative sampling probability
    params: SamplingParams


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """The distribution after one rule of the sampling contract, renormalised over the tokens that are left.

    `probs` are those of the trace's rows, in their order, and `others_mass` is the rest. `removed_mass` is what the
    removed tokens had before the rule; `moved_mass` is half the sum of all changes of probability (total variation), which for a
    rule that removes nothing says how much it did. The first stage is the model's own distribution. `is_off`: the parameters
    switch the rule off; one that is on may still find nothing to remove.
    """

    rule: StageRule
    is_off: bool
    probs: "np.ndarray"  # (K,) float64
    others_mass: float
    kept_count: int
    removed_count: int
    removed_mass: float
    moved_mass: float
    entropy_bits: float


@dataclass(frozen=True, slots=True)
class Flip:
    """The temperature nearest to the one used at which the same draw takes another token, and that token."""

    temperature: float
    token_id: int
    token_bytes: bytes


@dataclass(frozen=True, slots=True, eq=False)
class StepDetails:
    """How belief became choice: the stages in order, and where the choice flips, below and above the temperature used.

    A flip is None where no temperature from 0 to 100 on that side changes the choice, or nothing was drawn.
    """

    stages: tuple[Stage, ...]
    flip_below: Flip | None
    flip_above: Flip | None
