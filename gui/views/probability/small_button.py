"""A small button whose text is cut where there is no room; its accessible name stays whole."""

from dataclasses import asdict

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from gui.theme import Theme

_PAD = 8  # px, left and right of the text
_STYLE = """
QPushButton {{ color: {text}; background: {surface}; border: 1px solid {border}; border-radius: 5px; padding: 2px 7px; }}
QPushButton:hover {{ background: {raised}; }}
QPushButton:pressed {{ background: {border}; }}
QPushButton:checked {{ color: {on_accent}; background: {accent}; border-color: {accent}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: 1px 6px; }}
QPushButton:disabled {{ color: {muted}; background: {window}; }}
"""


class SmallButton(QPushButton):
    """`set_words` sets the text, shown as far as it fits, and what a screen reader says in its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = ""
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def set_words(self, words: str, name: str = "") -> None:
        """Show a text; `name` is the accessible name, the text itself if it is not given."""
        self._words = words
        self.setAccessibleName(name or words)
        self.updateGeometry()
        self._fit()

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.setStyleSheet(_STYLE.format(**asdict(theme)))

    def sizeHint(self) -> QSize:
        """Room for the whole text."""
        return QSize(self.fontMetrics().horizontalAdvance(self._words) + 2 * _PAD + 2, self.fontMetrics().height() + 8)

    def minimumSizeHint(self) -> QSize:
        """Room for a few letters."""
        return QSize(min(self.sizeHint().width(), 40), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        text = self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, max(self.width() - 2 * _PAD, 0))
        self.setText(text.replace("&", "&&"))  # a token may hold one: it is no mnemonic
