"""What if: sliders that re-shape a step, and only answers are shown."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from gui.theme import DARK, LIGHT
from gui.views.probability.change_throttle import ChangeThrottle
from gui.views.probability.draw_pair import DrawPair
from gui.views.probability.flip_line import FlipLine
from gui.views.probability.shape_controls import ShapeControls
from gui.views.probability.small_button import SmallButton
from gui.views.probability.what_if_page import WhatIfPage
from gui.views.probability.what_if_words import verdict
from inference.types import SamplingParams
from tests.gui.probability.conftest import HEADS, painted, some_logits
from tests.gui.probability.details_oracle import flip, make_step, no_choice

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

LOGITS = some_logits(1, heads=HEADS)
USED = SamplingParams(temperature=0.8, top_p=0.95, repetition_penalty=1.1)
EXACT = 1.3217359876543211  # more digits than a box shows


def step(params=USED, u=0.75, flips=(None, None), **options):
    return make_step(LOGITS, params, u=u, flips=flips, **options)


class Watched:
    """The page, and what it asked for."""

    def __init__(self, qtbot):
        self.page = WhatIfPage(LIGHT)
        qtbot.addWidget(self.page)
        self.page.resize(370, 320)
        QWidget.show(self.page)
        qtbot.waitExposed(self.page)
        self.changes = []
        self.page.changed.connect(self.changes.append)
        self.controls = self.page.findChild(ShapeControls)
        self.pair = self.page.findChild(DrawPair)
        self.flips = self.page.findChild(FlipLine)
        self.reset = next(b for b in self.page.findChildren(SmallButton) if b.text() == "As used")

    @property
    def text(self) -> str:
        return self.pair.accessibleDescription()

    def answer(self, flips=(None, None), **options):
        """Answer what was asked for last."""
        params = self.changes[-1]
        what_if = (None, None) if params is None else step(params, flips=flips, **options)
        self.page.show(*step(**options), *what_if)


@pytest.fixture
def watched(qtbot):
    return Watched(qtbot)


def test_the_sliders_stand_at_the_values_used_and_mark_them(watched):
    """A step sets sliders, boxes and marks, exactly, and emits nothing."""
    watched.page.show(*step())
    assert watched.controls.params == USED
    assert watched.changes == []
    assert not watched.reset.isEnabled()
    assert watched.controls.temperature.slider.accessibleDescription() == "As used: 0.80"
    slider = watched.controls.temperature.slider
    marks = [slider.mark_x()]
    slider.setValue(0)
    marks.append(slider.mark_x())
    assert marks[0] == marks[1]
    assert 0.3 * slider.width() < marks[0] < 0.5 * slider.width()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_mark_is_painted_in_the_text_colour(watched, theme):
    """The mark under the slider is seen in light and dark."""
    watched.page.set_theme(theme)
    watched.page.show(*step())
    slider = watched.controls.temperature.slider
    image = painted(slider)
    assert image.pixelColor(round(slider.mark_x() - 0.5), slider.height() - 2) == QColor(theme.text)


def test_a_key_asks_and_only_the_answer_is_shown(watched, qtbot):
    """Until the answer is there the lower bar is empty; then the verdict names both tokens."""
    watched.page.show(*step())
    watched.page.setFocus()
    slider = watched.controls.temperature.slider
    assert slider.hasFocus()
    for _ in range(5):
        qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    qtbot.waitUntil(lambda: watched.changes != [])
    assert "would have" not in watched.text
    bar, image = watched.pair.bar_rect(1), painted(watched.pair)
    colors = {image.pixel(x, round(bar.center().y())) for x in range(round(bar.left()), round(bar.right()))}
    assert QColor(LIGHT.accent).rgb() not in colors
    watched.answer()
    qtbot.waitUntil(lambda: watched.changes[-1].temperature == 1.8)
    watched.answer()
    trace, what_if = step()[0], step(watched.changes[-1])[0]
    assert trace.chosen_id != what_if.chosen_id
    assert watched.text == verdict(trace, what_if)
    assert "This draw would have chosen" in watched.text
    assert watched.changes[-1] == replace(USED, temperature=1.8)


def test_the_last_value_of_a_drag_is_always_asked_for(watched, qtbot):
    """Of a hundred values few are passed on, in order, and the last one is."""
    watched.page.show(*step())
    for value in range(101):
        watched.controls.temperature.slider.setValue(value)
        qtbot.wait(1)
    qtbot.waitUntil(lambda: watched.changes[-1].temperature == 1.0, timeout=2000)
    temperatures = [params.temperature for params in watched.changes]
    assert len(temperatures) < 20
    assert temperatures == sorted(set(temperatures))


def test_a_question_waits_for_the_answer_to_the_one_before(qtbot):
    """Without an answer the next value waits; with it, it goes on at once; and without any it goes on in the end."""
    throttle, passed = ChangeThrottle(), []
    throttle.due.connect(passed.append)
    throttle.offer(1)
    assert passed == [1]
    throttle.offer(2)
    throttle.offer(3)
    qtbot.wait(120)
    assert passed == [1]
    throttle.answered()
    qtbot.waitUntil(lambda: passed == [1, 3])
    throttle.offer(4)
    qtbot.waitUntil(lambda: passed == [1, 3, 4], timeout=1500)
    throttle.offer(5)
    throttle.drop()
    qtbot.wait(450)
    assert passed == [1, 3, 4]


def test_a_flip_is_gone_to_with_every_digit(watched, qtbot):
    """The button shows a rounded temperature and asks for the exact one; the box shows it, and Return does not round it."""
    watched.page.show(*step(flips=(flip(0.42, 0), flip(EXACT, 2))))
    assert "0.42" in watched.flips.below.text()
    assert watched.flips.above.accessibleName().startswith("Try temperature 1.33: the nearest above")  # there it has flipped
    watched.flips.above.setFocus()
    qtbot.keyClick(watched.flips.above, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: watched.changes != [])
    assert watched.changes == [replace(USED, temperature=EXACT)]
    box = watched.controls.temperature.box
    assert box.text() == "1.3217"
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.wait(50)
    assert len(watched.changes) == 1
    watched.answer(flips=(flip(EXACT - 1e-9, 1), None))
    assert watched.flips.below.isVisible()  # the flips are now those of the settings asked for
    assert not watched.flips.above.isVisible()


def test_a_number_is_exact_and_may_exceed_the_slider(watched, qtbot):
    """Temperatures up to 100 can be typed; the slider then stands at its end."""
    watched.page.show(*step())
    box = watched.controls.temperature.box
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, "37.125")
    assert watched.changes == []  # half a number is not a choice
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: watched.changes == [replace(USED, temperature=37.125)])
    assert watched.controls.temperature.slider.value() == watched.controls.temperature.slider.maximum()


@pytest.mark.parametrize(("name", "value"), [("top_k", 40), ("top_p", 0.5), ("min_p", 0.05)])
def test_every_parameter_can_be_changed(watched, qtbot, name, value):
    """Each box sets its own parameter and no other."""
    watched.page.show(*step())
    getattr(watched.controls, name).box.setValue(value)
    qtbot.waitUntil(lambda: watched.changes == [replace(USED, **{name: value})])
    assert isinstance(watched.changes[0].top_k, int)


def test_back_to_as_used(watched, qtbot):
    """The reset button asks for None, and answers to earlier questions are no longer shown."""
    watched.page.show(*step())
    watched.controls.top_p.slider.setValue(30)
    qtbot.waitUntil(lambda: watched.changes != [])
    watched.answer()
    late = step(watched.changes[-1])
    assert watched.reset.isEnabled()
    watched.reset.click()
    qtbot.waitUntil(lambda: watched.changes[-1] is None)
    assert watched.controls.params == USED
    watched.page.show(*step(), *late)
    assert watched.text.startswith("Same draw, other settings")
    assert not watched.reset.isEnabled()


def test_no_slider_moves_under_the_mouse(watched, qtbot):
    """Sliders stay where they are, before the first answer, with flips and without, whatever the verdict says."""
    watched.page.show(*step(flips=(flip(0.42, 0), flip(1.3, 2))))
    qtbot.wait(20)
    slider, tops = watched.controls.top_p.slider, []
    for value in (20, 80):
        slider.setValue(value)
        qtbot.waitUntil(lambda value=value: watched.changes[-1:] == [replace(USED, top_p=value / 100)])
        tops.append(slider.mapTo(watched.page, QPoint()).y())
        watched.answer()
        qtbot.wait(20)
        tops.append(slider.mapTo(watched.page, QPoint()).y())
    assert len(set(tops)) == 1


def test_moving_back_by_hand_is_as_used(watched, qtbot):
    """A slider put back to the value used ends the what-if."""
    watched.page.show(*step())
    box = watched.controls.temperature.box
    box.setValue(0.9)
    qtbot.waitUntil(lambda: watched.changes != [])
    watched.answer()
    box.setValue(0.8)
    qtbot.waitUntil(lambda: watched.changes[-1] is None)


def test_another_step_ends_the_what_if(watched, qtbot):
    """The sliders go to the new step's own settings; no change is reported, not even one that still waited."""
    watched.page.show(*step())
    for value in (10, 20, 30):
        watched.controls.temperature.slider.setValue(value)
    watched.page.show(*make_step(some_logits(5, heads=HEADS), SamplingParams(temperature=1.5), u=0.2))
    assert watched.controls.params == SamplingParams(temperature=1.5)
    qtbot.wait(450)
    assert len(watched.changes) == 1
    assert watched.text.startswith("Same draw, other settings")


