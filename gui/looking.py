"""The raw view: every token that the model sees for one answer, and those that it no longer sees."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.inspector import Inspector
from gui.models.conversation import ChatMessage, Conversation
from gui.theme import Theme
from gui.views.raw_view.chip import Chip, Kind
from inference.types import DescribeRequest, PromptSpan, TokensDescribed

if TYPE_CHECKING:
    from gui.views.raw_view.dialog import RawView


class Looking(QObject):
    """Owns the window of the raw view, and what the chips in it stand for."""

    def __init__(
        self, host: EngineHost, chat: Chat, conversation: Conversation, inspector: Inspector, theme: Theme, window: QWidget
    ):
        super().__init__(window)
        self._host, self._chat, self._conversation, self._inspector = host, chat, conversation, inspector
        self._theme, self._window = theme, window
        self._view: RawView | None = None
        self._answer_id = ""
        self._forgotten = 0  # chips in front that are no part of the prompt
        host.described.connect(self._on_described)
        chat.answer_ended.connect(self._on_answer_ended)
        conversation.cleared.connect(self._on_cleared)
        inspector.changed.connect(self._mark_held)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self._view is not None:
            self._view.set_theme(theme)

    def open(self, index: int) -> None:
        """Show what the model saw for this answer, or for the one that followed this message."""
        answer = next((each for each in self._conversation.messages[index:] if each.role == "assistant"), None)
        if answer is None or not self._chat.can_use(answer):  # to another model its ids mean other tokens
            return
        if self._view is None:
            from gui.views.raw_view.dialog import RawView  # read when it is first opened: the main window is there sooner

            self._view = RawView(self._theme, self._window)
            self._view.chip_clicked.connect(self._on_chip_clicked)
        self._show(answer)
        self._view.show()
        self._view.raise_()
        self._view.activateWindow()

    def _show(self, answer: ChatMessage) -> None:
        self._answer_id = answer.message_id
        self._host.describe(DescribeRequest(0, answer.prompt_ids))

    @Slot()
    def _on_cleared(self) -> None:
        """The window goes with the answer that it is about."""
        if self._view is not None:
            self._view.close()

    @Slot(int)
    def _on_answer_ended(self, index: int) -> None:
        """The window follows the conversation."""
        if self._view is not None and self._view.isVisible() and self._chat.can_use(self._conversation.messages[index]):
            self._show(self._conversation.messages[index])

    @Slot(object)
    def _on_described(self, described: TokensDescribed) -> None:
        answer = self._conversation.find(self._answer_id)
        if self._view is None or answer is None or described.ids != answer.prompt_ids:
            return
        index = self._conversation.index_of(self._answer_id)
        if index is None:  # another version is on screen by now
            return
        forgotten = self._forgotten_chips(index)
        self._forgotten = len(forgotten)
        prompt = self._prompt_chips(index, described)
        chips = forgotten + prompt + answer_chips(answer)
        limit = self._chat.spec.context_tokens if self._chat.can_use(answer) else 0
        self._view.show_tokens(chips, len(chips) - len(forgotten), limit)
        self._mark_held()

    @Slot()
    def _mark_held(self) -> None:
        """Mark the chip of the token that the panel is held on."""
        index, held = self._conversation.index_of(self._answer_id), self._inspector.held
        if self._view is None or index is None:
            return
        is_here = held is not None and held[0] == index
        prompt = len(self._conversation.messages[index].prompt_ids)
        self._view.set_held(self._forgotten + prompt + held[1] if is_here else None)

    def _forgotten_chips(self, index: int) -> list[Chip]:
        kinds: dict[str, Kind] = {"user": "user", "assistant": "answer", "system": "system"}
        return [
            Chip(None, token.token_id, token.token_bytes, kinds[message.role], is_forgotten=True)
            for message in (self._conversation.messages[place] for place in sorted(self._chat.requests.unseen(index)))
            for token in message.tokens
        ]

    def _prompt_chips(self, index: int, described: TokensDescribed) -> list[Chip]:
        read, answer = self._chat.requests.read_for(index), self._conversation.messages[index]
        kinds: list[Kind] = ["special" if special else "template" for special in described.is_special]
        for span in answer.spans:
            if span.kind == "content":
                kinds[span.start : span.end] = [self._kind_of(span, read)] * (span.end - span.start)
        rows = zip(described.ids, described.token_bytes, kinds, strict=True)
        return [Chip(position, token_id, data, kind) for position, (token_id, data, kind) in enumerate(rows)]

    def _kind_of(self, span: PromptSpan, read: Mapping[int, str]) -> Kind:
        """Whose words: what is no message of the conversation is the system prompt."""
        if span.message_index < 0:
            return "template"
        message = self._conversation.find(read.get(span.message_index, ""))
        if message is None:
            return "system"
        return "user" if message.role == "user" else "answer"

    @Slot(int)
    def _on_chip_clicked(self, chip: int) -> None:
        index = self._conversation.index_of(self._answer_id)
        if index is None or chip < self._forgotten:
            return
        answer = self._conversation.messages[index]
        self._inspector.hold(index, chip - self._forgotten - len(answer.prompt_ids))


def answer_chips(answer: ChatMessage) -> list[Chip]:
    """The answer's own tokens; the one that ended it is a special token."""
    first = len(answer.prompt_ids)
    return [
        Chip(first + step, token.token_id, token.token_bytes, "special" if token.is_end else "answer")
        for step, token in enumerate(answer.tokens)
    ]
