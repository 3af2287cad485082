"""The line in which a text is asked about: its first space can be seen and switched, a line break can be put in."""

from PySide6.QtCore import QSignalBlocker, QSize, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from gui.models.plain_tooltip import tooltip
from gui.theme import Theme
from gui.views.probability.small_button import SmallButton
from gui.views.probability.style import GUTTER, MARGIN

_MOST_CHARACTERS = 400
_STYLE = """
QLineEdit {{
    color: {text}; background: {surface}; border: 1px solid {border}; border-radius: 5px; padding: 2px 5px;
    placeholder-text-color: {muted}; selection-color: {on_accent}; selection-background-color: {accent};
}}
QLineEdit:focus {{ border-color: {accent}; }}
"""


class AskField(QWidget):
    """`text_changed` carries the exact text, leading and trailing spaces and line breaks included."""

    text_changed = Signal(str)
    finished = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.space = SmallButton()
        self.edit = QLineEdit()
        self.line_break = SmallButton()
        self._arrange()
        self.setFocusProxy(self.edit)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.returnPressed.connect(self.finished)
        self.space.toggled.connect(self._on_space_toggled)
        self.line_break.clicked.connect(self._on_line_break)
        self.set_theme(theme)

    @property
    def text(self) -> str:
        """The text asked about."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Ask about another text."""
        self.edit.setText(text)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.space.set_theme(theme)
        self.line_break.set_theme(theme)
        names = ("text", "surface", "border", "muted", "accent", "on_accent")
        self.edit.setStyleSheet(_STYLE.format(**{name: getattr(theme, name) for name in names}))

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(300, self.edit.sizeHint().height())

    def _arrange(self) -> None:
        self.space.set_words("␣", self.tr("Space before the text"))
        self.space.setCheckable(True)
        self.space.setToolTip(
            tooltip(
                self.tr(
                    "Pressed: the text begins with a space. Most words of a text do; “␣the” and “the” are different tokens. "
                    "The space can be typed as well."
                )
            )
        )
        self.line_break.set_words("⏎", self.tr("Put in a line break"))
        self.line_break.setToolTip(tooltip(self.line_break.accessibleName()))
        self.edit.setMaxLength(_MOST_CHARACTERS)
        self.edit.setClearButtonEnabled(True)
        self.edit.setPlaceholderText(self.tr("any text"))
        self.edit.setAccessibleName(self.tr("Text to ask about"))
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 0, MARGIN - GUTTER, 0)
        row.setSpacing(6)
        row.addWidget(self.space)
        row.addWidget(self.edit, 1)
        row.addWidget(self.line_break)

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        with QSignalBlocker(self.space):
            self.space.setChecked(text.startswith(" "))
        self.text_changed.emit(text)

    @Slot(bool)
    def _on_space_toggled(self, has_space: bool) -> None:
        position = self.edit.cursorPosition()
        if has_space:
            self.edit.setText(" " + self.edit.text())
            self.edit.setCursorPosition(position + 1)
        else:
            self.edit.setText(self.edit.text().removeprefix(" "))
            self.edit.setCursorPosition(max(position - 1, 0))

    @Slot()
    def _on_line_break(self) -> None:
        self.edit.insert("\n")
        self.edit.setFocus()
