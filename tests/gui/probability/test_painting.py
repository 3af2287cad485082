"""The next-token panel: what it paints is the trace."""

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from gui.theme import DARK, LIGHT
from gui.views.probability.numbers import Numbers
from gui.views.probability.rows import Rows
from gui.views.probability.strip import DrawStrip
from inference.types import SamplingParams
from tests.gui.probability.conftest import CUT, HEADS, make_trace, painted, show, some_logits

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def count_in_line(image, y, left, right, color) -> int:
    wanted = QColor(color).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(left, right))


def longest_bar(image, rect, left, right, color, scale=1) -> int:
    """The length of the longest horizontal line of one colour inside a row."""
    lines = range(rect.top() + 2 * scale, rect.bottom() - 2 * scale)  # inside the chosen row's frame
    return max(count_in_line(image, y, left, right, color) for y in lines)


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [300, 340, 600])
def test_bars_are_as_long_as_the_probabilities(panel, scale, theme, width):
    """Both bars of every row are drawn on one scale, exact to a pixel, whatever theme, width and pixel ratio."""
    trace = make_trace(some_logits(1, heads=HEADS), u=0.7)
    panel.set_theme(theme)
    panel.resize(width, 760)
    show(panel, trace)
    rows = panel.findChild(Rows)
    image = painted(rows, scale)
    columns = rows.columns()
    left, right = columns.token_left * scale, columns.sampling_right * scale
    for row in range(len(trace.ids)):
        rect = rows.row_rect(row)
        rect.setRect(0, rect.top() * scale, rect.width() * scale, rect.height() * scale)
        for color, share in ((theme.bar, trace.model_probs[row]), (theme.accent, trace.sampling_probs[row])):
            assert abs(longest_bar(image, rect, left, right, color, scale) - share * (right - left)) <= scale


def test_a_removed_token_has_a_hollow_bar_and_says_why(panel):
    """A token cut by a rule has no sampling bar, and its model bar is not filled; its row names the rule."""
    trace = make_trace(some_logits(1, heads=HEADS), u=0.1, params=CUT)
    show(panel, trace)
    rows = panel.findChild(Rows)
    image = painted(rows)
    columns = rows.columns()
    cut = trace.removed_by.index("top-p")
    rect = rows.row_rect(cut)
    middle_of_bar = columns.token_left + int(trace.model_probs[cut] * columns.bar_width / 2)
    column = [image.pixel(middle_of_bar, y) for y in range(rect.top() + 15, rect.bottom())]
    assert QColor(LIGHT.accent).rgb() not in column
    assert column.count(QColor(LIGHT.bar).rgb()) == 2  # the outline's upper and lower edge
    assert "cut by top-p" in rows.explanation(cut)
    assert "cut by top-k" in rows.explanation(11) or trace.removed_by[11] == "top-p"


