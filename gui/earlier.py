"""Earlier chats: the list of all conversations in the file, to open one of them again or to delete it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QMessageBox

from gui.chat import Chat
from gui.inspector import Inspector
from gui.journal import Journal
from gui.main_window import MainWindow
from gui.models.chat_summary import ChatSummary
from gui.store import StoreError
from gui.theme import Theme, control_style

if TYPE_CHECKING:
    from gui.views.earlier_chats import EarlierChats

LONGEST_TITLE = 80  # in the question


class Earlier(QObject):
    """Owns the window of the list. Emits `failed` with a sentence to show."""

    failed = Signal(str)

    def __init__(self, chat: Chat, journal: Journal, inspector: Inspector, theme: Theme, window: MainWindow):
        super().__init__(window)
        self._chat, self._journal, self._inspector = chat, journal, inspector
        self._theme, self._window = theme, window
        self._dialog: EarlierChats | None = None

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        if self._dialog is not None:
            self._dialog.set_theme(theme)

    @Slot()
    def open(self) -> None:
        """Show the list as it is now."""
        if self._dialog is None:
            from gui.views.earlier_chats import EarlierChats  # read when it is first opened: the main window is there sooner

            self._dialog = EarlierChats(self._theme, self._window)
            self._dialog.words_changed.connect(self._list)
            self._dialog.open_requested.connect(self._on_open_requested)
            self._dialog.delete_requested.connect(self._on_delete_requested)
        self._dialog.start()
        self._list()
        self._dialog.open()

    @Slot()
    def _list(self) -> None:
        """What the file has now, of what is searched for."""
        try:
            chats = self._journal.earlier(self._dialog.search.text())
        except StoreError as error:
            self._dialog.set_chats((), None)
            self._dialog.set_failure(self.tr("The chats cannot be read: {reason}").format(reason=error))
        else:
            self._dialog.set_chats(chats, self._journal.open_number)

    @Slot(int)
    def _on_open_requested(self, number: int) -> None:
        """Leave the chat on screen, which stays in the list, and go on with this one."""
        self._dialog.close()
        if number == self._journal.open_number:
            return
        try:
            found = self._journal.fetch(number)
        except StoreError as error:
            self.failed.emit(self.tr("The chat cannot be opened: {reason}").format(reason=error))
            return
        self._chat.new_chat()
        self._journal.put_back(found)
        self._chat.take_up()
        self._inspector.show_newest()
        self._window.composer.focus()

    @Slot(object)
    def _on_delete_requested(self, chat: ChatSummary) -> None:
        """Ask, and delete it for good."""
        if not self._is_sure(chat):
            return
        is_open = chat.number == self._journal.open_number
        if is_open:
            self._chat.leave()
        try:
            self._journal.delete(chat.number)
        except StoreError as error:
            self._dialog.set_failure(self.tr("The chat was not deleted: {reason}").format(reason=error))
            return
        if is_open:
            self._chat.new_chat()
        self._list()
        try:
            self._journal.wipe()
        except StoreError as error:
            text = self.tr("The chat was deleted, but its bytes may still be in the file: {reason}")
            self._dialog.set_failure(text.format(reason=error))

    def _is_sure(self, chat: ChatSummary) -> bool:
        title = shortened(" ".join(chat.title.split())) or self.tr("(no text)")
        box = QMessageBox(self._dialog)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(self.tr("Delete a chat"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(self.tr("Delete this chat for good?\n\n{title}").format(title=title))
        delete = box.addButton(self.tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(self.tr("Cancel"), QMessageBox.ButtonRole.RejectRole))
        box.setStyleSheet(control_style(self._theme))
        box.exec()
        return box.clickedButton() is delete


def shortened(title: str) -> str:
    """At most LONGEST_TITLE characters of it."""
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…"
