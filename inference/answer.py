"""An answer in the making: its ids, the text that became final, and why it ended."""

import codecs
from collections.abc import Collection, Sequence

from inference.detokenizer import Detokenizer
from inference.tokenizer import Tokenizer
from inference.types import FinishReason, RunFinished, RunStats, TokenEvent


class Answer:
    """Collects tokens, given and drawn, into text; `reason` is None while the answer goes on.

    It ends with one of the `end_ids`, with a stop text, and after `max_new_tokens` (0: never).
    """

    def __init__(
        self, run_id: int, tokenizer: Tokenizer, end_ids: Collection[int], stop: Sequence[str] = (), max_new_tokens: int = 0
    ):
        self.run_id = run_id
        self.tokenizer = tokenizer
        self.end_ids = end_ids
        self.max_new_tokens = max_new_tokens
        self.detokenizer = Detokenizer(stop)
        self.ids: list[int] = []
        self.new_tokens = 0
        self.text = ""
        self.reason: FinishReason | None = None

    @property
    def step(self) -> int:
        """Place of the next token in the answer, those it began with included."""
        return len(self.ids)

    def begin(self, ids: Sequence[int]) -> list[TokenEvent]:
        """Take over the tokens that the answer already has, up to one that ends it; an event for each."""
        events: list[TokenEvent] = []
        for token_id in ids:
            if self.reason is not None:
                break
            events.append(self._add(token_id, is_given=True))
        return events

    def append(self, token_id: int, *, is_given: bool = False) -> TokenEvent:
        """Add a new token and see whether it ends the answer."""
        event = self._add(token_id, is_given=is_given)
        self.new_tokens += 1
        if self.new_tokens == self.max_new_tokens:
            self.end("length")
        return event

    def end(self, reason: FinishReason) -> None:
        """Note why the answer ends; the first reason stays."""
        self.reason = self.reason or reason

    def tail(self) -> str:
        """The text that becomes final because nothing follows; asked for once, at the end."""
        tail = self.detokenizer.finish()
        self.text += tail
        return tail

    def final_ids(self) -> tuple[int, ...]:
        """The ids that stand for the answer: without its end token, and without its stop text."""
        return self._ids_before_stop() if self.reason == "stop" else tuple(self.ids)

    def finished(self, stats: RunStats) -> RunFinished:
        """The last event of the run. Without a reason of its own the run was cancelled."""
        tail = self.tail()
        return RunFinished(self.run_id, self.reason or "cancelled", stats, tail, self.final_ids())

    def _add(self, token_id: int, *, is_given: bool) -> TokenEvent:
        step, data = self.step, self.tokenizer.token_bytes(token_id)
        if token_id in self.end_ids:
            self.end("end")
            return TokenEvent(self.run_id, step, token_id, data, "", is_end=True, is_given=is_given)
        self.ids.append(token_id)
        text = self.detokenizer.push(data)
        self.text += text
        if self.detokenizer.stopped:
            self.end("stop")
        return TokenEvent(self.run_id, step, token_id, data, text, is_given=is_given)

    def _ids_before_stop(self) -> tuple[int, ...]:
        """Ids that stand for the text without the stop string: drawn ones as far as they go, then its last piece re-encoded."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        kept = length = decoded = 0
        for count, token_id in enumerate(self.ids, start=1):
            decoded += len(decoder.decode(self.tokenizer.token_bytes(token_id)))
            if decoded > len(self.text):
                break
            if not decoder.getstate()[0]:  # a token that begins a character belongs to what completes it
                kept, length = count, decoded
        return tuple(self.ids[:kept]) + self.tokenizer.encode(self.text[length:])
