"""What the engine is asked for: requests made from the conversation and the settings in force."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from gui.models.conversation import ChatMessage, Conversation
from gui.models.settings import Settings
from inference.types import CompareRequest, GenerateRequest, Message, ModelSpec, SamplingParams

TRACE_INTERVAL_S = 0.3  # of a fast model the panel shows what an eye can follow; the steps between are explained when held


class RequestMaker:
    """Makes requests for one conversation.

    `spec` is the loaded model. `is_traced` is False while nobody sees the panel, `is_scored` while nothing shows numbers of
    every token; what was not computed is computed when somebody asks for it.
    """

    def __init__(self, conversation: Conversation, settings: Callable[[], Settings]):
        self._conversation = conversation
        self._settings = settings
        self.spec: ModelSpec | None = None
        self.is_traced = True
        self.is_scored = True

    @property
    def scene(self) -> str:
        """The text that sets up a chat with the model; "" where its template does."""
        if self.spec is None or self.spec.has_chat_template:
            return ""
        return self._settings().scene or self.spec.default_scene

    @property
    def params(self) -> SamplingParams:
        """The sampling parameters in force."""
        return self._settings().sampling_params()

    def messages(self, until: int | None = None) -> tuple[Message, ...]:
        """What the model is given: the system prompt and the messages before `until`."""
        settings = self._settings()
        messages = self._without_texts(self._conversation.as_request_messages(self.spec.weights_hash, until))
        if settings.system_prompt.strip():
            return (Message("system", settings.system_prompt), *messages)
        return messages

    def _without_texts(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Texts that were continued are no part of a chat: nobody said them to anybody."""
        shown = self._conversation.messages
        texts = {shown[index].message_id for index in range(len(shown)) if is_continued_text(shown, index)}
        return tuple(message for message in messages if message.message_id not in texts)

    def read_for(self, index: int) -> dict[int, str]:
        """Which messages stand before this answer: their ids, by their index in the request that it was made from.

        A system prompt came before the conversation's messages, which always end with the last one that the prompt has.
        """
        ids = [message.message_id for message in self._without_texts(self._conversation.as_request_messages(until=index))]
        end = 1 + max((span.message_index for span in self._conversation.messages[index].spans), default=-1)
        return dict(enumerate(ids, start=end - len(ids)))

    def unseen(self, index: int) -> set[int]:
        """Places of the messages that did not fit any more when the prompt of this answer was made: the oldest."""
        seen = {span.message_index for span in self._conversation.messages[index].spans}
        read = self.read_for(index)
        first = min((place for place in read if place in seen), default=None)
        ids = set() if first is None else {message_id for place, message_id in read.items() if place < first}
        return {place for place, message in enumerate(self._conversation.messages) if message.message_id in ids}

    def answer(self, index: int) -> GenerateRequest:
        """The answer with this index, to the messages before it."""
        return self._request(messages=self.messages(index), scene=self.scene)

    def text(self, text: str) -> GenerateRequest:
        """A text continued as it stands."""
        return self._request(text=text)

    def text_ids(self, index: int | None) -> tuple[int, ...]:
        """All ids of the text that is being written, where there is one."""
        if index is None:
            return ()
        message = self._conversation.messages[index]
        return message.prompt_ids + answer_ids(message)

    def again(self, original: ChatMessage) -> GenerateRequest:
        """Another answer in the place of one that continued a text."""
        given = leading_given(original)
        return self._request(prompt_ids=original.prompt_ids, answer_prefix_ids=answer_ids(original)[:given])

    def branch(
        self, original: ChatMessage, keep: int, ids: Sequence[int], params: SamplingParams | None = None, text: str = ""
    ) -> GenerateRequest:
        """The answer with its first `keep` tokens, then `ids` and `text`, going on with the draws of the same seed."""
        return self._request(
            prompt_ids=original.prompt_ids,
            answer_prefix_ids=(*answer_ids(original)[:keep], *ids),
            text=text,
            seed=original.request.seed,
            scene=original.request.scene,
            params=params or self.params,
        )

    def more(
        self, message: ChatMessage, ids: Sequence[int] = (), text: str = "", *, max_new_tokens: int | None = None
    ) -> GenerateRequest:
        """The same answer further on: first `ids` and `text`, then as many tokens as said (None: as the settings say)."""
        known = answer_ids(message)
        request = self._request(
            prompt_ids=message.prompt_ids,
            answer_prefix_ids=(*known, *ids),
            text=text,
            known_tokens=len(known),
            seed=message.request.seed,
            scene=message.request.scene,
            params=message.request.params,
        )
        if max_new_tokens is None:
            return request
        return replace(request, max_new_tokens=max_new_tokens, draws=max_new_tokens > 0, trace_interval_s=0.0)

    def comparison(self, message: ChatMessage, keep: int, temperatures: tuple[float, ...], max_new_tokens: int) -> CompareRequest:
        """The answer's first `keep` tokens continued at several temperatures."""
        return CompareRequest(
            run_id=0,
            prompt_ids=message.prompt_ids,
            temperatures=temperatures,
            answer_prefix_ids=answer_ids(message)[:keep],
            params=self.params,
            seed=message.request.seed,
            max_new_tokens=max_new_tokens,
            scene=message.request.scene,
        )

    def replay(self, message: ChatMessage) -> GenerateRequest:
        """The answer once more, from its stored request; what was chosen by hand is chosen again."""
        given = prefix_length(message)
        ids = tuple(token.token_id for token in message.tokens)
        forced = [(step, token.token_id) for step, token in enumerate(message.tokens) if step >= given and token.is_given]
        return replace(
            message.request,
            messages=(),
            text="",
            prompt_ids=message.prompt_ids,
            answer_prefix_ids=ids[:given],
            known_tokens=given,
            forced=tuple(forced),
            max_new_tokens=max(1, len(ids) - given),
            trace_rows=0,
            with_numbers=False,
        )

    def _request(self, **changes: object) -> GenerateRequest:
        settings = self._settings()
        values = {
            "run_id": 0,
            "params": self.params,
            "seed": settings.seed if settings.seed_mode == "fixed" else secrets.randbits(32),
            "max_new_tokens": settings.max_new_tokens,
            "trace_rows": settings.panel_rows if self.is_traced else 0,
            "trace_interval_s": TRACE_INTERVAL_S,
            "with_numbers": self.is_scored or self.is_traced,
        }
        return GenerateRequest(**(values | changes))


def answer_ids(message: ChatMessage) -> tuple[int, ...]:
    """The ids of an answer's tokens, without the one that ended it."""
    return tuple(token.token_id for token in message.tokens if not token.is_end)


def leading_given(message: ChatMessage) -> int:
    """How many tokens at the beginning of an answer were not drawn."""
    return next((step for step, token in enumerate(message.tokens) if not token.is_given), len(message.tokens))


def prefix_length(message: ChatMessage) -> int:
    """How many tokens the answer began with when it was first asked for."""
    return max(len(message.request.answer_prefix_ids), leading_given(message))


def is_continued_text(messages: Sequence[ChatMessage], index: int) -> bool:
    """Whether this is no answer to anything, but a text that the model continued."""
    return messages[index].role == "assistant" and (index == 0 or messages[index - 1].role != "user")
