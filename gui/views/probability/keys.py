"""What the arrow keys mean in the panel."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

_PAGE_ROWS = 5
_TOKEN_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_ROW_STEPS = {Qt.Key.Key_PageUp: -_PAGE_ROWS, Qt.Key.Key_PageDown: _PAGE_ROWS}
_ROW_STEPS_WITH_CONTROL = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


def token_steps(event: QKeyEvent) -> int:
    """By how many tokens of the text a key moves; 0 for a key that means something else."""
    return 0 if _modifiers(event) else _TOKEN_STEPS.get(event.key(), 0)


def row_steps(event: QKeyEvent) -> int:
    """By how many rows of the panel a key moves; 0 for a key that means something else."""
    if _modifiers(event) == Qt.KeyboardModifier.ControlModifier:
        return _ROW_STEPS_WITH_CONTROL.get(event.key(), 0)
    return 0 if _modifiers(event) else _ROW_STEPS.get(event.key(), 0)


def _modifiers(event: QKeyEvent) -> Qt.KeyboardModifier:
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
