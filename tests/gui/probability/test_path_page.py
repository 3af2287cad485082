"""The path from belief to choice: nothing is lost on the way, and every rule says what it did."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from gui.theme import DARK, LIGHT
from gui.views.probability.path_page import PathPage
from gui.views.probability.stage_flow import OTHERS, active_stages, bar_of, flow_into, needle_place
from gui.views.probability.stage_words import choice_sentence, stage_sentence
from gui.views.probability.waterfall import Waterfall
from inference.types import SamplingParams
from tests.gui.probability.conftest import HEADS, painted, some_logits
from tests.gui.probability.details_oracle import make_step, no_choice

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

LOGITS = some_logits(1, heads=HEADS)
EVERYTHING = SamplingParams(temperature=1.3, top_k=9, top_p=0.8, min_p=0.12, repetition_penalty=1.3)
CASES = {
    "nothing": (SamplingParams(temperature=1.0), ()),
    "top-p": (SamplingParams(temperature=0.8, top_p=0.95), ()),
    "everything": (EVERYTHING, (0, 3)),
    "cold": (SamplingParams(temperature=0.0), ()),
}


@pytest.fixture
def page(qtbot):
    widget = PathPage(LIGHT)
    qtbot.addWidget(widget)
    widget.resize(370, 300)
    QWidget.show(widget)
    qtbot.waitExposed(widget)
    return widget


def sentence_of(page) -> str:
    return page.findChild(QLabel).text()


@pytest.mark.parametrize("case", CASES)
def test_every_bar_is_full_and_what_flows_out_is_what_was_in_it(case):
    """Bars add up to 1; between two of them kept and removed pieces cover the upper bar, and the removed mass is the rule's."""
    params, history = CASES[case]
    trace, details = make_step(LOGITS, params, history=history, u=0.3)
    stages = active_stages(details)
    for stage in stages:
        assert bar_of(stage)[-1].high == pytest.approx(1.0, abs=1e-9)
    for before, stage in zip(stages, stages[1:], strict=False):
        flow = flow_into(stage, before, trace)
        pieces = sorted([old for old, _ in flow.kept] + list(flow.removed), key=lambda span: (span.low, span.high))
        assert pieces[0].low == 0.0
        assert pieces[-1].high == pytest.approx(1.0, abs=1e-9)
        for left, right in zip(pieces, pieces[1:], strict=False):
            assert right.low == pytest.approx(left.high, abs=1e-12)
        assert sum(span.high - span.low for span in flow.removed) == pytest.approx(stage.removed_mass, abs=1e-9)
        assert sum(new.high - new.low for _, new in flow.kept) == pytest.approx(1.0, abs=1e-9)


def test_a_row_that_a_rule_removed_ends_there_and_nowhere_else():
    """A row's piece ends at the rule that its row names, whatever the penalty made of the order."""
    trace, details = make_step(LOGITS, EVERYTHING, history=(0, 3), u=0.6)
    stages, ended = active_stages(details), {}
    for before, stage in zip(stages, stages[1:], strict=False):
        ended |= {span.row: stage.rule for span in flow_into(stage, before, trace).removed if span.row != OTHERS}
    assert ended == {row: rule for row, rule in enumerate(trace.removed_by) if rule}
    assert set(ended.values()) >= {"top-k", "top-p"}


@pytest.mark.parametrize("u", [0.0, 0.31, 0.9])
def test_the_needle_stands_where_u_is(u):
    """Without a penalty the bar is the line of the draw: the needle is at u itself."""
    trace, details = make_step(LOGITS, SamplingParams(temperature=0.8, top_p=0.9), u=u)
    assert needle_place(trace, bar_of(active_stages(details)[-1])) == pytest.approx(u, abs=1e-9)


def test_the_needle_of_a_far_choice_stands_in_its_piece():
    """A chosen token that has the last row: the needle is inside its piece, after the likelier rows."""
    trace, details = make_step(LOGITS, SamplingParams(temperature=1.2), u=0.97)
    assert trace.chosen_rank > 12
    bar = bar_of(active_stages(details)[-1])
    assert bar[11].low <= needle_place(trace, bar) <= bar[11].high


def test_a_sentence_names_count_mass_tokens_and_entropy():
    """The sentence about a rule holds its numbers and the likeliest tokens it removed."""
    trace, details = make_step(LOGITS, SamplingParams(temperature=1.0, top_k=3), u=0.3)
    top_k = details.stages[3]
    text = stage_sentence(top_k, trace)
    assert "removed 8,189 tokens" in text
    assert f"{100 * top_k.removed_mass:.1f}\u00a0%" in text
    assert "the likeliest “␣little”, “␣girl”, “␣the”" in text
    assert "3 tokens are left" in text
    assert f"{top_k.entropy_bits:.1f} bits" in text
    assert stage_sentence(details.stages[4], trace).endswith("It is switched off.")
    assert "changes nothing" in stage_sentence(details.stages[2], trace)  # temperature 1 is a setting, not a switch


@pytest.mark.parametrize(
    ("params", "options", "words"),
    [
        (SamplingParams(temperature=0.8), {"u": 0.25}, "The draw u = 0.2500 falls into the piece of “␣dragon”"),
        (SamplingParams(temperature=0), {}, "Temperature 0 left only “␣dragon”: it is taken without a draw."),
        (
            SamplingParams(temperature=0.8, top_k=3),
            {"is_scored": True, "chosen": 4},
            "already there. The rules would have left it no",
        ),
        (SamplingParams(temperature=0.8), {"is_scored": True, "chosen": 1}, "A draw would have chosen it with"),
        (SamplingParams(temperature=0), {"chosen": 3}, "already there. The rules would have left it no chance"),
    ],
)
def test_the_last_line_says_how_the_token_came_about(params, options, words):
    """Drawn, taken and read are told apart, also where a token was read at temperature 0."""
    trace, _details = make_step(LOGITS, params, **options)
    assert words in choice_sentence(trace)


