"""What is asked of an engine: frozen data."""

from dataclasses import dataclass, field

from inference.types.common import CancelFlag, Message, SamplingParams, check_number


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Everything needed to run, and to repeat, one answer.

    It needs one of `messages` (rendered with the chat template or, without one, the `scene`), `prompt_ids` (taken as they
    are) and `text` (to be continued as it stands, without any template: its tokens begin the answer or, with `prompt_ids` or
    `answer_prefix_ids`, follow those). With `prompt_ids` a `scene` only says which texts end the answer; "" then means none.

    `answer_prefix_ids` are tokens the answer already begins with (a branch). Each of them is reported as a given
    TokenEvent, except the first `known_tokens`, which the caller already shows. `forced` are (step, token id): at these
    steps of the answer the token is taken instead of a draw (a choice made by hand, when an answer is run again).
    The draw at answer position t is a function of (seed, t) only; given tokens count as positions.

    `trace_rows` 0 switches the traces off, and `trace_interval_s` is the least time between two of them.
    `with_numbers` asks for the TokenNumbers of every token, and of every prompt token that is read. `max_new_tokens` 0
    means: until the model ends its answer or the context is full; with `draws` False nothing is drawn: prompt and
    prefix are read, and the run ends with the reason "length". Raises RequestError for negative numbers.
    """

    run_id: int
    messages: tuple[Message, ...] = ()
    prompt_ids: tuple[int, ...] = ()
    text: str = ""
    answer_prefix_ids: tuple[int, ...] = ()
    known_tokens: int = 0
    forced: tuple[tuple[int, int], ...] = ()
    params: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    max_new_tokens: int = 512
    stop: tuple[str, ...] = ()
    trace_rows: int = 12
    trace_interval_s: float = 0.0
    with_numbers: bool = False
    draws: bool = True
    scene: str = ""
    cancel: CancelFlag = field(default_factory=CancelFlag, compare=False)

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "trace_rows", "trace_interval_s"):
            check_number(name, getattr(self, name), 0)
        check_number("known_tokens", self.known_tokens, 0, len(self.answer_prefix_ids))


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """One beginning continued at several temperatures at once: a column for each, all with the same seed.

    `prompt_ids`, `answer_prefix_ids`, `stop` and `scene` as in a GenerateRequest; `params` is for everything but the
    temperature. Draws are those of an answer with these params: column and branch are the same text.
    """

    run_id: int
    prompt_ids: tuple[int, ...]
    temperatures: tuple[float, ...]
    answer_prefix_ids: tuple[int, ...] = ()
    params: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    max_new_tokens: int = 100
    stop: tuple[str, ...] = ()
    scene: str = ""
    cancel: CancelFlag = field(default_factory=CancelFlag, compare=False)

    def __post_init__(self) -> None:
        check_number("max_new_tokens", self.max_new_tokens, 1)
        for temperature in self.temperatures:
            SamplingParams(temperature=temperature)


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Probabilities of tokens that are already there: one StepTrace for every id after the first."""

    run_id: int
    ids: tuple[int, ...]
    params: SamplingParams = field(default_factory=SamplingParams)
    trace_rows: int = 12
    cancel: CancelFlag = field(default_factory=CancelFlag, compare=False)

    def __post_init__(self) -> None:
        check_number("trace_rows", self.trace_rows, 1)


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """The full trace of one position: after `context_ids`, how `token_id` (None: nothing yet) would be drawn.

    `answer_start` is where the answer begins in `context_ids`: it fixes the draw's position and, with the
    whole of `context_ids` before it, what the repetition penalty looks at. `is_drawn` False: the token was given (the user's
    words, a choice by hand), so there is no draw to show. `with_details` asks for the StepDetails; `what_if` for a second trace:
    what these parameters would have made of the same logits and the same draw.
    """

    run_id: int
    context_ids: tuple[int, ...]
    token_id: int | None = None
    params: SamplingParams = field(default_factory=SamplingParams)
    seed: int = 0
    answer_start: int = 0
    trace_rows: int = 12
    is_drawn: bool = True
    with_details: bool = False
    what_if: SamplingParams | None = None

    def __post_init__(self) -> None:
        check_number("trace_rows", self.trace_rows, 1)
        check_number("answer_start", self.answer_start, 0, len(self.context_ids))


@dataclass(frozen=True, slots=True)
class CountTokensRequest:
    """How many tokens is `text`, alone? Answered between two tokens of a running answer."""

    run_id: int
    text: str


@dataclass(frozen=True, slots=True)
class AskRequest:
    """Which tokens is `text`, and how likely is each of them, one after the other, after `context_ids`?"""

    run_id: int
    context_ids: tuple[int, ...]
    text: str
    params: SamplingParams = field(default_factory=SamplingParams)


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """What would follow a draft that is still being written: after `messages`, the last of which is the draft.

    With `text` instead of messages the draft is a text that is simply continued, after `prefix_ids` if there are some.
    Answered between two tokens, from the cache and without changing it; only the newest draft is answered.
    """

    run_id: int
    messages: tuple[Message, ...] = ()
    text: str = ""
    prefix_ids: tuple[int, ...] = ()
    params: SamplingParams = field(default_factory=SamplingParams)
    trace_rows: int = 12
    scene: str = ""


@dataclass(frozen=True, slots=True)
class DescribeRequest:
    """What are these ids?"""

    run_id: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Load the model of a directory; fields as in `inference.load`."""

    run_id: int
    path: str
    device: str = "auto"
    dtype: str = "auto"
    threads: int = 0
