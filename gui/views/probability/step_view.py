"""The table of tokens and the pages under it, and how they share the height."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.views.probability.pages import Pages
from gui.views.probability.table import Table

_GAP = 4
_ROWS_FIRST = 5  # rows that are shown before a page gets more than the choice needs
_PAGE_LINES = 14  # of text: what a page with much to show would like to have


class StepView(QWidget):
    """Gives both parts their place by hand, so that the tabs stay where they are whichever page is in front.

    First come the choice's full height and three rows, then more rows, then room for the larger pages, then all rows; what
    is left belongs to the page.
    """

    def __init__(self, table: Table, pages: Pages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table, self._pages = table, pages
        table.setParent(self)
        pages.setParent(self)
        table.height_changed.connect(self.fit)

    def minimumSizeHint(self) -> QSize:
        """The choice and the fewest rows."""
        return QSize(300, self._table.least_height() + _GAP + self._pages.height_for(self.width(), 0))

    def sizeHint(self) -> QSize:
        """The same: it takes what there is."""
        return self.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new height."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()
        self.fit()

    def fit(self) -> None:
        """Share the height between table and pages."""
        width, height = self.width(), self.height() - _GAP
        least = self._pages.height_for(width, 0)
        wanted = self._pages.height_for(width, _PAGE_LINES * self.fontMetrics().height())
        pages = min(max(height - self._table.height_of(_ROWS_FIRST), least), wanted)
        table = self._table.whole_rows_in(height - pages)
        self._table.setGeometry(0, 0, width, table)
        self._pages.setGeometry(0, table + _GAP, width, height - table)
