"""What requests and events have in common: names, sampling parameters, messages, the cancel flag."""

import math
from dataclasses import dataclass
from typing import Literal

from inference.errors import RequestError

Role = Literal["system", "user", "assistant"]
RemovedBy = Literal["", "top-k", "top-p", "min-p", "temperature"]  # "temperature": T = 0 keeps the largest logit only
FinishReason = Literal["end", "stop", "length", "context", "cancelled"]
SpanKind = Literal["special", "template", "content"]
StageRule = Literal["model", "penalty", "temperature", "top-k", "top-p", "min-p"]


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How a distribution is made from logits and a token drawn from it, in the order of `inference.sampling`.

    temperature 0 takes the most likely token and draws nothing; top_k 0, top_p 1, min_p 0 and
    repetition_penalty 1 switch the rule off. Raises RequestError for values out of range.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        limits = {
            "temperature": (0.0, 100.0),
            "top_k": (0, 1 << 24),
            "top_p": (0.0, 1.0),
            "min_p": (0.0, 1.0),
            "repetition_penalty": (0.01, 100.0),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            check_number(name, value, low, high)
        if not isinstance(self.top_k, int):
            raise RequestError(f"top_k is {self.top_k!r}; it must be a whole number.")


def check_number(name: str, value: object, low: float, high: float = math.inf) -> None:
    """Raise RequestError unless the value is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # false for NaN too
        wanted = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise RequestError(f"{name} is {value!r}; it must be a number, {wanted}.")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `token_ids` are the exact ids a model produced for it, kept as they are.

    An answer's ids exclude the template's closing tokens; None means: tokenize `content`.
    """

    role: Role
    content: str
    token_ids: tuple[int, ...] | None = None
    message_id: str = ""


class CancelFlag:
    """The one mutable thing that crosses threads: set by one, read by the other between tokens and prefill chunks."""

    __slots__ = ("is_set",)

    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        """Ask the run to stop within one token."""
        self.is_set = True
