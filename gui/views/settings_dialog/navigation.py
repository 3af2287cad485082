"""The list of pages at the left of the dialog."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QFrame, QListWidget, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

WIDTH, ROW_HEIGHT, INSET = 168, 36, 10
MARK_WIDTH = 3


class PageDelegate(QStyledItemDelegate):
    """Paints a page's name; the chosen one on a rounded ground with a mark at its left."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Rows high enough to hit easily, at any size of text."""
        return QSize(WIDTH, max(ROW_HEIGHT, option.fontMetrics.height() + 14))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Ground, mark, name."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        palette = option.palette
        ground = QRectF(option.rect).adjusted(INSET, 2, -INSET, -2)
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if is_chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette.color(QPalette.ColorRole.AlternateBase))
            painter.drawRoundedRect(ground, 6, 6)
        if is_chosen:
            painter.setBrush(palette.color(QPalette.ColorRole.Accent))
            mark = QRectF(ground.left() + 5, ground.center().y() - 8, MARK_WIDTH, 16)
            painter.drawRoundedRect(mark, MARK_WIDTH / 2, MARK_WIDTH / 2)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(palette.color(QPalette.ColorRole.Accent))
            painter.drawRoundedRect(ground.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        painter.drawText(ground.adjusted(18, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter, index.data())
        painter.restore()


class Navigation(QListWidget):
    """Names of pages; `currentRowChanged` tells which one is chosen."""

    def __init__(self, names: list[str], parent: QWidget | None = None):
        super().__init__(parent)
        self.setItemDelegate(PageDelegate(self))
        self.setFixedWidth(WIDTH)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setBackgroundRole(QPalette.ColorRole.Base)  # the margin around the rows too
        self.setAutoFillBackground(True)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Pages of the settings"))
        self.addItems(names)
        self.setCurrentRow(0)
        self.setViewportMargins(0, 16, 0, 0)
