"""The composer: where messages are written, counted in tokens, sent, and an answer is stopped."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from gui.theme import Theme, control_style
from gui.views.composer.message_edit import MessageEdit
from gui.views.composer.mode_switch import ComposerMode, ModeSwitch

MAX_WIDTH = 792  # the transcript's column
SIDE = 24
RADIUS = 12
DRAFT_PAUSE_MS = 120
ICON_SIZE = 16
SWITCH_INSET = 10  # from the switch's edge to its text


class Composer(QWidget):
    """A message field with its token count and one button that sends or stops.

    Emits `submitted` (text, already taken out of the field), `stop_requested`, `draft_changed` (text, when typing pauses),
    `mode_changed` ("chat" or "continue", when the user chose the other one).
    """

    submitted = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)
    mode_changed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._theme = theme
        self._is_busy = False
        self._last_sent = ""
        self._hint_text = ""
        self._mode: ComposerMode = "chat"
        self.edit = MessageEdit(self)
        self.switch = ModeSwitch(self)
        self.hint = self._label(self.tr("Hint"))
        self.count = self._label(self.tr("Tokens in the message"))
        self.button = QPushButton(self)
        self.button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self._draft = QTimer(self)
        self._draft.setSingleShot(True)
        self._draft.setInterval(DRAFT_PAUSE_MS)
        self._lay_out()
        self.setTabOrder(self.edit, self.button)
        self.setTabOrder(self.button, self.switch)
        self.edit.entered.connect(self._on_entered)
        self.edit.recalled.connect(self._on_recalled)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.focus_changed.connect(self.update)
        self.button.clicked.connect(self._on_button)
        self.switch.chosen.connect(self._on_mode_chosen)
        self._draft.timeout.connect(self._on_draft_paused)
        self._name_field()
        self.set_theme(theme)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setAccessibleName(name)
        return label

    def _lay_out(self) -> None:
        self.hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._frame = QWidget(self)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.switch)
        row.addWidget(self.hint, 1)
        row.addWidget(self.count)
        row.addWidget(self.button)
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(14 - SWITCH_INSET, 10, 10, 10)  # the switch's text in line with the field's
        inside.setSpacing(6)
        field = QHBoxLayout()
        field.setContentsMargins(SWITCH_INSET, 0, 0, 0)
        field.addWidget(self.edit)
        inside.addLayout(field)
        inside.addLayout(row)
        QVBoxLayout(self).addWidget(self._frame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    # -- what it shows -------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        for label in (self.hint, self.count):
            palette = label.palette()
            palette.setColor(QPalette.ColorRole.WindowText, QColor(theme.muted))
            label.setPalette(palette)
        palette = self.edit.palette()
        palette.setColor(QPalette.ColorRole.Base, QColor(Qt.GlobalColor.transparent))
        palette.setColor(QPalette.ColorRole.Text, QColor(theme.text))
        palette.setColor(QPalette.ColorRole.PlaceholderText, QColor(theme.muted))
        self.edit.setPalette(palette)
        self.edit.verticalScrollBar().setStyleSheet(control_style(theme))
        self.switch.set_theme(theme)
        self._show_button()
        self.update()

    def set_busy(self, is_busy: bool) -> None:
        """Whether an answer is being made: then the button stops it, and nothing is sent."""
        if is_busy != self._is_busy:
            self._is_busy = is_busy
            self._show_hint(self._hint_text)
            self._show_button()

    @property
    def mode(self) -> ComposerMode:
        """What happens to the text: "chat" makes it a message, "continue" the beginning of a text."""
        return self._mode

    def set_mode(self, mode: ComposerMode) -> None:
        """Choose what happens to the text; what is written stays. Emits nothing."""
        self._mode = mode
        self.switch.set_mode(mode)
        self._name_field()
        self._show_button()

    def set_token_count(self, count: int | None) -> None:
        """How many tokens the text has; None where that is not known."""
        if count is None or self.edit.document().isEmpty():
            self.count.setText("")
        else:
            self.count.setText(self.tr("1 token") if count == 1 else self.tr("{count} tokens").format(count=f"{count:,}"))

    def set_hint(self, text: str) -> None:
        """A small line under the text; "" for none."""
        self._hint_text = text
        self._show_hint(text)

    def focus(self) -> None:
        """Put the caret into the field."""
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def take_key(self, event: QKeyEvent) -> None:
        """Write a key that was pressed elsewhere, and take the focus for those that follow."""
        self.focus()
        QApplication.sendEvent(self.edit, event)

    def text(self) -> str:
        """What is written."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Replace what is written, the caret behind it; can be undone."""
        self.edit.set_text(text)

    def _name_field(self) -> None:
        if self._mode == "chat":
            self.edit.setPlaceholderText(self.tr("Message…"))
            self.edit.setAccessibleName(self.tr("Message"))
            self.edit.setAccessibleDescription(self.tr("Enter sends, Shift+Enter breaks the line"))
        else:
            placeholder = self.tr("Write the beginning of a text; the model continues it word for word.")
            self.edit.setPlaceholderText(placeholder)
            self.edit.setAccessibleName(self.tr("Beginning of a text"))
            self.edit.setAccessibleDescription(self.tr("Enter has it continued, Shift+Enter breaks the line"))

    def _show_hint(self, text: str) -> None:
        self.hint.setText(text)
        self.hint.setToolTip(text)

    def _show_button(self) -> None:
        text, name, tip = self._button_texts()
        self.button.setText(text)
        self.button.setAccessibleName(name)
        self.button.setToolTip(tip)
        self.button.setEnabled(self._is_busy or not self._is_blank)
        self.button.setIcon(self._icon())
        self.button.setStyleSheet(self._button_style())

    def _button_texts(self) -> tuple[str, str, str]:
        """Text, accessible name and tooltip of the button."""
        if self._is_busy:
            return self.tr("Stop"), self.tr("Stop the answer"), self.tr("Stop the answer (Esc)")
        if self._mode == "continue":
            return self.tr("Continue"), self.tr("Continue the text"), self.tr("Continue the text (Enter)")
        return self.tr("Send"), self.tr("Send the message"), self.tr("Send the message (Enter)")

    @property
    def _is_blank(self) -> bool:
        return not self.text().strip()

    def _button_colors(self) -> tuple[str, str, str]:
        """Background, text and border of the button."""
        theme = self._theme
        if self._is_busy:
            return theme.surface, theme.text, theme.border
        if self._is_blank:
            return theme.raised, theme.muted, theme.raised
        return theme.accent, theme.on_accent, theme.accent

    def _button_style(self) -> str:
        background, text, border = self._button_colors()
        return (
            f"QPushButton {{ background: {background}; color: {text}; border: 2px solid {border}; border-radius: 8px;"
            f" padding: 4px 12px; }} QPushButton:hover, QPushButton:focus {{ border-color: {self._theme.text}; }}"
        )

    def _icon(self) -> QIcon:
        """An arrow up to send, a square to stop."""
        scale = 3  # sharp on every screen up to 3x
        pixmap = QPixmap(ICON_SIZE * scale, ICON_SIZE * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        color = QColor(self._button_colors()[1])
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._is_busy:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(3, 3, 10, 10), 2, 2)
        else:
            painter.setPen(QPen(color, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPolyline([QPointF(4, 7), QPointF(8, 3), QPointF(12, 7)])
            painter.drawLine(QPointF(8, 3), QPointF(8, 13))
        painter.end()
        icon = QIcon(pixmap)
        icon.addPixmap(pixmap, QIcon.Mode.Disabled)
        return icon

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click anywhere in the box is a click into the field."""
        super().mousePressEvent(event)
        self.edit.setFocus(Qt.FocusReason.MouseFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As wide as the transcript's column, and under it."""
        super().resizeEvent(event)
        side = max(SIDE, (self.width() - MAX_WIDTH) // 2)
        self.layout().setContentsMargins(side, 4, side, 16)

    def minimumSizeHint(self) -> QSize:
        """The wide margins of a wide window may shrink again."""
        return QSize(2 * SIDE + self._frame.minimumSizeHint().width(), super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box around field and button; its border shows the focus."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused = self.edit.hasFocus()
        width = 2 if focused else 1
        painter.setPen(QPen(QColor(self._theme.accent if focused else self._theme.border), width))
        painter.setBrush(QColor(self._theme.surface))
        inset = width / 2
        box = QRectF(self._frame.geometry()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(box, RADIUS, RADIUS)

    # -- events --------------------------------------------------------------------------------------------------------

    @Slot()
    def _on_entered(self) -> None:
        if self._is_busy:
            self._show_hint(self.tr("The model is answering: Esc stops it"))
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.text()
        if text.strip():
            self._last_sent = text
            self.set_text("")
            self._draft.stop()
            self.draft_changed.emit("")
            self.submitted.emit(text)

    @Slot()
    def _on_recalled(self) -> None:
        if self._last_sent:
            self.set_text(self._last_sent)

    @Slot(str)
    def _on_mode_chosen(self, mode: ComposerMode) -> None:
        if mode != self._mode:
            self.set_mode(mode)
            self.mode_changed.emit(mode)
        self.focus()

    @Slot()
    def _on_button(self) -> None:
        if self._is_busy:
            self.stop_requested.emit()
        else:
            self._submit()
        self.focus()

    @Slot()
    def _on_text_changed(self) -> None:
        self._draft.start()
        if self.edit.document().isEmpty():
            self.count.setText("")
        if not self._is_busy and self.button.isEnabled() == self._is_blank:
            self._show_button()

    @Slot()
    def _on_draft_paused(self) -> None:
        self.draft_changed.emit(self.text())
