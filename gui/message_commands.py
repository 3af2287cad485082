"""Commands on one message or token: from its context menu, or from the menu bar for the one at hand."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal, Slot

from gui.chat import Chat
from gui.comparing import Comparing
from gui.editing import Editing
from gui.exporting import Exporting
from gui.inspector import Inspector
from gui.looking import Looking
from gui.models.conversation import Conversation
from gui.replaying import Replaying

NEED_THE_MODEL = ("continue", "compare", "raw", "replay")  # the one that made the answer


class MessageCommands(QObject):
    """Hands a command to the part that does it. Emits `told` with a sentence where it cannot be done now."""

    told = Signal(str)

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
        why_not = self._why_not(command, message)
        if why_not:
            self.told.emit(why_not)
        else:
            self._by_name[command](message, token)

    def _why_not(self, command: str, index: int) -> str:
        """Why it cannot be done with this message, or with the answer to it; "" where it can."""
        if command not in NEED_THE_MODEL:
            return ""
        answer = next((each for each in self._conversation.messages[index:] if each.role == "assistant"), None)
        if answer is None or answer.request is None:
            return self.tr("No model has read this message yet.")
        if not self._chat.can_use(answer):
            return self.tr("This needs the model that gave the answer, {name}.").format(name=answer.author)
        return self.tr("Another answer is being made.") if command == "continue" and self._chat.is_busy else ""

    @Slot(int, int)
    def switch(self, message: int, delta: int) -> None:
        """Show another version of a message."""
        self._chat.show_sibling(message, delta)

    def run_here(self, command: str) -> None:
        """Do it with the message at hand."""
        index = self.at_hand(command)
        if index is not None:
            held = self._inspector.held
            self.run(command, index, held[1] if held is not None and held[0] == index else -1)

    def at_hand(self, command: str) -> int | None:
        """Index of the message that the reader means: as a rule the answer whose token is held, else the last one.

        It is the user's message before it that is written differently, and the last with versions that shows another one.
        """
        messages, held = self._conversation.messages, self._inspector.held
        if command in ("previous", "next"):
            return self._last((*range(len(messages)), *(held or ())[:1]), lambda index: self._conversation.siblings(index)[1] > 1)
        if command == "edit":
            return self._last(range(held[0] + 1 if held else len(messages)), lambda index: messages[index].role == "user")
        return self._last((*range(len(messages)), *(held or ())[:1]), lambda index: messages[index].role == "assistant")

    def _last(self, places: Sequence[int], is_meant: Callable[[int], bool]) -> int | None:
        return next(filter(is_meant, reversed(places)), None)
