"""What the model really sees: every token with its id, the special ones and the template's own included."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.theme import Theme, control_style
from gui.views.raw_view.area import ChipArea
from gui.views.raw_view.chip import Chip
from gui.views.raw_view.context_bar import ContextBar
from gui.views.raw_view.controls import CheckBox, OneLine
from gui.views.raw_view.legend import Legend

FIRST_SIZE = (820, 600)
MINIMUM_SIZE = (460, 320)


class RawView(QDialog):
    """A window beside the conversation. Emits `chip_clicked` with the index of a chip: hold the panel on it."""

    chip_clicked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("What the model sees"))
        self.setModal(False)
        self.resize(*FIRST_SIZE)
        self.setMinimumSize(*MINIMUM_SIZE)
        self.bar = ContextBar(theme, self)
        self.legend = Legend(theme, self)
        self.area = ChipArea(theme, self)
        self.details = OneLine(self)
        self.details.setAccessibleName(self.tr("The current token"))
        self.details.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.ids = CheckBox(self.tr("Show &ids"), theme, self)
        self.ids.setChecked(True)
        self.copy = QPushButton(self.tr("&Copy ids"), self)
        self.copy.setToolTip(self.tr("Copy the ids of the selected tokens, or of all (Ctrl+C)"))
        self.copy.setAutoDefault(False)  # Enter holds a token
        self.copy.setEnabled(False)
        self._lay_out()
        self.area.chip_clicked.connect(self.chip_clicked)
        self.area.moved.connect(self.details.set_whole)
        self.ids.toggled.connect(self.area.set_ids_shown)
        self.copy.clicked.connect(self._on_copy)
        self.set_theme(theme)
        self.area.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(
            control_style(theme) + f"#frame {{ background: {theme.window}; border: 1px solid {theme.border}; }}"
            "QScrollBar::handle:vertical:disabled { background: transparent; }"
        )
        for part in (self.bar, self.legend, self.area, self.ids):
            part.set_theme(theme)

    def show_tokens(self, chips: Sequence[Chip], used: int, limit: int) -> None:
        """Show the tokens, oldest first: `used` of them are in a context of `limit` (0: not known)."""
        self.bar.set_tokens(used, limit, sum(chip.is_forgotten for chip in chips))
        self.legend.count(chips)
        self.area.show_chips(chips, limit)
        self.copy.setEnabled(bool(chips))

    def set_held(self, index: int | None) -> None:
        """Mark the chip that the panel holds; None for none."""
        self.area.set_held(index)

    def _lay_out(self) -> None:
        frame = QFrame(self)
        frame.setObjectName("frame")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.area)
        bottom = QHBoxLayout()
        bottom.setSpacing(14)
        bottom.addWidget(self.ids)
        bottom.addStretch(1)
        bottom.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addWidget(self.bar)
        column.addWidget(self.legend)
        column.addWidget(frame, 1)
        column.addWidget(self.details)
        column.addLayout(bottom)
        self.setTabOrder(self.area, self.ids)
        self.setTabOrder(self.ids, self.copy)

    @Slot()
    def _on_copy(self) -> None:
        self.area.copy_ids()
