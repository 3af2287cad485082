"""The conversation on screen: its messages, where each token's text lies in them, and what is sent to the model."""

import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from PySide6.QtCore import QObject, Signal

from gui.models.utf16 import utf16_length
from inference.types import (
    FinishReason,
    GenerateRequest,
    Message,
    PromptSpan,
    Role,
    RunStats,
    StepTrace,
    TokenEvent,
    TokenNumbers,
)

Status = Literal["queued", "waiting", "reading", "streaming", "paused", "done", "stopped", "failed"]

# A trace takes about 2 KB with 12 rows; older ones can be asked of the engine again.
MAX_TRACES = 20_000


@dataclass(slots=True)
class TokenRecord:
    """One generated token and its text, `start` to `end` in UTF-16 units of the message.

    The text is empty (start == end) where the token's character was still incomplete, and for a token that ends the answer.
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

    `is_forgotten`: it no longer fits the model's context. An answer also knows the name (`author`) and weights of the
    model that made it, the exact ids it was made from and, once finished, the exact ids that stand for it.
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


def _token_end(token: TokenRecord) -> int:
    return token.end


class Conversation(QObject):
    """The messages in order, oldest first; every change is announced by a signal.

    The traces of the last MAX_TRACES tokens are kept; older tokens keep everything else.
    """

    message_added = Signal(int)
    text_appended = Signal(int, str)
    message_changed = Signal(int)
    cleared = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages: list[ChatMessage] = []
        self._traced: deque[TokenRecord] = deque()

    @property
    def messages(self) -> Sequence[ChatMessage]:
        """All messages, to read; change them through the methods."""
        return self._messages

    def add_message(self, role: Role, text: str = "", status: Status = "done") -> int:
        """Add a message at the end and return its index."""
        self._messages.append(ChatMessage(role, text, status, length=utf16_length(text)))
        index = len(self._messages) - 1
        self.message_added.emit(index)
        return index

    def restore(self, messages: Sequence[ChatMessage]) -> None:
        """Put the messages of an earlier session back into an empty conversation; their traces are not looked at."""
        forgotten = [index for index, message in enumerate(messages) if message.is_forgotten]
        for index, message in enumerate(messages):
            message.is_forgotten = False
            self._messages.append(message)
            self.message_added.emit(index)
        self.set_forgotten(forgotten)

    def append_tokens(self, index: int, events: Sequence[TokenEvent]) -> None:
        """Add tokens, and the text that became final with them, to an answer."""
        message = self._messages[index]
        pieces = []
        position = message.length
        for event in events:
            text = "" if event.is_end else event.text
            start, position = position, position + utf16_length(text)
            record = TokenRecord(event.token_id, event.token_bytes, start, position, event.trace, event.is_end)
            message.tokens.append(record)
            pieces.append(text)
            if event.trace is not None:
                self._keep_trace(record)
        self._append(index, "".join(pieces))

    def append_text(self, index: int, text: str) -> None:
        """Add text that came without a token of its own.

        In an answer it is what a decoder still held back: it belongs to the last token, if that has no text yet.
        """
        self._give_to_last_token(self._messages[index], utf16_length(text))
        self._append(index, text)

    def set_status(self, index: int, status: Status, note: str = "") -> None:
        """Change what a message is doing, and the line shown under it."""
        message = self._messages[index]
        if (message.status, message.note) != (status, note):
            message.status, message.note = status, note
            self.message_changed.emit(index)

    def set_forgotten(self, indices: Iterable[int]) -> None:
        """Say which messages, and no others, the model no longer sees."""
        forgotten = set(indices)
        for index, message in enumerate(self._messages):
            if message.is_forgotten != (index in forgotten):
                message.is_forgotten = index in forgotten
                self.message_changed.emit(index)

    def clear(self) -> None:
        """Start a new, empty conversation."""
        self._messages.clear()
        self._traced.clear()
        self.cleared.emit()

    def as_request_messages(self, weights_hash: str | None = None) -> tuple[Message, ...]:
        """What the model is given: every message but failed and empty answers.

        Answers keep their exact ids; with `weights_hash` only those that these weights made.
        """
        return tuple(_request_message(message, weights_hash) for message in self._messages if _is_for_model(message))

    def token_at(self, message: int, position: int) -> int | None:
        """Index of the token of a message that covers the UTF-16 `position`."""
        return self._messages[message].token_at(position)

    def step_from(self, message: int, token: int, delta: int) -> tuple[int, int] | None:
        """The generated token `delta` tokens away, across messages; None beyond the first or the last."""
        token += delta
        while token < 0 and message > 0:
            message -= 1
            token += len(self._messages[message].tokens)
        while token >= len(self._messages[message].tokens) and message + 1 < len(self._messages):
            token -= len(self._messages[message].tokens)
            message += 1
        return (message, token) if 0 <= token < len(self._messages[message].tokens) else None

    def last_token(self) -> tuple[int, int] | None:
        """(message, token) of the newest generated token."""
        for index in range(len(self._messages) - 1, -1, -1):
            if self._messages[index].tokens:
                return index, len(self._messages[index].tokens) - 1
        return None

    def last_traced(self) -> tuple[int, int] | None:
        """(message, token) of the newest generated token that has a trace, within the newest answer with tokens."""
        newest = self.last_token()
        if newest is None:
            return None
        message, token = newest
        tokens = self._messages[message].tokens
        while token >= 0 and tokens[token].trace is None:
            token -= 1
        return (message, token) if token >= 0 else None

    def _give_to_last_token(self, message: ChatMessage, length: int) -> None:
        end = message.length + length
        for token in reversed(message.tokens):
            if token.end < message.length or token.start < token.end:
                return
            token.end = end
            if not token.is_end:
                return
            token.start = end

    def _append(self, index: int, text: str) -> None:
        if text:
            self._messages[index].append(text)
            self.text_appended.emit(index, text)

    def keep_trace(self, message: int, token: int, trace: StepTrace) -> None:
        """Add a trace that was computed later."""
        record = self._messages[message].tokens[token]
        record.trace = trace
        self._keep_trace(record)

    def _keep_trace(self, record: TokenRecord) -> None:
        self._traced.append(record)
        if len(self._traced) > MAX_TRACES:
            self._traced.popleft().trace = None


def _is_for_model(message: ChatMessage) -> bool:
    return bool(message.text) and (message.role != "assistant" or message.status != "failed")


def _request_message(message: ChatMessage, weights_hash: str | None) -> Message:
    ids = None
    if message.role == "assistant" and weights_hash in (None, message.weights_hash):
        ids = message.answer_ids
        if ids is None:
            ids = tuple(token.token_id for token in message.tokens if not token.is_end)
    return Message(message.role, message.text, ids or None, message.message_id)
