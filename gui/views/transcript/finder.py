"""Finds a text in all messages of a conversation, whatever its letter case."""

import re
from bisect import bisect_left

from PySide6.QtCore import QObject, Slot

from gui.models.conversation import Conversation
from gui.models.utf16 import utf16_length


class Finder(QObject):
    """All places of one query, in order: (message, start, end), counted in characters. `current` is an index, -1 for none."""

    def __init__(self, conversation: Conversation, parent: QObject):
        super().__init__(parent)
        self._conversation = conversation
        self._is_stale = False
        self.query = ""
        self.places: list[tuple[int, int, int]] = []
        self.current = -1
        conversation.text_appended.connect(self._on_changed)
        conversation.message_added.connect(self._on_changed)
        conversation.cleared.connect(self._on_changed)
        conversation.path_changed.connect(self._on_path_changed)

    def search(self, query: str, first_message: int) -> None:
        """Look for another query; the current place is the first from where the last one was, or from `first_message`."""
        start = self.places[self.current] if self.current >= 0 else (first_message, 0, 0)
        self.query = query
        self._collect()
        at = bisect_left(self.places, (start[0], start[1], 0))
        self.current = at % len(self.places) if self.places else -1

    def step(self, delta: int) -> None:
        """Go to the next (+1) or previous (-1) place; behind the last comes the first."""
        if self._is_stale:
            self._refresh()
        if self.places:
            self.current = (self.current + delta) % len(self.places)

    def spans_in(self, message: int, limit: int) -> tuple[tuple[int, int], ...]:
        """The first `limit` places in one message, in UTF-16 units."""
        if not self.query:
            return ()
        text = self._conversation.messages[message].text
        low = bisect_left(self.places, (message,))
        high = min(bisect_left(self.places, (message + 1,)), low + limit)
        return tuple(_to_utf16(text, start, end) for _, start, end in self.places[low:high])

    def current_span(self) -> tuple[int, int, int] | None:
        """(message, start, end) of the current place, in UTF-16 units."""
        if self.current < 0:
            return None
        message, start, end = self.places[self.current]
        return (message, *_to_utf16(self._conversation.messages[message].text, start, end))

    def _refresh(self) -> None:
        """Text was added: the same place stays the current one."""
        place = self.places[self.current] if self.current >= 0 else None
        self._collect()
        self.current = self.places.index(place) if place in self.places else min(self.current, len(self.places) - 1)

    def _collect(self) -> None:
        self._is_stale = False
        self.places = []
        if self.query:
            pattern = re.compile(re.escape(self.query), re.IGNORECASE)
            for index, message in enumerate(self._conversation.messages):
                self.places += [(index, *match.span()) for match in pattern.finditer(message.text)]

    @Slot()
    def _on_path_changed(self) -> None:
        """Other messages stand where the places were: they are looked for at once."""
        self._refresh()

    @Slot()
    def _on_changed(self) -> None:
        self._is_stale = True
        if not self._conversation.messages:
            self.places, self.current = [], -1


def _to_utf16(text: str, start: int, end: int) -> tuple[int, int]:
    first = utf16_length(text[:start])
    return first, first + utf16_length(text[start:end])
