"""One message of a conversation: its text, its tokens, and what an answer was made from."""

import math
import uuid
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from gui.models.utf16 import utf16_length
from inference.types import FinishReason, GenerateRequest, PromptSpan, Role, RunStats, StepTrace, TokenNumbers

Status = Literal["queued", "waiting", "reading", "streaming", "paused", "done", "stopped", "failed"]


@dataclass(slots=True)
class TokenRecord:
    """One token and its text, `start` to `end` in UTF-16 units of the message.

    The text is empty (start == end) where the token's character was still incomplete, and for a token that ends the answer.
    `is_given`: in an answer, it was not drawn but chosen by hand, or is the reader's own text.
    """

    token_id: int
    token_bytes: bytes
    start: int
    end: int
    trace: StepTrace | None = None
    is_end: bool = False
    numbers: TokenNumbers | None = None
    is_given: bool = False


@dataclass(slots=True)
class ChatMessage:
    """One message as it is shown. `note` says why it stopped or what it waits for; `length` counts UTF-16 units.

    `is_forgotten`: it no longer fits the model's context. `parent_id` names the message it follows; "" at the beginning.
    An answer also knows the name (`author`) and weights of the model that made it, the exact ids it was made from and
    where they came from (`spans`) and, once finished, the exact ids that stand for it. The first `shared_tokens` of a
    branch were drawn in the answer `branch_of`.
    The tokens of a user's message are there once a model has read it: the one with these weights, for the answer
    `read_for`; `prompt_ids` are the exact ids before its own first token.
    """

    role: Role
    text: str = ""
    status: Status = "done"
    note: str = ""
    message_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    tokens: list[TokenRecord] = field(default_factory=list)
    length: int = 0
    is_forgotten: bool = False
    request: GenerateRequest | None = None
    stats: RunStats | None = None
    finish_reason: FinishReason | None = None
    author: str = ""
    weights_hash: str = ""
    prompt_ids: tuple[int, ...] = ()
    spans: tuple[PromptSpan, ...] = ()
    parent_id: str = ""
    answer_ids: tuple[int, ...] | None = None
    branch_of: str = ""
    shared_tokens: int = 0
    read_for: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the message is still being made."""
        return self.status in ("queued", "waiting", "reading", "streaming")

    def token_at(self, position: int) -> int | None:
        """Index of the token whose text covers the UTF-16 `position`; None where no token's text is."""
        index = bisect_right(self.tokens, position, key=_token_end)
        if index < len(self.tokens) and self.tokens[index].start <= position:
            return index
        return None

    def append(self, text: str) -> None:
        """Add text at the end."""
        self.text += text
        self.length += utf16_length(text)

    def held_back(self) -> str:
        """The end of what an answer's tokens spell that is not text yet: it may become another character, or a stop text."""
        data = b"".join(token.token_bytes for token in self.tokens if not token.is_end)
        return data.decode("utf-8", "replace")[len(self.text) :]

    def give_to_last_token(self, text: str) -> None:
        """Make text that is about to be appended that of the last token, if that one has no text yet."""
        end = self.length + utf16_length(text)
        for token in reversed(self.tokens):
            if token.end < self.length or token.start < token.end:
                return
            token.end = end
            if not token.is_end:
                return
            token.start = end


def numbers_of(trace: StepTrace, is_drawn: bool) -> TokenNumbers:
    """The numbers of the token that a trace says was chosen."""
    return TokenNumbers(
        trace.chosen_model_prob,
        trace.chosen_sampling_prob if is_drawn else math.nan,
        trace.surprise_bits,
        trace.entropy_bits,
        trace.chosen_rank,
    )


def _token_end(token: TokenRecord) -> int:
    return token.end
