"""The tabs that switch the panel's pages."""

from dataclasses import asdict

from PySide6.QtWidgets import QTabBar, QWidget

from gui.theme import Theme
from gui.views.probability.style import MARGIN

_STYLE = """
QTabBar {{ border: none; background: {window}; }}
QTabBar::tab {{
    color: {muted}; background: transparent; padding: 4px 2px 4px 2px; margin-right: 16px;
    border: none; border-bottom: 2px solid transparent;
}}
QTabBar::tab:hover {{ color: {text}; border-bottom-color: {border}; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabBar::tab:selected:focus {{ color: {accent}; background: {raised}; }}
"""


class Tabs(QTabBar):
    """Names of pages in a row, the one shown underlined. With the keyboard on it, Left and Right change the page."""

    def __init__(self, names: list[str], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(False)
        self.setAccessibleName(self.tr("Pages"))
        for name in names:
            self.addTab(name)
        self.setContentsMargins(MARGIN, 0, MARGIN, 0)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Paint with these colours from now on."""
        self.setStyleSheet(_STYLE.format(**asdict(theme)))
