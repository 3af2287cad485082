"""Which part of a message's text each of its prompt tokens is: the bytes of the tokens are matched with the text."""

import codecs
from collections.abc import Sequence

from gui.models.message import ChatMessage, TokenRecord
from gui.models.utf16 import utf16_length
from inference.types import PromptSpan, PromptTokens, TokenNumbers

REPLACEMENT = "\ufffd"  # stands for what could not be encoded: nobody knows which bytes it was


def message_ranges(spans: Sequence[PromptSpan]) -> dict[int, tuple[int, int]]:
    """From the first to the last token of every message, by its index in the request."""
    ranges: dict[int, tuple[int, int]] = {}
    for span in spans:
        if span.message_index >= 0:
            first, _ = ranges.get(span.message_index, (span.start, span.end))
            ranges[span.message_index] = (first, span.end)
    return ranges


def give_tokens(message: ChatMessage, answer: ChatMessage, prompt: PromptTokens, start: int, end: int) -> bool:
    """Give a message that this model has not read before its tokens, between these positions; False where nothing changes."""
    is_known = bool(message.tokens) and message.weights_hash == answer.weights_hash
    found = None if message.role == "assistant" or is_known else tokens_of_text(message.text, prompt, start, end)
    if found is None:
        return False
    first, message.tokens = found
    message.prompt_ids = prompt.ids[:first]
    message.weights_hash, message.read_for = answer.weights_hash, answer.message_id
    return True


def give_numbers(message: ChatMessage, answer: ChatMessage, start: int, numbers: Sequence[TokenNumbers]) -> bool:
    """Give the numbers of the answer's prompt from `start` on to those of the message's tokens that have none yet.

    Returns whether there are such tokens. Numbers of another context than that of the message's tokens are not theirs.
    """
    first = len(message.prompt_ids)
    low, high = max(first, start), min(first + len(message.tokens), start + len(numbers))
    tokens = message.tokens[low - first : high - first] if low < high else []
    if all(token.numbers is not None for token in tokens) or not _is_read_in(message, answer):
        return False
    for token, new in zip(tokens, numbers[low - start : high - start], strict=True):
        if token.numbers is None:
            token.numbers = new
    return True


def _is_read_in(message: ChatMessage, answer: ChatMessage) -> bool:
    ids = message.prompt_ids + tuple(token.token_id for token in message.tokens)
    return message.weights_hash == answer.weights_hash and answer.prompt_ids[: len(ids)] == ids


def tokens_of_text(text: str, prompt: PromptTokens, start: int, end: int) -> tuple[int, list[TokenRecord]] | None:
    """The tokens of a message that prompt.ids[start:end] spell, and the position of the first; None where they do not.

    The prompt may lack blanks at the ends of the text. A token that also holds something else has the part that is text,
    and may stand just outside of the range: it can count as what the template wrote. As in an answer, a character
    belongs to the token that completes it.
    """
    for first, last in ((start, end), (max(0, start - 1), end + 1)):
        place = _place(text, b"".join(prompt.token_bytes[first:last]))
        if place is not None:
            return _cut(prompt, first, last, *place)
    return None


def _cut(prompt: PromptTokens, start: int, end: int, before: int, low: int, high: int) -> tuple[int, list[TokenRecord]]:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    first, records = start, []
    position, offset = before, 0  # in the text, in UTF-16 units; in the bytes of the pieces
    for token_id, piece in zip(prompt.ids[start:end], prompt.token_bytes[start:end], strict=True):
        end_offset = offset + len(piece)
        own = piece if low <= offset and end_offset <= high else piece[max(0, low - offset) : max(0, high - offset)]
        if own or (records and offset < high):
            width = len(own) if own.isascii() else utf16_length(decoder.decode(own))
            records.append(TokenRecord(token_id, piece, position, position + width))
            position += width
        elif not records:
            first += 1
        offset = end_offset
    return first, records


def _place(text: str, data: bytes) -> tuple[int, int, int] | None:
    """Where the text lies in the data: how many UTF-16 units of it are missing before, and the bytes from `low` to `high`."""
    try:
        core = text if text.encode() in data else text.strip()
    except UnicodeEncodeError:  # half a surrogate pair
        return None
    low = data.find(core.encode())
    if low < 0 or not core or REPLACEMENT in core:
        return None
    high = low + len(core.encode())
    before, _, after = text.partition(core)
    missing = len(before)
    while missing and data.endswith(before[missing - 1].encode(), 0, low):
        missing -= 1
        low -= len(before[missing].encode())
    for blank in after:
        if not data.startswith(blank.encode(), high):
            break
        high += len(blank.encode())
    return utf16_length(before[:missing]), low, high
