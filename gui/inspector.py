"""Which step the panel shows: the newest while text streams, or the one the reader holds."""

from PySide6.QtCore import QObject, Signal, Slot

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.models.conversation import Conversation
from gui.views.probability.panel import ProbabilityPanel
from gui.views.transcript.view import Transcript
from inference.types import ExplainRequest, RunFailed, StepExplained, StepTrace, TokenEvent


class Inspector(QObject):
    """Binds conversation, transcript and panel. `held` is (message, token), None while live."""

    changed = Signal()

    def __init__(
        self,
        host: EngineHost,
        chat: Chat,
        conversation: Conversation,
        transcript: Transcript,
        panel: ProbabilityPanel,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._host, self._chat, self._conversation = host, chat, conversation
        self._transcript, self._panel = transcript, panel
        self.held: tuple[int, int] | None = None
        self._asked: tuple[int, int] | None = None  # the step whose trace the engine computes again
        host.tokens_arrived.connect(self._on_tokens_arrived)  # after the chat, which has put them into the conversation
        conversation.cleared.connect(self._on_cleared)
        host.step_explained.connect(self._on_step_explained)
        host.explain_failed.connect(self._on_explain_failed)
        transcript.token_clicked.connect(self.hold)
        panel.step_by.connect(self.step_by)
        panel.live_requested.connect(self.release)

    @Slot(int, int)
    def hold(self, message: int, token: int) -> None:
        """Hold the panel on one generated token."""
        self.held = (message, token)
        self._transcript.hold(message, token)
        self._show_held(message, token)
        self.changed.emit()

    @Slot()
    def hold_newest(self) -> None:
        """Hold the newest token and give the panel the keyboard, so that the arrow keys walk from there."""
        newest = self._conversation.last_token()
        if newest is not None:
            self.hold(*newest)
            self._panel.setFocus()

    @Slot()
    def release(self) -> None:
        """Follow the newest token again."""
        self.held = None
        self._transcript.release()
        self.show_newest()
        self.changed.emit()

    @Slot(int)
    def step_by(self, delta: int) -> None:
        """Walk `delta` tokens from the one shown, across messages."""
        start = self.held or self._conversation.last_token()
        target = start and self._conversation.step_from(*start, delta if self.held else min(0, delta))
        if target:
            self.hold(*target)

    def show_newest(self) -> None:
        """Show the newest token, or what to do to get one."""
        newest = self._conversation.last_traced()
        if newest is not None:
            message, token = newest
            self._panel.show_trace(self._conversation.messages[message].tokens[token].trace, token + 1, True)
        else:
            self._panel.show_empty(self._empty_text())

    def _empty_text(self) -> str:
        if self._conversation.last_token() is not None:  # made while the panel was closed
            return self.tr("Click a word of an answer to see what else the model could have said there.")
        if self._chat.spec is None:
            return self.tr("The model is not loaded yet.")
        return self.tr("Send a message and watch the model choose, token by token.")

    def _show_held(self, message: int, token: int) -> None:
        record = self._conversation.messages[message].tokens[token]
        if record.trace is not None or not self._ask(message, token):
            self._panel.show_trace(record.trace, token + 1, False)

    def _ask(self, message: int, token: int) -> bool:
        """Have the step computed again from its exact ids; False where the loaded model is not the one that drew it."""
        answer = self._conversation.messages[message]
        if self._chat.spec is None or answer.request is None or answer.weights_hash != self._chat.spec.weights_hash:
            return False
        before = tuple(record.token_id for record in answer.tokens[:token])
        request = ExplainRequest(
            run_id=0,
            context_ids=answer.prompt_ids + before,
            token_id=answer.tokens[token].token_id,
            params=answer.request.params,
            seed=answer.request.seed,
            answer_start=len(answer.prompt_ids),
            trace_rows=self._chat.panel_rows,
        )
        self._asked = (message, token)
        self._host.explain(request)
        return True

    @Slot(object)
    def _on_tokens_arrived(self, events: tuple[TokenEvent, ...]) -> None:
        """Show the newest; tokens of a fast model that came without trace change nothing."""
        if self.held is None and any(event.trace is not None for event in events):
            self.show_newest()

    @Slot(object)
    def _on_step_explained(self, answer: StepExplained) -> None:
        if self._asked is not None:
            self._conversation.keep_trace(*self._asked, answer.trace)
            self._show_answer(answer.trace)

    @Slot(object)
    def _on_explain_failed(self, _failure: RunFailed) -> None:
        self._show_answer(None)

    def _show_answer(self, trace: StepTrace | None) -> None:
        """Show it if the step asked about is still the one held."""
        if self.held is not None and self.held == self._asked:
            self._panel.show_trace(trace, self.held[1] + 1, False)
        self._asked = None

    @Slot()
    def _on_cleared(self) -> None:
        self._asked = None
        self.release()
