"""A conversation as a line of a list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """`title` is the beginning of its first text; `changed` is when its newest message came, in Unix time.

    `messages` counts all of them, other versions of a message too; `model` gave the newest answer.
    """

    number: int
    title: str
    model: str
    messages: int
    changed: float
