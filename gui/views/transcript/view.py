"""The transcript: shows a conversation while it grows, and says which token the reader points at."""

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from gui.models.conversation import Conversation
from gui.models.tint import TintKind
from gui.theme import Theme, control_style
from gui.views.transcript.column import MessageColumn
from gui.views.transcript.drag_scroll import DragScroll
from gui.views.transcript.find_bar import FindBar
from gui.views.transcript.front import Front
from gui.views.transcript.marked_text import LINE_HEIGHT
from gui.views.transcript.message import STRIP_GAP, MessageView
from gui.views.transcript.message_frame import INSET
from gui.views.transcript.search import Search
from gui.views.transcript.style import button_style
from gui.views.transcript.surprise_strip import HEIGHT as STRIP_HEIGHT
from gui.views.transcript.token_tip import TokenTip

JUMP_GAP = 12
FRAME_HEIGHT = 60  # heading, padding and gap of a message that is not built yet
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class Transcript(QWidget):
    """The conversation as a scrolling column of messages.

    Emits `token_clicked` and `token_hovered` with (message, token), the token -1 where none is hovered; `token_clicked`
    also for the arrow keys while a token is held. `switch_requested` (message, delta) asks for another version of a message;
    `command_requested` (command, message, token) comes from the context menu, with the commands of MessageMenu.
    `example_chosen` and `scene_edit_requested` come from what stands above.
    """

    token_clicked = Signal(int, int)
    token_hovered = Signal(int, int)
    switch_requested = Signal(int, int)
    command_requested = Signal(str, int, int)
    example_chosen = Signal(str)
    scene_edit_requested = Signal()

    def __init__(self, conversation: Conversation, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._conversation = conversation
        self._theme = theme
        self._held: tuple[int, int] | None = None
        self._selecting: int | None = None
        self._tint: TintKind = "off"
        self._has_strips = True
        self._first_seen: int | None = None  # message under the divider
        self.find_bar = FindBar(theme, self)
        self.find_bar.hide()
        self.front = Front(theme, self)
        self.column = MessageColumn(self._make_view, self._estimate, self)
        self._search = Search(conversation, self.find_bar, self.column, self)
        self._drag = DragScroll(self.column)
        self._tip = TokenTip(self)
        self.jump = QPushButton(self.tr("↓  Jump to latest"), self)
        self.jump.setAccessibleName(self.tr("Jump to latest"))
        self.jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self.jump.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.find_bar)
        layout.addWidget(self.column, 1)
        self._connect()
        for _ in conversation.messages:
            self.column.add_row()
        self.front.greeting.setVisible(not conversation.messages)
        self.column.set_header(self.front)
        self.set_welcome(self.tr("Glassbox"), self.tr("Chat with a model on this computer and see how it chooses every word."))
        self.set_theme(theme)

    def _connect(self) -> None:
        self._conversation.message_added.connect(self._on_message_added)
        self._conversation.text_appended.connect(self._on_text_appended)
        self._conversation.message_changed.connect(self._on_message_changed)
        self._conversation.path_changed.connect(self._on_path_changed)
        self._conversation.numbers_changed.connect(self._on_numbers_changed)
        self._conversation.cleared.connect(self._on_cleared)
        self.token_hovered.connect(self._on_token_hovered)
        self.front.greeting.example_chosen.connect(self.example_chosen)
        self.front.scene.edit_requested.connect(self.scene_edit_requested)
        self.front.scene.toggled.connect(self.column.arrange)
        self.column.moved.connect(self._on_moved)
        self.jump.clicked.connect(self.scroll_to_bottom)

    # -- looks ---------------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.find_bar.set_theme(theme)
        self.front.set_theme(theme)
        self.column.verticalScrollBar().setStyleSheet(control_style(theme))
        self.jump.setStyleSheet(button_style(theme, 14))
        for view in self.column.views.values():
            view.set_theme(theme)

    def set_tint(self, kind: TintKind) -> None:
        """Tint the text of all messages by one of its numbers, or not at all."""
        self._tint = kind
        for view in self.column.views.values():
            view.set_tint(kind)

    def set_strips(self, shown: bool) -> None:
        """Show the surprise of every token in a strip under its message, where it is known."""
        if shown == self._has_strips:
            return
        self._has_strips = shown
        for view in self.column.views.values():
            view.set_strip(shown)
        self.column.refit()

    def set_welcome(self, title: str, text: str) -> None:
        """What greets the reader of an empty conversation."""
        self.front.greeting.title.setText(title)
        self.front.greeting.text.setText(text)
        self.column.arrange()

    def set_scene(self, text: str | None) -> None:
        """Show the scene above the conversation; None where the model needs none."""
        scene = self.front.scene
        if (text or "") == scene.text.text() and scene.isHidden() == (text is None):
            return
        scene.text.setText(text or "")
        scene.setVisible(text is not None)
        self.column.arrange()

    # -- place ---------------------------------------------------------------------------------------------------------

    @property
    def is_at_bottom(self) -> bool:
        """Whether the end is seen; then the view follows it."""
        return self.column.is_at_bottom

    @Slot()
    def scroll_to_bottom(self) -> None:
        """Show the end and follow it."""
        self.column.scroll_to_bottom()

    # -- tokens --------------------------------------------------------------------------------------------------------

    def hold(self, message: int, token: int) -> None:
        """Mark one token, and scroll to it if it is not seen."""
        self._mark_held(None)
        self._held = (message, token)
        view = self.column.bring(message)
        self._mark_held(token)
        if view is not None:
            self.column.show_part(message, view.token_rect(token))

    def release(self) -> None:
        """Mark no token."""
        self._mark_held(None)
        self._held = None

    def _mark_held(self, token: int | None) -> None:
        if self._held is None:
            return
        view = self.column.views.get(self._held[0])
        if view is not None:
            view.set_held(token)
        for each in self.column.views.values():
            each.body.is_stepping = token is not None

    @Slot(int)
    def _on_stepped(self, delta: int) -> None:
        target = self._held and self._conversation.step_from(*self._held, delta)
        if target:
            self.token_clicked.emit(*target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys go from the held token to its neighbours."""
        if self._held and event.key() in STEPS and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self._on_stepped(STEPS[event.key()])
        else:
            super().keyPressEvent(event)

    # -- finding -------------------------------------------------------------------------------------------------------

    @Slot()
    def show_find(self) -> None:
        """Open the find bar, with the selected text if there is one in a single line."""
        view = self.column.views.get(self._selecting) if self._selecting is not None else None
        text = view.body.selected_text() if view else ""
        self._search.open("" if "\n" in text else text)

    def find(self, text: str, backward: bool = False) -> bool:
        """Go to the next place of `text`, around the ends; False when it is nowhere."""
        return self._search.find(text, backward)

    # -- the conversation changes --------------------------------------------------------------------------------------

    def _make_view(self, index: int, parent: QWidget) -> MessageView:
        view = MessageView(index, self._conversation.messages[index], self._theme, parent)
        view.set_divider(index == self._first_seen)
        view.set_siblings(*self._conversation.siblings(index))
        view.set_tint(self._tint)
        view.set_strip(self._has_strips)
        view.token_clicked.connect(self.token_clicked)
        view.token_hovered.connect(self.token_hovered)
        view.dragged.connect(self._on_dragged)
        view.caret_moved.connect(self._on_caret_moved)
        view.stepped.connect(self._on_stepped)
        view.selected.connect(self._on_selected)
        view.switch_requested.connect(self.switch_requested)
        view.command_requested.connect(self.command_requested)
        view.body.is_stepping = self._held is not None
        if self._held and self._held[0] == index:
            view.set_held(self._held[1])
        self._search.mark(view)
        return view

    def _estimate(self, index: int, width: int) -> int:
        """About how high a message will be: its characters spread over lines of an average width."""
        message = self._conversation.messages[index]
        metrics = QFontMetricsF(self.font())
        per_line = max(1.0, (width - 2 * INSET) / (metrics.averageCharWidth() * 1.1))
        lines = message.text.count("\n") + len(message.text) / per_line + 1
        has_strip = self._has_strips and any(token.numbers for token in message.tokens[:2])  # a prompt's first has none
        frame = FRAME_HEIGHT + (STRIP_HEIGHT + STRIP_GAP if has_strip else 0)
        return round(frame + lines * LINE_HEIGHT * 1.1 * self.fontInfo().pixelSize())

    @Slot(int)
    def _on_message_added(self, index: int) -> None:
        self.front.greeting.hide()
        self.column.add_row()
        if self._conversation.messages[index].role == "user":
            self.column.follow()  # who writes wants to see it

    @Slot(int, str)
    def _on_text_appended(self, index: int, text: str) -> None:
        view = self.column.views.get(index)
        if view is not None:
            view.append_text(text)
        self.column.row_changed(index)
        self.jump.setVisible(not self.is_at_bottom)

    @Slot(int)
    def _on_message_changed(self, index: int) -> None:
        self._move_divider()
        self._refresh(index)

    @Slot(int)
    def _on_numbers_changed(self, index: int) -> None:
        view = self.column.views.get(index)
        if view is not None:
            view.renew_numbers()
        self.column.row_changed(index)

    @Slot(int)
    def _on_path_changed(self, index: int) -> None:
        """The messages from `index` on are others; the keyboard stays in the place where it was."""
        if self._held and self._held[0] >= index:
            self.release()
        if self._selecting is not None and self._selecting >= index:
            self._selecting = None
            self._drag.stop()
        self._tip.hide()
        focused = {row: view.focused_part for row, view in self.column.views.items() if row >= index and view.focused_part}
        self.front.greeting.setVisible(not self._conversation.messages)
        self.column.replace_rows(index, len(self._conversation.messages) - index)
        self._move_divider()
        self._search.mark_all()
        for row, part in focused.items():
            if row in self.column.views:
                self.column.views[row].focus_part(part)

    def _refresh(self, index: int) -> None:
        view = self.column.views.get(index)
        if view is not None:
            view.set_siblings(*self._conversation.siblings(index))
            view.refresh()
        self.column.row_changed(index)

    def _move_divider(self) -> None:
        """The divider stands between the last forgotten message and the first that the model sees."""
        messages = self._conversation.messages
        forgotten = [index for index, message in enumerate(messages) if message.is_forgotten]
        rest = range(forgotten[-1] + 1, len(messages)) if forgotten else ()
        first_seen = next((index for index in rest if messages[index].status != "failed"), None)  # a failed answer never is
        if first_seen == self._first_seen:
            return
        changed, self._first_seen = (self._first_seen, first_seen), first_seen
        for index in changed:
            if index is not None and index in self.column.views:
                self.column.views[index].set_divider(index == first_seen)
                self._refresh(index)

    @Slot()
    def _on_cleared(self) -> None:
        self._held = self._selecting = self._first_seen = None
        self._drag.stop()
        self._tip.hide()
        self.front.greeting.show()
        self.column.clear()
        self.jump.hide()

    # -- the reader moves ----------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_selected(self, index: int) -> None:
        """One selection at a time."""
        if self._selecting not in (None, index) and self._selecting in self.column.views:
            self.column.views[self._selecting].body.clear_selection()
        self._selecting = index

    @Slot(int, int)
    def _on_token_hovered(self, message: int, token: int) -> None:
        if token < 0:
            self._tip.hide()
        else:
            self._tip.point_at(self._conversation.messages[message], token)

    @Slot(int, QPoint)
    def _on_dragged(self, index: int, mouse: QPoint) -> None:
        self._tip.hide()
        self._drag.follow(self.column.views[index].body, mouse)

    @Slot(int)
    def _on_caret_moved(self, index: int) -> None:
        self.column.show_part(index, self.column.views[index].caret_rect())

    @Slot()
    def _on_moved(self) -> None:
        for view in self.column.views.values():
            view.follow_mouse()
        if self.is_at_bottom:
            self.jump.hide()
        self._place_jump()

    def _place_jump(self) -> None:
        size = self.jump.sizeHint()
        self.jump.setGeometry(
            (self.width() - size.width()) // 2, self.height() - size.height() - JUMP_GAP, size.width(), size.height()
        )
        self.jump.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the jump button in its place."""
        super().resizeEvent(event)
        self._place_jump()
