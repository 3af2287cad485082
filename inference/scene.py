"""A chat with a model that has no chat template: a text of two speakers that the model goes on writing.

The first chat bots made from plain language models worked so: the text introduces a helpful assistant, shows how the two
speak, and every message is one more line of it, "User: …" or "Assistant: …". The text ends with the assistant's name and
colon without a blank, since the tokens that begin words hold the blank before them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inference.prompt import PromptPart
from inference.types import Message

DEFAULT_SCENE = """\
This is a conversation between a user and a friendly, helpful assistant. The assistant knows about many things, listens \
carefully, and gives short, honest answers in plain words.

User: Hello! Can I ask you something?
Assistant: Hello! Of course, ask me whatever you like. I will do my best to help.
User: What is the largest planet?
Assistant: The largest planet of our solar system is Jupiter. It is so large that all the other planets would fit inside it.
"""
LABEL = re.compile(r"^[ \t]*([^\s:][^:\n]{0,39}?)[ \t]*:(?=\s|$)", re.MULTILINE)
USER, ASSISTANT = "User", "Assistant"


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene's text without an open last line, and the names of its two speakers."""

    text: str
    user: str
    assistant: str

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts with which an answer is over: a new line by one of the two."""
        return (f"\n{self.user}:", f"\n{self.assistant}:")

    def parts(self, messages: Sequence[Message]) -> list[PromptPart]:
        """System messages, the scene, the conversation, and the assistant's name to go on from.

        Blanks around a message are dropped. Nothing in it is trusted, so a special token cannot be typed; but a line
        that begins with a speaker's name reads like that speaker's.
        """
        system = [(i, message) for i, message in enumerate(messages) if message.role == "system"]
        parts = [part for i, message in system for part in (PromptPart(message.content.strip(), i), PromptPart("\n\n"))]
        parts.append(PromptPart(self.text))
        begin = "\n" if self.text else ""
        for index, message in enumerate(messages):
            if message.role != "system":
                parts += self._line(begin, index, message)
                begin = "\n"
        return [*parts, PromptPart(f"{begin}{self.assistant}:")]

    def _line(self, begin: str, index: int, message: Message) -> list[PromptPart]:
        name = self.user if message.role == "user" else self.assistant
        return [PromptPart(f"{begin}{name}:"), PromptPart(f" {message.content.strip()}", index, token_ids=message.token_ids)]


def read_scene(text: str) -> Scene:
    """Find the speakers of a text that people may have edited: the last two different names before a colon.

    The last line is the assistant's. A name alone on the last line opens a line that the conversation opens
    itself, so it is left out. A missing name becomes "User" or "Assistant".
    """
    text = text.rstrip()
    body, _, last_line = text.rpartition("\n")
    opened = LABEL.fullmatch(last_line)
    if opened:
        text = body.rstrip()
    names = LABEL.findall(text)
    assistant = names[-1] if names else ASSISTANT
    if opened:
        names.append(opened.group(1))
    others = [name for name in names if name != assistant]
    if not others and assistant == USER:
        return Scene(text, USER, ASSISTANT)
    return Scene(text, others[-1] if others else USER, assistant)
