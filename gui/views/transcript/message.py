"""One message on screen: who speaks, the text, and a line that says what is going on with it."""

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QContextMenuEvent,
    QCursor,
    QFont,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QLabel, QMenu, QWidget

from gui.models.conversation import ChatMessage, TokenRecord
from gui.models.utf16 import utf16_slice
from gui.theme import Theme
from gui.views.transcript.marked_text import Marks
from gui.views.transcript.style import scaled_font, set_text_color
from gui.views.transcript.token_text import TokenText

INSET = 16  # from the edge of the column to the text
PADDING = 12  # above and below, inside the user's box
LINE_GAP = 4  # between heading, text and note
ROW_GAP = 12  # below every message
DIVIDER = 36
RADIUS = 10


class MessageView(QWidget):
    """The message with this index. `fit` places everything for a width and returns the height.

    Emits `token_clicked` and `token_hovered` with (message, token), -1 for no token; `dragged`, `caret_moved`, `stepped` and
    `selected` with the message's index first.
    """

    token_clicked = Signal(int, int)
    token_hovered = Signal(int, int)
    dragged = Signal(int, QPoint)
    caret_moved = Signal(int)
    stepped = Signal(int)
    selected = Signal(int)

    def __init__(self, index: int, message: ChatMessage, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.index = index
        self._message = message
        self._theme = theme
        self._has_divider = False
        self._hovered: int | None = None
        self._held: int | None = None
        self._found: tuple[tuple[int, int], ...] = ()
        self._found_now: tuple[int, int] | None = None
        self._is_filled = False
        self._was_active = message.is_active
        self.heading = self._label(scaled_font(self, 1.0, QFont.Weight.DemiBold))
        self.body = TokenText(theme, self)
        self.note = self._label(scaled_font(self, 0.95))
        self.body.clicked.connect(self._on_clicked)
        self.body.hovered.connect(self._on_hovered)
        self.body.dragged.connect(self._on_dragged)
        self.body.caret_moved.connect(self._on_caret_moved)
        self.body.stepped.connect(self.stepped)
        self.body.selectionChanged.connect(self._on_selection_changed)
        self.refresh()

    def _label(self, font: QFont) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setFont(font)
        return label

    @property
    def is_pinned(self) -> bool:
        """Whether the reader is at work in it, so that it must stay."""
        return self.body.hasFocus() or self.body.textCursor().hasSelection()

    @property
    def _is_user(self) -> bool:
        return self._message.role == "user"

    @property
    def _has_nothing_to_show(self) -> bool:
        """An answer that ended before its first token: only the note says something."""
        return not (self._message.text or self._message.tokens or self._message.is_active)

    # -- contents ------------------------------------------------------------------------------------------------------

    def append_text(self, text: str) -> None:
        """Text was added to the message."""
        if self._is_filled:
            self.body.append_text(text)

    def refresh(self) -> None:
        """Show what the message now is; its text is taken care of by `append_text`."""
        message = self._message
        self.heading.setText(self.author)
        self.note.setText(self.note_text())
        self.body.set_end_caret(message.is_active and not self._is_user)
        self.body.setAccessibleName(self._spoken_name())
        self.body.setAccessibleDescription(self.note.text())
        self.set_theme(self._theme)
        self._show_marks()
        if self._was_active and not message.is_active:
            self._announce()
        self._was_active = message.is_active

    def _announce(self) -> None:
        """Screen readers hear an answer once, when it is complete."""
        text = f"{self._spoken_name()}: {self._message.text} {self.note.text()}"
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    @property
    def author(self) -> str:
        """Who speaks."""
        names = {"user": self.tr("You"), "system": self.tr("System")}
        return names.get(self._message.role) or self._message.author or self.tr("Model")

    def _spoken_name(self) -> str:
        if self._is_user:
            return self.tr("You said")
        return self.tr("{name} answered").format(name=self.author)

    def note_text(self) -> str:
        """The line under the text; "" for none."""
        lines = [self._message.note or self._default_note()]
        if self._message.is_forgotten:
            lines.append(self.tr("The model no longer sees this message: the context is full."))
        return "\n".join(line for line in lines if line)

    def _default_note(self) -> str:
        notes = {
            "queued": self.tr("Waiting…"),
            "waiting": self.tr("Waiting…"),
            "stopped": self.tr("Stopped."),
            "failed": self.tr("The answer failed."),
        }
        return notes.get(self._message.status, "")

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        message = self._message
        text = theme.muted if message.is_forgotten else theme.text
        set_text_color(self.heading, theme.muted if message.is_forgotten or self._is_user else theme.text)
        set_text_color(self.note, theme.error if message.status == "failed" else theme.muted)
        self.body.set_theme(theme, text)
        self.update()

    def set_divider(self, shown: bool) -> None:
        """Show or hide the line above that says: from here on the model sees the conversation."""
        self._has_divider = shown

    # -- geometry ------------------------------------------------------------------------------------------------------

    def fit(self, width: int) -> int:
        """Place everything for this width; returns the height, the gap to the next message included."""
        inner = width - 2 * INSET
        if not self._is_filled:
            self._is_filled = True
            self.body.set_text(self._message.text, inner)
            self._show_marks()
        y = (DIVIDER if self._has_divider else 0) + PADDING
        y = self._place(self.heading, y, inner, self.heading.sizeHint().height()) + LINE_GAP
        self.body.setVisible(not self._has_nothing_to_show)
        if self.body.isVisibleTo(self):
            y = self._place(self.body, y, inner, self.body.fit(inner))
        shown = bool(self.note.text())
        self.note.setVisible(shown)
        if shown:
            y = self._place(self.note, y + LINE_GAP, inner, self.note.heightForWidth(inner))
        return y + PADDING - LINE_GAP + ROW_GAP

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

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box around the user's messages, and the divider."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top = DIVIDER if self._has_divider else 0
        if self._has_divider:
            self._paint_divider(painter)
        if self._is_user:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._theme.raised))
            painter.drawRoundedRect(QRectF(0, top, self.width(), self.height() - top - ROW_GAP), RADIUS, RADIUS)

    def _paint_divider(self, painter: QPainter) -> None:
        text = self.tr("The model sees the conversation from here on")
        painter.setFont(self.note.font())
        middle = (DIVIDER - ROW_GAP) // 2
        width = painter.fontMetrics().horizontalAdvance(text)
        left = (self.width() - width) // 2
        painter.setPen(QColor(self._theme.border))
        painter.drawLine(0, middle, left - INSET, middle)
        painter.drawLine(left + width + INSET, middle, self.width(), middle)
        painter.setPen(QColor(self._theme.muted))
        painter.drawText(QRect(0, 0, self.width(), 2 * middle), Qt.AlignmentFlag.AlignCenter, text)

    # -- marks ---------------------------------------------------------------------------------------------------------

    def set_held(self, token: int | None) -> None:
        """Mark the token that the panel is held on."""
        self._held = token
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
        held, badge = (None, None) if self._held is None else self._mark_of(tokens[self._held])
        self.body.set_marks(Marks(held, badge, hovered, self._found, self._found_now))

    def _mark_of(self, token: TokenRecord) -> tuple[tuple[int, int] | None, tuple[int, str] | None]:
        """The text that stands for a token, or a sign at its place where it has none that could be seen."""
        message = self._message
        if token.is_end:
            return None, (token.start, "∎")
        if token.start == token.end == message.length:
            return None, (token.start, "…")
        if token.start == token.end:  # a part of the character that follows
            is_pair = len(utf16_slice(message.text, token.start, token.start + 2)) == 1
            return (token.start, token.start + (2 if is_pair else 1)), None
        if not utf16_slice(message.text, token.start, token.end).strip("\r\n"):
            return None, (token.start, "⏎")
        return (token.start, token.end), None

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_clicked(self, position: int) -> None:
        token = self._message.token_at(position)
        if token is not None:
            self.token_clicked.emit(self.index, token)

    @Slot(int)
    def _on_hovered(self, position: int) -> None:
        token = self._message.token_at(position) if position >= 0 else None
        if token != self._hovered:
            self._hovered = token
            self._show_marks()
            self.token_hovered.emit(self.index, -1 if token is None else token)

    def follow_mouse(self) -> None:
        """The text moved under a mouse that did not."""
        if self._hovered is not None:
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

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Copy, copy everything, select everything."""
        self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        """The context menu; it deletes itself when it closes."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        copy = menu.addAction(self.tr("Copy"), QKeySequence.StandardKey.Copy, self.body.copy)
        copy.setEnabled(self.body.textCursor().hasSelection())
        whole = menu.addAction(self.tr("Copy message"), self.copy_message)
        whole.setEnabled(bool(self._message.text))
        menu.addSeparator()
        menu.addAction(self.tr("Select all"), QKeySequence.StandardKey.SelectAll, self.body.selectAll)
        return menu

    @Slot()
    def copy_message(self) -> None:
        """Put the whole text on the clipboard."""
        QGuiApplication.clipboard().setText(self._message.text)