def test_only_a_draw_or_temperature_0_leads_to_the_last_bar(page):
    """A token that was read has a bar of its own, in a neutral colour; one that was drawn has the accent colour."""
    waterfall = page.findChild(Waterfall)
    for options, is_accent in (({"u": 0.2}, True), ({"is_scored": True, "chosen": 0}, False)):
        page.show(*make_step(LOGITS, SamplingParams(temperature=0.8), **options))
        bar = waterfall.bar_rect(waterfall.lines[-1])
        color = QColor(painted(waterfall).pixel(round(bar.left()) + 4, round(bar.center().y())))
        assert (color == QColor(LIGHT.accent)) == is_accent


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [300, 370, 500])
def test_the_chosen_piece_is_as_long_as_its_probability(page, theme, width):
    """In every bar the accent colour is as long as the chosen token's share after that rule."""
    trace, details = make_step(LOGITS, SamplingParams(temperature=0.7, top_p=0.9), u=0.99)
    page.set_theme(theme)
    page.resize(width, 300)
    page.show(trace, details)
    waterfall = page.findChild(Waterfall)
    image, row = painted(waterfall), trace.ids.tolist().index(trace.chosen_id)
    for line in waterfall.lines[:3:2]:  # the model's bar and that after the temperature: no needle is on them
        bar = waterfall.bar_rect(line)
        y = round(bar.top()) + 1
        found = sum(image.pixelColor(x, y) == QColor(theme.accent) for x in range(round(bar.left()), round(bar.right())))
        assert abs(found - max(line.stage.probs[row] * bar.width(), 1)) <= 1


def test_lines_are_walked_by_keyboard_and_stay_for_the_next_step(page, qtbot):
    """Up and Down walk the lines and change sentence and accessible description; another step keeps the line."""
    steps = []
    page.step_by.connect(steps.append)
    page.show(*make_step(LOGITS, CASES["top-p"][0], u=0.3))
    page.setFocus()
    waterfall = page.findChild(Waterfall)
    assert waterfall.hasFocus()
    assert "The draw" in sentence_of(page)
    for _ in range(2):
        qtbot.keyClick(waterfall, Qt.Key.Key_Up)
    assert sentence_of(page).startswith("Top-p keeps")
    assert waterfall.accessibleDescription() == sentence_of(page)
    qtbot.keyClick(waterfall, Qt.Key.Key_Right)
    qtbot.keyClick(waterfall, Qt.Key.Key_Left)
    assert steps == [1, -1]
    before = sentence_of(page)
    page.show(*make_step(some_logits(2, heads=HEADS), CASES["top-p"][0], u=0.3))
    assert sentence_of(page).startswith("Top-p keeps")
    assert sentence_of(page) != before
    for _ in range(20):
        qtbot.keyClick(waterfall, Qt.Key.Key_Up)
    assert sentence_of(page).startswith("What the model itself believes")


def test_the_mouse_shows_another_line_and_gives_it_back(page, qtbot):
    """Hovering a line shows its sentence; leaving returns to the current one."""
    page.show(*make_step(LOGITS, CASES["top-p"][0], u=0.3))
    waterfall = page.findChild(Waterfall)
    qtbot.mouseMove(waterfall, waterfall.line_rect(2).center())
    assert sentence_of(page).startswith("Temperature 0.8")
    qtbot.mouseMove(waterfall, QPoint(5, 1))
    assert "The draw" in sentence_of(page)


def test_without_details_no_line_of_an_earlier_step_stays(page):
    """What belongs to another step is not shown while the new step's details are not there."""
    trace, details = make_step(LOGITS, CASES["top-p"][0], u=0.3)
    page.show(trace, details)
    assert page.findChild(Waterfall).isVisible()
    page.show(trace, None)
    assert not page.findChild(Waterfall).isVisible()
    assert "Hold this token" in sentence_of(page)


def test_a_step_without_a_choice_has_a_path_all_the_same(page):
    """Before anything is chosen the rules are shown, and the last line says that there is no choice."""
    trace, details = make_step(LOGITS, CASES["top-p"][0], u=0.3)
    page.show(no_choice(trace), details)
    waterfall = page.findChild(Waterfall)
    image = painted(waterfall)
    row = round(waterfall.bar_rect(waterfall.lines[-1]).center().y())
    assert QColor(LIGHT.accent).rgb() not in {image.pixel(x, row) for x in range(100, image.width() - 60)}
    assert sentence_of(page) == "No draw here yet."


def test_minus_infinity_and_ties_are_shown():
    """Logits of minus infinity and equal logits neither break the bars nor lose a token."""
    logits = np.array([2.0, 2.0, 1.0, -np.inf, 0.5, -np.inf, 1.0, 0.0])
    trace, details = make_step(logits, SamplingParams(temperature=0.9, top_k=3), u=0.5, k=8)
    stages = active_stages(details)
    flow = flow_into(stages[-1], stages[-2], trace)
    assert len(flow.kept) == 4  # three rows and the others
    assert sum(new.high - new.low for _, new in flow.kept) == pytest.approx(1.0)


def test_a_rule_that_removes_nothing_says_so():
    """A rule that is on but finds nothing to remove is not called off, and claims no effect."""
    trace, details = make_step(LOGITS, SamplingParams(temperature=0.5, top_k=2, min_p=0.01), u=0.3)
    idle = replace(details.stages[5], is_off=False)
    assert "Here it removed nothing. 2 tokens are left" in stage_sentence(idle, trace)
