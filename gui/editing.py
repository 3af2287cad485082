"""A message of the user's is written differently: the composer holds it until it is sent, as another version."""

from PySide6.QtCore import QObject, Slot

from gui.models.conversation import Conversation
from gui.views.composer.composer import Composer
from gui.views.composer.mode_switch import ComposerMode


class Editing(QObject):
    """Knows which message the composer's text will stand beside, if it is one that was sent before."""

    def __init__(self, conversation: Conversation, composer: Composer, parent: QObject | None = None):
        super().__init__(parent)
        self._conversation, self._composer = conversation, composer
        self._message_id = ""
        self._kept: tuple[ComposerMode, str] = ("chat", "")  # mode and draft of the composer, put back afterwards
        conversation.cleared.connect(self.cancel)
        conversation.path_changed.connect(self._on_path_changed)
        composer.mode_changed.connect(self._on_mode_changed)

    @property
    def hint(self) -> str:
        """What the composer says about it; "" while nothing is written differently."""
        return self.tr("Sending this makes another version of that message; Esc leaves it as it is") if self._message_id else ""

    def begin(self, index: int) -> None:
        """Put the message into the composer."""
        message = self._conversation.messages[index]
        if not self._message_id:
            self._kept = (self._composer.mode, self._composer.text())
        self._message_id = message.message_id
        self._composer.set_mode("chat")
        self._composer.set_text(message.text)
        self._composer.set_hint(self.hint)
        self._composer.focus()

    def take(self) -> int | None:
        """The message beside which the text now sent belongs; None for a new one."""
        if not self._message_id:
            return None
        index = self._conversation.index_of(self._message_id)
        self._forget()
        self._put_back()
        return index

    @Slot()
    def cancel(self) -> bool:
        """Leave the message as it is; False where there was none."""
        if not self._message_id:
            return False
        self._forget()
        self._put_back()
        return True

    def _put_back(self) -> None:
        mode, draft = self._kept
        self._composer.set_mode(mode)
        self._composer.set_text(draft)

    def _forget(self) -> None:
        self._message_id = ""
        self._composer.set_hint("")

    @Slot(int)
    def _on_path_changed(self, _index: int) -> None:
        """There is nothing beside which it could stand once the message left the screen."""
        if self._message_id and self._conversation.index_of(self._message_id) is None:
            self._forget()

    @Slot()
    def _on_mode_changed(self) -> None:
        self._forget()
