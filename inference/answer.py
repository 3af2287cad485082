"""An answer in the making: its ids, the text that became final, and why it ended."""

import codecs

from inference.chat import ChatFormat
from inference.detokenizer import Detokenizer
from inference.tokenizer import Tokenizer
from inference.types import FinishReason, GenerateRequest, RunFinished, RunStats, TokenEvent


class Answer:
    """Collects drawn tokens into text; `reason` is "" while the answer goes on."""

    def __init__(self, request: GenerateRequest, tokenizer: Tokenizer, chat: ChatFormat):
        self.request = request
        self.tokenizer = tokenizer
        self.end_ids = chat.end_ids
        stop = request.stop if request.prompt_ids else request.stop + chat.stop(request.scene)
        self.detokenizer = Detokenizer(stop)
        self.ids = list(request.answer_prefix_ids)
        self.text = ""
        self.reason: FinishReason | None = None
        for token_id in self.ids:
            self.text += self.detokenizer.push(tokenizer.token_bytes(token_id))

    @property
    def step(self) -> int:
        """Place of the next token in the answer, the prefix included."""
        return len(self.ids)

    @property
    def new_tokens(self) -> int:
        """Tokens drawn by this run."""
        return len(self.ids) - len(self.request.answer_prefix_ids) + (self.reason == "end")

    def append(self, token_id: int) -> TokenEvent:
        """Add a drawn token and see whether it ends the answer."""
        step, data = self.step, self.tokenizer.token_bytes(token_id)
        if token_id in self.end_ids:
            self.end("end")
            return TokenEvent(self.request.run_id, step, token_id, data, "", True)
        self.ids.append(token_id)
        text = self.detokenizer.push(data)
        self.text += text
        if self.detokenizer.stopped:
            self.end("stop")
        elif self.request.max_new_tokens and self.new_tokens >= self.request.max_new_tokens:
            self.end("length")
        return TokenEvent(self.request.run_id, step, token_id, data, text)

    def end(self, reason: FinishReason) -> None:
        """Note why the answer ends; the first reason stays."""
        self.reason = self.reason or reason

    def finished(self, stats: RunStats) -> RunFinished:
        """The last event of the run. Without a reason of its own the run was cancelled."""
        tail = self.detokenizer.finish()
        self.text += tail
        ids = self._ids_before_stop() if self.reason == "stop" else tuple(self.ids)
        return RunFinished(self.request.run_id, self.reason or "cancelled", stats, tail, ids)

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
