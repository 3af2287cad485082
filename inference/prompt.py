"""A prompt as ids, with the source of each, put together from parts of text and parts that are ids already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inference.tokenizer import TextPiece, Tokenizer
from inference.types import PromptSpan, SpanKind


@dataclass(frozen=True, slots=True)
class Prompt:
    """The ids a model reads before its answer; the spans cover them all, in order."""

    ids: tuple[int, ...]
    spans: tuple[PromptSpan, ...]


@dataclass(frozen=True, slots=True)
class PromptPart:
    """Text, or instead of it exact `token_ids`; `message_index` is -1 where no message wrote it.

    Only trusted text can hold special tokens.
    """

    text: str
    message_index: int = -1
    is_trusted: bool = False
    token_ids: tuple[int, ...] | None = None


def join_parts(tokenizer: Tokenizer, parts: Sequence[PromptPart]) -> Prompt:
    """Tokenize parts as one text, as a template's whole output would be; exact ids cut that text in two.

    A token with any character of a message counts as that message's. The tokenizer's first id (BOS), where it has
    one, stands first exactly once.
    """
    ids: list[int] = []
    sources: list[int] = []  # the part each id comes from
    texts: list[int] = []
    for index, part in enumerate(parts):
        if part.token_ids is None:
            texts.append(index)
            continue
        _append_texts(tokenizer, parts, texts, ids, sources)
        ids.extend(part.token_ids)
        sources.extend([index] * len(part.token_ids))
    _append_texts(tokenizer, parts, texts, ids, sources)
    labels = [_label(tokenizer, parts[source], token_id) for token_id, source in zip(ids, sources, strict=True)]
    if tokenizer.bos_id is not None and ids[:1] != [tokenizer.bos_id]:
        ids.insert(0, tokenizer.bos_id)
        labels.insert(0, ("special", -1))
    return Prompt(tuple(ids), tuple(_spans(labels)))


def _append_texts(
    tokenizer: Tokenizer, parts: Sequence[PromptPart], texts: list[int], ids: list[int], sources: list[int]
) -> None:
    """Tokenize the texts waiting so far together, and forget them."""
    new_ids, owners = tokenizer.encode_pieces([TextPiece(parts[index].text, parts[index].is_trusted) for index in texts])
    ids.extend(new_ids)
    sources.extend(texts[owner] for owner in owners)
    texts.clear()


def _label(tokenizer: Tokenizer, part: PromptPart, token_id: int) -> tuple[SpanKind, int]:
    is_special = tokenizer.is_special(token_id)
    if part.message_index >= 0 and not (part.is_trusted and is_special):
        return "content", part.message_index
    return ("special" if is_special else "template"), -1


def _spans(labels: Sequence[tuple[SpanKind, int]]) -> Iterable[PromptSpan]:
    start = 0
    for end in range(1, len(labels) + 1):
        if end == len(labels) or labels[end] != labels[start]:
            yield PromptSpan(start, end, *labels[start])
            start = end
