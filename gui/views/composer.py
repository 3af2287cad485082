"""The composer: where messages are written, counted in tokens, sent, and an answer is stopped."""

from math import ceil

from PySide6.QtCore import QMimeData, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QIcon,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
    QResizeEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.theme import Theme, control_style

MAX_WIDTH = 792  # the transcript's column
SIDE = 24
RADIUS = 12
MAX_LINES = 8
SLACK = 2  # px below the last line
DRAFT_PAUSE_MS = 120
ICON_SIZE = 16
# Qt looks for word borders from the start of a word again for every line: a word of 100,000 characters takes 0.4 s.
LONG_LINE = 10_000


class MessageEdit(QPlainTextEdit):
    """A plain text field as high as its text, up to MAX_LINES lines.

    Emits `entered` for Enter, `recalled` for the up arrow in an empty field, `focus_changed`.
    """

    entered = Signal()
    recalled = Signal()
    focus_changed = Signal()

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._preedit = ""
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(2)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.1)
        self.setFont(font)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    @property
    def is_composing(self) -> bool:
        """Whether an input method is in the middle of a character."""
        return bool(self._preedit)

    def text(self) -> str:
        """The text with "\\n" between lines; unlike toPlainText it keeps no-break spaces."""
        return self.document().toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    def set_text(self, text: str) -> None:
        """Replace the text; undo brings the old one back."""
        self._choose_wrapping(text)
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.setTextCursor(cursor)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste or drop as plain text, whatever it was."""
        if source.hasText():
            self._choose_wrapping(source.text())
            self.textCursor().insertText(source.text())
            self.ensureCursorVisible()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Anything that has a text."""
        return source.hasText()

    def _choose_wrapping(self, text: str) -> None:
        """Lines that would take seconds to wrap between words wrap anywhere."""
        if any(len(line) > LONG_LINE for line in text.split("\n")):
            self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        elif self.document().characterCount() < LONG_LINE:
            self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

    @Slot()
    def _fit(self) -> None:
        """As high as the text, up to the limit."""
        lines, height = self._shown_lines()
        margins = 2 * self.document().documentMargin()
        self.setFixedHeight(ceil(height + margins) + SLACK)
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines == MAX_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )

    def _shown_lines(self) -> tuple[int, float]:
        """Lines as they are wrapped, from 1 to MAX_LINES, and their height in px: a fallback font's are higher."""
        lines, height, block = 0, 0.0, self.document().firstBlock()
        while block.isValid() and lines < MAX_LINES:
            self.document().documentLayout().blockBoundingRect(block)  # wraps it if it is not
            taken = min(block.layout().lineCount(), MAX_LINES - lines)
            height += sum(block.layout().lineAt(line).height() for line in range(taken))
            lines += taken
            block = block.next()
        return (lines, height) if lines else (1, self.fontMetrics().lineSpacing())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width wraps into other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember whether a character is being composed."""
        self._preedit = event.preeditString()
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter sends, Shift+Enter breaks the line; an input method's Enter does neither."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter and self.is_composing:
            event.accept()
        elif is_enter and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            if not event.isAutoRepeat():
                self.entered.emit()
        elif is_enter:
            self.textCursor().insertText("\n")
            self.ensureCursorVisible()
        elif event.key() == Qt.Key.Key_Up and self.document().isEmpty():
            self.recalled.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The frame around shows the focus."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The frame around shows the focus."""
        super().focusOutEvent(event)
        self.focus_changed.emit()


class Composer(QWidget):
    """A message field with its token count and one button that sends or stops.

    Emits `submitted` (text, already taken out of the field), `stop_requested`, `draft_changed` (text, when typing pauses).
    """

    submitted = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._theme = theme
        self._is_busy = False
        self._last_sent = ""
        self._hint_text = ""
        self.edit = MessageEdit(self)
        self.edit.setPlaceholderText(self.tr("Message…"))
        self.edit.setAccessibleName(self.tr("Message"))
        self.edit.setAccessibleDescription(self.tr("Enter sends, Shift+Enter breaks the line"))
        self.hint = self._label(self.tr("Hint"))
        self.count = self._label(self.tr("Tokens in the message"))
        self.button = QPushButton(self)
        self.button.setIconSize(QSize(ICON_SIZE, ICON_SIZE))
        self._draft = QTimer(self)
        self._draft.setSingleShot(True)
        self._draft.setInterval(DRAFT_PAUSE_MS)
        self._lay_out()
        self.setFocusProxy(self.edit)
        self.edit.entered.connect(self._on_entered)
        self.edit.recalled.connect(self._on_recalled)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.focus_changed.connect(self.update)
        self.button.clicked.connect(self._on_button)
        self._draft.timeout.connect(self._on_draft_paused)
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
        row.setContentsMargins(2, 0, 0, 0)  # the text's own margin
        row.setSpacing(12)
        row.addWidget(self.hint, 1)
        row.addWidget(self.count)
        row.addWidget(self.button)
        inside = QVBoxLayout(self._frame)
        inside.setContentsMargins(14, 10, 10, 10)
        inside.setSpacing(6)
        inside.addWidget(self.edit)
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
        self._show_button()
        self.update()

    def set_busy(self, is_busy: bool) -> None:
        """Whether an answer is being made: then the button stops it, and nothing is sent."""
        if is_busy != self._is_busy:
            self._is_busy = is_busy
            self._show_hint(self._hint_text)
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

    def _show_hint(self, text: str) -> None:
        self.hint.setText(text)
        self.hint.setToolTip(text)

    def _show_button(self) -> None:
        texts = (self.tr("Stop"), self.tr("Stop the answer"), self.tr("Stop the answer (Esc)"))
        if not self._is_busy:
            texts = (self.tr("Send"), self.tr("Send the message"), self.tr("Send the message (Enter)"))
        text, name, tip = texts
        self.button.setText(text)
        self.button.setAccessibleName(name)
        self.button.setToolTip(tip)
        self.button.setEnabled(self._is_busy or not self._is_blank)
        self.button.setIcon(self._icon())
        self.button.setStyleSheet(self._button_style())

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
