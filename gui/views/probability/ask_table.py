"""The tokens of a text that was asked about, one below the other, with their probabilities."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from gui.models.plain_tooltip import tooltip
from gui.models.token_text import hex_bytes, label_of
from gui.theme import Theme
from gui.views.probability.ask_words import log2_of, short_chance
from gui.views.probability.scroll import ThinScrollBar
from gui.views.probability.words import cut_text, model_definition, model_heading, sampling_definition, sampling_heading
from inference.types import AskedToken

TOKEN, MODEL, SAMPLING, RANK = range(4)
_NO_INDEX = QModelIndex()
_TOOLTIP_BYTES = 64
_MOST_ROWS = 6  # in sight; more are scrolled to
_STYLE = """
QTableView {{ background: {window}; color: {text}; border: none; outline: none; }}
QTableView::item {{ padding: 0 4px; border: none; }}
QTableView::item:selected {{ background: {raised}; color: {text}; }}
QHeaderView {{ background: {window}; border: none; }}
QHeaderView::section {{ background: {window}; color: {muted}; border: none; padding: 0 7px 2px 7px; }}
"""


class AskModel(QAbstractTableModel):
    """Token, model probability, sampling probability or the rule that removed the token, rank."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens: tuple[AskedToken, ...] = ()
        self._muted = QColor(theme.muted)

    def set_tokens(self, tokens: Sequence[AskedToken]) -> None:
        """Show other tokens."""
        self.beginResetModel()
        self._tokens = tuple(tokens)
        self.endResetModel()

    def set_theme(self, theme: Theme) -> None:
        """Colours for what could not be drawn."""
        self._muted = QColor(theme.muted)

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """One row for each token."""
        return 0 if parent.isValid() else len(self._tokens)

    def columnCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Four columns."""
        return 0 if parent.isValid() else 4

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell's text, its explanation, how it is aligned, and its colour."""
        token = self._tokens[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(token, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self._explanation(token))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role == Qt.ItemDataRole.ForegroundRole and token.removed_by:
            return self._muted
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The columns' names and definitions."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("token"), model_heading(), sampling_heading(), self.tr("rank"))[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(("", model_definition(), sampling_definition(), self.tr("Place by model probability."))[section])
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _text(self, token: AskedToken, column: int) -> str:
        if column == TOKEN:
            return label_of(token.token_id, token.token_bytes).text
        if column == MODEL:
            return short_chance(log2_of(token.numbers.model_prob))
        if column == RANK:
            return f"{token.numbers.rank:,}"
        return cut_text(token.removed_by) if token.removed_by else short_chance(log2_of(token.numbers.sampling_prob))

    def _explanation(self, token: AskedToken) -> str:
        shown = hex_bytes(token.token_bytes[:_TOOLTIP_BYTES]) + (" …" if len(token.token_bytes) > _TOOLTIP_BYTES else "")
        text = self.tr("token {token}, id {id}, bytes {bytes}\nsurprise {bits:.2f} bits, entropy before it {entropy:.2f} bits")
        return text.format(
            token=label_of(token.token_id, token.token_bytes).text,
            id=token.token_id,
            bytes=shown,
            bits=token.numbers.surprise_bits + 0.0,
            entropy=token.numbers.entropy_bits + 0.0,
        )


class AskTable(QTableView):
    """The table; as high as its tokens, up to a few."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = AskModel(theme, self)
        self.setModel(self._model)
        self.setAccessibleName(self.tr("Tokens of the text"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table, as it leaves every other control
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bar = ThinScrollBar(theme)
        self.setVerticalScrollBar(self._bar)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 5)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(TOKEN, QHeaderView.ResizeMode.Stretch)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self._model.set_theme(theme)
        self._bar.set_theme(theme)
        colors = {"window": theme.window, "text": theme.text, "muted": theme.muted, "raised": theme.raised}
        self.setStyleSheet(_STYLE.format(**colors))

    def set_tokens(self, tokens: Sequence[AskedToken]) -> None:
        """Show other tokens."""
        self._model.set_tokens(tokens)
        rows = min(len(tokens), _MOST_ROWS)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize())


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == TOKEN else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter
