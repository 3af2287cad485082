"""Where the choice held flips, on the page that shows the choice."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from gui.views.probability.choice_page import ChoicePage
from gui.views.probability.flip_line import FlipLine
from gui.views.probability.pages import WHAT_IF
from inference.types import SamplingParams, StepExplained
from tests.gui.probability.conftest import HEADS, show, some_logits
from tests.gui.probability.details_oracle import flip, make_step

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

USED = SamplingParams(temperature=0.8)
LOGITS = some_logits(1, heads=HEADS)
EXACT = 1.3217000000000001


@pytest.fixture
def flips(panel) -> FlipLine:
    """The line of the choice page."""
    return panel.findChild(ChoicePage).findChild(FlipLine)


def explained(**options) -> StepExplained:
    return StepExplained(1, *make_step(LOGITS, USED, flips=(None, flip(EXACT, 2)), **options))


def test_it_is_said_of_a_step_that_stays_and_of_no_other(panel, flips):
    """A number that belongs to the step before is not left standing."""
    step = explained()
    show(panel, step.trace, step=4)
    assert not flips.above.isVisible()
    panel.show_explained(step, 4)
    assert flips.above.isVisible()
    assert not flips.below.isVisible()
    show(panel, explained(u=0.99).trace, step=5)
    assert not flips.above.isVisible()
    panel.show_explained(step, 4)
    show(panel, step.trace, step=6, is_live=True)
    assert not flips.above.isVisible()


def test_nothing_flips_where_nothing_was_drawn(panel, flips):
    """The line of the draw has said so already."""
    panel.show_explained(explained(is_scored=True), 4)
    assert not flips.above.isVisible()
    assert not any(label.text() for label in flips.findChildren(QLabel) if label.isVisible())


def test_going_there_is_a_what_if(panel, qtbot, flips):
    """With every digit of the temperature; the keyboard goes on at the sliders."""
    panel.show_explained(explained(), 4)
    with qtbot.waitSignal(panel.what_if_changed) as wanted:
        qtbot.mouseClick(flips.above, Qt.MouseButton.LeftButton)
    assert wanted.args == [replace(USED, temperature=EXACT)]
    assert panel.page == WHAT_IF


def test_the_number_shown_is_one_at_which_it_has_flipped(panel, flips):
    """Rounded away from the temperature used: one that is typed into the settings does what the button says."""
    trace, details = make_step(LOGITS, USED, flips=(flip(0.7961, 0), flip(0.8001, 2)))
    panel.show_explained(StepExplained(1, trace, details), 4)
    assert flips.below.accessibleName().startswith("Try temperature 0.79:")
    assert flips.above.accessibleName().startswith("Try temperature 0.81:")


def test_nothing_moves_when_it_comes(panel, flips):
    """It has its place before it is known."""
    step = explained()
    show(panel, step.trace, step=4)
    before = panel.findChild(ChoicePage).geometry(), panel.findChild(ChoicePage).height_for(370)
    panel.show_explained(step, 4)
    assert (panel.findChild(ChoicePage).geometry(), panel.findChild(ChoicePage).height_for(370)) == before
