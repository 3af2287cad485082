"""All messages of a conversation as a tree, and the path through it that is on screen."""

from collections.abc import Iterable

from gui.models.message import ChatMessage


class MessageTree:
    """Every message stands below the one it follows; several below one are siblings, oldest first. Nothing is ever removed.

    `path` leads from a beginning to a message that nothing follows. Below every message the tree remembers which of
    several was on the path last; of those that never were it is the newest.
    """

    def __init__(self) -> None:
        self.path: list[ChatMessage] = []
        self._by_id: dict[str, ChatMessage] = {}
        self._below: dict[str, list[ChatMessage]] = {}  # by parent_id, "" for the beginnings
        self._last_seen: dict[str, ChatMessage] = {}  # by parent_id

    def find(self, message_id: str) -> ChatMessage | None:
        """The message with this id, on the path or not."""
        return self._by_id.get(message_id)

    def append(self, message: ChatMessage) -> None:
        """Add a message below the last one on the path."""
        message.parent_id = self.path[-1].message_id if self.path else ""
        self._add(message)
        self.path.append(message)

    def add_beside(self, index: int, message: ChatMessage) -> None:
        """Add a sibling of the path's message `index`, in whose place it comes; what followed leaves the path."""
        message.parent_id = self.path[index].parent_id
        self._add(message)
        self.path[index:] = [message]

    def siblings(self, index: int) -> list[ChatMessage]:
        """All messages that could stand at this place of the path, the one that does included."""
        return self._below[self.path[index].parent_id]

    def show(self, message: ChatMessage) -> int:
        """Lead the path through a message, and on as it was seen last; returns the index from which it is another one."""
        parent = message
        while parent is not None:
            self._last_seen[parent.parent_id] = parent
            parent = self._by_id.get(parent.parent_id)
        before = tuple(self.path)
        self.path[:] = self._seen_path()
        pairs = zip(before, self.path, strict=False)
        return next((index for index, (old, new) in enumerate(pairs) if old is not new), min(len(before), len(self.path)))

    def fill(self, messages: Iterable[ChatMessage], shown_id: str) -> None:
        """Put messages into an empty tree, in the order in which they were added, and show the one with this id.

        A message with the id of another is left out. One whose parent is not among those before it follows the one before it.
        """
        previous = ""
        for message in messages:
            if not message.message_id or message.message_id in self._by_id:
                continue
            if message.parent_id and message.parent_id not in self._by_id:
                message.parent_id = previous
            self._add(message)
            previous = message.message_id
        shown = self._by_id.get(shown_id)
        if shown is not None:
            self.show(shown)
        self.path[:] = self._seen_path()

    def clear(self) -> None:
        """Forget every message."""
        for table in (self.path, self._by_id, self._below, self._last_seen):
            table.clear()

    def _add(self, message: ChatMessage) -> None:
        self._by_id[message.message_id] = message
        self._below.setdefault(message.parent_id, []).append(message)
        self._last_seen[message.parent_id] = message

    def _seen_path(self) -> list[ChatMessage]:
        path = []
        message = self._last_seen.get("")
        while message is not None:
            path.append(message)
            message = self._last_seen.get(message.message_id)
        return path
