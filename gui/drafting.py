"""While the reader writes: the panel shows what the model would put after the draft."""

from PySide6.QtCore import QObject, QTimer, Slot

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.inspector import Inspector
from gui.models.conversation import Conversation
from gui.views.composer.composer import Composer
from gui.views.probability.panel import ProbabilityPanel
from inference.types import DraftExplained, DraftRequest, Message


class Drafting(QObject):
    """Asks for the distribution after the draft while nothing else is shown or made. `is_on` is the reader's switch."""

    def __init__(
        self,
        host: EngineHost,
        chat: Chat,
        conversation: Conversation,
        inspector: Inspector,
        composer: Composer,
        panel: ProbabilityPanel,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._host, self._chat, self._inspector = host, chat, inspector
        self._composer, self._panel = composer, panel
        self.is_on = True
        self._draft = ""
        self._is_shown = False
        composer.draft_changed.connect(self._on_draft_changed)
        composer.mode_changed.connect(self._on_mode_changed)
        inspector.changed.connect(self._on_inspector_changed)
        conversation.cleared.connect(self._on_other_conversation)
        conversation.restored.connect(self._on_other_conversation)
        conversation.path_changed.connect(self._on_path_changed)
        host.draft_explained.connect(self._on_draft_explained)
        host.draft_failed.connect(self._on_draft_failed)

    @Slot(str)
    def _on_draft_changed(self, text: str) -> None:
        self._draft = text
        self.refresh()

    @Slot(str)
    def _on_mode_changed(self, _mode: str) -> None:
        self.refresh()

    @Slot()
    def _on_inspector_changed(self) -> None:
        """Where no token is held any more, the draft is what is newest."""
        if self._inspector.held is None:
            self.refresh()

    @Slot(int)
    def _on_path_changed(self, _index: int) -> None:
        """If an answer is about to begin there, it comes first."""
        self._on_other_conversation()

    @Slot()
    def _on_other_conversation(self) -> None:
        """Something else stands before the draft, once everybody has taken note of it."""
        QTimer.singleShot(0, self, self.refresh)

    @Slot()
    def refresh(self) -> None:
        """The draft changed, or whether it is to be looked at."""
        if not (self._draft and self.is_on):
            self._hide()
        elif self._can_ask():
            self._host.explain_draft(self._request())

    def _hide(self) -> None:
        if self._is_shown:
            self._is_shown = False
            if self._inspector.held is None:
                self._inspector.show_newest()

    def _can_ask(self) -> bool:
        is_free = self.is_on and self._inspector.held is None and not self._chat.is_busy and self._chat.spec is not None
        return is_free and self._panel.isVisible()

    def _request(self) -> DraftRequest:
        requests = self._chat.requests
        if self._composer.mode == "continue":
            before = requests.text_ids(self._chat.text_being_written)
            return DraftRequest(0, text=self._draft, prefix_ids=before, params=requests.params, trace_rows=self._chat.panel_rows)
        messages = (*requests.messages(), Message("user", self._draft))
        return DraftRequest(0, messages=messages, params=requests.params, trace_rows=self._chat.panel_rows, scene=requests.scene)

    @Slot(object)
    def _on_draft_explained(self, answer: DraftExplained) -> None:
        if self._draft and self._can_ask():
            self._is_shown = True
            self._panel.show_draft(answer.trace, "")

    @Slot(object)
    def _on_draft_failed(self, _failure: object) -> None:
        self._hide()
