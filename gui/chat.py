"""The chat itself: what the reader can do with messages and answers, turned into requests."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from gui.answer_run import AnswerRun
from gui.engine_host import EngineHost
from gui.models.conversation import ChatMessage, Conversation
from gui.models.settings import Settings
from gui.request_maker import RequestMaker, answer_ids, is_continued_text
from inference.types import GenerateRequest, ModelSpec, RunFailed, SamplingParams, TokenEvent, TokenNumbers

LONGEST_NAME = 42  # of a speaker in a scene, with the line break and the colon


class Chat(QObject):
    """One conversation with one model at a time. Emits `changed` when what it is doing, or the context in use, changes.

    One answer is made at a time. It can be paused, taken a token further, and resumed; it can be made again or branched,
    as a sibling, from any of its tokens: see the methods.
    """

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
        self.requests = RequestMaker(conversation, settings)
        self._run = AnswerRun(host, conversation, self)
        self._make: Callable[[], GenerateRequest] | None = None  # the answer's request, once there is a model
        self._known: list[TokenEvent] = []  # what is known of the tokens that it begins with
        self._then: Callable[[], None] | None = None  # what to do once the answer in work has ended
        self._is_loading = False
        host.model_ready.connect(self._on_model_ready)
        host.load_failed.connect(self._on_load_failed)
        self._run.prompt_read.connect(self.changed)
        self._run.tokens_added.connect(self.tokens_added)
        self._run.ended.connect(self._on_ended)

    # -- state ---------------------------------------------------------------------------------------------------------

    @property
    def spec(self) -> ModelSpec | None:
        """The loaded model."""
        return self.requests.spec

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made or waits for the model."""
        return self._run.index is not None

    @property
    def paused(self) -> int | None:
        """Index of the answer that waits for the reader's next step."""
        last = len(self._conversation.messages) - 1
        return last if last >= 0 and self._conversation.messages[last].status == "paused" and not self.is_busy else None

    @property
    def can_step(self) -> bool:
        """Whether there is such an answer, and the model that made it."""
        return self.paused is not None and self.can_use(self._conversation.messages[self.paused])

    @property
    def is_stepping(self) -> bool:
        """Whether the answer in work will be paused when this run of it ends."""
        return self.is_busy and self._run.pauses

    @property
    def tokens_per_s(self) -> float:
        """Speed of the answer being made, since its first token; 0 before the second."""
        return self._run.tokens_per_s

    @property
    def used_tokens(self) -> int:
        """How much of the context is in use."""
        return self._run.used_tokens

    @property
    def panel_rows(self) -> int:
        """Rows of the panel."""
        return self._settings().panel_rows

    @property
    def scene(self) -> str:
        """The text that sets up a chat with the model; "" where its template does."""
        return self.requests.scene

    def can_use(self, message: ChatMessage) -> bool:
        """Whether the loaded model is the one that made this answer, so that it can explain it and go on from it."""
        spec = self.spec
        return spec is not None and message.request is not None and message.weights_hash == spec.weights_hash

    # -- what the reader does ------------------------------------------------------------------------------------------

    def load(self, path: str) -> None:
        """Load another model; an answer in work is stopped and kept, one that waits goes on waiting."""
        self.requests.spec = None
        self._run.used_tokens = 0
        self._is_loading = True
        self._host.load(path, threads=self._settings().threads)
        self._note_waiting()
        self.changed.emit()

    def send(self, text: str) -> None:
        """Add the user's message and start its answer, or queue it while the model loads."""
        if self.is_busy:
            return
        self._settle()
        self._conversation.add_message("user", text, "done")
        self._begin_answer()

    def send_instead(self, index: int, text: str) -> None:
        """Put another version of a user's message beside it, and answer that."""
        self._after_stop(lambda: self._send_instead(index, text))

    def continue_text(self, text: str) -> None:
        """Add a text, to be continued as it stands; after one that was continued before, it is written on."""
        if self.is_busy:
            return
        index = self.text_being_written
        if index is not None:
            self._write_on(index, text)
            return
        self._settle()
        index = self._conversation.add_message("assistant", "", "queued")
        self._begin(index, lambda: self.requests.text(text))

    @property
    def text_being_written(self) -> int | None:
        """Index of the text that more text would be added to."""
        index = len(self._conversation.messages) - 1
        is_text = index >= 0 and is_continued_text(self._conversation.messages, index)
        return index if is_text and self.can_use(self._conversation.messages[index]) else None

    def answer_again(self, index: int) -> None:
        """Make another answer in the place of this one, which stays beside it."""
        self._after_stop(lambda: self._answer_again(index))

    def branch(
        self,
        index: int,
        keep: int,
        ids: Sequence[int],
        params: SamplingParams | None = None,
        numbers: Sequence[TokenNumbers | None] | None = None,
    ) -> None:
        """Begin a sibling with the answer's first `keep` tokens and then `ids`, and let the model go on from there.

        Where `numbers` are given the ids were drawn by this model with these parameters (a column of a comparison);
        otherwise they were chosen by hand.
        """
        self.branch_of(self._conversation.messages[index].message_id, keep, ids, params, numbers)

    def branch_of(
        self,
        message_id: str,
        keep: int,
        ids: Sequence[int],
        params: SamplingParams | None = None,
        numbers: Sequence[TokenNumbers | None] | None = None,
    ) -> None:
        """The same of an answer that need not be on screen."""
        if self.can_use(self._conversation.find(message_id)):
            self._after_stop(lambda: self._branch(self._conversation.show_message(message_id), keep, tuple(ids), params, numbers))

    def take(self, ids: Sequence[int]) -> None:
        """Append tokens chosen by hand to the paused answer, and pause again."""
        self._go_on(ids, max_new_tokens=0)

    def step(self) -> None:
        """Let the paused answer draw one token, and pause again."""
        self._go_on((), max_new_tokens=1)

    def resume(self, index: int | None = None) -> None:
        """Let the paused answer, or one that was cut short, go on to its end."""
        index = self.paused if index is None else index
        if index is not None and not self.is_busy and self.can_use(self._conversation.messages[index]):
            self._write_on(index, "")

    def _write_on(self, index: int, text: str) -> None:
        """Go on with an answer, after `text`. Where that is not the same answer any more it is another version of it.

        That is so with other settings, where something follows it already, after a token or a broken character that ended it,
        and where its last line may have been told at its end though the engine holds it back: it may become a speaker's name.
        """
        message = self._conversation.messages[index]
        is_other = (
            self.requests.params != message.request.params
            or index != len(self._conversation.messages) - 1
            or (message.tokens and message.tokens[-1].is_end)
            or (message.status != "paused" and (message.text.endswith("\ufffd") or _may_end_with_a_name(message)))
        )
        if is_other:
            self._after_stop(lambda: self._branch(index, len(answer_ids(message)), (), None, None, text))
        else:
            self._go_on((), max_new_tokens=None, index=index, text=text)

    def pause(self) -> None:
        """Stop the answer in work so that it can be taken further token by token."""
        self._run.pause()

    def stop(self) -> None:
        """Stop the answer within one token; everything received is kept. A paused one ends where it is."""
        if self.is_busy:
            self._run.stop()
        else:
            self._settle()

    def show_sibling(self, index: int, delta: int) -> None:
        """Show another version of a message, and what followed it."""
        self._after_stop(lambda: self._switch(index, delta))

    def new_chat(self) -> None:
        """Leave this conversation and begin an empty one."""
        self.leave()
        self._conversation.clear()
        self.changed.emit()

    def leave(self) -> None:
        """End the answer in work, or the one that waits, where it is, at once."""
        self._run.abandon()
        self._then = None
        self._settle()

    def take_up(self) -> None:
        """Go on with the conversation that was just put on screen."""
        self._count_context()
        self.changed.emit()

    # -- the run -------------------------------------------------------------------------------------------------------

    def _after_stop(self, action: Callable[[], None]) -> None:
        """Do it now, or once the answer in work has ended."""
        if not self.is_busy:
            self._settle()
            action()
            self.changed.emit()
            return
        self._then = action
        self.stop()

    def _switch(self, index: int, delta: int) -> None:
        self._conversation.switch(index, delta)
        self._count_context()
        messages = self._conversation.messages
        last = next((place for place in reversed(range(len(messages))) if messages[place].spans), None)
        if last is not None and not is_continued_text(messages, last):
            self._conversation.set_forgotten(self.requests.unseen(last))

    def _send_instead(self, index: int, text: str) -> None:
        self._conversation.add_sibling(index, "done")
        self._conversation.append_text(index, text)
        self._begin_answer()

    def _begin_answer(self) -> None:
        """An answer to the last message."""
        index = self._conversation.add_message("assistant", "", "queued")
        self._begin(index, lambda: self.requests.answer(index))

    def _answer_again(self, index: int) -> None:
        original = self._conversation.messages[index]
        is_text = is_continued_text(self._conversation.messages, index)
        if is_text and not self.can_use(original):
            return
        self._conversation.add_sibling(index)
        if is_text:
            self._start_from(index, original)
            self._begin(index, lambda: self.requests.again(original))
        else:
            self._begin(index, lambda: self.requests.answer(index))

    def _branch(
        self,
        index: int,
        keep: int,
        ids: tuple[int, ...],
        params: SamplingParams | None,
        numbers: Sequence[TokenNumbers | None] | None,
        text: str = "",
    ) -> None:
        original = self._conversation.messages[index]
        if not self.can_use(original):
            return
        self._conversation.add_sibling(index)
        message = self._start_from(index, original)
        message.branch_of, message.shared_tokens = original.message_id, keep
        known = [
            TokenEvent(0, step, record.token_id, record.token_bytes, "", False, record.trace, record.numbers, record.is_given)
            for step, record in enumerate(original.tokens[:keep])
        ]
        for token_id, each in zip(ids, numbers or (), strict=False):
            known.append(TokenEvent(0, len(known), token_id, b"", "", numbers=each))
        self._begin(index, lambda: self.requests.branch(original, keep, ids, params, text), known)

    def _start_from(self, index: int, original: ChatMessage) -> ChatMessage:
        """Give a sibling the prompt of the original, which sees what that one saw."""
        message = self._conversation.messages[index]
        message.prompt_ids, message.spans = original.prompt_ids, original.spans
        if not is_continued_text(self._conversation.messages, index):
            self._conversation.set_forgotten(self.requests.unseen(index))
        return message

    def _begin(self, index: int, make: Callable[[], GenerateRequest], known: Sequence[TokenEvent] = ()) -> None:
        self._run.index, self._make, self._known = index, make, list(known)
        if self.spec is None:
            self._note_waiting()
        else:
            self._start()
        self.changed.emit()

    def _start(self) -> None:
        self._run.start(self._make(), self.spec.name, self.spec.weights_hash, self._known)

    def _go_on(self, ids: Sequence[int], max_new_tokens: int | None, index: int | None = None, text: str = "") -> None:
        """Take the paused answer further; None: to its end."""
        index = self.paused if index is None else index
        if index is None or not self.can_use(self._conversation.messages[index]):
            return
        request = self.requests.more(self._conversation.messages[index], ids, text, max_new_tokens=max_new_tokens)
        self._run.go_on(index, request, pauses=max_new_tokens is not None)
        self.changed.emit()

    def _settle(self) -> None:
        """An answer that was paused ends where it is."""
        if self.paused is not None:
            self._run.settle(self.paused)
            self.changed.emit()

    def _note_waiting(self) -> None:
        """Say what an answer that has not begun waits for."""
        if not self.is_busy or self._host.is_running:
            return
        if self._is_loading:
            note = self.tr("Waiting for the model to load…")
        else:
            note = self.tr("No model is loaded. This message will be answered when one is.")
        self._conversation.set_status(self._run.index, "queued", note)

    def _count_context(self) -> None:
        """In use is what the newest answer took of this model's context; nothing where another model gave it, or none has."""
        self._run.used_tokens = 0
        for message in reversed(self._conversation.messages):
            is_ours = self.spec is not None and message.weights_hash == self.spec.weights_hash
            if is_ours and message.role == "assistant" and message.answer_ids is not None:
                self._run.used_tokens = len(message.prompt_ids) + len(message.answer_ids)
                return

    # -- the engine answers --------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_model_ready(self, spec: ModelSpec) -> None:
        self.requests.spec = spec
        self._is_loading = False
        self._count_context()
        if self.is_busy and not self._host.is_running:
            self._start()
        self.changed.emit()

    @Slot(object)
    def _on_load_failed(self, _failure: RunFailed) -> None:
        self._is_loading = False
        self._note_waiting()
        self.changed.emit()

    @Slot(int)
    def _on_ended(self, index: int) -> None:
        self.answer_ended.emit(index)
        then, self._then = self._then, None
        if then is not None:
            self._settle()
            then()
        self.changed.emit()


def _may_end_with_a_name(message: ChatMessage) -> bool:
    """Whether an answer in a scene ends with the short beginning of a line."""
    return bool(message.request.scene) and "\n" in message.text[-LONGEST_NAME:]
