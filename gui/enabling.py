"""Which commands can do something now, and no others can be chosen."""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from gui.chat import Chat
from gui.inspector import Inspector
from gui.message_commands import MessageCommands
from gui.models.conversation import ChatMessage, Conversation


class Enabling(QObject):
    """Enables the actions of the answer at hand and of the step held, whenever chat or inspector change."""

    def __init__(
        self,
        actions: Mapping[str, QAction],
        chat: Chat,
        conversation: Conversation,
        inspector: Inspector,
        commands: MessageCommands,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self._actions, self._commands = actions, commands
        self._chat, self._conversation, self._inspector = chat, conversation, inspector
        chat.changed.connect(self.refresh)
        inspector.changed.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        """Look at everything anew."""
        for key, is_enabled in (self._of_the_answer() | self._of_the_versions() | self._of_the_step()).items():
            self._actions[key].setEnabled(is_enabled)

    def _of_the_answer(self) -> dict[str, bool]:
        index, is_free = self._commands.at_hand("again"), not self._chat.is_busy
        answer = None if index is None else self._conversation.messages[index]
        is_there, can_use = answer is not None, answer is not None and self._chat.can_use(answer)
        return {
            "again": is_there and self._chat.spec is not None,
            "continue": can_use and is_free and _is_cut_short(answer),
            "replay": can_use and is_free and bool(answer.tokens),
            "compare": can_use and is_free,
            "raw": can_use,
            "export_json": is_there,
            "export_csv": is_there,
            "least_certain": is_there,
        }

    def _of_the_versions(self) -> dict[str, bool]:
        index = self._commands.at_hand("next")
        place, count = (1, 1) if index is None else self._conversation.siblings(index)
        return {
            "previous_version": place > 1,
            "next_version": place < count,
            "write_differently": self._commands.at_hand("edit") is not None,
        }

    def _of_the_step(self) -> dict[str, bool]:
        has_step = self._inspector.held is not None or self._conversation.last_traced() is not None
        return {
            **dict.fromkeys(("step_csv", "step_json", "copy_picture", "save_picture"), has_step),
            "pause": self._chat.is_busy or self._chat.can_step,
            "step": self._chat.can_step,
            "live": self._inspector.held is not None,
        }


def _is_cut_short(answer: ChatMessage) -> bool:
    """Whether an answer did not end by itself."""
    return answer.status in ("paused", "stopped", "done") and answer.finish_reason in ("length", "cancelled")
