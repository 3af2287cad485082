"""The conversation: a tree of messages with a path on screen, where each token's text lies, and what the model is sent."""

from collections import deque
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal

from gui.models.message import ChatMessage, Status, TokenRecord, numbers_of
from gui.models.prompt_tokens import give_numbers, give_tokens, message_ranges
from gui.models.tree import MessageTree
from gui.models.utf16 import utf16_length
from inference.types import Message, PromptTokens, Role, StepTrace, TokenEvent, TokenNumbers

# A trace takes about 2 KB with 12 rows; older ones can be asked of the engine again.
MAX_TRACES = 20_000


class Conversation(QObject):
    """The messages on screen, oldest first: a path through the tree of all; every change is announced by a signal.

    Indices are places on the path. The traces of the last MAX_TRACES tokens are kept; older tokens keep everything else.
    """

    message_added = Signal(int)
    text_appended = Signal(int, str)
    message_changed = Signal(int)
    path_changed = Signal(int)  # from this index on the messages are others, fewer or more of them
    numbers_changed = Signal(int)  # tokens of a message, or numbers of its tokens, came after its text
    cleared = Signal()
    restored = Signal()  # after a message_added for each message

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tree = MessageTree()
        self._traced: deque[TokenRecord] = deque()

    # -- the path and the tree -----------------------------------------------------------------------------------------

    @property
    def messages(self) -> Sequence[ChatMessage]:
        """The messages on screen, to read; change them through the methods."""
        return self._tree.path

    def find(self, message_id: str) -> ChatMessage | None:
        """The message with this id, on screen or not."""
        return self._tree.find(message_id)

    def index_of(self, message_id: str) -> int | None:
        """Where the message is on screen."""
        return next((index for index, message in enumerate(self.messages) if message.message_id == message_id), None)

    def add_message(self, role: Role, text: str = "", status: Status = "done") -> int:
        """Add a message at the end and return its index."""
        self._tree.append(ChatMessage(role, text, status, length=utf16_length(text)))
        index = len(self.messages) - 1
        self.message_added.emit(index)
        return index

    def add_sibling(self, index: int, status: Status = "queued") -> int:
        """Put a new, empty message of the same role in the place of one; that one, and what followed it, stay in the tree."""
        self._tree.add_beside(index, ChatMessage(self.messages[index].role, status=status))
        self.path_changed.emit(index)
        return index

    def siblings(self, index: int) -> tuple[int, int]:
        """Which one of its siblings a message is, counted from 1, and how many there are."""
        siblings = self._tree.siblings(index)
        return siblings.index(self.messages[index]) + 1, len(siblings)

    def switch(self, index: int, delta: int) -> None:
        """Show the sibling `delta` places further, if there is one, and what was last seen below it."""
        siblings = self._tree.siblings(index)
        place = siblings.index(self.messages[index]) + delta
        if 0 <= place < len(siblings):
            self._show(siblings[place])

    def show_message(self, message_id: str) -> int | None:
        """Bring a message on screen, whichever branch it is in, and return its index; None where it is not in the tree."""
        message = self._tree.find(message_id)
        if message is None:
            return None
        index = self.index_of(message_id)
        if index is None:
            self._show(message)
            index = self.index_of(message_id)
        return index

    def _show(self, message: ChatMessage) -> None:
        """What the model no longer sees is not known of another path: the next prompt will say it."""
        index = self._tree.show(message)
        unmarked = [place for place, each in enumerate(self.messages) if each.is_forgotten]
        for place in unmarked:
            self.messages[place].is_forgotten = False
        self.path_changed.emit(index)
        for place in unmarked:
            self.message_changed.emit(place)

    def restore(self, messages: Sequence[ChatMessage], shown_id: str = "") -> None:
        """Put the messages of an earlier session back into an empty conversation; their traces are not looked at.

        They come in the order in which they were added; the path leads through the message `shown_id`.
        """
        self._tree.fill(messages, shown_id)
        path = tuple(self._tree.path)
        forgotten = [index for index, message in enumerate(path) if message.is_forgotten]
        for message in messages:
            message.is_forgotten = False
        self._tree.path.clear()  # each is announced when it is the last, as one that was just added
        for index, message in enumerate(path):
            self._tree.path.append(message)
            self.message_added.emit(index)
        self.set_forgotten(forgotten)
        self.restored.emit()

    def clear(self) -> None:
        """Start a new, empty conversation."""
        self._tree.clear()
        self._traced.clear()
        self.cleared.emit()

    # -- what is said --------------------------------------------------------------------------------------------------

    def append_tokens(self, index: int, events: Sequence[TokenEvent]) -> None:
        """Add tokens, and the text that became final with them, to an answer."""
        message = self.messages[index]
        message.answer_ids = None  # those of a paused answer stand for its beginning only
        pieces = []
        position = message.length
        for event in events:
            text = "" if event.is_end else event.text
            start, position = position, position + utf16_length(text)
            record = TokenRecord(
                event.token_id, event.token_bytes, start, position, event.trace, event.is_end, event.numbers, event.is_given
            )
            message.tokens.append(record)
            pieces.append(text)
            if event.trace is not None:
                self._traced.append(record)
        self._forget_old_traces()
        self._append(index, "".join(pieces))

    def append_text(self, index: int, text: str) -> None:
        """Add text that came without a token of its own.

        In an answer it is what a decoder still held back: it belongs to the last token, if that has no text yet.
        """
        self.messages[index].give_to_last_token(text)
        self._append(index, text)

    def _append(self, index: int, text: str) -> None:
        if text:
            self.messages[index].append(text)
            self.text_appended.emit(index, text)

    def set_status(self, index: int, status: Status, note: str = "") -> None:
        """Change what a message is doing, and the line shown under it."""
        message = self.messages[index]
        if (message.status, message.note) != (status, note):
            message.status, message.note = status, note
            self.message_changed.emit(index)

    def set_forgotten(self, indices: Iterable[int]) -> None:
        """Say which messages, and no others, the model no longer sees."""
        forgotten = set(indices)
        for index, message in enumerate(self.messages):
            if message.is_forgotten != (index in forgotten):
                message.is_forgotten = index in forgotten
                self.message_changed.emit(index)

    def as_request_messages(self, weights_hash: str | None = None, until: int | None = None) -> tuple[Message, ...]:
        """What the model is given: every message on screen, before the index `until`, but failed and empty answers.

        Answers keep their exact ids; with `weights_hash` only those that these weights made.
        """
        return tuple(_request_message(message, weights_hash) for message in self.messages[:until] if _is_for_model(message))

    # -- tokens and their numbers --------------------------------------------------------------------------------------

    def token_at(self, message: int, position: int) -> int | None:
        """Index of the token of a message that covers the UTF-16 `position`."""
        return self.messages[message].token_at(position)

    def step_from(self, message: int, token: int, delta: int) -> tuple[int, int] | None:
        """The token `delta` tokens away, across messages; None beyond the first or the last."""
        token += delta
        while token < 0 and message > 0:
            message -= 1
            token += len(self.messages[message].tokens)
        while token >= len(self.messages[message].tokens) and message + 1 < len(self.messages):
            token -= len(self.messages[message].tokens)
            message += 1
        return (message, token) if 0 <= token < len(self.messages[message].tokens) else None

    def last_token(self) -> tuple[int, int] | None:
        """(message, token) of the newest generated token."""
        for index in range(len(self.messages) - 1, -1, -1):
            if self.messages[index].role == "assistant" and self.messages[index].tokens:
                return index, len(self.messages[index].tokens) - 1
        return None

    def last_traced(self) -> tuple[int, int] | None:
        """(message, token) of the newest generated token that has a trace, within the newest answer with tokens."""
        newest = self.last_token()
        if newest is None:
            return None
        message, token = newest
        tokens = self.messages[message].tokens
        while token >= 0 and tokens[token].trace is None:
            token -= 1
        return (message, token) if token >= 0 else None

    def set_prompt(self, index: int, prompt: PromptTokens, request_message_ids: Sequence[str]) -> None:
        """Keep what an answer is made from; messages before it that no model, or another one, has read get their tokens."""
        answer = self.messages[index]
        answer.prompt_ids, answer.spans = prompt.ids, prompt.spans
        places = {message.message_id: place for place, message in enumerate(self.messages[:index])}
        for request_index, (start, end) in message_ranges(prompt.spans).items():
            place = places.get(request_message_ids[request_index]) if request_index < len(request_message_ids) else None
            if place is not None and give_tokens(self.messages[place], answer, prompt, start, end):
                self.numbers_changed.emit(place)

    def set_prompt_numbers(self, index: int, start: int, numbers: Sequence[TokenNumbers]) -> None:
        """Hand the numbers of an answer's prompt, from position `start` on, to the messages that were read there."""
        answer = self.messages[index]
        for place, message in enumerate(self.messages[:index]):
            if message.role != "assistant" and give_numbers(message, answer, start, numbers):
                self.numbers_changed.emit(place)

    def keep_trace(self, message: int, token: int, trace: StepTrace) -> None:
        """Add a trace that was computed later, and with it numbers to a token that has none."""
        record = self.messages[message].tokens[token]
        if record.trace is None:
            self._traced.append(record)
        record.trace = trace
        self._forget_old_traces()
        if record.numbers is None and trace.chosen_id == record.token_id:
            is_drawn = self.messages[message].role == "assistant" and not record.is_given
            record.numbers = numbers_of(trace, is_drawn)
            self.numbers_changed.emit(message)

    def _forget_old_traces(self) -> None:
        while len(self._traced) > MAX_TRACES:
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
