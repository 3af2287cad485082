"""The least certain tokens of the conversation, as a list that leads to each of them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from gui.inspector import Inspector
from gui.models.certainty import token_rows
from gui.models.conversation import Conversation
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.views.least_certain import LeastCertain


class Certainty(QObject):
    """Owns the window of the list."""

    def __init__(self, conversation: Conversation, inspector: Inspector, theme: Theme, window: QWidget):
        super().__init__(window)
        self._conversation, self._inspector = conversation, inspector
        self._theme, self._window = theme, window
        self._dialog: LeastCertain | None = None
        conversation.cleared.connect(self._on_cleared)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self._dialog is not None:
            self._dialog.set_theme(theme)

    @Slot()
    def open(self) -> None:
        """Show the list as it is now."""
        if self._dialog is None:
            from gui.views.least_certain import LeastCertain  # read when it is first opened: the main window is there sooner

            self._dialog = LeastCertain(self._theme, self._window)
            self._dialog.token_chosen.connect(self._on_token_chosen)
        self._dialog.set_rows(token_rows(self._conversation.messages))
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    @Slot()
    def _on_cleared(self) -> None:
        """The window goes with the tokens that it lists."""
        if self._dialog is not None:
            self._dialog.close()

    @Slot(str, int)
    def _on_token_chosen(self, message_id: str, token: int) -> None:
        index = self._conversation.index_of(message_id)
        if index is not None:
            self._inspector.hold(index, token)
