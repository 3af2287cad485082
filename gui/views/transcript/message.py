"""One message on screen: who speaks, the text, how surprising it was, and a line that says what is going on with it."""

from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QContextMenuEvent,
    QCursor,
    QFont,
    QGuiApplication,
)
from PySide6.QtWidgets import QLabel, QWidget

from gui.models.message import ChatMessage
from gui.models.tint import TintKind
from gui.theme import Theme
from gui.views.transcript.marked_text import Marks
from gui.views.transcript.message_frame import INSET, NOTE_SIZE, ROW_GAP, MessageFrame
from gui.views.transcript.message_menu import MessageMenu
from gui.views.transcript.sibling_switch import SiblingSwitch
from gui.views.transcript.style import scaled_font, set_text_color
from gui.views.transcript.surprise_strip import SurpriseStrip
from gui.views.transcript.token_mark import mark_of
from gui.views.transcript.token_text import TokenText
from gui.views.transcript.words import author_of, note_text, spoken_name

PADDING = 12  # above and below, inside the user's box
LINE_GAP = 4  # between heading, text and note
STRIP_GAP = 8  # above the strip


class MessageView(MessageFrame):
    """The message with this index. `fit` places everything for a width and returns the height.

    Emits `token_clicked` and `token_hovered` with (message, token), -1 for no token; `dragged`, `caret_moved`, `stepped`,
    `selected` and `switch_requested` with the message's index first; `command_requested` as the context menu's `chosen`.
    """

    token_clicked = Signal(int, int)
    token_hovered = Signal(int, int)
    dragged = Signal(int, QPoint)
    caret_moved = Signal(int)
    stepped = Signal(int)
    selected = Signal(int)
    switch_requested = Signal(int, int)
    command_requested = Signal(str, int, int)

    def __init__(self, index: int, message: ChatMessage, theme: Theme, parent: QWidget):
        super().__init__(message.role == "user", theme, parent)
        self.index = index
        self._message = message
        self._hovered: int | None = None
        self._held: int | None = None
        self._found: tuple[tuple[int, int], ...] = ()
        self._found_now: tuple[int, int] | None = None
        self._is_filled = False
        self._has_strip = False
        self._was_active = message.is_active
        self.heading = self._label(scaled_font(self, 1.0, QFont.Weight.DemiBold))
        self.switch = SiblingSwitch(theme, self)
        self.body = TokenText(message, theme, self)
        self.strip = SurpriseStrip(message, theme, self)
        self.note = self._label(scaled_font(self, NOTE_SIZE))
        self._connect()
        self.refresh()

    def _connect(self) -> None:
        self.switch.requested.connect(self._on_switch_requested)
        self.strip.clicked.connect(self._on_strip_clicked)
        self.strip.hovered.connect(self._on_strip_hovered)
        self.body.clicked.connect(self._on_clicked)
        self.body.hovered.connect(self._on_hovered)
        self.body.dragged.connect(self._on_dragged)
        self.body.caret_moved.connect(self._on_caret_moved)
        self.body.stepped.connect(self.stepped)
        self.body.selectionChanged.connect(self._on_selection_changed)

    def _label(self, font: QFont) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setFont(font)
        return label

    @property
    def is_pinned(self) -> bool:
        """Whether the reader is at work in it, so that it must stay."""
        return bool(self.focused_part) or self.body.textCursor().hasSelection()

    @property
    def _is_user(self) -> bool:
        return self._message.role == "user"

    @property
    def _has_nothing_to_show(self) -> bool:
        """An answer that ended before its first token: only the note says something."""
        return not (self._message.text or self._message.tokens or self._message.is_active)

    @property
    def focused_part(self) -> str:
        """What of it has the keyboard: "previous" or "next" of the switch, "body", or "" for nothing."""
        parts = {"previous": self.switch.previous, "next": self.switch.next, "body": self.body}
        return next((name for name, part in parts.items() if part.hasFocus()), "")

    def focus_part(self, part: str) -> None:
        """Give the keyboard to the part of this name, or to what comes closest."""
        if part in ("previous", "next") and self.switch.isVisibleTo(self):
            self.switch.focus(-1 if part == "previous" else 1)
        else:
            self.body.setFocus(Qt.FocusReason.OtherFocusReason)

    # -- contents ------------------------------------------------------------------------------------------------------

    def append_text(self, text: str) -> None:
        """Text was added to the message."""
        if self._is_filled:
            self.body.token_paint.look_at_new()
            self.body.append_text(text)
            self.strip.look_at_new()

    def renew_numbers(self) -> None:
        """The numbers of tokens that were there already are known now, or the tokens themselves."""
        self.body.token_paint.forget()
        self.body.viewport().update()
        self.strip.rebuild()
        self.strip.describe()

    def refresh(self) -> None:
        """Show what the message now is; its text is taken care of by `append_text`."""
        message = self._message
        self.heading.setText(author_of(message))
        self.note.setText(note_text(message))
        self.body.set_end_caret(message.is_active and not self._is_user)
        self.body.setAccessibleName(spoken_name(message))
        self.body.setAccessibleDescription(self.note.text())
        self.set_theme(self._theme)
        self._show_marks()
        self.body.token_paint.look_at_new()
        self.strip.look_at_new()
        self.strip.describe()
        if self._was_active and not message.is_active:
            self._announce()
        self._was_active = message.is_active

    def _announce(self) -> None:
        """Screen readers hear an answer once, when it is complete."""
        text = f"{spoken_name(self._message)}: {self._message.text} {self.note.text()}"
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        message = self._message
        text = theme.muted if message.is_forgotten else theme.text
        set_text_color(self.heading, theme.muted if message.is_forgotten or self._is_user else theme.text)
        set_text_color(self.note, theme.error if message.status == "failed" else theme.muted)
        self.switch.set_theme(theme)
        self.strip.set_theme(theme)
        self.body.set_theme(theme, text)
        self.update()

    def set_siblings(self, place: int, count: int) -> None:
        """This is version `place`, from 1, of `count`."""
        self.switch.set_place(place, count)

    def set_tint(self, kind: TintKind) -> None:
        """Tint the tokens by another number, or not at all."""
        self.body.token_paint.set_kind(kind)
        self.body.viewport().update()

    def set_strip(self, shown: bool) -> None:
        """Whether the strip is shown, as soon as there are numbers for it."""
        self._has_strip = shown

    # -- geometry ------------------------------------------------------------------------------------------------------

    def fit(self, width: int) -> int:
        """Place everything for this width; returns the height, the gap to the next message included."""
        inner = width - 2 * INSET
        if not self._is_filled:
            self._is_filled = True
            self.body.token_paint.forget()
            self.body.set_text(self._message.text, inner)
            self._show_marks()
        y = self.top + PADDING
        y = self._place_heading(y, inner) + LINE_GAP
        self.body.setVisible(not self._has_nothing_to_show)
        if self.body.isVisibleTo(self):
            y = self._place(self.body, y, inner, self.body.fit(inner))
        self.strip.setVisible(self._has_strip and self.strip.has_numbers)
        if self.strip.isVisibleTo(self):
            y = self._place(self.strip, y + STRIP_GAP, inner, self.strip.height())
        shown = bool(self.note.text())
        self.note.setVisible(shown)
        if shown:
            y = self._place(self.note, y + LINE_GAP, inner, self.note.heightForWidth(inner))
        return y + PADDING - LINE_GAP + ROW_GAP

    def _place_heading(self, y: int, inner: int) -> int:
        height = self.heading.sizeHint().height()
        size = self.switch.sizeHint()
        shown = self.switch.isVisibleTo(self)
        if shown:
            self.switch.setGeometry(INSET + inner - size.width(), y + (height - size.height()) // 2, size.width(), size.height())
        return self._place(self.heading, y, inner - (size.width() + INSET if shown else 0), height)

    def _place(self, widget: QWidget, y: int, width: int, height: int) -> int:
        widget.setGeometry(INSET, y, width, height)
        return y + height

    def token_rect(self, token: int) -> QRect:
        """Where a token is in this widget."""
        record = self._message.tokens[token]
        return self.body.rect_of(record.start, record.end).translated(self.body.pos())

    def span_rect(self, start: int, end: int) -> QRect:
        """Where a part of the text is in this widget."""
        return self.body.rect_of(start, end).translated(self.body.pos())

    def caret_rect(self) -> QRect:
        """Where the caret is in this widget."""
        return self.body.caret_rect().translated(self.body.pos())

    # -- marks ---------------------------------------------------------------------------------------------------------

    def set_held(self, token: int | None) -> None:
        """Mark the token that the panel is held on."""
        self._held = token
        self.strip.set_held(token)
        self._show_marks()

    def set_found(self, found: tuple[tuple[int, int], ...], now: tuple[int, int] | None) -> None:
        """Mark what was found, and which of it the reader is at."""
        self._found, self._found_now = found, now
        self._show_marks()

    def _show_marks(self) -> None:
        if not self._is_filled:
            return
        tokens = self._message.tokens
        hovered = None if self._hovered is None else (tokens[self._hovered].start, tokens[self._hovered].end)
        held, badge = (None, None) if self._held is None else mark_of(self._message, tokens[self._held])
        self.body.set_marks(Marks(held, badge, hovered, self._found, self._found_now))

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_clicked(self, position: int) -> None:
        token = self._message.token_at(position)
        if token is not None:
            self.token_clicked.emit(self.index, token)

    @Slot(int)
    def _on_hovered(self, position: int) -> None:
        token = self._message.token_at(position) if position >= 0 else None
        self._on_strip_hovered(-1 if token is None else token)

    @Slot(int)
    def _on_strip_hovered(self, token: int) -> None:
        hovered = token if token >= 0 else None
        if hovered != self._hovered:
            self._hovered = hovered
            self.strip.set_hovered(hovered)
            self._show_marks()
            self.token_hovered.emit(self.index, token)

    def follow_mouse(self) -> None:
        """The text moved under a mouse that did not."""
        if self._hovered is not None and not self.strip.underMouse():
            point = self.body.viewport().mapFromGlobal(QCursor.pos())
            inside = self.body.viewport().rect().contains(point)
            self._on_hovered(self.body.position_at(point) if inside else -1)

    @Slot(QPoint)
    def _on_dragged(self, mouse: QPoint) -> None:
        self.dragged.emit(self.index, mouse)

    @Slot()
    def _on_caret_moved(self) -> None:
        self.caret_moved.emit(self.index)

    @Slot()
    def _on_selection_changed(self) -> None:
        if self.body.textCursor().hasSelection():
            self.selected.emit(self.index)

    @Slot(int)
    def _on_switch_requested(self, delta: int) -> None:
        self.switch_requested.emit(self.index, delta)

    @Slot(int)
    def _on_strip_clicked(self, token: int) -> None:
        self.token_clicked.emit(self.index, token)

    # -- menu ----------------------------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Copying, and commands for the message and the token under the mouse, or at the caret when a key asks."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            position = self.body.position_at(self.body.viewport().mapFromGlobal(event.globalPos()))
            self.menu(position).popup(event.globalPos())
        elif self._held is not None:
            self._menu_for(self._held).popup(self.mapToGlobal(self.token_rect(self._held).bottomLeft()))
        else:
            self.menu(self.body.caret_position()).popup(self.mapToGlobal(self.caret_rect().bottomLeft()))

    def menu(self, position: int = -1) -> MessageMenu:
        """The context menu for the token at this position of the text, if there is one."""
        token = self._message.token_at(position) if position >= 0 else None
        return self._menu_for(-1 if token is None else token)

    def _menu_for(self, token: int) -> MessageMenu:
        menu = MessageMenu(self._message, token, self)
        menu.add_copying(self.body.copy, self.copy_message, self.body.selectAll, self.body.textCursor().hasSelection())
        menu.add_commands()
        menu.chosen.connect(self._on_command_chosen)
        return menu

    @Slot(str, int)
    def _on_command_chosen(self, command: str, token: int) -> None:
        self.command_requested.emit(command, self.index, token)

    @Slot()
    def copy_message(self) -> None:
        """Put the whole text on the clipboard."""
        QGuiApplication.clipboard().setText(self._message.text)
