"""The tokens of a conversation as rows of a table: where each one stands, and how sure the model was there."""

from collections.abc import Iterable
from dataclasses import dataclass

from gui.models.message import ChatMessage
from inference.types import TokenNumbers

CONTEXT_UNITS = 40  # UTF-16 units of the text before a token


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Token number `token` of a message, and the last words before it.

    `is_drawn`: the model chose it; otherwise it is the reader's own text or choice.
    """

    message_id: str
    token: int
    token_id: int
    token_bytes: bytes
    before: str
    numbers: TokenNumbers
    is_drawn: bool


def token_rows(messages: Iterable[ChatMessage]) -> list[TokenRow]:
    """A row for every token that has numbers, in the order of the text."""
    return [row for message in messages for row in _rows_of(message)]


def _rows_of(message: ChatMessage) -> Iterable[TokenRow]:
    units = message.text.encode("utf-16-le", "surrogatepass")  # once: a slice of the text would count characters
    is_answer = message.role == "assistant"
    for index, token in enumerate(message.tokens):
        if token.numbers is not None:
            before = _words_before(units, token.start)
            is_drawn = is_answer and not token.is_given
            yield TokenRow(message.message_id, index, token.token_id, token.token_bytes, before, token.numbers, is_drawn)


def _words_before(units: bytes, position: int) -> str:
    first = max(0, position - CONTEXT_UNITS)
    text = units[2 * first : 2 * position].decode("utf-16-le", "replace")
    words = text.split()
    is_cut = first > 0 and not text[0].isspace()
    if is_cut and len(words) > 1:
        words = words[1:]  # the first is only a part of one
    return " ".join(words)
