"""Which text of a rendered chat template the template wrote, and which came from the messages.

A template is rendered twice. Once with an unguessable mark in place of every message: what lies between the marks
is the template's own text. And once for real. Where the real text is the template's own with the messages in between,
as they are or with the blanks around them trimmed, each part is known exactly, and only the template's own text
can hold special tokens.

Some templates look into messages and leave parts of them out. Their real text is then taken as one, and a break, put
before rendering into everything in a message that spells a special token, keeps it text all the same.
An answer whose exact ids are known is a mark in both renderings, so such a template cannot see into it.
"""

import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from inference.errors import TemplateError
from inference.prompt import PromptPart
from inference.template import ChatTemplate, ConversationRefusedError
from inference.types import Message, Role

BREAK_INDEX = 999_999  # the mark that stands for no message but a break
BETWEEN_MERGED = "\n\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a template sees as one message: one of ours, or several in one."""

    role: Role
    messages: tuple[int, ...]


class TemplateParts:
    """Renders messages with a template into parts. `special_texts` are what must not come out of a message."""

    def __init__(self, template: ChatTemplate, special_texts: Collection[str]):
        self._template = template
        longer = [re.escape(text) for text in special_texts if len(text) > 1]
        self._breakable = re.compile(f"(?=(?:.)(?:{'|'.join(longer)}))" if False else f"(?={'|'.join(longer)})") if longer else None
        self._unbreakable = [text for text in special_texts if len(text) == 1]

    def of(self, messages: Sequence[Message]) -> list[PromptPart]:
        """The parts of a conversation, generation prompt included. Raises TemplateError.

        A template that refuses or leaves out system messages gets them at the beginning of the first user message;
        one that refuses user messages in a row gets them as one.
        """
        refusal: ConversationRefusedError | None = None
        parts: list[PromptPart] | None = None
        for turns in _arrangements(messages):
            try:
                rendering = _Rendering(self._template, messages, turns, self._with_breaks)
                parts = self._parts(rendering)
            except ConversationRefusedError as error:
                refusal = refusal or error
                continue
            if rendering.shows_system:
                return parts
        if parts is None:
            raise refusal or TemplateError("The chat template shows no message.")
        return parts

    def closing_text(self) -> str:
        """What the template writes after an answer, before the next message."""
        messages = [Message("user", "Hello."), Message("assistant", "Hello.")]
        turns = [Turn("user", (0,)), Turn("assistant", (1,))]
        rendering = _Rendering(self._template, messages, turns, self._with_breaks, add_generation_prompt=False)
        return rendering.own_texts[-1] if rendering.marks[-1:] == [1] else ""

    def _with_breaks(self, text: str, mark: str) -> str:
        if self._breakable is None:
            return text
        cuts = [found.start() + 1 for found in self._breakable.finditer(text)]
        return mark.join(text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))

    def _parts(self, rendering: "_Rendering") -> list[PromptPart]:
        parts = rendering.aligned()
        if parts is not None:
            return parts
        if any(text in message.content for text in self._unbreakable for message in rendering.messages):
            raise TemplateError("The chat template rewrites messages, and one of them holds a special token of one character.")
        return rendering.searched()


class _Rendering:
    """One conversation rendered with marks and for real.

    `own_texts` are the template's texts before, between and after the messages with indices `marks`.
    """

    def __init__(self, template: ChatTemplate, messages, turns, with_breaks, *, add_generation_prompt: bool = True):  # noqa: ANN001
        pass
