"""The few looks that the parts of the transcript share."""

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QWidget

from gui.theme import Theme


def blend(color: str, background: str, strength: float) -> QColor:
    """`color` laid over `background` with an opacity of `strength`."""
    over, under = QColor(color), QColor(background)
    mixed = (strength * a + (1 - strength) * b for a, b in zip(over.getRgbF()[:3], under.getRgbF()[:3], strict=True))
    return QColor.fromRgbF(*mixed)


def set_text_color(widget: QWidget, color: str) -> None:
    """Give a label its text colour."""
    palette = widget.palette()
    palette.setColor(QPalette.ColorRole.WindowText, QColor(color))
    widget.setPalette(palette)


def scaled_font(widget: QWidget, factor: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The widget's font in another size and weight."""
    font = QFont(widget.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setWeight(weight)
    return font


def button_style(theme: Theme, radius: int) -> str:
    """A quiet button: a thin border, raised under the mouse, the accent colour when it has the focus."""
    return (
        f"QPushButton, QToolButton {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};"
        f" border-radius: {radius}px; padding: 6px 12px; }}"
        f"QPushButton:hover, QToolButton:hover {{ background: {theme.raised}; }}"
        f"QPushButton:pressed, QToolButton:pressed {{ background: {theme.border}; }}"
        f"QPushButton:focus, QToolButton:focus {{ border-color: {theme.accent}; }}"
        f"QPushButton:disabled, QToolButton:disabled {{ color: {theme.muted}; background: transparent; }}"
    )