def test_a_late_answer_says_which_settings_it_is_about(watched, qtbot):
    """While the sliders have gone on and no answer came, the old verdict is said with its own settings."""
    watched.page.show(*step())
    watched.controls.temperature.box.setValue(1.5)
    qtbot.waitUntil(lambda: watched.changes != [])
    watched.answer()
    watched.controls.temperature.box.setValue(1.7)
    qtbot.waitUntil(lambda: watched.text.startswith("At T 1.50, top-p 0.95: "), timeout=1500)


@pytest.mark.parametrize(
    ("used", "what_if", "options", "words"),
    [
        (
            USED,
            replace(USED, temperature=0),
            {"u": 0.75},
            "Temperature 0 would have taken “␣dragon” instead of “␣king”, without a draw.",
        ),
        (USED, replace(USED, top_p=0.5), {"u": 0.1}, "The choice stays “␣dragon”. The chance of “␣dragon”:"),
        (USED, replace(USED, top_p=0.3), {"is_scored": True, "chosen": 3}, "→ cut by top-p."),
        (replace(USED, temperature=0), USED, {"u": 0.75}, "This draw would have chosen “␣king” instead of “␣dragon”."),
    ],
)
def test_verdicts(used, what_if, options, words):
    """Draws, temperature 0 on either side, and text that was read are told apart."""
    assert words in verdict(step(used, **options)[0], step(what_if, **options)[0])


