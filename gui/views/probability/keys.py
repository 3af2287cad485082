"""What keys mean in the panel."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

_PAGE_ROWS = 5
_ALL_ROWS = 1 << 20
_TOKEN_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_ROW_STEPS = {
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_PageUp: -_PAGE_ROWS,
    Qt.Key.Key_PageDown: _PAGE_ROWS,
    Qt.Key.Key_Home: -_ALL_ROWS,
    Qt.Key.Key_End: _ALL_ROWS,
}
_TAKE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
KEY_ROWS = 9  # the rows that have a key of their own, 1 to 9


def token_steps(event: QKeyEvent) -> int:
    """By how many tokens of the text a key moves; 0 for a key that means something else."""
    return 0 if _modifiers(event) else _TOKEN_STEPS.get(event.key(), 0)


def row_steps(event: QKeyEvent) -> int:
    """By how many rows of the panel a key moves, far past the end for Home and End; 0 for a key that means something else."""
    return 0 if _modifiers(event) else _ROW_STEPS.get(event.key(), 0)


def taken_row(event: QKeyEvent, current: int) -> int:
    """The row, from 0, that a key takes: Enter the current one, 1 to 9 the one of that number; -1 for any other key.

    A key held down takes once: what it would take next has not been seen yet.
    """
    if event.isAutoRepeat():
        return -1
    if event.key() in _TAKE and not _modifiers(event):
        return current
    is_digit = len(event.text()) == 1 and event.text() in "123456789"  # the text: some layouts write digits with Shift
    return int(event.text()) - 1 if is_digit else -1


def _modifiers(event: QKeyEvent) -> Qt.KeyboardModifier:
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
