"""The switch at the foot of the composer: chat, or continue a text."""

from typing import Literal

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from gui.theme import Theme

ComposerMode = Literal["chat", "continue"]


class ModeSwitch(QToolButton):
    """A quiet button with a menu: is the text a message, or the beginning of a text? Emits `chosen` for the user's choice."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self._menu = QMenu(self)
        self._group = QActionGroup(self)
        self._actions = {
            "chat": self._add(self.tr("&Chat"), self.tr("The model answers your message.")),
            "continue": self._add(self.tr("Continue a &text"), self.tr("The model continues your text word for word.")),
        }
        self._menu.setToolTipsVisible(True)
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(self.tr("What the model does with the text"))
        self.setToolTip(self.tr("Answer a message, or continue a text word for word"))
        self._group.triggered.connect(self._on_triggered)
        self.set_mode("chat")

    def _add(self, text: str, tip: str) -> QAction:
        action = self._menu.addAction(text)
        action.setCheckable(True)
        action.setToolTip(tip)
        self._group.addAction(action)
        return action

    @property
    def mode(self) -> ComposerMode:
        """The mode that is checked in the menu."""
        return "continue" if self._actions["continue"].isChecked() else "chat"

    def set_mode(self, mode: ComposerMode) -> None:
        """Check a mode; emits nothing."""
        self._actions[mode].setChecked(True)
        name = self.tr("Chat") if mode == "chat" else self.tr("Continue a text")
        self.setText(f"{name} ▾")
        self.setAccessibleDescription(name)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(
            f"QToolButton {{ color: {theme.muted}; background: transparent; border: 2px solid transparent; border-radius: 6px;"
            f" padding: 2px 4px; text-align: left; }} QToolButton:hover {{ color: {theme.text}; background: {theme.raised}; }}"
            f"QToolButton:focus {{ color: {theme.text}; border-color: {theme.accent}; }}"
            "QToolButton::menu-indicator { image: none; width: 0; }"  # the name carries its own arrow
        )

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        mode: ComposerMode = "continue" if action is self._actions["continue"] else "chat"
        self.set_mode(mode)
        self.chosen.emit(mode)