def marker_rows(rows) -> list[int]:
    """The rows with accent pixels where the triangle belongs."""
    image = painted(rows)
    found = []
    for row in range(rows.height() // rows.row_rect(0).height()):
        rect = rows.row_rect(row)
        lines = range(rect.top() + 4, rect.bottom() - 10)
        if sum(count_in_line(image, y, 15, 22, LIGHT.accent) for y in lines) >= 12:
            found.append(row)
    return found


@pytest.mark.parametrize("chosen", [0, 3, 12])
def test_the_chosen_row_has_the_marker(panel, chosen):
    """The triangle stands in the chosen token's row and in no other."""
    trace = make_trace(some_logits(1, heads=[0, 1, 2, 3, 4, 12]), chosen=chosen)
    show(panel, trace)
    assert marker_rows(panel.findChild(Rows)) == [trace.ids.tolist().index(chosen)]


def test_a_chosen_token_outside_the_rows_is_the_last_row_with_its_rank(panel):
    """Row 12 is then the chosen token, with its true rank in the description and in the painted sentence."""
    trace = make_trace(some_logits(1, 1.6, heads=HEADS), u=0.985)
    assert trace.chosen_rank > 12
    show(panel, trace)
    rows = panel.findChild(Rows)
    assert marker_rows(rows) == [11]
    assert f"rank {trace.chosen_rank:,} of 8,192" in rows.accessibleDescription()
    assert f"its {trace.chosen_rank:,}th guess" in panel.findChild(Numbers).sentence()


@pytest.mark.parametrize("height", [530, 600])
def test_a_held_chosen_row_is_scrolled_into_view(panel, height):
    """In a low window the chosen row of a held step is in view although it is the last."""
    panel.resize(300, height)
    show(panel, make_trace(some_logits(1, 1.6, heads=HEADS), u=0.985))
    rows = panel.findChild(Rows)
    assert rows.visibleRegion().boundingRect().contains(rows.row_rect(11).adjusted(9, 1, -9, -1))
    show(panel, make_trace(some_logits(1, 1.6, heads=HEADS), u=0.985), is_live=True)
    assert rows.visibleRegion().boundingRect().top() == 0  # back to live, back to the likeliest


def test_a_larger_font_makes_larger_rows(panel):
    """The panel follows a change of font, and its columns still hold their numbers."""
    show(panel, make_trace(some_logits(1, heads=HEADS), u=0.2))
    rows = panel.findChild(Rows)
    old_height, old_token_right = rows.row_rect(0).height(), rows.columns().token_right
    font = panel.font()
    font.setPointSizeF(2 * font.pointSizeF())
    panel.setFont(font)
    QApplication.processEvents()
    assert rows.row_rect(0).height() > old_height + 10
    assert rows.columns().token_right < old_token_right - 40
    assert rows.height() == 12 * rows.row_rect(0).height()


@pytest.mark.parametrize("scale", [1, 2])
def test_segments_are_as_wide_as_the_probabilities(panel, scale):
    """The strip shows the sampling probabilities in drawing order; the chosen one's segment is in the accent colour."""
    trace = make_trace(some_logits(1, heads=HEADS), chosen=1)
    show(panel, trace)
    strip = panel.findChild(DrawStrip)
    image = painted(strip, scale)
    rect = strip.strip_rect()
    y = int((rect.top() + 1) * scale)
    left, width = int(rect.left() * scale), int(rect.width() * scale)
    low = 0.0
    assert trace.strip_ids[1] == 1
    for place, high in enumerate(trace.strip_ends[:4].tolist()):
        color = LIGHT.accent if place == 1 else (LIGHT.segment_a, LIGHT.segment_b)[place % 2]
        start, end = left + round(low * width), left + round(high * width)
        needle = 4 * scale if place == 1 else 0
        assert abs(count_in_line(image, y, start, end, color) - ((end - start) - needle)) <= scale
        assert count_in_line(image, y, end + scale, end + 2 * scale, color) == 0
        low = high


def test_the_needle_is_at_u(panel):
    """The needle crosses the strip where u falls, also when the chosen segment is narrower than the needle."""
    trace = make_trace(some_logits(1, 1.6, heads=HEADS), u=0.985)
    show(panel, trace)
    strip = panel.findChild(DrawStrip)
    image = painted(strip)
    rect = strip.strip_rect()
    dark = [x for x in range(strip.width()) if image.pixel(x, int(rect.top()) + 1) == QColor(LIGHT.text).rgb()]
    assert abs(np.mean(dark) + 0.5 - (rect.left() + 0.985 * rect.width())) <= 1
    assert len(dark) == 2
    above = [image.pixel(x, int(rect.top()) - 3) for x in range(dark[0] - 3, dark[-1] + 4)]
    assert QColor(LIGHT.accent).rgb() in above  # the triangle that points at the chosen token


def test_no_needle_where_nothing_was_drawn(panel):
    """Temperature 0 and text being scored have no u; the strip says which of the two it is."""
    strip = panel.findChild(DrawStrip)
    show(panel, make_trace(some_logits(1, heads=HEADS), params=SamplingParams(temperature=0)))
    assert strip.needle_x() is None
    assert strip.accessibleDescription() == "Temperature 0: no draw."
    show(panel, make_trace(some_logits(1, heads=HEADS), is_scored=True, chosen=2))
    assert strip.needle_x() is None
    assert strip.accessibleDescription() == "No draw: this token was given."
