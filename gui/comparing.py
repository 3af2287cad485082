"""Temperatures side by side: runs one beginning in several columns, and makes a branch of one of them."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from gui.chat import Chat
from gui.engine_host import EngineHost
from gui.models.conversation import Conversation
from gui.models.utf16 import utf16_slice
from gui.theme import Theme
from inference.types import ColumnEnded, ColumnToken, CompareRequest, RunFailed, RunFinished, TokenEvent

if TYPE_CHECKING:
    from gui.views.compare.dialog import CompareDialog

FIRST_TEMPERATURES = (0.0, 0.5, 0.8, 1.2, 2.0)


class Comparing(QObject):
    """Owns the window of the comparison and what has arrived for it."""

    def __init__(self, host: EngineHost, chat: Chat, conversation: Conversation, theme: Theme, window: QWidget):
        super().__init__(window)
        self._host, self._chat, self._conversation = host, chat, conversation
        self._theme, self._window = theme, window
        self._dialog: CompareDialog | None = None
        self._start: tuple[str, int] | None = None  # message id, tokens kept
        self._request: CompareRequest | None = None
        self._is_running = False
        self._columns: dict[int, list[TokenEvent]] = defaultdict(list)
        host.aside_arrived.connect(self._on_aside_arrived)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self._dialog is not None:
            self._dialog.set_theme(theme)

    def open(self, index: int, keep: int) -> None:
        """Show the window for the answer's first `keep` tokens."""
        message = self._conversation.messages[index]
        if not self._chat.can_use(message):
            return
        if self._dialog is None:
            from gui.views.compare.dialog import CompareDialog  # read when it is first opened: the main window is there sooner

            self._dialog = CompareDialog(self._theme, self._window)
            self._dialog.run_requested.connect(self._on_run_requested)
            self._dialog.stop_requested.connect(self._host.stop_aside)
            self._dialog.branch_requested.connect(self._on_branch_requested)
        self._start = (message.message_id, keep)
        self._dialog.set_start(self._text_before(index, keep), FIRST_TEMPERATURES)
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def _text_before(self, index: int, keep: int) -> str:
        message = self._conversation.messages[index]
        if keep:
            return utf16_slice(message.text, 0, message.tokens[keep - 1].end)
        return self._conversation.messages[index - 1].text if index else ""

    @Slot(object, int)
    def _on_run_requested(self, temperatures: tuple[float, ...], max_new_tokens: int) -> None:
        message = self._conversation.find(self._start[0])
        if message is None:
            self._dialog.fail(self.tr("That answer is no longer there."))
            return
        if not self._chat.can_use(message):
            self._dialog.fail(self.tr("The model that wrote this is no longer loaded."))
            return
        request = self._chat.requests.comparison(message, self._start[1], tuple(temperatures), max_new_tokens)
        self._request = self._host.run_aside(request)
        self._columns.clear()
        self._is_running = True
        self._dialog.begin(tuple(temperatures))

    @Slot(object)
    def _on_aside_arrived(self, events: tuple[object, ...]) -> None:
        if not self._is_running or events[0].run_id != self._request.run_id:
            return
        tokens = [event for event in events if isinstance(event, ColumnToken)]
        for token in tokens:
            self._columns[token.column].append(token.event)
        if tokens:
            self._dialog.add(tokens)
        for event in events:
            match event:
                case ColumnEnded():
                    self._dialog.end_column(event)
                case RunFinished():
                    self._is_running = False
                    self._dialog.finish(event)
                case RunFailed():
                    self._is_running = False
                    self._dialog.fail(event.message)

    @Slot(int)
    def _on_branch_requested(self, column: int) -> None:
        """The column's text becomes another version of the answer, which then goes on."""
        message_id, keep = self._start
        message = self._conversation.find(message_id)
        if message is None:
            self._dialog.fail(self.tr("That answer is no longer there."))
            return
        if not self._chat.can_use(message):
            self._dialog.fail(self.tr("The model that wrote this is no longer loaded."))
            return
        events = [event for event in self._columns[column] if not event.is_end]
        params = replace(self._request.params, temperature=self._request.temperatures[column])
        self._chat.branch_of(message_id, keep, [event.token_id for event in events], params, [event.numbers for event in events])
        text = self.tr("The column at T = {temperature} goes on in the chat, as another version of the answer.")
        self._dialog.tell(text.format(temperature=f"{params.temperature:g}"))
