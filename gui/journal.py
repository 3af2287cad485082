"""Saves the conversation while it happens, and puts it back at the next start."""

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from gui.models.conversation import ChatMessage, Conversation, Status
from gui.paths import FolderError, Paths
from gui.saved_message import from_record, to_record
from gui.store import Record, Store, StoreError

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
        self._offset = 0  # from a message's index to its position in the file: a row may be one that is not shown
        self._unsaved: dict[int, ChatMessage] = {}  # by position; the messages themselves, which outlive a clear()
        self._statuses: dict[int, Status] = {}  # as they were last seen, by index
        self._has_failed = False
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
            return [self._not_saved(str(error))]
        self._conversation.message_added.connect(self._on_message_added)
        self._conversation.text_appended.connect(self._on_text_appended)
        self._conversation.message_changed.connect(self._on_message_changed)
        self._conversation.cleared.connect(self._on_cleared)
        return self._store.notes

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

    def _restore(self, found: tuple[int, list[Record]] | None) -> None:
        if found is None:
            return
        self._saved_as, records = found
        messages = [message for message in map(from_record, records) if message is not None]
        for message in messages:
            if message.is_active:
                message.status, message.note = "stopped", self.tr("Interrupted.")
        self._conversation.restore(messages)
        self._statuses = {index: message.status for index, message in enumerate(messages)}
        self._offset = records[-1].position + 1 - len(messages) if records else 0

    @Slot(int)
    def _on_message_added(self, index: int) -> None:
        self._note(index)
        self._save()

    @Slot(int, str)
    def _on_text_appended(self, index: int, _text: str) -> None:
        self._note(index)
        if not self._timer.isActive():
            self._timer.start()

    @Slot(int)
    def _on_message_changed(self, index: int) -> None:
        """What a message does is saved at once; a line about its progress can wait."""
        is_new_status = self._statuses.get(index) != self._conversation.messages[index].status
        self._note(index)
        if is_new_status:
            self._save()
        elif not self._timer.isActive():
            self._timer.start()

    @Slot()
    def _on_cleared(self) -> None:
        self._save()
        if self._store is not None and self._saved_as is not None:
            try:
                self._store.close_conversation(self._saved_as)
            except StoreError as error:
                self._fail(error)
        self._saved_as, self._offset = None, 0
        self._unsaved.clear()
        self._statuses.clear()

    def _note(self, index: int) -> None:
        message = self._conversation.messages[index]
        self._unsaved[index + self._offset] = message
        self._statuses[index] = message.status

    @Slot()
    def _save(self) -> None:
        """Write everything that changed, in one transaction."""
        self._timer.stop()
        if self._store is None or not self._unsaved:
            return
        records = [to_record(message, position) for position, message in self._unsaved.items()]
        author = next((message.author for message in reversed(self._unsaved.values()) if message.author), "")
        try:
            self._saved_as = self._store.save(self._saved_as, records, author)
        except StoreError as error:
            self._fail(error)
        else:
            self._unsaved.clear()
            self._quiet.start()

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
