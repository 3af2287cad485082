"""The line above the conversation: title, model and context."""

import pytest
from PySide6.QtWidgets import QMenu, QToolButton

from gui.theme import LIGHT
from gui.views.header import ContextGauge, Header, Title

LONG = "What is the difference between a very long question and a short one?"


@pytest.fixture
def header(qtbot):
    menu = QMenu()
    qtbot.addWidget(menu)
    header = Header(LIGHT, menu)
    qtbot.addWidget(header)
    header.resize(800, 40)
    header.show()
    qtbot.waitExposed(header)
    return header


def test_a_long_title_ends_in_an_ellipsis_at_every_width(header):
    """It is cut to the room it has, again when the window changes, and is whole where there is room."""
    title = header.findChild(Title)
    header.set_title(LONG)
    for width in (800, 420, 330, 1200):
        header.resize(width, 40)
        assert title.fontMetrics().horizontalAdvance(title.text()) <= title.width()
    assert title.text() == LONG
    header.resize(420, 40)
    assert title.text().endswith("…")
    assert LONG in title.toolTip()


def test_a_title_is_one_line_without_control_characters(header):
    header.set_title("a\x1b[31m\x07b\r\n\tc 👩‍👩‍👧")
    assert header.title == "a [31m b c 👩‍👩‍👧"


def test_names_and_titles_are_never_markup(header):
    """Qt would show a tooltip that looks like HTML as HTML, pictures from anywhere included."""
    header.set_title("<img src='http://example.org/x.png'> " + LONG)
    header.resize(420, 40)
    header.set_model("<b>m</b>", "<b>m</b>: <i>a description from a file</i>")
    for tooltip in (header.findChild(Title).toolTip(), header.findChild(QToolButton).toolTip()):
        assert "&lt;" in tooltip
        assert "<i" not in tooltip.replace("<img", "<i")
        assert "<b>" not in tooltip


def test_the_context_is_never_fuller_than_full(qtbot):
    """The last token of a full context was drawn, but the model does not see it."""
    gauge = ContextGauge(LIGHT)
    qtbot.addWidget(gauge)
    gauge.set_tokens(513, 512)
    assert gauge.accessibleDescription() == "512 of 512 tokens"
