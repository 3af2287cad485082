"""Colours and fonts, named once: a Theme feeds the palette, the style sheet and everything painted by hand."""

from dataclasses import asdict, dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


@dataclass(frozen=True, slots=True)
class Theme:
    """Colour tokens, "#rrggbb". `bar` shows model probability, `accent` what can be drawn and what was chosen."""

    is_dark: bool
    window: str
    surface: str  # cards, inputs
    raised: str  # the user's messages, hovered rows
    text: str
    muted: str  # secondary text, at least 4.5:1 on window and surface
    border: str
    accent: str
    on_accent: str
    bar: str
    removed: str  # bars of tokens a rule removed
    error: str
    warning: str
    # Two neutral tints that segments of the draw alternate between.
    segment_a: str
    segment_b: str
    chart: str  # thin bars, at least 3:1 on window and raised
    # From expected to unexpected: ever further from the window's luminance, so that it reads without hue as well, and
    # `text` stays at least 4.5:1 on every step between.
    tint: tuple[str, ...]


LIGHT = Theme(
    is_dark=False,
    window="#f6f6f4",
    surface="#ffffff",
    raised="#eaecef",
    text="#1c1e21",
    muted="#5c6370",
    border="#d5d8dc",
    accent="#0b62b8",
    on_accent="#ffffff",
    bar="#9db8d6",
    removed="#d9dadd",
    error="#b3261e",
    warning="#8a5a00",
    segment_a="#dfe6ee",
    segment_b="#c9d5e3",
    chart="#5b82b0",
    tint=("#fff3d1", "#fdd28c", "#f6a552", "#e0762f"),
)

DARK = Theme(
    is_dark=True,
    window="#1b1d20",
    surface="#24272b",
    raised="#2e3238",
    text="#e8eaed",
    muted="#a3abb6",
    border="#3b4047",
    accent="#6cb2ff",
    on_accent="#0c1520",
    bar="#4a6483",
    removed="#3c4046",
    error="#ff8a80",
    warning="#e8b45a",
    segment_a="#35404d",
    segment_b="#455567",
    chart="#6f93bd",
    tint=("#39342c", "#553f26", "#7b4a1e", "#a5511a"),
)


def number_font(base: QFont) -> QFont:
    """A fixed-width font of the same size as `base`, so that columns of numbers stand still."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(base.pointSizeF())
    return font


def system_is_dark() -> bool:
    """Whether the desktop asks for dark windows."""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def theme_for(choice: str) -> Theme:
    """The theme of the setting "system", "light" or "dark"."""
    dark = system_is_dark() if choice == "system" else choice == "dark"
    return DARK if dark else LIGHT


def palette_of(theme: Theme) -> QPalette:
    """The Qt palette of a theme, disabled colours included."""
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Button: theme.surface,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.error,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Accent: theme.accent,
        QPalette.ColorRole.Light: theme.raised,
        QPalette.ColorRole.Midlight: theme.border,
        QPalette.ColorRole.Mid: theme.border,
        QPalette.ColorRole.Dark: theme.border,
        QPalette.ColorRole.Shadow: theme.border,
    }
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    return palette


def tint_color(theme: Theme, level: float) -> QColor:
    """The colour behind a token with this level, 0 (expected) to 1 (unexpected)."""
    place = level * (len(theme.tint) - 1)
    first = min(int(place), len(theme.tint) - 2)
    low, high = QColor(theme.tint[first]), QColor(theme.tint[first + 1])
    mixed = (a + (place - first) * (b - a) for a, b in zip(low.getRgbF()[:3], high.getRgbF()[:3], strict=True))
    return QColor.fromRgbF(*mixed)


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Give the whole application the theme's palette; widgets that paint by hand are told by their owner."""
    application.setPalette(palette_of(theme))


def slider_style(theme: Theme) -> str:
    """A style sheet for sliders: a thin groove, filled up to a round handle."""
    return SLIDER_STYLE.format(**asdict(theme))


def control_style(theme: Theme) -> str:
    """A style sheet for forms: sliders, boxes, buttons and bars with edges that are seen in the dark as well."""
    return CONTROL_STYLE.format(**asdict(theme)) + slider_style(theme)


def table_style(theme: Theme) -> str:
    """A style sheet for tables with a frame."""
    return (
        f"QTableView {{ background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.border};"
        f" border-radius: 5px; selection-background-color: {theme.accent}; selection-color: {theme.on_accent}; outline: none; }}"
        f"QTableView:focus {{ border-color: {theme.accent}; }}"
        f"QHeaderView::section {{ background: {theme.surface}; color: {theme.muted}; border: none;"
        f" border-bottom: 1px solid {theme.border}; padding: 6px 11px; }}"
        "QTableView::item { padding: 0 8px; }"
    )


SLIDER_STYLE = """
QSlider:horizontal {{ min-height: 22px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {border}; }}
QSlider::sub-page:horizontal {{ border-radius: 2px; background: {accent}; }}
QSlider::handle:horizontal {{
    width: 12px; height: 12px; margin: -6px 0; border: 2px solid {accent}; border-radius: 8px; background: {surface};
}}
QSlider::handle:horizontal:hover {{ background: {raised}; }}
QSlider::handle:horizontal:focus {{ background: {accent}; }}
"""

CONTROL_STYLE = """
QPushButton, QDoubleSpinBox, QPlainTextEdit {{
    color: {text}; background: {surface}; border: 1px solid {border}; border-radius: 5px;
    placeholder-text-color: {muted}; selection-color: {on_accent}; selection-background-color: {accent};
}}
QPushButton {{ padding: 5px 14px; }}
QPushButton:hover {{ background: {raised}; }}
QPushButton:pressed {{ background: {border}; }}
QPushButton:focus, QDoubleSpinBox:focus, QPlainTextEdit:focus {{ border-color: {accent}; }}
QPushButton:disabled, QDoubleSpinBox:disabled, QPlainTextEdit:disabled {{ color: {muted}; background: {window}; }}
QPlainTextEdit {{ padding: 2px; }}

QDoubleSpinBox {{ padding: 3px 0; }}
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 18px; border: none; background: transparent; }}
QDoubleSpinBox::up-button:hover, QDoubleSpinBox::down-button:hover {{ background: {raised}; }}
QDoubleSpinBox::up-arrow, QDoubleSpinBox::down-arrow {{ width: 0; height: 0; }}

QRadioButton {{ spacing: 7px; padding: 3px 6px 3px 2px; border: 1px solid transparent; border-radius: 5px; outline: none; }}
QRadioButton:focus {{ border-color: {accent}; }}
QRadioButton::indicator {{
    width: 14px; height: 14px; border: 1px solid {muted}; border-radius: 8px; background: {surface};
}}
QRadioButton::indicator:hover {{ background: {raised}; }}
QRadioButton::indicator:checked {{
    width: 6px; height: 6px; border: 5px solid {accent}; border-radius: 8px; background: {on_accent};
}}

QCheckBox {{ spacing: 7px; padding: 3px 6px 3px 2px; border: 1px solid transparent; border-radius: 5px; outline: none; }}
QCheckBox:focus {{ border-color: {accent}; }}
QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {muted}; border-radius: 3px; background: {surface}; }}
QCheckBox::indicator:hover {{ background: {raised}; }}
QCheckBox::indicator:checked {{
    width: 8px; height: 8px; border: 4px solid {accent}; border-radius: 3px; background: {on_accent};
}}

QScrollBar:vertical {{ width: 10px; margin: 0; border: none; background: transparent; }}
QScrollBar::handle:vertical {{ min-height: 32px; margin: 2px; border-radius: 3px; background: {border}; }}
QScrollBar::handle:vertical:hover {{ background: {muted}; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
"""
