"""From what a request gives (messages, ids or a text) to the ids before the answer, shortened where the context is full."""

from collections.abc import Sequence
from typing import NamedTuple

from inference.chat import ChatFormat
from inference.context import forgotten
from inference.errors import RequestError
from inference.limits import Limits
from inference.prompt import Prompt
from inference.tokenizer import Tokenizer
from inference.types import CompareRequest, DraftRequest, GenerateRequest, Message, PromptSpan


class Beginning(NamedTuple):
    """What stands before the first draw: the prompt, the answer's own first tokens, and which messages had to leave."""

    prompt: Prompt
    prefix: tuple[int, ...]
    dropped: tuple[int, ...] = ()


class PromptMaker:
    """Makes prompts for one model, with one chat format."""

    def __init__(self, tokenizer: Tokenizer, chat: ChatFormat, limits: Limits):
        self._tokenizer = tokenizer
        self._chat = chat
        self._limits = limits

    def beginning(self, request: GenerateRequest) -> Beginning:
        """Raises RequestError where a request contradicts itself, and ContextFullError where nothing can be left out."""
        has_beginning = bool(request.prompt_ids or request.answer_prefix_ids)
        if request.messages and (request.prompt_ids or request.text):
            raise RequestError("A request needs either messages or prompt ids or a text, not two of them.")
        if not (request.messages or request.text or has_beginning):
            raise RequestError("A request needs either messages or prompt ids or a text.")
        text_ids = self._tokenizer.encode(request.text)
        if request.messages:
            made = self._from_messages(request)
        elif has_beginning:
            prompt = prompt_of(request.prompt_ids, self._tokenizer)
            made = Beginning(prompt, request.answer_prefix_ids + text_ids)
        else:
            made = Beginning(self._first_ids(), text_ids)
        ids = made.prompt.ids + made.prefix
        self._limits.check_ids(ids)
        self._limits.check_fits(len(ids) + request.draws)
        self._limits.check_vocabulary([token_id for _, token_id in request.forced])
        return made

    def check_comparison(self, request: CompareRequest) -> None:
        """Raises as `beginning`."""
        ids = request.prompt_ids + request.answer_prefix_ids
        self._limits.check_ids(ids)
        self._limits.check_fits(len(ids) + 1)

    def draft(self, request: DraftRequest) -> tuple[int, ...]:
        """The ids up to the last token of a draft's own text. Raises RequestError where there is neither text nor message."""
        if bool(request.messages) == bool(request.text):
            raise RequestError("A draft is either messages or a text.")
        if request.text:
            ids = (request.prefix_ids or self._first_ids().ids) + self._tokenizer.encode(request.text)
        else:
            prompt, _ = self._fitting(request.messages, request.scene, self._limits.context_tokens - self._quarter)
            last = len(request.messages) - 1
            ends = [span.end for span in prompt.spans if span.message_index == last]
            if not ends:
                raise RequestError("The draft is empty: there is nothing that could go on.")
            ids = prompt.ids[: ends[-1]]
        self._limits.check_ids(ids)
        return ids

    def stop_texts(self, request: GenerateRequest | CompareRequest) -> tuple[str, ...]:
        """Texts that end an answer: the request's own and, in a scene, those of its speakers."""
        has_messages = isinstance(request, GenerateRequest) and bool(request.messages)
        return request.stop + (self._chat.stop(request.scene) if has_messages or request.scene else ())

    @property
    def _quarter(self) -> int:
        """What is kept free at most for an answer that has not begun."""
        return max(1, self._limits.context_tokens // 4)

    def _first_ids(self) -> Prompt:
        """What stands before a plain text: the id that the tokenizer puts first.

        Where it puts none, it is the one between two documents of the training text, named by a model's makers as the beginning
        and as an end; where there is none of these either, nothing.
        """
        tokenizer, bos = self._tokenizer, self._tokenizer.bos_id
        if bos is None:
            named = tokenizer.special_ids.get(tokenizer.named_tokens.get("bos_token", ""))
            bos = named if named in self._chat.end_ids else None
        return prompt_of(() if bos is None else (bos,), tokenizer)

    def _from_messages(self, request: GenerateRequest) -> Beginning:
        room = min(request.max_new_tokens, self._quarter) if request.max_new_tokens else self._quarter
        prefix = request.answer_prefix_ids
        limit = self._limits.context_tokens - room - len(prefix)
        prompt, dropped = self._fitting(request.messages, request.scene, limit)
        return Beginning(prompt, prefix, dropped)

    def _fitting(self, messages: Sequence[Message], scene: str, limit: int) -> tuple[Prompt, tuple[int, ...]]:
        """The prompt of messages in at most `limit` tokens, and the messages that had to leave the view."""
        prompt = self._chat.render(messages, scene)
        return (prompt, ()) if len(prompt.ids) <= limit else self._shortened(messages, scene, prompt, limit)

    def _shortened(self, messages: Sequence[Message], scene: str, prompt: Prompt, limit: int) -> tuple[Prompt, tuple[int, ...]]:
        """Forget whole turns until the prompt fits; the sizes are estimates, so the limit shrinks while it does not."""
        shorter = prompt
        sizes = message_sizes(prompt, len(messages))
        target = limit - (len(prompt.ids) - sum(sizes))  # what stands before the first message always stays
        dropped: tuple[int, ...] = ()
        while len(dropped) < sum(message.role != "system" for message in messages) - 1:
            before, dropped = dropped, forgotten(messages, sizes, target)
            if dropped == before:
                target -= max(1, limit // 100)
                continue
            kept = [message for i, message in enumerate(messages) if i not in dropped]
            shorter = self._chat.render(kept, scene)
            if len(shorter.ids) <= limit:
                return reindexed(shorter, dropped, len(messages)), dropped
            target -= len(shorter.ids) - limit
        raise self._limits.full(len(shorter.ids) + self._limits.context_tokens - limit)


def prompt_of(ids: tuple[int, ...], tokenizer: Tokenizer) -> Prompt:
    """A prompt of ids whose sources nobody told: special tokens and content."""
    spans: list[PromptSpan] = []
    for position, token_id in enumerate(ids):
        kind = "special" if tokenizer.is_special(token_id) else "content"
        start = spans.pop().start if spans and spans[-1].kind == kind else position
        spans.append(PromptSpan(start, position + 1, kind))
    return Prompt(ids, tuple(spans))


def message_sizes(prompt: Prompt, messages: int) -> list[int]:
    """Tokens of every message: its content and the marks up to the next message's content."""
    sizes = [0] * messages
    owner = -1
    for span in prompt.spans:
        owner = span.message_index if span.message_index >= 0 else owner
        if owner >= 0:
            sizes[owner] += span.end - span.start
    return sizes


def reindexed(prompt: Prompt, dropped: tuple[int, ...], messages: int) -> Prompt:
    """The prompt with its spans' message indices counted among all messages, dropped ones included."""
    kept = [i for i in range(messages) if i not in dropped]
    spans = [
        PromptSpan(span.start, span.end, span.kind, kept[span.message_index] if span.message_index >= 0 else -1)
        for span in prompt.spans
    ]
    return Prompt(prompt.ids, tuple(spans))
