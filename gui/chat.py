"""The chat itself: turns a typed message into a request, and the engine's events into the conversation."""

import secrets
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from gui.engine_host import EngineHost
from gui.models.conversation import Conversation, Status
from gui.models.settings import Settings
from inference.types import (
    GenerateRequest,
    Message,
    ModelSpec,
    PrefillProgress,
    PromptTokens,
    RunFailed,
    RunFinished,
    TokenEvent,
)

TRACE_INTERVAL_S = 0.3  # of a fast model the panel shows what an eye can follow; the steps between are explained when held
LONG_PROMPT_TOKENS = 64  # reading fewer new tokens than this needs no progress line


class Chat(QObject):
    """One conversation with one model at a time. Emits `changed` when what it is doing, or the context in use, changes."""

    changed = Signal()
    tokens_added = Signal(int)  # index of the message that grew
    answer_ended = Signal(int)

    def __init__(
        self, host: EngineHost, conversation: Conversation, settings: Callable[[], Settings], parent: QObject | None = None
    ):
        super().__init__(parent)
        self._host = host
        self._conversation = conversation
        self._settings = settings
        self._answer: int | None = None  # index of the answer being made, or waiting for the model
        self._is_loading = False
        self.spec: ModelSpec | None = None
        self.used_tokens = 0
        self._first_s = 0.0
        self._received = 0
        self.is_traced = True  # False while the panel is closed: nothing is explained that nobody sees
        host.model_ready.connect(self._on_model_ready)
        host.load_failed.connect(self._on_load_failed)
        host.prompt_read.connect(self._on_prompt_read)
        host.prefill_progressed.connect(self._on_prefill_progressed)
        host.tokens_arrived.connect(self._on_tokens_arrived)
        host.run_finished.connect(self._on_run_finished)
        host.run_failed.connect(self._on_run_failed)

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or waits for the model."""
        return self._answer is not None

    @property
    def tokens_per_s(self) -> float:
        """Speed of the answer being made, since its first token; 0 before the second."""
        elapsed = time.perf_counter() - self._first_s
        return (self._received - 1) / elapsed if self._received > 1 and elapsed > 0 else 0.0

    @property
    def panel_rows(self) -> int:
        """Rows of the panel."""
        return self._settings().panel_rows

    @property
    def scene(self) -> str:
        """The text that sets up a chat with the model; "" where its template does."""
        if self.spec is None or self.spec.has_chat_template:
            return ""
        return self._settings().scene or self.spec.default_scene

    def load(self, path: str) -> None:
        """Load another model; an answer in work is stopped and kept, one that waits goes on waiting."""
        self.spec = None
        self.used_tokens = 0
        self._is_loading = True
        self._host.load(path, threads=self._settings().threads)
        self._note_waiting()
        self.changed.emit()

    def send(self, text: str) -> None:
        """Add the user's message and start its answer, or queue it while the model loads."""
        if self.is_busy:
            return
        self._conversation.add_message("user", text, "done")
        self._answer = self._conversation.add_message("assistant", "", "queued")
        if self.spec is None:
            self._note_waiting()
        else:
            self._start()
        self.changed.emit()

    def stop(self) -> None:
        """Stop the answer within one token; everything received is kept."""
        if self._host.is_running:
            self._host.stop()
        elif self._answer is not None:
            self._end("stopped", self.tr("Stopped before the model was loaded."))

    def new_chat(self) -> None:
        """Forget this conversation and begin an empty one."""
        self._host.abandon()
        self._answer = None
        self.used_tokens = 0
        self._conversation.clear()
        self.changed.emit()

    def _note_waiting(self) -> None:
        """Say what an answer that has not begun waits for."""
        if self._answer is None or self._host.is_running:
            return
        if self._is_loading:
            note = self.tr("Waiting for the model to load…")
        else:
            note = self.tr("No model is loaded. This message will be answered when one is.")
        self._conversation.set_status(self._answer, "queued", note)

    def _start(self) -> None:
        settings = self._settings()
        seed = settings.seed if settings.seed_mode == "fixed" else secrets.randbits(32)
        request = GenerateRequest(
            run_id=0,
            messages=self._messages(settings),
            params=settings.sampling_params(),
            seed=seed,
            max_new_tokens=settings.max_new_tokens,
            trace_rows=settings.panel_rows if self.is_traced else 0,
            trace_interval_s=TRACE_INTERVAL_S,
            scene=self.scene,
        )
        message = self._conversation.messages[self._answer]
        message.request = self._host.generate(request)
        message.author = self.spec.name
        message.weights_hash = self.spec.weights_hash
        self._conversation.set_status(self._answer, "reading")

    def _messages(self, settings: Settings) -> tuple[Message, ...]:
        messages = self._conversation.as_request_messages(self.spec.weights_hash)
        if settings.system_prompt.strip():
            return (Message("system", settings.system_prompt), *messages)
        return messages

    @Slot(object)
    def _on_model_ready(self, spec: ModelSpec) -> None:
        self.spec = spec
        self._is_loading = False
        self.used_tokens = self._tokens_of_conversation(spec)
        if self._answer is not None and not self._host.is_running:
            self._start()
        self.changed.emit()

    def _tokens_of_conversation(self, spec: ModelSpec) -> int:
        """What the newest answer took of this model's context; 0 where another model gave it, or none has."""
        for message in reversed(self._conversation.messages):
            if message.role == "assistant" and message.answer_ids is not None and message.weights_hash == spec.weights_hash:
                return len(message.prompt_ids) + len(message.answer_ids)
        return 0

    @Slot(object)
    def _on_load_failed(self, _failure: RunFailed) -> None:
        self._is_loading = False
        self._note_waiting()
        self.changed.emit()

    @Slot(object)
    def _on_prompt_read(self, prompt: PromptTokens) -> None:
        answer = self._conversation.messages[self._answer]
        answer.prompt_ids = prompt.ids
        self._conversation.set_forgotten(self._forgotten_messages(prompt.dropped))
        self.used_tokens = len(prompt.ids)
        self.changed.emit()

    def _forgotten_messages(self, dropped: tuple[int, ...]) -> set[int]:
        """Request messages that left the view -> the conversation's: they are matched by id."""
        request = self._conversation.messages[self._answer].request
        ids = {request.messages[i].message_id for i in dropped}
        return {i for i, message in enumerate(self._conversation.messages) if message.message_id in ids}

    @Slot(object)
    def _on_prefill_progressed(self, progress: PrefillProgress) -> None:
        if progress.total_tokens - progress.reused_tokens > LONG_PROMPT_TOKENS and progress.done_tokens < progress.total_tokens:
            note = self.tr("Reading the conversation: {done} of {total} tokens").format(
                done=f"{progress.done_tokens:,}", total=f"{progress.total_tokens:,}"
            )
            self._conversation.set_status(self._answer, "reading", note)

    @Slot(object)
    def _on_tokens_arrived(self, events: tuple[TokenEvent, ...]) -> None:
        if self._conversation.messages[self._answer].status != "streaming":
            self._conversation.set_status(self._answer, "streaming")
            self._first_s, self._received = time.perf_counter(), 0
        self._conversation.append_tokens(self._answer, events)
        self.used_tokens += len(events)
        self._received += len(events)
        self.tokens_added.emit(self._answer)

    @Slot(object)
    def _on_run_finished(self, finished: RunFinished) -> None:
        answer = self._conversation.messages[self._answer]
        answer.stats = finished.stats
        answer.finish_reason = finished.reason
        answer.answer_ids = finished.answer_ids
        if finished.text_tail:
            self._conversation.append_text(self._answer, finished.text_tail)
        self._end("stopped" if finished.reason == "cancelled" else "done", self._ending(finished))

    def _ending(self, finished: RunFinished) -> str:
        """What to say about an answer that did not end by itself."""
        match finished.reason:
            case "length":
                text = self.tr("Stopped at the longest answer of {count} tokens; the settings can raise it.")
                return text.format(count=f"{finished.stats.new_tokens:,}")
            case "context":
                return self.tr("The context is full: there is no room for more of this answer.")
            case "cancelled":
                return self.tr("Stopped.")
        return ""

    @Slot(object)
    def _on_run_failed(self, failure: RunFailed) -> None:
        self._end("failed", failure.message)

    def _end(self, status: Status, note: str) -> None:
        ended, self._answer = self._answer, None
        self._conversation.set_status(ended, status, note)
        self.answer_ended.emit(ended)
        self.changed.emit()
