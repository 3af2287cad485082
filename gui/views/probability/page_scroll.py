"""What a page stands in: it scrolls where the panel is low, with the rows' thin bar, and never sideways."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.theme import Theme
from gui.views.probability.scroll import ThinScrollBar


class PageScroll(QScrollArea):
    """A column of parts, to be filled through `column`; the bar's gutter is kept free on the right."""

    def __init__(self, theme: Theme, owner: QWidget) -> None:
        """Fill `owner`, which has no layout yet."""
        super().__init__()
        self._bar = ThinScrollBar(theme)
        self.setVerticalScrollBar(self._bar)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        content = QWidget()
        self.column = QVBoxLayout(content)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        self.setWidget(content)
        whole = QVBoxLayout(owner)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._bar.set_theme(theme)
