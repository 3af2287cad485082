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
from dataclasses import dataclass, replace
from itertools import groupby

from inference.errors import TemplateError
from inference.prompt import PromptPart
from inference.template import ChatTemplate, ConversationRefusedError
from inference.types import Message, Role

BREAK_INDEX = 999_999  # a mark with this index stands for a break instead of a message
BETWEEN_MERGED = "\n\n"
ANCHOR_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Turn:
    """What a template sees as one message: one of ours, or several in one, by index."""

    role: Role
    messages: tuple[int, ...]


class TemplateParts:
    """Renders conversations with a template. `special_texts` spell special tokens."""

    def __init__(self, template: ChatTemplate, special_texts: Collection[str]):
        self._template = template
        breakable = "|".join(re.escape(text) for text in special_texts if len(text) > 1)
        self._breakable = re.compile(f"(?={breakable})") if breakable else None
        self._unbreakable = [text for text in special_texts if len(text) == 1]

    def parts(self, messages: Sequence[Message]) -> list[PromptPart]:
        """A conversation, generation prompt included. Raises TemplateError.

        A template that refuses or leaves out system messages gets them at the beginning of the first user message;
        one that also refuses user messages in a row gets them as one.
        """
        refusal: ConversationRefusedError | None = None
        parts: list[PromptPart] | None = None
        for turns in _arrangements(messages):
            try:
                parts, shown = self._render(messages, turns)
            except ConversationRefusedError as error:
                refusal = refusal or error
                continue
            if all(i in shown for i, message in enumerate(messages) if message.role == "system" and message.content.strip()):
                return parts
        if parts is None:
            raise refusal or TemplateError("There is no message to give to the chat template.")
        return parts

    def closing_text(self) -> str:
        """What the template writes between an answer and the next message."""
        marks = _Marks()
        turns = [Turn("user", (0,)), Turn("assistant", (1,))]
        values = _values(turns, [marks.mark(0), marks.mark(1)])
        texts, indices = marks.split(self._template.render(values, add_generation_prompt=False))
        return texts[-1] if indices[-1:] == [1] else ""

    def _render(self, messages: Sequence[Message], turns: Sequence[Turn]) -> tuple[list[PromptPart], Collection[int]]:
        """The parts, and the indices of the messages that the template shows."""
        marks = _Marks()
        contents = [
            self._with_breaks(message.content, marks) if message.token_ids is None else marks.mark(i)
            for i, message in enumerate(messages)
        ]
        text = self._template.render(_values(turns, contents))
        try:
            marked = self._template.render(_values(turns, [marks.mark(i) for i in range(len(messages))]))
            own_texts, indices = marks.split(marked)
        except TemplateError:  # it needs to see what is in the messages
            own_texts, indices = [""], []
        parts = _align(text, contents, own_texts, indices)
        if parts is None:
            self._check_breakable(messages)
            parts = _search(text, contents, own_texts, indices)
        else:
            parts = _as_generated(parts, messages)
        return [inner for part in parts for inner in marks.resolve(part, messages)], indices or range(len(messages))

    def _with_breaks(self, text: str, marks: "_Marks") -> str:
        """The text with a break inside everything that spells a special token."""
        if self._breakable is None:
            return text
        cuts = [found.start() + 1 for found in self._breakable.finditer(text)]
        pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        return marks.mark(BREAK_INDEX).join(pieces)

    def _check_breakable(self, messages: Sequence[Message]) -> None:
        if any(text in message.content for text in self._unbreakable for message in messages):
            raise TemplateError("The chat template rewrites messages, and one of them holds a special token of one character.")


