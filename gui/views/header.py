"""The line above the conversation: its title, the model (a menu), and how full the context is."""

import unicodedata

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme, number_font

MODEL_NAME_WIDTH = 220
NEARLY_FULL = 0.9


class ContextGauge(QWidget):
    """A bar of the context in use, with the numbers beside it."""

    BAR_WIDTH, BAR_HEIGHT, GAP = 64, 8, 8

    def __init__(self, theme: Theme, parent: QWidget | None = None):
        super().__init__(parent)
        self._theme = theme
        self._used, self._total = 0, 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Context in use"))
        self._describe()

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._theme = theme
        self.update()

    def set_tokens(self, used: int, total: int) -> None:
        """Tokens in the model's view, of how many it can hold; total 0 for no model.

        The token drawn last may have found the context full: it is not in the model's view.
        """
        used = min(used, total)
        if total != self._total:
            self.updateGeometry()  # the width depends on nothing else
        if (used, total) != (self._used, self._total):
            self._used, self._total = used, total
            self._describe()
            self.update()

    def _describe(self) -> None:
        text = self.tr("{used} of {total} tokens").format(used=f"{self._used:,}", total=f"{self._total:,}")
        self.setAccessibleDescription(text)
        self.setToolTip(
            self.tr("Context: {text}. What the model sees of this conversation; when it is full, the oldest turns leave.").format(
                text=text
            )
        )
        self.setVisible(self._total > 0)

    def _label(self) -> str:
        return f"{self._used:,} / {self._total:,}"

    def sizeHint(self) -> QSize:
        """Wide enough for a full context, so that nothing moves while it fills."""
        metrics = QFontMetrics(number_font(self.font()))
        widest = f"{self._total:,} / {self._total:,}"
        return QSize(self.BAR_WIDTH + self.GAP + metrics.horizontalAdvance(widest) + 2, metrics.height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, then the numbers."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(0, (self.height() - self.BAR_HEIGHT) / 2, self.BAR_WIDTH, self.BAR_HEIGHT)
        painter.setBrush(QColor(self._theme.border))
        painter.drawRoundedRect(bar, 4, 4)
        share = min(1.0, self._used / self._total) if self._total else 0.0
        if share:
            painter.setBrush(QColor(self._theme.warning if share > NEARLY_FULL else self._theme.accent))
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(self.BAR_HEIGHT, bar.width() * share), bar.height()), 4, 4)
        painter.setPen(QColor(self._theme.muted))
        painter.setFont(number_font(self.font()))
        area = self.rect().adjusted(self.BAR_WIDTH + self.GAP, 0, 0, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._label())


class Title(QLabel):
    """One line, cut with an ellipsis where there is no room; the whole of it is in the tooltip then."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_whole(self, text: str) -> None:
        """The text, of which as much is shown as fits; line breaks and control characters are not."""
        visible = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
        self._whole = " ".join(visible.split())
        self.setAccessibleName(self._whole)
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width shows more or less of it."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width())
        self.setText(shown)
        self.setToolTip("" if shown == self._whole else tooltip(self._whole))

    @property
    def whole(self) -> str:
        """The text, uncut."""
        return self._whole


class Header(QWidget):
    """Title at the left; model button and context gauge at the right."""

    def __init__(self, theme: Theme, model_menu: QMenu, parent: QWidget | None = None):
        super().__init__(parent)
        self._title = Title(self)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._model = QToolButton(self)
        self._model.setMenu(model_menu)
        self._model.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._model.setAutoRaise(True)
        self._model.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # the name carries its own arrow
        self._model.setAccessibleName(self.tr("Model"))
        self._gauge = ContextGauge(theme, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 8, 16, 8)
        layout.setSpacing(14)
        layout.addWidget(self._title, 1)
        layout.addWidget(self._model)
        layout.addWidget(self._gauge)

    def set_theme(self, theme: Theme) -> None:
        """Repaint in other colours."""
        self._gauge.set_theme(theme)

    def set_title(self, text: str) -> None:
        """Name of the conversation."""
        self._title.set_whole(text)

    @property
    def title(self) -> str:
        """Name of the conversation, in one line."""
        return self._title.whole

    def set_model(self, name: str, details: str) -> None:
        """Name of the model, or what is happening to it."""
        metrics = QFontMetrics(self._model.font())
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, MODEL_NAME_WIDTH).replace("&", "&&")
        self._model.setText(f"{shown}  ▾")
        self._model.setToolTip(tooltip(details))
        self._model.setAccessibleDescription(name)

    def set_context(self, used: int, total: int) -> None:
        """See ContextGauge.set_tokens."""
        self._gauge.set_tokens(used, total)
