"""Which messages the model still sees when a conversation has outgrown its context."""

from collections.abc import Sequence

from inference.types import Message


def forgotten(messages: Sequence[Message], tokens: Sequence[int], limit_tokens: int) -> tuple[int, ...]:
    """Indices of the messages that leave the view so that the rest has at most `limit_tokens`.

    `tokens[i]` is the size of message i with its marks. Whole turns leave, oldest first; system messages and the last
    message stay. Replays the conversation message by message and, whenever it is full, makes room down to three
    quarters of the limit: so what was forgotten stays forgotten, and most turns keep the beginning that is already in the cache.
    """
    pinned = sum(size for message, size in zip(messages, tokens, strict=True) if message.role == "system")
    turns = [i for i, message in enumerate(messages) if message.role != "system"]
    first, size = 0, pinned
    for place, index in enumerate(turns):
        size += tokens[index]
        if size <= limit_tokens or (messages[index].role == "assistant" and index != turns[-1]):
            continue  # an answer is made room for with the question after it
        while first < place and (size > limit_tokens * 3 // 4 or messages[turns[first]].role == "assistant"):
            size -= tokens[turns[first]]
            first += 1
    return tuple(turns[:first])
