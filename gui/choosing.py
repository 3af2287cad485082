"""The reader takes the model's place: pauses an answer, draws or chooses its next token, branches from an earlier one."""

from PySide6.QtCore import QObject, Slot

from gui.chat import Chat
from gui.inspector import Inspector
from gui.models.conversation import Conversation
from gui.views.probability.panel import ProbabilityPanel


class Choosing(QObject):
    """Tells the panel what taking a token would do at the step it shows, and does it."""

    def __init__(
        self,
        chat: Chat,
        inspector: Inspector,
        conversation: Conversation,
        panel: ProbabilityPanel,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._chat, self._inspector, self._conversation, self._panel = chat, inspector, conversation, panel
        panel.token_taken.connect(self._on_token_taken)
        panel.text_taken.connect(self._on_text_taken)
        panel.pause_requested.connect(self.pause_or_resume)
        panel.step_requested.connect(self.step)
        panel.resume_requested.connect(self.pause_or_resume)
        chat.changed.connect(self.refresh)
        chat.answer_ended.connect(self._on_answer_ended)
        inspector.changed.connect(self.refresh)

    @Slot()
    def pause_or_resume(self) -> None:
        """Pause the answer in work and give the panel the keyboard, or let the paused answer go on."""
        if self._chat.is_busy:
            self._chat.pause()
            self._panel.take_keyboard()
        else:
            self._chat.resume()

    @Slot()
    def step(self) -> None:
        """Draw one token of the paused answer."""
        self._chat.step()

    @Slot()
    def refresh(self) -> None:
        """Bring the panel in line with what can be done."""
        if self._chat.is_stepping or self._chat.can_step:
            self._panel.set_stepping("paused")
        else:
            self._panel.set_stepping("running" if self._chat.is_busy else "none")
        self._panel.set_taking(self._kind())

    def _kind(self) -> str:
        """What a token that is taken at the step shown becomes: the next one, the first of a branch, or nothing."""
        message = self._inspector.held_message
        if message is None or message.role != "assistant" or not self._chat.can_use(message) or self._inspector.is_prompt:
            return ""
        return "append" if self._inspector.is_next else "branch"

    @Slot(int, bytes)
    def _on_token_taken(self, token_id: int, _token_bytes: bytes) -> None:
        self._take((token_id,))

    @Slot(object)
    def _on_text_taken(self, ids: tuple[int, ...]) -> None:
        self._take(tuple(ids))

    def _take(self, ids: tuple[int, ...]) -> None:
        kind = self._kind()
        if kind == "append":
            self._chat.take(ids)
        elif kind == "branch":
            index, token = self._inspector.held
            self._inspector.release()
            self._chat.branch(index, token, ids)

    @Slot(int)
    def _on_answer_ended(self, index: int) -> None:
        """A pause shows what comes next; an end that was reached by steps shows the newest token."""
        if self._chat.paused == index:
            self._inspector.hold_next()
        elif self._inspector.was_next:
            self._inspector.release()
