"""The list of all chats in the file, the last used first, with a field that searches in their messages."""

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import (
    QAbstractTableModel,
    QDateTime,
    QEvent,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from gui.models.chat_summary import ChatSummary
from gui.models.plain_tooltip import tooltip
from gui.theme import Theme, control_style, table_style

FIRST_SIZE = (720, 520)  # fits a screen of 900x600 with the window's frame
MINIMUM_SIZE = (480, 280)
ROW_HEIGHT = 1.9  # of the font's height
TITLE, MODEL, MESSAGES, CHANGED = range(4)
YEAR_9999 = 2.5e11  # in Unix time
COLUMN_ROOM = 28  # beside the text of a column
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class ChatTable(QAbstractTableModel):
    """A row for each chat; the one on screen is written in bold."""

    def __init__(self, bold: QFont, parent: QWidget):
        super().__init__(parent)
        self._bold = bold
        self._open_number: int | None = None
        self.chats: Sequence[ChatSummary] = ()

    def set_chats(self, chats: Sequence[ChatSummary], open_number: int | None) -> None:
        """Show other chats."""
        self.beginResetModel()
        self.chats, self._open_number = chats, open_number
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        """How many chats there are."""
        return 0 if parent.isValid() else len(self.chats)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        """Always the same columns."""
        return 0 if parent.isValid() else CHANGED + 1

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The names of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        names = (self.tr("Chat"), self.tr("Model"), self.tr("Messages"), self.tr("Last message"))
        return names[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The cells; what is cut short in one is whole in its tooltip."""
        chat, column = self.chats[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._cell(chat, column)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(self._whole(chat, column))
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column)
            case Qt.ItemDataRole.FontRole:
                return self._bold if chat.number == self._open_number else None
            case Qt.ItemDataRole.AccessibleTextRole if column == TITLE and chat.number == self._open_number:
                return self.tr("{chat}, on screen now").format(chat=self._cell(chat, column))
        return None

    def _cell(self, chat: ChatSummary, column: int) -> str:
        cells: dict[int, Callable[[], str]] = {
            TITLE: lambda: " ".join(chat.title.split()) or self.tr("(no text)"),
            MODEL: lambda: chat.model,
            MESSAGES: lambda: f"{chat.messages:,}",
            CHANGED: lambda: when(chat.changed, datetime.now()),  # noqa: DTZ005  the user's own time
        }
        return cells[column]()

    def _whole(self, chat: ChatSummary, column: int) -> str:
        moment = _moment(chat.changed)
        if column == CHANGED and moment is not None:
            return QLocale().toString(moment, QLocale.FormatType.LongFormat)
        return chat.title if column == TITLE else self._cell(chat, column)


def _moment(changed: float) -> QDateTime | None:
    """None for what no clock has shown: a damaged row."""
    return QDateTime.fromMSecsSinceEpoch(round(1000 * changed)) if 0 < changed < YEAR_9999 else None


def when(changed: float, now: datetime) -> str:
    """A moment in Unix time as the user would write it: today the time, otherwise the date, both in the local zone."""
    moment = _moment(changed)
    if moment is None:
        return ""
    locale = QLocale()
    if moment.date().toPython() == now.date():
        return locale.toString(moment.time(), QLocale.FormatType.ShortFormat)
    return locale.toString(moment.date(), QLocale.FormatType.ShortFormat)


def _alignment(column: int) -> Qt.AlignmentFlag:
    is_right = column in (MESSAGES, CHANGED)
    return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignRight if is_right else Qt.AlignmentFlag.AlignLeft)


class EarlierChats(QDialog):
    """Emits `words_changed` while the user searches, `open_requested` (number), and `delete_requested` (ChatSummary)."""

    words_changed = Signal()
    open_requested = Signal(int)
    delete_requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._searched = ""  # for what was listed last
        self.setWindowTitle(self.tr("Earlier chats"))
        self.setWindowModality(Qt.WindowModality.WindowModal)  # the list cannot grow old while it is looked at
        self.setMinimumSize(*MINIMUM_SIZE)
        self.resize(*FIRST_SIZE)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search in all chats"))
        self.search.setAccessibleName(self.search.placeholderText())
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        self.table = ChatTable(bold, self)
        self.view = QTableView(self)
        self.view.setModel(self.table)
        self.view.setAccessibleName(self.windowTitle())
        self.state = QLabel(self)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.delete_button = self._button(self.tr("Delete…"))
        self.open_button = self._button(self.tr("Open"))
        self.close_button = self._button(self.tr("Close"))
        self._style_view()
        self._lay_out()
        self._connect()
        self.set_theme(theme)
        self.set_chats((), None)

    def _connect(self) -> None:
        self.search.textChanged.connect(self.words_changed)
        self.search.returnPressed.connect(self._on_open)
        self.view.activated.connect(self._on_open)
        self.view.selectionModel().currentRowChanged.connect(self._enable)
        self.open_button.clicked.connect(self._on_open)
        self.delete_button.clicked.connect(self._on_delete)
        self.close_button.clicked.connect(self.close)

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAccessibleName(text.rstrip("…"))
        button.setAutoDefault(False)  # Enter belongs to the table and the search
        return button

    def _style_view(self) -> None:
        view = self.view
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.setShowGrid(False)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.installEventFilter(self)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(round(ROW_HEIGHT * view.fontMetrics().height()))
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        for column in (MODEL, MESSAGES, CHANGED):
            widest = "glassbox-tiny-long" if column == MODEL else self.table.headerData(column, Qt.Orientation.Horizontal)
            view.setColumnWidth(column, view.fontMetrics().horizontalAdvance(widest) + COLUMN_ROOM)

    def _lay_out(self) -> None:
        bottom = QHBoxLayout()
        bottom.addWidget(self.delete_button)
        bottom.addWidget(self.state, 1)
        bottom.addWidget(self.open_button)
        bottom.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.search)
        column.addWidget(self.view, 1)
        column.addLayout(bottom)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self.setStyleSheet(control_style(theme) + table_style(theme) + _field_style(theme))
        self._theme = theme
        self._tell(self.state.text(), theme.muted)

    def start(self) -> None:
        """Search for nothing, choose nothing yet, and give the keyboard to the field."""
        with QSignalBlocker(self.search):
            self.search.clear()
        self.view.clearSelection()
        self.view.setCurrentIndex(_NOWHERE)
        self.search.setFocus()

    def set_chats(self, chats: Sequence[ChatSummary], open_number: int | None) -> None:
        """Show these, and choose the row that was chosen or, after another search, the first; `open_number` is on screen."""
        row = self.view.currentIndex().row() if self.search.text() == self._searched else 0
        self._searched = self.search.text()
        self.table.set_chats(chats, open_number)
        self._tell(self._count(len(chats)), self._theme.muted)
        if chats:
            self.view.selectRow(min(max(row, 0), len(chats) - 1))
        self._enable()

    def set_failure(self, sentence: str) -> None:
        """Say why there is nothing to show, or why something was not done."""
        self._tell(sentence, self._theme.text)

    def _tell(self, sentence: str, color: str) -> None:
        self.state.setText(sentence)
        palette = self.state.palette()
        palette.setColor(self.state.foregroundRole(), QColor(color))
        self.state.setPalette(palette)

    def _count(self, total: int) -> str:
        if total:
            return self.tr("Chats: {total}").format(total=f"{total:,}")
        if self.search.text().strip():
            return self.tr("No chat has all these words")
        return self.tr("No chats yet: each one you begin is kept here")

    def _chosen(self) -> ChatSummary | None:
        index = self.view.currentIndex()
        return self.table.chats[index.row()] if index.isValid() else None

    @Slot()
    def _enable(self) -> None:
        for button in (self.open_button, self.delete_button):
            button.setEnabled(self._chosen() is not None)

    @Slot()
    def _on_open(self) -> None:
        chat = self._chosen()
        if chat is not None:
            self.open_requested.emit(chat.number)

    @Slot()
    def _on_delete(self) -> None:
        chat = self._chosen()
        if chat is not None:
            self.delete_requested.emit(chat)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search ↑ and ↓ walk through the list; in the list Delete asks to delete."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.search and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self._walk(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
            if watched is self.view and event.key() == Qt.Key.Key_Delete:
                self._on_delete()
                return True
        return super().eventFilter(watched, event)

    def _walk(self, delta: int) -> None:
        row = self.view.currentIndex().row() + delta
        if 0 <= row < self.table.rowCount():
            self.view.selectRow(row)


def _field_style(theme: Theme) -> str:
    return (
        f"QLineEdit {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};"
        f" border-radius: 5px; padding: 5px 8px; placeholder-text-color: {theme.muted}; }}"
        f"QLineEdit:focus {{ border-color: {theme.accent}; }}"
    )
