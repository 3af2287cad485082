"""What crosses the border between the inference core and its callers: frozen data, no tensors, no Qt, no torch.

Letters: V vocabulary, K rows of a trace, N tokens kept by the filters. Arrays are read-only.
"""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from inference.errors import RequestError

if TYPE_CHECKING:  # only the names of the arrays: a window that shows none yet need not wait for numpy
    import numpy as np

Role = Literal["system", "user", "assistant"]
RemovedBy = Literal["", "top-k", "top-p", "min-p", "temperature"]  # "temperature": T = 0 keeps the largest logit only
FinishReason = Literal["end", "stop", "length", "context", "cancelled"]
SpanKind = Literal["special", "template", "content"]


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
            _check_number(name, value, low, high)
        if not isinstance(self.top_k, int):
            raise RequestError(f"top_k is {self.top_k!r}; it must be a whole number.")


def _check_number(name: str, value: object, low: float, high: float = math.inf) -> None:
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


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Everything needed to run, and to repeat, one answer.

    Exactly one of `messages` (rendered with the chat template or, without one, the `scene`) and `prompt_ids` (taken
    as they are) is given. `answer_prefix_ids` are tokens the answer already begins with (a branch). The draw at answer
    position t is a function of (seed, t) only; prefix tokens count as positions. `trace_rows` 0 switches the
    traces off, and `trace_interval_s` is the least time between two of them. `max_new_tokens` 0 means: until the model
    ends its answer or the context is full. Raises RequestError for negative numbers.
    """

    run_id: int
    messages: tuple[Message, ...] = ()
    prompt_ids: tuple[int, ...] = ()
    answer_prefix_ids: tuple[int, ...] = ()
    params: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    max_new_tokens: int = 512
    stop: tuple[str, ...] = ()
    trace_rows: int = 12
    trace_interval_s: float = 0.0
    scene: str = ""
    cancel: CancelFlag = field(default_factory=CancelFlag, compare=False)

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "trace_rows", "trace_interval_s"):
            _check_number(name, getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Probabilities of tokens that are already there: one StepTrace for every id after the first."""

    run_id: int
    ids: tuple[int, ...]
    params: SamplingParams = field(default_factory=SamplingParams)
    trace_rows: int = 12
    cancel: CancelFlag = field(default_factory=CancelFlag, compare=False)

    def __post_init__(self) -> None:
        _check_number("trace_rows", self.trace_rows, 1)


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """The full trace of one position: after `context_ids`, how `token_id` (None: nothing yet) would be drawn.

    `answer_start` is where the answer begins in `context_ids`: it fixes the draw's position and, with the
    whole of `context_ids` before it, what the repetition penalty looks at.
    """

    run_id: int
    context_ids: tuple[int, ...]
    token_id: int | None = None
    params: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    answer_start: int = 0
    trace_rows: int = 12

    def __post_init__(self) -> None:
        _check_number("trace_rows", self.trace_rows, 1)
        _check_number("answer_start", self.answer_start, 0, len(self.context_ids))


@dataclass(frozen=True, slots=True)
class CountTokensRequest:
    """How many tokens is `text`, alone? Answered between two tokens of a running answer."""

    run_id: int
    text: str


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Answer to a CountTokensRequest."""

    run_id: int
    count: int


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Load the model of a directory; fields as in `inference.load`."""

    run_id: int
    path: str
    device: str = "auto"
    dtype: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far loading has come: what is being done, and 0 to 1."""

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a loaded model is. `weights_hash` names its weights (hex); `default_params` is what its makers recommend.

    `default_scene` is the text that makes a chat of a model without chat template; "" where there is a template.
    """

    name: str
    path: str
    family: str
    parameter_count: int
    vocab_size: int
    context_tokens: int
    n_layers: int
    n_heads: int
    width: int
    device: str
    dtype: str
    weights_bytes: int
    weights_hash: str
    has_chat_template: bool
    load_s: float
    default_params: SamplingParams = field(default_factory=SamplingParams)
    default_scene: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ModelReady:
    """Loading succeeded."""

    run_id: int
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class PromptSpan:
    """ids[start:end] of a prompt come from one source; `message_index` is into the request's messages, -1 for none."""

    start: int
    end: int
    kind: SpanKind
    message_index: int = -1


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """The exact prompt of a run. `dropped` are indices of messages that no longer fit the model's view."""

    run_id: int
    ids: tuple[int, ...]
    spans: tuple[PromptSpan, ...]
    reused_tokens: int
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    """How much of the prompt the model has read; `reused_tokens` of it were still in the cache."""

    run_id: int
    done_tokens: int
    total_tokens: int
    reused_tokens: int


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
class StepExplained:
    """Answer to an ExplainRequest."""

    run_id: int
    trace: StepTrace


@dataclass(frozen=True, slots=True, eq=False)
class TokenEvent:
    """One drawn token. `text` is what became final with it: "" while a character or a stop string is incomplete.

    `step` is its place in the answer, counted from 0, the answer's prefix included: the position of its draw.
    A token that ends the answer (end of turn) is reported with `is_end` set and never belongs to the text.
    """

    run_id: int
    step: int
    token_id: int
    token_bytes: bytes
    text: str
    is_end: bool = False
    trace: StepTrace | None = None


@dataclass(frozen=True, slots=True)
class RunStats:
    """How a run went; rates are over new tokens only."""

    prompt_tokens: int
    reused_tokens: int
    new_tokens: int
    prefill_s: float
    decode_s: float

    @property
    def tokens_per_s(self) -> float:
        """New tokens per second of decoding; 0 before the first."""
        return self.new_tokens / self.decode_s if self.decode_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run ended well; `text_tail` is text that only became final with the end.

    `answer_ids` are the exact ids that stand for the whole answer (prefix included, end token and stop string not):
    what a later request gives back as the message's `token_ids`.
    """

    run_id: int
    reason: FinishReason
    stats: RunStats
    text_tail: str = ""
    answer_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run ended badly; `message` is fit to show, `kind` is that of `inference.errors`."""

    run_id: int
    kind: str
    message: str


Event = PromptTokens | PrefillProgress | TokenEvent | RunFinished | RunFailed
