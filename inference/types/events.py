"""What an engine answers: frozen data."""

from dataclasses import dataclass, field

from inference.types.common import FinishReason, RemovedBy, SamplingParams, SpanKind
from inference.types.trace import StepDetails, StepTrace, TokenNumbers


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Answer to a CountTokensRequest."""

    run_id: int
    count: int


@dataclass(frozen=True, slots=True)
class AskedToken:
    """One token of a text that was asked about, given those before it; `numbers.sampling_prob` is always there."""

    token_id: int
    token_bytes: bytes
    numbers: TokenNumbers
    removed_by: RemovedBy


@dataclass(frozen=True, slots=True)
class AskAnswered:
    """Answer to an AskRequest: the chain of conditional probabilities; no tokens for an empty text."""

    run_id: int
    text: str
    tokens: tuple[AskedToken, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DraftExplained:
    """Answer to a DraftRequest: the next token's distribution right after the draft's last token."""

    run_id: int
    trace: "StepTrace"


@dataclass(frozen=True, slots=True)
class TokensDescribed:
    """Answer to a DescribeRequest: the bytes of every id, and whether it is a special token."""

    run_id: int
    ids: tuple[int, ...]
    token_bytes: tuple[bytes, ...]
    is_special: tuple[bool, ...]


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
    """The exact prompt of a run, without the answer's prefix. `dropped` are indices of messages that no longer fit.

    `reused_tokens` of prompt and prefix were still in the cache. `token_bytes` are those of the ids, in order.
    """

    run_id: int
    ids: tuple[int, ...]
    spans: tuple[PromptSpan, ...]
    reused_tokens: int
    dropped: tuple[int, ...] = ()
    token_bytes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptNumbers:
    """Numbers of the prompt's tokens from position `start` on, as they are read; the prompt's first token has none."""

    run_id: int
    start: int
    numbers: tuple[TokenNumbers, ...]


@dataclass(frozen=True, slots=True)
class PrefillProgress:
    """How much of the prompt the model has read; `reused_tokens` of it were still in the cache."""

    run_id: int
    done_tokens: int
    total_tokens: int
    reused_tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class StepExplained:
    """Answer to an ExplainRequest. `what_if` and its details belong to the request's `what_if` parameters."""

    run_id: int
    trace: StepTrace
    details: StepDetails | None = None
    what_if: StepTrace | None = None
    what_if_details: StepDetails | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TokenEvent:
    """One drawn token. `text` is what became final with it: "" while a character or a stop string is incomplete.

    `step` is its place in the answer, counted from 0, the answer's prefix included: the position of its draw.
    A token that ends the answer (end of turn) is reported with `is_end` set and never belongs to the text.
    `is_given`: it was not drawn but came with the request. Its numbers are there where it had to be read anew.
    """

    run_id: int
    step: int
    token_id: int
    token_bytes: bytes
    text: str
    is_end: bool = False
    trace: StepTrace | None = None
    numbers: TokenNumbers | None = None
    is_given: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ColumnToken:
    """One token of one column of a comparison; the event's step counts as in an answer."""

    run_id: int
    column: int
    event: TokenEvent


@dataclass(frozen=True, slots=True)
class ColumnEnded:
    """A column is complete; fields as in RunFinished."""

    run_id: int
    column: int
    reason: FinishReason
    text_tail: str
    answer_ids: tuple[int, ...]


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


Event = PromptTokens | PromptNumbers | PrefillProgress | TokenEvent | ColumnToken | ColumnEnded | RunFinished | RunFailed
