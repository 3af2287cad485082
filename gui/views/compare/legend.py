"""What grey and underlined text means, written in those looks."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget


class Legend(QWidget):
    """Two short lines, each in the look it explains."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        shared = QLabel(self.tr("grey: as in the column to the left"), self)
        shared.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        unlikely = QLabel(self.tr("underlined"), self)
        font = QFont(unlikely.font())
        font.setUnderline(True)
        unlikely.setFont(font)
        explained = QLabel(self.tr(": not the model's likeliest token"), self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(shared)
        row.addSpacing(18)
        row.addWidget(unlikely)
        row.addWidget(explained)
        for label in (shared, unlikely, explained):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
