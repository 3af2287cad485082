"""Searching in the transcript: what is typed in the bar is looked up, marked in the messages and brought into view."""

from PySide6.QtCore import QObject, QTimer, Slot

from gui.models.conversation import Conversation
from gui.views.transcript.column import MessageColumn
from gui.views.transcript.find_bar import FindBar
from gui.views.transcript.finder import Finder
from gui.views.transcript.marked_text import MAX_MARKED_FINDS
from gui.views.transcript.message import MessageView


class Search(QObject):
    """Binds the bar to the column."""

    def __init__(self, conversation: Conversation, bar: FindBar, column: MessageColumn, parent: QObject):
        super().__init__(parent)
        self._finder = Finder(conversation, self)
        self._bar = bar
        self._column = column
        bar.query_changed.connect(self._on_query_changed)
        bar.stepped.connect(self._on_stepped)
        bar.closed.connect(self._on_closed)
        conversation.cleared.connect(self._on_other_conversation)
        conversation.restored.connect(self._on_other_conversation)

    def open(self, text: str) -> None:
        """Open the bar with this text, or with the last one."""
        self._bar.open(text)
        self._on_query_changed(self._bar.field.text())

    def find(self, text: str, backward: bool) -> bool:
        """Go to the next or previous place of `text`; False when it is nowhere."""
        if text != self._finder.query:
            self._finder.search(text, self._column.first_visible_row())
            if backward:
                self._finder.step(-1)
        else:
            self._finder.step(-1 if backward else 1)
        self._show()
        return bool(self._finder.places)

    def mark(self, view: MessageView) -> None:
        """Mark in one message what is being looked for."""
        span = self._finder.current_span()
        now = span[1:] if span and span[0] == view.index else None
        view.set_found(self._finder.spans_in(view.index, MAX_MARKED_FINDS), now)

    def mark_all(self) -> None:
        """Mark the places in all messages that are shown, and say how many there are."""
        self._bar.show_count(self._finder.current + 1, len(self._finder.places))
        for view in self._column.views.values():
            self.mark(view)

    def _show(self) -> None:
        span = self._finder.current_span()
        self.mark_all()
        if span is not None:
            message, start, end = span
            view = self._column.bring(message)
            if view is not None:
                self._column.show_part(message, view.span_rect(start, end))

    @Slot()
    def _on_other_conversation(self) -> None:
        """Look for the same in it, once its messages are there; nothing moves."""
        QTimer.singleShot(0, self, self._search_again)

    def _search_again(self) -> None:
        if self._finder.query:
            self._finder.search(self._finder.query, self._column.first_visible_row())
            self.mark_all()

    @Slot(str)
    def _on_query_changed(self, query: str) -> None:
        self._finder.search(query, self._column.first_visible_row())
        self._show()

    @Slot(int)
    def _on_stepped(self, delta: int) -> None:
        if self._bar.field.text():
            self.find(self._bar.field.text(), delta < 0)

    @Slot()
    def _on_closed(self) -> None:
        """The place found last becomes the selection."""
        span = self._finder.current_span()
        if span is not None and span[0] in self._column.views:
            self._column.views[span[0]].body.select(*span[1:])
        self._finder.search("", 0)
        self._show()
