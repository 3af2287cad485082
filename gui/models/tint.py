"""What a tint shows: one of a token's numbers, and its place between expected (0) and unexpected (1)."""

import math
from collections.abc import Callable
from typing import Literal, get_args

from inference.types import TokenNumbers

TintKind = Literal["off", "model", "sampling", "surprise", "entropy", "rank"]
TINT_KINDS: tuple[TintKind, ...] = get_args(TintKind)

# Where a scale ends: numbers beyond have the level 1 as well.
MAX_SURPRISE_BITS = 12.0
MAX_ENTROPY_BITS = 8.0
MAX_RANK = 1_000

_LEVELS: dict[str, Callable[[TokenNumbers], float]] = {
    "model": lambda numbers: 1.0 - numbers.model_prob,
    "sampling": lambda numbers: 1.0 - numbers.sampling_prob,
    "surprise": lambda numbers: numbers.surprise_bits / MAX_SURPRISE_BITS,
    "entropy": lambda numbers: numbers.entropy_bits / MAX_ENTROPY_BITS,
    "rank": lambda numbers: math.log(numbers.rank) / math.log(MAX_RANK) if numbers.rank > 0 else math.nan,
}


def level_of(kind: TintKind, numbers: TokenNumbers | None) -> float | None:
    """How strongly a token is tinted, 0 to 1; None where it has no such number.

    Probabilities are linear, 1 at 0 and 0 at 1; surprise and entropy are linear in bits; the rank is logarithmic.
    """
    if numbers is None or kind == "off":
        return None
    level = _LEVELS[kind](numbers)
    return None if math.isnan(level) else min(1.0, max(0.0, level))
