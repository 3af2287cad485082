"""The context menu of a message: copying, and what can be done with the message or one of its tokens."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gui.models.message import ChatMessage
from gui.models.token_text import label_of

LONGEST_LABEL = 24


class MessageMenu(QMenu):
    """Deletes itself when it closes. Emits `chosen` with a command and the token it is for, -1 for none.

    Commands: "branch", "compare" (of an answer's token); "regenerate", "continue", "replay" (of an answer); "edit" (of the
    user's message); "raw", "export" (JSON), "export_csv".
    """

    chosen = Signal(str, int)

    def __init__(self, message: ChatMessage, token: int, parent: QWidget):
        super().__init__(parent)
        self._message = message
        self._token = token
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.triggered.connect(self._on_triggered)

    def add_copying(self, copy: object, copy_all: object, select_all: object, has_selection: bool) -> None:
        """The first part: the three slots, and whether there is something to copy."""
        self.addAction(self.tr("Copy"), QKeySequence.StandardKey.Copy, copy).setEnabled(has_selection)
        self.addAction(self.tr("Copy message"), copy_all).setEnabled(bool(self._message.text))
        self.addAction(self.tr("Select all"), QKeySequence.StandardKey.SelectAll, select_all)

    def add_commands(self) -> None:
        """The other parts: what makes sense for this message, as it is now."""
        if self._message.role == "assistant":
            if self._token >= 0:
                self._add_token_commands()
            self._add_answer_commands()
        self.addSeparator()
        if self._message.role == "user":
            self._add("edit", self.tr("Write it differently…"))
        self._add("raw", self.tr("What the model sees…"))
        self._add("export", self.tr("Save as JSON…"), bool(self._message.tokens))
        self._add("export_csv", self.tr("Save as CSV…"), bool(self._message.tokens))

    def _add_token_commands(self) -> None:
        self.addSeparator()
        shown = self._token_label()
        text = self.tr("Take another token instead of “{token}”…")
        self._add("branch", text.format(token=shown), not self._message.is_active)
        self._add("compare", self.tr("Temperatures side by side from “{token}” on…").format(token=shown))

    def _add_answer_commands(self) -> None:
        is_over = not (self._message.is_active or self._message.status == "paused")
        self.addSeparator()
        self._add("regenerate", self.tr("Answer again"), is_over)
        self._add("continue", self.tr("Let the answer go on"), is_over and self._can_go_on())
        self._add("replay", self.tr("Run the answer again and compare"), is_over and self._message.request is not None)

    def _can_go_on(self) -> bool:
        """Whether the answer did not end by itself: neither the model's end nor a stop text was reached."""
        return bool(self._message.tokens) and self._message.finish_reason not in ("end", "stop")

    def _token_label(self) -> str:
        token = self._message.tokens[self._token]
        label = label_of(token.token_id, token.token_bytes).text
        return (label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…").replace("&", "&&")

    def _add(self, command: str, text: str, is_enabled: bool = True) -> None:
        action = self.addAction(text)
        action.setData(command)
        action.setEnabled(is_enabled)

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        if action.data():
            self.chosen.emit(action.data(), self._token)
