"""Saves the conversation while it happens, and puts it, or an earlier one, back on screen."""

import logging
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gui.models.chat_summary import ChatSummary
from gui.models.conversation import ChatMessage, Conversation, Status
from gui.paths import FolderError, Paths
from gui.saved_message import from_records, to_record
from gui.store import Record, SavedConversation, Store, StoreError

log = logging.getLogger(__name__)

SAVE_EVERY_MS = 1000
QUIET_MS = 5000  # after the last save, and with no answer in work, the file may wait for the disk


class Journal(QObject):
    """Listens to the conversation and saves it: messages and their states at once, a growing answer once a second.

    What could not be saved is tried again with the next change; `failed` tells the first time, with a sentence to show.
    """

    failed = Signal(str)

    def __init__(self, conversation: Conversation, parent: QObject | None = None):
        super().__init__(parent)
        self._conversation = conversation
        self._store: Store | None = None
        self._saved_as: int | None = None  # the conversation in the file; None before its first message
        self._positions: dict[str, int] = {}  # in the file, by message id, as the three below
        self._unsaved: dict[str, ChatMessage] = {}  # the messages themselves, which outlive a clear()
        self._statuses: dict[str, Status] = {}  # as they were last seen
        self._hidden: dict[str, str] = {}  # see SavedMessages
        self._next_position = 0
        self._shown_id = self._saved_shown_id = ""  # the last message on screen, and the one the file names
        self._has_failed = False
        self._why_closed = ""  # the reason why there is no store
        self._timer = self._single_shot(SAVE_EVERY_MS, self._save)
        self._quiet = self._single_shot(QUIET_MS, self._tidy)

    def _single_shot(self, interval_ms: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    def open(self, paths: Paths) -> list[str]:
        """Put the last conversation back and save from now on; returns what the user has to know about it."""
        try:
            self._store = Store(paths.conversations_file)
            self._restore(self._store.open_conversation())
        except (FolderError, StoreError) as error:
            self.close()
            self._why_closed = str(error)
            return [self._not_saved(str(error))]
        self._listen()
        return self._store.notes

    @property
    def open_number(self) -> int | None:
        """The conversation on screen, by its number in the file; None while it has no message."""
        return self._saved_as

    def earlier(self, words: str = "") -> list[ChatSummary]:
        """The conversations in the file, or those with `words` in them; raises StoreError."""
        self._save()
        return self._opened().conversations(words)

    def fetch(self, number: int) -> SavedConversation:
        """An earlier conversation, which is the open one from now on; raises StoreError, and then nothing has changed.

        While something of the conversation on screen could not be saved there is none: leaving would lose it.
        """
        store = self._opened()
        self._save()
        if self._unsaved:
            raise StoreError(self.tr("what was said here is not saved yet, and would be lost."))
        return store.reopen(number)

    def put_back(self, found: SavedConversation) -> None:
        """Show a fetched conversation in place of the empty one on screen."""
        self._listen(False)  # it is in the file as it is
        self._restore(found)
        self._listen()

    def delete(self, number: int) -> None:
        """Delete a conversation; the one on screen is to be cleared next. Raises StoreError where it could not be deleted."""
        self._opened().delete(number)
        if number == self._saved_as:
            self._forget()

    def wipe(self) -> None:
        """Take what is left of deleted conversations out of the file; raises StoreError."""
        self._opened().wipe()

    def _opened(self) -> Store:
        if self._store is None:
            raise StoreError(self._why_closed)
        return self._store

    def _listen(self, is_on: bool = True) -> None:
        conversation = self._conversation
        for signal, slot in (
            (conversation.message_added, self._on_message_added),
            (conversation.text_appended, self._on_text_appended),
            (conversation.message_changed, self._on_message_changed),
            (conversation.path_changed, self._on_path_changed),
            (conversation.numbers_changed, self._on_numbers_changed),
            (conversation.cleared, self._on_cleared),
        ):
            if is_on:
                signal.connect(slot)
            else:
                signal.disconnect(slot)

    def close(self) -> None:
        """Save what is left and let go of the file."""
        self._save()
        self._quiet.stop()
        store, self._store = self._store, None
        if store is not None:
            try:
                store.close()
            except StoreError as error:
                log.info("conversations were not closed cleanly: %s", error)

    def _restore(self, found: SavedConversation | None) -> None:
        if found is None:
            return
        saved = from_records(found.records)
        for message in saved.messages:
            if message.is_active:
                message.status, message.note = "stopped", self.tr("Interrupted.")
        self._saved_as, self._hidden = found.number, saved.hidden
        self._conversation.restore(saved.messages, found.shown_id)
        self._statuses = {message.message_id: message.status for message in saved.messages}
        self._positions = {record.message_id: record.position for record in found.records}
        self._next_position = max(self._positions.values(), default=-1) + 1
        self._shown_id = self._saved_shown_id = found.shown_id

    @Slot(int)
    def _on_message_added(self, index: int) -> None:
        self._note(index)
        self._note_shown()
        self._save()

    @Slot(int)
    def _on_path_changed(self, index: int) -> None:
        """New messages and what is on screen now are saved at once."""
        for place in range(index, len(self._conversation.messages)):
            if self._conversation.messages[place].message_id not in self._positions:
                self._note(place)
        self._note_shown()
        self._save()

    @Slot(int, str)
    def _on_text_appended(self, index: int, _text: str) -> None:
        self._note(index)
        self._save_soon()

    @Slot(int)
    def _on_numbers_changed(self, index: int) -> None:
        self._note(index)
        self._save_soon()

    @Slot(int)
    def _on_message_changed(self, index: int) -> None:
        """What a message does is saved at once; a line about its progress can wait."""
        message = self._conversation.messages[index]
        is_new_status = self._statuses.get(message.message_id) != message.status
        self._note(index)
        if is_new_status:
            self._save()
        else:
            self._save_soon()

    @Slot()
    def _on_cleared(self) -> None:
        self._save()
        if self._store is not None and self._saved_as is not None:
            try:
                self._store.close_conversation(self._saved_as)
            except StoreError as error:
                self._fail(error)
        self._forget()

    def _forget(self) -> None:
        """What comes next is another conversation."""
        self._timer.stop()
        self._saved_as, self._next_position = None, 0
        self._shown_id = self._saved_shown_id = ""
        for table in (self._positions, self._unsaved, self._statuses, self._hidden):
            table.clear()

    def _note(self, index: int) -> None:
        message = self._conversation.messages[index]
        self._unsaved[message.message_id] = message
        self._statuses[message.message_id] = message.status
        if message.message_id not in self._positions:
            self._positions[message.message_id] = self._next_position
            self._next_position += 1

    def _note_shown(self) -> None:
        self._shown_id = self._conversation.messages[-1].message_id

    def _save_soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _save(self) -> None:
        """Write everything that changed, in one transaction."""
        self._timer.stop()
        if self._store is None or not (self._unsaved or self._shown_id != self._saved_shown_id):
            return
        records = [self._record(message) for message in self._unsaved.values()]
        author = next((message.author for message in reversed(self._unsaved.values()) if message.author), "")
        try:
            self._saved_as = self._store.save(self._saved_as, records, author, self._shown_id)
        except StoreError as error:
            self._fail(error)
        else:
            self._unsaved.clear()
            self._saved_shown_id = self._shown_id
            self._quiet.start()

    def _record(self, message: ChatMessage) -> Record:
        record = to_record(message, self._positions[message.message_id])
        return replace(record, parent_id=self._hidden.get(message.parent_id, message.parent_id))

    @Slot()
    def _tidy(self) -> None:
        if self._store is None or any(message.is_active for message in self._conversation.messages):
            return  # the end of the answer will be saved, and start the wait anew
        try:
            self._store.tidy()
        except StoreError as error:
            log.info("the log of the conversations stays as it is: %s", error)

    def _fail(self, error: StoreError) -> None:
        log.info("not saved: %s", error)
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(self._not_saved(self.tr("{reason} Glassbox keeps trying.").format(reason=error)))

    def _not_saved(self, reason: str) -> str:
        return self.tr("This conversation is not being saved: {reason}").format(reason=reason)
