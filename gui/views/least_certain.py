"""The list of a conversation's tokens, the ones the model was least certain of first."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.models.certainty import TokenRow
from gui.models.token_text import label_of, percent, visible
from gui.theme import Theme, control_style, number_font, table_style

MAX_ROWS = 500
FIRST_SIZE = (720, 520)  # fits a screen of 900x600 with the window's frame
MINIMUM_SIZE = (480, 280)
ROW_HEIGHT = 1.9  # of the font's height
TOKEN_WIDTH = 120
NUMBER_WIDTH = 98
BEFORE, TOKEN, ENTROPY, SURPRISE, PROBABILITY, RANK = range(6)
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

_KEYS: dict[int, Callable[[TokenRow], object]] = {
    BEFORE: lambda row: row.before.casefold(),
    TOKEN: lambda row: label_of(row.token_id, row.token_bytes).text.casefold(),
    ENTROPY: lambda row: row.numbers.entropy_bits,
    SURPRISE: lambda row: row.numbers.surprise_bits,
    PROBABILITY: lambda row: row.numbers.model_prob,
    RANK: lambda row: row.numbers.rank,
}


class TokenTable(QAbstractTableModel):
    """The first MAX_ROWS of all rows in the chosen order; rows that are equal stay in the order of the text."""

    def __init__(self, number: QFont, parent: QWidget):
        super().__init__(parent)
        self._number = number
        self._all: Sequence[TokenRow] = ()
        self._column, self._order = ENTROPY, Qt.SortOrder.DescendingOrder
        self.shown: list[TokenRow] = []

    def set_rows(self, rows: Sequence[TokenRow]) -> None:
        """Show other rows, in the order chosen before."""
        self._all = rows
        self.sort(self._column, self._order)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order all rows by one column."""
        self._column, self._order = column, order
        self.beginResetModel()
        self.shown = sorted(self._all, key=_KEYS[column], reverse=order == Qt.SortOrder.DescendingOrder)[:MAX_ROWS]
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """How many rows are shown."""
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """Always the same columns."""
        return 0 if parent.isValid() else len(_KEYS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The names of the columns; numbers stand at the right."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._names()[section]
        return self._meanings().get(section) if role == Qt.ItemDataRole.ToolTipRole else None

    def _names(self) -> tuple[str, ...]:
        return (
            self.tr("Words before"),
            self.tr("Token"),
            self.tr("Entropy"),
            self.tr("Surprise"),
            self.tr("Probability"),
            self.tr("Rank"),
        )

    def _meanings(self) -> dict[int, str]:
        return {
            ENTROPY: self.tr("How uncertain the model was here, in bits"),
            SURPRISE: self.tr("-log2 of the token's model probability, in bits"),
            PROBABILITY: self.tr("Model probability"),
            RANK: self.tr("Place by model probability"),
        }

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The cells."""
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(self.shown[index.row()], column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        return self._number if role == Qt.ItemDataRole.FontRole and column >= ENTROPY else None


def _alignment(column: int) -> Qt.AlignmentFlag:
    is_number = column >= ENTROPY or column == BEFORE  # the words before a token end where it begins
    return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft)


def _cell(row: TokenRow, column: int) -> str:
    numbers = row.numbers
    cells: dict[int, Callable[[], str]] = {
        BEFORE: lambda: " ".join(visible(word) for word in row.before.split()),
        TOKEN: lambda: label_of(row.token_id, row.token_bytes).text,
        ENTROPY: lambda: f"{numbers.entropy_bits:.2f}",
        SURPRISE: lambda: f"{numbers.surprise_bits:.2f}",
        PROBABILITY: lambda: percent(numbers.model_prob),
        RANK: lambda: f"{numbers.rank:,}",
    }
    return cells[column]()


class LeastCertain(QDialog):
    """A table to sort by any column. Emits `token_chosen` (message id, token) for Enter, a double click or the button."""

    token_chosen = Signal(str, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle(self.tr("Least certain tokens"))
        self.setMinimumSize(*MINIMUM_SIZE)
        self.resize(*FIRST_SIZE)
        self._rows: Sequence[TokenRow] = ()
        self.table = TokenTable(number_font(self.font()), self)
        self.view = QTableView(self)
        self.view.setModel(self.table)
        self.view.setAccessibleName(self.windowTitle())
        self.only_drawn = QCheckBox(self.tr("Only what the model chose"), self)
        self.only_drawn.setAccessibleName(self.only_drawn.text())
        self.only_drawn.setChecked(True)
        self.count = QLabel(self)
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.go = self._button(self.tr("Go to token"))
        self.close_button = self._button(self.tr("Close"))
        self._style_view()
        self._lay_out()
        self.view.activated.connect(self._on_activated)
        self.view.selectionModel().currentRowChanged.connect(self._on_row_changed)
        self.only_drawn.toggled.connect(self._show_rows)
        self.go.clicked.connect(self._on_go)
        self.close_button.clicked.connect(self.close)
        self.set_theme(theme)
        self._show_rows()

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(text)
        button.setAutoDefault(False)  # Enter belongs to the table
        return button

    def _style_view(self) -> None:
        view = self.view
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the last words before a token are those that matter
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.setShowGrid(False)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(round(ROW_HEIGHT * view.fontMetrics().height()))
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(BEFORE, QHeaderView.ResizeMode.Stretch)
        view.setColumnWidth(TOKEN, TOKEN_WIDTH)
        for column in (ENTROPY, SURPRISE, PROBABILITY, RANK):
            view.setColumnWidth(column, NUMBER_WIDTH)
        view.setSortingEnabled(True)
        view.sortByColumn(ENTROPY, Qt.SortOrder.DescendingOrder)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.only_drawn)
        top.addStretch(1)
        top.addWidget(self.count)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        bottom.addWidget(self.go)
        bottom.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addLayout(bottom)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.setStyleSheet(control_style(theme) + table_style(theme))
        palette = self.count.palette()
        palette.setColor(self.count.foregroundRole(), QColor(theme.muted))
        self.count.setPalette(palette)

    def set_rows(self, rows: Sequence[TokenRow]) -> None:
        """Show the tokens of a conversation."""
        self._rows = rows
        self._show_rows()

    @Slot()
    def _show_rows(self) -> None:
        rows = [row for row in self._rows if row.is_drawn] if self.only_drawn.isChecked() else self._rows
        self.table.set_rows(rows)
        self._count_rows(len(rows))
        if rows:
            self.view.selectRow(0)
        self.go.setEnabled(bool(rows))

    def _count_rows(self, total: int) -> None:
        if total == 0:
            text = self.tr("No token with known numbers yet")
        elif total > MAX_ROWS:
            text = self.tr("The first {shown} of {total} tokens").format(shown=f"{MAX_ROWS:,}", total=f"{total:,}")
        else:
            text = self.tr("Tokens: {total}").format(total=f"{total:,}")
        self.count.setText(text)

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        row = self.table.shown[index.row()]
        self.token_chosen.emit(row.message_id, row.token)

    @Slot()
    def _on_row_changed(self) -> None:
        self.go.setEnabled(self.view.currentIndex().isValid())

    @Slot()
    def _on_go(self) -> None:
        self._on_activated(self.view.currentIndex())
