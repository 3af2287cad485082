"""One answer while it is made: what the engine tells of it goes into the conversation."""

import time
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from gui.engine_host import EngineHost
from gui.models.conversation import Conversation, Status
from inference.types import GenerateRequest, PrefillProgress, PromptNumbers, PromptTokens, RunFailed, RunFinished, TokenEvent

LONG_PROMPT_TOKENS = 64  # reading fewer new tokens than this needs no progress line


class AnswerRun(QObject):
    """The answer in work, if there is one. `index` is its place in the conversation.

    `pauses`: when this run ends before the answer does, the answer waits for the reader. Emits `prompt_read` when the
    context in use is known, `tokens_added` and `ended` with the index.
    """

    prompt_read = Signal()
    tokens_added = Signal(int)
    ended = Signal(int)

    def __init__(self, host: EngineHost, conversation: Conversation, parent: QObject):
        super().__init__(parent)
        self._host, self._conversation = host, conversation
        self.index: int | None = None
        self.pauses = False
        self.used_tokens = 0  # of the context
        self._known: Sequence[TokenEvent] = ()  # what is known of the tokens that the answer begins with, by step
        self._is_step = False  # this run is over before the answer is
        self._goes_on = False  # this run takes an answer further that was there before
        self._first_s = 0.0
        self._received = 0
        host.prompt_read.connect(self._on_prompt_read)
        host.prompt_scored.connect(self._on_prompt_scored)
        host.prefill_progressed.connect(self._on_prefill_progressed)
        host.tokens_arrived.connect(self._on_tokens_arrived)
        host.run_finished.connect(self._on_run_finished)
        host.run_failed.connect(self._on_run_failed)

    @property
    def tokens_per_s(self) -> float:
        """Speed of the answer being made, since its first token; 0 before the second."""
        elapsed = time.perf_counter() - self._first_s
        return (self._received - 1) / elapsed if self._received > 1 and elapsed > 0 else 0.0

    # -- its life ------------------------------------------------------------------------------------------------------

    def start(self, request: GenerateRequest, author: str, weights_hash: str, known: Sequence[TokenEvent] = ()) -> None:
        """Ask the engine for the answer; of its given tokens `known` says what they are."""
        message = self._conversation.messages[self.index]
        self._known, self._goes_on, self._is_step = known, False, False
        message.request = self._host.generate(request)
        message.author, message.weights_hash = author, weights_hash
        self._conversation.set_status(self.index, "reading")

    def go_on(self, index: int, request: GenerateRequest, *, pauses: bool) -> None:
        """Take an answer further; its own request stays the one it began with."""
        self.index, self.pauses = index, pauses
        self._known, self._goes_on, self._is_step = (), True, pauses
        self._received = 0
        self._host.generate(request)
        self._conversation.set_status(index, "streaming")

    def pause(self) -> None:
        """Stop, so that the answer can be taken further token by token."""
        if self._host.is_running:
            self.pauses = True
            self._host.stop()

    def stop(self) -> None:
        """Stop within one token; everything received is kept."""
        self.pauses = False
        if self._host.is_running:
            self._host.stop()
        elif self.index is not None:
            self._end("stopped", self.tr("Stopped before the model was loaded."))

    def settle(self, index: int) -> None:
        """A paused answer ends where it is."""
        self._tell_rest(index)
        self._conversation.set_status(index, "stopped", self.tr("Stopped."))

    def _tell_rest(self, index: int) -> None:
        """What was held back while more might follow becomes text."""
        rest = self._conversation.messages[index].held_back()
        if rest:
            self._conversation.append_text(index, rest)

    def abandon(self) -> None:
        """Stop, and hear no more of it; everything received is kept, and can be gone on with."""
        self._host.abandon()
        if self.index is not None:
            message = self._conversation.messages[self.index]
            message.finish_reason = "cancelled"
            self._tell_rest(self.index)
            self._conversation.set_status(self.index, "stopped", self.tr("Stopped."))
        self.index, self.pauses, self.used_tokens = None, False, 0
        self._known = ()

    # -- the engine answers --------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_prompt_read(self, prompt: PromptTokens) -> None:
        message = self._conversation.messages[self.index]
        if not (message.prompt_ids or message.tokens):  # otherwise it has the prompt of another, or goes on after a pause
            request = message.request
            self._conversation.set_prompt(self.index, prompt, [each.message_id for each in request.messages])
            if request.messages:  # a text that is continued says nothing of the chat
                self._conversation.set_forgotten(self._forgotten_messages(request, prompt.dropped))
        self.used_tokens = len(prompt.ids) + len(message.tokens)
        self.prompt_read.emit()

    def _forgotten_messages(self, request: GenerateRequest, dropped: tuple[int, ...]) -> set[int]:
        """Request messages that left the view -> the conversation's: they are matched by id."""
        ids = {request.messages[i].message_id for i in dropped}
        return {i for i, message in enumerate(self._conversation.messages) if message.message_id in ids}

    @Slot(object)
    def _on_prompt_scored(self, scored: PromptNumbers) -> None:
        self._conversation.set_prompt_numbers(self.index, scored.start, scored.numbers)

    @Slot(object)
    def _on_prefill_progressed(self, progress: PrefillProgress) -> None:
        if progress.total_tokens - progress.reused_tokens > LONG_PROMPT_TOKENS and progress.done_tokens < progress.total_tokens:
            note = self.tr("Reading the conversation: {done} of {total} tokens").format(
                done=f"{progress.done_tokens:,}", total=f"{progress.total_tokens:,}"
            )
            self._conversation.set_status(self.index, "reading", note)

    @Slot(object)
    def _on_tokens_arrived(self, events: tuple[TokenEvent, ...]) -> None:
        if self._conversation.messages[self.index].status != "streaming":
            self._conversation.set_status(self.index, "streaming")
            self._received = 0
        if self._received == 0:
            self._first_s = time.perf_counter()
        if self._known:
            events = tuple(self._with_known(event) for event in events)
        self._conversation.append_tokens(self.index, events)
        self.used_tokens += len(events)
        self._received += sum(not event.is_given for event in events)
        self.tokens_added.emit(self.index)

    def _with_known(self, event: TokenEvent) -> TokenEvent:
        """A given token that was drawn in another version of the answer stays what it was there."""
        if not event.is_given or event.step >= len(self._known):
            return event
        known = self._known[event.step]
        return replace(event, is_given=known.is_given, trace=known.trace, numbers=known.numbers or event.numbers)

    @Slot(object)
    def _on_run_finished(self, finished: RunFinished) -> None:
        message = self._conversation.messages[self.index]
        message.stats = finished.stats
        message.finish_reason = finished.reason
        message.answer_ids = finished.answer_ids
        if self.pauses and finished.reason in ("cancelled", "length"):
            self._end("paused", self.tr("Paused."))
            return
        if finished.text_tail:
            self._conversation.append_text(self.index, finished.text_tail)
        if finished.reason == "cancelled" or (self._is_step and finished.reason == "length"):
            self._end("stopped", self.tr("Stopped."))
        else:
            self._end("done", self._ending(finished))

    def _ending(self, finished: RunFinished) -> str:
        """What to say about an answer that did not end by itself."""
        match finished.reason:
            case "length":
                text = self.tr("Stopped at the longest answer of {count} tokens; the settings can raise it.")
                return text.format(count=f"{finished.stats.new_tokens:,}")
            case "context":
                return self.tr("The context is full: there is no room for more of this answer.")
        return ""

    @Slot(object)
    def _on_run_failed(self, failure: RunFailed) -> None:
        """An answer that could not be taken further stays what it was."""
        if not self._goes_on:
            self._end("failed", failure.message)
        elif self.pauses:
            self._end("paused", failure.message)
        else:
            self._tell_rest(self.index)
            self._end("stopped", failure.message)

    def _end(self, status: Status, note: str) -> None:
        ended, self.index = self.index, None
        self._known, self.pauses = (), False
        self._conversation.set_status(ended, status, note)
        self.ended.emit(ended)
