"""Runs an answer again from its stored request and tells the first token that differs, or that none does."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.inspector import Inspector
from gui.models.conversation import ChatMessage, Conversation, TokenRecord
from gui.theme import Theme
from inference.types import GenerateRequest, PromptTokens, RunFailed, RunFinished, TokenEvent

if TYPE_CHECKING:
    from gui.views.replay_report import ReplayReport


class Replaying(QObject):
    """Owns the window of the report. The answer in the conversation is left as it is."""

    def __init__(
        self, host: EngineHost, chat: Chat, conversation: Conversation, inspector: Inspector, theme: Theme, window: QWidget
    ):
        super().__init__(window)
        self._host, self._chat, self._conversation, self._inspector = host, chat, conversation, inspector
        self._theme, self._window = theme, window
        self._report: ReplayReport | None = None
        self._message: ChatMessage | None = None  # None while nothing is run again
        self._tokens: tuple[TokenRecord, ...] = ()  # of the message when the replay was asked for
        self._run_id = 0
        self._shown: tuple[str, int] | None = None  # message id and the token that differs, or the first
        self._known = self._next = self._given = 0
        host.aside_arrived.connect(self._on_aside_arrived)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self._report is not None:
            self._report.set_theme(theme)

    def run(self, index: int) -> None:
        """Run the answer with this index again."""
        message = self._conversation.messages[index]
        if not self._chat.can_use(message) or not message.tokens:
            return
        if self._report is None:
            from gui.views.replay_report import ReplayReport  # read when it is first opened: the main window is there sooner

            self._report = ReplayReport(self._theme, self._window)
            self._report.stop_requested.connect(self._host.stop_aside)
            self._report.show_requested.connect(self._on_show_requested)
        request = self._chat.requests.replay(message)
        self._run_id = self._host.run_aside(request).run_id
        self._tokens = tuple(message.tokens)
        self._message, self._shown = message, (message.message_id, 0)
        self._known = self._next = request.known_tokens
        self._given = request.known_tokens + len(request.forced)
        self._report.begin(len(message.tokens), self._details(message, request))
        self._report.show()
        self._report.raise_()

    def _details(self, message: ChatMessage, request: GenerateRequest) -> str:
        text = self.tr("{model}, temperature {temperature}, seed {seed}")
        return text.format(model=message.author, temperature=request.params.temperature, seed=request.seed)

    @Slot(object)
    def _on_aside_arrived(self, events: tuple[object, ...]) -> None:
        if events[0].run_id != self._run_id:
            return
        for event in events:
            if self._message is None:
                return
            match event:
                case TokenEvent():
                    self._compare(event)
                case RunFinished():
                    self._finish(event)
                case RunFailed():
                    self._message = None
                    self._report.fail(event.message)
                case PromptTokens():
                    pass
        if self._message is not None:
            self._report.progress(self._next)

    def _compare(self, event: TokenEvent) -> None:
        """The first difference ends it."""
        step, tokens = event.step, self._tokens
        if step < len(tokens) and event.token_id == tokens[step].token_id:
            self._next = step + 1
        else:
            self._tell_difference(step, _text(event))
            self._host.stop_aside()

    def _finish(self, finished: RunFinished) -> None:
        if self._next == len(self._tokens):
            self._report.finish_same(self._next, self._given)
        elif finished.reason == "cancelled":
            self._report.finish_stopped(self._next)
        else:
            self._tell_difference(self._next, "")
        self._message = None

    def _tell_difference(self, step: int, now: str) -> None:
        tokens = self._tokens
        then = _text(tokens[step]) if step < len(tokens) else ""
        self._report.finish_different(step + 1, then, now)
        self._shown = (self._message.message_id, min(step, len(tokens) - 1))
        self._message = None

    @Slot()
    def _on_show_requested(self) -> None:
        index = self._conversation.index_of(self._shown[0])
        if index is not None:
            self._inspector.hold(index, self._shown[1])


def _text(token: TokenRecord | TokenEvent) -> str:
    return token.token_bytes.decode("utf-8", "replace")
