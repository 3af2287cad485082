"""Commands on one message or token: from its context menu, or from the menu bar for the one at hand."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Slot

from gui.chat import Chat
from gui.comparing import Comparing
from gui.editing import Editing
from gui.exporting import Exporting
from gui.inspector import Inspector
from gui.looking import Looking
from gui.models.conversation import Conversation
from gui.replaying import Replaying


class MessageCommands(QObject):
    """Hands a command to the part that does it."""

    def __init__(
        self,
        chat: Chat,
        conversation: Conversation,
        inspector: Inspector,
        comparing: Comparing,
        looking: Looking,
        replaying: Replaying,
        exporting: Exporting,
        editing: Editing,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._chat, self._conversation, self._inspector = chat, conversation, inspector
        self._by_name: dict[str, Callable[[int, int], None]] = {
            "edit": lambda message, _token: editing.begin(message),
            "regenerate": lambda message, _token: chat.answer_again(message),
            "continue": lambda message, _token: chat.resume(message),
            "branch": inspector.hold,
            "compare": lambda message, token: comparing.open(message, max(0, token)),
            "raw": lambda message, _token: looking.open(message),
            "replay": lambda message, _token: replaying.run(message),
            "export": lambda message, _token: exporting.save_message(message, "json"),
            "export_csv": lambda message, _token: exporting.save_message(message, "csv"),
            "previous": lambda message, _token: chat.show_sibling(message, -1),
            "next": lambda message, _token: chat.show_sibling(message, 1),
        }

    @Slot(str, int, int)
    def run(self, command: str, message: int, token: int) -> None:
        """Do it with this message, and this token of it (-1: none in particular)."""
        self._by_name[command](message, token)

    @Slot(int, int)
    def switch(self, message: int, delta: int) -> None:
        """Show another version of a message."""
        self._chat.show_sibling(message, delta)

    def run_here(self, command: str) -> None:
        """Do it with the answer at hand: the one whose token is held, else the last."""
        answer = self.answer_at_hand()
        if answer is not None:
            held = self._inspector.held
            self.run(command, answer, held[1] if held is not None and held[0] == answer else -1)

    def answer_at_hand(self) -> int | None:
        """Index of the answer that the reader is looking at."""
        messages = self._conversation.messages
        held = self._inspector.held
        if held is not None and messages[held[0]].role == "assistant":
            return held[0]
        return next((index for index in range(len(messages) - 1, -1, -1) if messages[index].role == "assistant"), None)
