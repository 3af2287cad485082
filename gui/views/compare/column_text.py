"""The text of one column: appended to and never set anew, with marks that do not rely on colour."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gui.models.display import display_text
from gui.theme import Theme


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with one look: `is_shared` is grey, `is_unlikely` underlined."""

    text: str
    is_shared: bool
    is_unlikely: bool


class ColumnText(QPlainTextEdit):
    """Plain text to read, select and copy; it follows its end unless it was scrolled away from it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces: list[Piece] = []
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(1)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._follows = True
        self.verticalScrollBar().rangeChanged.connect(self._on_range_changed)
        self._make_formats(theme)

    def set_theme(self, theme: Theme) -> None:
        """Write the text again in other colours."""
        self._make_formats(theme)
        self.clear()
        self._insert(self._pieces)

    def restart(self) -> None:
        """No text."""
        self._pieces = []
        self.clear()

    def append_pieces(self, pieces: list[Piece]) -> None:
        """Write at the end."""
        bar = self.verticalScrollBar()
        self._follows = bar.value() == bar.maximum()
        self._pieces += pieces
        self._insert(pieces)
        self._on_range_changed()

    @Slot()
    def _on_range_changed(self) -> None:
        """Also later: a scroll bar that appears wraps the text anew."""
        if self._follows:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _insert(self, pieces: Iterable[Piece]) -> None:
        """One insertion for every change of look; the paragraph is laid out once."""
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.beginEditBlock()
        for look, run in groupby(pieces, key=lambda piece: (piece.is_shared, piece.is_unlikely)):
            cursor.insertText("".join(display_text(piece.text) for piece in run), self._formats[look])
        cursor.endEditBlock()

    def _make_formats(self, theme: Theme) -> None:
        self._formats = {
            (is_shared, is_unlikely): text_format(theme, is_shared=is_shared, is_unlikely=is_unlikely)
            for is_shared in (False, True)
            for is_unlikely in (False, True)
        }


def text_format(theme: Theme, *, is_shared: bool, is_unlikely: bool) -> QTextCharFormat:
    """The look of a piece."""
    look = QTextCharFormat()
    look.setForeground(QColor(theme.muted if is_shared else theme.text))
    if is_unlikely:
        look.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        look.setUnderlineColor(QColor(theme.accent))
    return look