class _Marks:
    """Unguessable digits that stand for messages and breaks: no template changes them by trimming, casing or escaping."""

    def __init__(self) -> None:
        self._nonce = str(10**29 + secrets.randbelow(9 * 10**29))
        self._pattern = re.compile(rf"{self._nonce}([0-9]{{6}})")

    def mark(self, index: int) -> str:
        """The mark of a message, or of a break."""
        return f"{self._nonce}{index:06d}"

    def split(self, text: str) -> tuple[list[str], list[int]]:
        """The texts between marks, and the marks' indices. Raises TemplateError when a mark was cut."""
        pieces = self._pattern.split(text)
        if any(self._nonce[:10] in piece for piece in pieces[::2]):
            raise TemplateError("The chat template takes messages apart in a way that cannot be followed.")
        return pieces[::2], [int(index) for index in pieces[1::2]]

    def resolve(self, part: PromptPart, messages: Sequence[Message]) -> Iterator[PromptPart]:
        """A part with exact ids in place of marks; a break becomes an empty untrusted part."""
        texts, indices = self.split(part.text)
        yield replace(part, text=texts[0])
        for index, text in zip(indices, texts[1:], strict=True):
            if index == BREAK_INDEX:
                yield PromptPart("")
            else:
                yield PromptPart("", index, token_ids=messages[index].token_ids)
            yield replace(part, text=text)


def _align(text: str, contents: Sequence[str], own_texts: Sequence[str], indices: Sequence[int]) -> list[PromptPart] | None:
    """Cut the text into the template's own texts and the messages between them, trimmed or not; None if it is not so."""
    if not text.startswith(own_texts[0]):
        return None
    parts = [PromptPart(own_texts[0], is_trusted=True)]
    position = len(own_texts[0])
    for index, after in zip(indices, own_texts[1:], strict=True):
        content = contents[index]
        variants = (content, content.strip(), content.lstrip(), content.rstrip())
        shown = next((variant for variant in variants if text.startswith(variant + after, position)), None)
        if shown is None:
            return None
        parts += [PromptPart(shown, index), PromptPart(after, is_trusted=True)]
        position += len(shown) + len(after)
    return parts if position == len(text) else None


def _as_generated(parts: Sequence[PromptPart], messages: Sequence[Message]) -> list[PromptPart]:
    """Put before every answer with exact ids the generation prompt that the ids came after.

    Templates in the manner of Llama 2 end the prompt with "[/INST]", the model begins with a blank, and later the template
    writes "[/INST] " and the trimmed answer: with the exact answer that would make two blanks.
    """
    prompt = parts[-1].text
    result = [*parts]
    for place, answer in enumerate(parts):
        if answer.message_index >= 0 and messages[answer.message_index].token_ids is not None:
            before = result[place - 1]
            if before.text.rstrip() == prompt.rstrip():
                result[place - 1] = replace(before, text=prompt)
    return result


def _search(text: str, contents: Sequence[str], own_texts: Sequence[str], indices: Sequence[int]) -> list[PromptPart]:
    """Find the messages that are whole, each by the end of the template's own text before it.

    All of the text stays trusted, so that a wrong find only labels it wrongly.
    """
    parts: list[PromptPart] = []
    position = 0
    for before, index in zip(own_texts, indices, strict=False):
        anchor, content = before[-ANCHOR_CHARACTERS:], contents[index].strip()
        found = text.find(anchor + content, position) if content else -1
        if found >= 0:
            start = found + len(anchor)
            parts += [PromptPart(text[position:start], is_trusted=True), PromptPart(content, index, is_trusted=True)]
            position = start + len(content)
    return [*parts, PromptPart(text[position:], is_trusted=True)]


def _values(turns: Sequence[Turn], contents: Sequence[str]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": BETWEEN_MERGED.join(contents[i] for i in turn.messages)} for turn in turns]


def _arrangements(messages: Sequence[Message]) -> Iterator[tuple[Turn, ...]]:
    """As the messages are; without a system role; and without user messages in a row either."""
    plain = tuple(Turn(message.role, (i,)) for i, message in enumerate(messages))
    without_system = _without_system(plain)
    yield from dict.fromkeys((plain, without_system, _users_merged(without_system)))


def _without_system(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    system = tuple(i for turn in turns if turn.role == "system" for i in turn.messages)
    others = [turn for turn in turns if turn.role != "system"]
    if not system:
        return turns
    first = next((place for place, turn in enumerate(others) if turn.role == "user"), None)
    if first is None:
        return (Turn("user", system), *others)
    others[first] = Turn("user", system + others[first].messages)
    return tuple(others)


def _users_merged(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    merged: list[Turn] = []
    for role, group in groupby(turns, key=lambda turn: turn.role):
        members = list(group)
        merged += [Turn(role, tuple(i for turn in members for i in turn.messages))] if role == "user" else members
    return tuple(merged)