def test_nothing_is_said_of_a_choice_that_is_not_made():
    """Before the choice only the rows have something to say."""
    assert "Nothing is chosen here yet" in verdict(no_choice(step()[0]), no_choice(step()[0]))


def test_one_needle_goes_through_both_bars(watched, qtbot):
    """The needle stands at u in both bars: the same pixel column."""
    watched.page.show(*step(u=0.6))
    watched.controls.top_p.slider.setValue(60)
    qtbot.waitUntil(lambda: watched.changes != [])
    watched.answer(u=0.6)
    image = painted(watched.pair)
    bar = watched.pair.bar_rect(0)
    x = round(bar.left() + 0.6 * bar.width())
    for place in (0, 1):
        y = round(watched.pair.bar_rect(place).center().y())
        assert QColor(LIGHT.text) in [image.pixelColor(x + nudge, y) for nudge in (-1, 0)]


def test_every_control_has_a_name_and_is_reached_by_tab(watched):
    """All controls take the keyboard and are named."""
    watched.page.show(*step(flips=(flip(0.42, 0), flip(1.3, 2))))
    fields = (watched.controls.temperature, watched.controls.top_k, watched.controls.top_p, watched.controls.min_p)
    for control in [part for field in fields for part in (field.slider, field.box)] + [watched.flips.below, watched.flips.above]:
        assert control.accessibleName()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_without_a_step_nothing_can_be_moved(watched):
    """There are no values used, so there are none to change."""
    watched.page.show(*step())
    watched.page.show(None)
    assert not watched.controls.temperature.slider.isEnabled()
    assert watched.controls.temperature.slider.mark_x() is None
