"""The switch between the versions of a message: ‹ 2/3 ›."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gui.theme import Theme, number_font
from gui.views.transcript.style import button_style, set_text_color


class SiblingSwitch(QWidget):
    """Which version is shown, of how many, and buttons to the one before and behind it. Emits `requested` (-1 or +1)."""

    requested = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget):
        super().__init__(parent)
        self.previous = self._button("‹", self.tr("Previous version"), self._on_previous)
        self.next = self._button("›", self.tr("Next version"), self._on_next)
        self.place = QLabel(self)
        self.place.setFont(number_font(self.font()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.previous, self.place, self.next):
            row.addWidget(widget)
        self.set_theme(theme)
        self.set_place(1, 1)

    def _button(self, sign: str, name: str, slot: object) -> QToolButton:
        button = QToolButton(self)
        button.setText(sign)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(slot)
        return button

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        set_text_color(self.place, theme.muted)
        small = button_style(theme, 5).replace("padding: 6px 12px", "padding: 0px 6px")
        for button in (self.previous, self.next):
            button.setStyleSheet(small)

    def set_place(self, place: int, count: int) -> None:
        """Version `place`, from 1, of `count`; a single one needs no switch."""
        self.place.setText(f"{place}/{count}")
        self.place.setAccessibleName(self.tr("Version {place} of {count}").format(place=place, count=count))
        self.place.setToolTip(self.place.accessibleName())
        self.previous.setEnabled(place > 1)
        self.next.setEnabled(place < count)
        self.setVisible(count > 1)

    def focus(self, delta: int) -> None:
        """Give the keyboard to this button, or to the other one where there is nothing more in its direction."""
        wanted, other = (self.previous, self.next) if delta < 0 else (self.next, self.previous)
        (wanted if wanted.isEnabled() else other).setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _on_previous(self) -> None:
        self.requested.emit(-1)

    @Slot()
    def _on_next(self) -> None:
        self.requested.emit(1)
