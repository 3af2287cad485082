"""The bar that finds text in the conversation."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

from gui.theme import Theme
from gui.views.transcript.style import button_style, set_text_color

FIELD_WIDTH = 280


class FindBar(QWidget):
    """A field, how many places there are, and buttons; Enter and Shift+Enter step, Esc closes.

    Emits `query_changed` (text), `stepped` (+1 or -1) and `closed`.
    """

    query_changed = Signal(str)
    stepped = Signal(int)
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.field = QLineEdit(self)
        self.field.setPlaceholderText(self.tr("Find in this chat"))
        self.field.setAccessibleName(self.tr("Find in this chat"))
        self.field.setClearButtonEnabled(True)
        self.field.setMaximumWidth(FIELD_WIDTH)
        self.field.installEventFilter(self)
        self.field.textChanged.connect(self.query_changed)
        self.count = QLabel(self)
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.count.setAccessibleName(self.tr("Places found"))
        self.previous = self._button("↑", self.tr("Previous place"), self._on_previous)
        self.next = self._button("↓", self.tr("Next place"), self._on_next)
        self.close_button = self._button("✕", self.tr("Close the find bar"), self._on_close)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 8, 24, 8)
        row.addStretch(1)
        for widget in (self.field, self.previous, self.next, self.count):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.setStretchFactor(self.field, 10)
        self.set_theme(theme)
        self.show_count(0, 0)

    def _button(self, sign: str, name: str, slot: object) -> QToolButton:
        button = QToolButton(self)
        button.setText(sign)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(slot)
        return button

    def open(self, text: str) -> None:
        """Show the bar with this text, or with the last one, ready to be typed over."""
        self.show()
        if text:
            self.field.setText(text)
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def show_count(self, number: int, total: int) -> None:
        """Say which place of how many the reader is at."""
        if not self.field.text():
            text = ""
        elif total == 0:
            text = self.tr("Not found")
        else:
            text = self.tr("{number} of {total}").format(number=f"{number:,}", total=f"{total:,}")
        self.count.setText(text)
        self.previous.setEnabled(total > 0)
        self.next.setEnabled(total > 0)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        set_text_color(self.count, theme.muted)
        small = button_style(theme, 6).replace("padding: 6px 12px", "padding: 3px 8px")
        for button in (self.previous, self.next, self.close_button):
            button.setStyleSheet(small)
        self.field.setStyleSheet(
            f"QLineEdit {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};"
            f" border-radius: 6px; padding: 4px 8px; }} QLineEdit:focus {{ border-color: {theme.accent}; }}"
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A line below sets the bar off from the conversation."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QColor(self._theme.border))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Shift+Enter in the field."""
        is_press = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if is_press and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.stepped.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes the bar, wherever in it the focus is."""
        if event.key() == Qt.Key.Key_Escape:
            self._on_close()
        else:
            super().keyPressEvent(event)

    @Slot()
    def _on_previous(self) -> None:
        self.stepped.emit(-1)

    @Slot()
    def _on_next(self) -> None:
        self.stepped.emit(1)

    @Slot()
    def _on_close(self) -> None:
        self.hide()
        self.closed.emit()
