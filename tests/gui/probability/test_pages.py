"""The pages under the rows: filled when they are looked at, never with what belongs to another step for long."""

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QPushButton

from gui.models.trace_rows import others_what_if, rows_with_what_if
from gui.theme import LIGHT
from gui.views.probability.ask_page import AskPage
from gui.views.probability.choice_page import ChoicePage
from gui.views.probability.header import StateLine
from gui.views.probability.hint_line import HintLine
from gui.views.probability.numbers import Numbers
from gui.views.probability.pages import ASK, CHOICE, PATH, WHAT_IF
from gui.views.probability.path_page import PathPage
from gui.views.probability.rows import Rows
from gui.views.probability.table_ends import Heading, Others
from gui.views.probability.tabs import Tabs
from gui.views.probability.temperature import TemperatureControl
from gui.views.probability.waiting import Waiting
from gui.views.probability.what_if_page import WhatIfPage
from inference.types import AskAnswered, SamplingParams, Stage, StepDetails, StepExplained
from tests.gui.probability.conftest import HEADS, make_trace, painted, show, some_logits

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

LOGITS = some_logits(1, heads=HEADS)
HOT = SamplingParams(temperature=1.6, top_p=0.9)


def details_of(trace) -> StepDetails:
    def stage(rule, probs):
        return Stage(rule, False, probs, max(1 - probs.sum(), 0.0), trace.kept_count, 0, 0.0, 0.0, trace.entropy_bits)

    stages = [stage("model", trace.model_probs)]
    stages += [stage(rule, trace.sampling_probs) for rule in ("penalty", "temperature", "top-k", "top-p", "min-p")]
    return StepDetails(tuple(stages), None, None)


def explained(trace, what_if=None) -> StepExplained:
    return StepExplained(1, trace, details_of(trace), what_if, what_if and details_of(what_if))


@pytest.fixture
def trace():
    return make_trace(LOGITS, chosen=1)


@pytest.fixture
def wanted(panel):
    """How often the panel asked for details."""
    calls = []
    panel.details_wanted.connect(lambda: calls.append(panel.page))
    return calls


def front(panel):
    """The page in front."""
    pages = [panel.findChild(kind) for kind in (ChoicePage, PathPage, WhatIfPage, AskPage, Waiting)]
    [page] = [page for page in pages if page.isVisible()]
    return page


def test_the_tabs_switch_pages(panel, trace):
    """Every page has its tab; show_page and the tab are one."""
    changes = []
    panel.page_changed.connect(changes.append)
    panel.show_explained(explained(trace), 4)
    seen = []
    for index in (PATH, WHAT_IF, ASK, CHOICE):
        panel.show_page(index)
        assert (panel.page, panel.findChild(Tabs).currentIndex()) == (index, index)
        seen.append(type(front(panel)))
    assert seen == [PathPage, WhatIfPage, AskPage, ChoicePage]
    assert changes == [PATH, WHAT_IF, ASK, CHOICE]


def test_details_are_wanted_once_for_every_step(panel, trace, wanted):
    """Only by a page that needs them, when it comes to the front or another step is held on it."""
    show(panel, trace, step=4)
    assert wanted == []
    panel.show_page(PATH)
    panel.show_page(WHAT_IF)
    assert wanted == [PATH]
    panel.show_explained(explained(trace), 4)
    panel.show_page(PATH)
    assert wanted == [PATH]
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    assert wanted == [PATH, PATH]
    show(panel, trace, step=6, is_live=True)
    assert wanted == [PATH, PATH]


def test_a_page_keeps_what_it_shows_until_the_new_is_there(panel, qtbot, trace, wanted):
    """For 300 ms; then it says that it waits."""
    panel.show_page(PATH)
    panel.show_explained(explained(trace), 4)
    assert isinstance(front(panel), PathPage)
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    assert isinstance(front(panel), PathPage)
    qtbot.waitUntil(lambda: isinstance(front(panel), Waiting), timeout=1000)
    assert front(panel).text == "Working it out…"
    panel.show_explained(explained(make_trace(LOGITS, chosen=2)), 5)
    assert isinstance(front(panel), PathPage)


def test_a_page_never_comes_to_the_front_with_another_step(panel, trace):
    """What it showed before it was hidden belongs to a step that is no longer held."""
    panel.show_page(PATH)
    panel.show_explained(explained(trace), 4)
    panel.show_page(CHOICE)
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    panel.show_page(PATH)
    assert isinstance(front(panel), Waiting)
    assert front(panel).text == ""


def test_why_there_are_no_details(panel, qtbot, trace):
    """A failure is said in place of the page, and does not turn into waiting."""
    panel.show_page(PATH)
    show(panel, trace, step=4)
    panel.show_no_details("The model is not loaded.")
    qtbot.wait(350)
    assert front(panel).text == "The model is not loaded."


@pytest.mark.parametrize("page", [PATH, WHAT_IF, ASK])
def test_a_stream_offers_to_hold(panel, qtbot, trace, page):
    """While text streams the other pages stand still and say how to fill them."""
    panel.show_page(page)
    for step in range(4):
        show(panel, trace, step=step, is_live=True)
    assert front(panel).text.startswith("Hold a token")
    with qtbot.waitSignal(panel.hold_requested):
        qtbot.mouseClick(hold_button(panel), Qt.MouseButton.LeftButton)
    panel.show_explained(explained(trace), 4)
    assert not isinstance(front(panel), Waiting)


def hold_button(panel) -> QPushButton:
    return panel.findChild(Waiting).findChild(QPushButton)


def test_a_paused_answer_has_pages(panel, trace, wanted):
    """Its newest token stands still, so its details can be looked at."""
    panel.show_page(PATH)
    panel.set_stepping("running")
    show(panel, trace, step=4, is_live=True)
    assert wanted == []
    panel.set_stepping("paused")
    assert wanted == [PATH]
    panel.set_stepping("running")
    show(panel, trace, step=5, is_live=True)
    assert isinstance(front(panel), Waiting)


def test_a_question_is_asked_again_at_every_step_held(panel, qtbot, trace):
    """And only while the page with the question is in front."""
    questions = []
    panel.asked.connect(questions.append)
    panel.show_page(ASK)
    panel.show_explained(explained(trace), 4)
    assert questions == []
    panel.findChild(AskPage).asked.emit(" Snape")
    panel.show_answer(AskAnswered(1, " Snape", ()))
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    assert questions == [" Snape", " Snape"]
    panel.show_page(CHOICE)
    show(panel, trace, step=6)
    assert questions == [" Snape", " Snape"]
    panel.show_page(ASK)
    assert questions == [" Snape"] * 3


def test_a_question_follows_steps_that_come_with_their_details(panel, trace):
    """Also where no show_trace went before; more about the same step asks nothing again."""
    questions = []
    panel.asked.connect(questions.append)
    panel.show_page(ASK)
    panel.show_explained(explained(trace), 4)
    panel.findChild(AskPage).asked.emit(" Snape")
    panel.show_answer(AskAnswered(1, " Snape", ()))
    panel.show_explained(explained(trace, make_trace(LOGITS, chosen=4, params=HOT)), 4)
    assert questions == [" Snape"]
    panel.show_explained(explained(make_trace(LOGITS, chosen=2)), 5)
    assert questions == [" Snape"] * 2


def test_an_explanation_without_details_asks_for_them_once(panel, trace, wanted):
    """However often it comes; what belongs to another step does not stay."""
    panel.show_page(PATH)
    panel.show_explained(explained(make_trace(LOGITS, chosen=2)), 4)
    for _ in range(3):
        panel.show_explained(StepExplained(1, trace), 5)
    assert wanted == [PATH]
    panel.show_no_details("no")
    assert isinstance(front(panel), Waiting)


def test_what_the_pages_report_is_passed_on(panel, trace):
    """A token or a text taken from an answer, and another what-if."""
    reported = []
    for signal in (panel.token_taken, panel.text_taken, panel.what_if_changed):
        signal.connect(lambda *values: reported.append(values))
    panel.findChild(AskPage).token_taken.emit(7, b" x")
    panel.findChild(AskPage).text_taken.emit((7, 8))
    panel.findChild(WhatIfPage).changed.emit(HOT)
    assert reported == [(7, b" x"), ((7, 8),), (HOT,)]


def test_rows_show_a_what_if_beside_what_was_used(panel, trace):
    """Both columns are sampling probabilities then, add up with the others, and the token that would be chosen is marked."""
    what_if = make_trace(LOGITS, chosen=4, params=HOT)
    panel.show_page(WHAT_IF)
    panel.show_explained(explained(trace, what_if), 4)
    rows = panel.findChild(Rows)
    chosen = next(row for row in rows.rows if row.is_what_if_chosen)
    assert chosen.token_id == 4
    assert chosen.what_if == what_if.chosen_sampling_prob
    assert sum(row.sampling for row in rows.rows) + trace.others_sampling_mass == pytest.approx(1)
    assert sum(row.what_if for row in rows.rows) + what_if.others_sampling_mass == pytest.approx(1)
    assert "what if T 1.60, top-p 0.9" in panel.findChild(Heading).accessibleDescription()
    assert "sampling <0.01" not in panel.findChild(Others).accessibleDescription()
    assert ", what if " in panel.findChild(Others).accessibleDescription()
    rows.setFocus()
    assert ", what if " in rows.accessibleDescription()
    panel.show_page(CHOICE)  # and only there
    assert all(math.isnan(row.what_if) for row in rows.rows)
    panel.show_page(WHAT_IF)
    assert not any(math.isnan(row.what_if) for row in rows.rows)


def test_what_if_bars_are_as_long_as_the_probabilities(panel, trace):
    """The upper bar is what was used, the lower one what would be."""
    what_if = make_trace(LOGITS, chosen=4, params=HOT)
    panel.show_page(WHAT_IF)
    panel.show_explained(explained(trace, what_if), 4)
    QApplication.processEvents()
    rows = panel.findChild(Rows)
    image, columns = painted(rows), rows.columns()
    left, right = int(columns.token_left), int(columns.sampling_right)
    for index, row in enumerate(rows.rows[:4]):
        bottom = rows.row_rect(index).bottom()
        for color, share in ((LIGHT.accent, row.sampling), (LIGHT.text, row.what_if)):
            wanted = QColor(color).rgb()
            lengths = [sum(image.pixel(x, y) == wanted for x in range(left, right)) for y in range(bottom - 11, bottom - 3)]
            assert abs(max(lengths) - share * (right - left)) <= 1


def test_a_token_that_only_the_what_if_would_choose_gets_a_row(panel, trace):
    """With its rank; what is not known of it is not invented, and the what-if column still adds up."""
    what_if = make_trace(LOGITS, u=0.9999, params=SamplingParams(temperature=2.0))
    assert what_if.chosen_rank > 12
    panel.show_page(WHAT_IF)
    panel.show_explained(explained(trace, what_if), 4)
    rows = panel.findChild(Rows).rows
    assert [row.token_id for row in rows[:12]] == trace.ids.tolist()
    added = rows[12]
    assert (added.token_id, added.rank, added.is_apart, added.is_chosen) == (what_if.chosen_id, what_if.chosen_rank, True, False)
    assert math.isnan(added.sampling)
    known = sum(row.what_if for row in rows if not math.isnan(row.what_if))
    others = panel.findChild(Others).accessibleDescription().split("what if ")[1]
    assert 100 * (1 - known) == pytest.approx(float(others.split("\u00a0")[0]), abs=0.06)


def test_a_row_that_the_what_if_does_not_know():
    """Its place was taken by a likelier token there; that token's share is the others', so that the column adds up."""
    flat = some_logits(3, 0.1, vocab=40)
    far = make_trace(flat, u=0.995)
    assert far.chosen_rank > 12
    what_if = make_trace(flat, u=0.1, params=HOT)
    rows = rows_with_what_if(far, what_if)
    assert [math.isnan(row.what_if) for row in rows] == [False] * 11 + [True]
    known = sum(row.what_if for row in rows[:11])
    assert others_what_if(rows, what_if) == pytest.approx(1 - known, abs=1e-9)
    assert others_what_if(rows, what_if) > what_if.others_sampling_mass + 0.01


def test_the_selection_survives_another_what_if(panel, qtbot, trace):
    """Moving a slider shows the same step again: the row under the keyboard stays, another step begins at its choice."""
    panel.show_page(WHAT_IF)
    panel.show_explained(explained(trace), 4)
    rows = panel.findChild(Rows)
    qtbot.keyClick(rows, Qt.Key.Key_End)
    panel.show_explained(explained(trace, make_trace(LOGITS, chosen=4, params=HOT)), 4)
    assert rows.current_row == 11
    panel.show_explained(explained(trace), 5)
    assert rows.rows[rows.current_row].is_chosen


def test_a_what_if_keeps_its_columns_on_the_way_to_the_next_step(panel, trace):
    """Walking with a what-if in force does not make the columns change places and back."""
    panel.show_page(WHAT_IF)
    panel.show_explained(explained(trace, make_trace(LOGITS, chosen=4, params=HOT)), 4)
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    assert panel.findChild(Others).accessibleDescription().endswith("what if –")
    panel.show_no_details("The model is not loaded.")
    assert "model" in panel.findChild(Others).accessibleDescription()


def test_a_draft(panel, qtbot, trace):
    """What follows a draft has no step and no choice; the panel says what it shows."""
    nan = math.nan
    draft = replace(trace, chosen_id=-1, chosen_rank=0, chosen_model_prob=nan, chosen_sampling_prob=nan, surprise_bits=nan)
    draft = replace(draft, draw_u=nan, draw_low=0.0, draw_high=1.0)
    panel.show_draft(draft)
    assert panel.findChild(StateLine).text() == "after your draft"
    assert panel.findChild(HintLine).text() == "What would come after your draft"
    assert panel.findChild(Numbers).sentence().startswith("The model chooses between about 75 tokens; its first guess is")
    panel.show_page(PATH)
    assert not hold_button(panel).isVisible()
    panel.show_draft(draft, "The draft is too long to be read along")
    qtbot.waitUntil(lambda: panel.findChild(HintLine).text() == "The draft is too long to be read along", timeout=1000)


@pytest.mark.parametrize(("width", "height"), [(300, 558), (370, 558), (370, 758), (500, 1000)])
def test_the_tabs_stay_where_they_are(panel, trace, width, height):
    """Whichever page is in front, and every part is inside the panel; rows end with a whole one."""
    panel.resize(width, height)
    panel.show_explained(explained(trace), 4)
    places = set()
    for page in (CHOICE, PATH, WHAT_IF, ASK):
        panel.show_page(page)
        QApplication.processEvents()
        places.add(panel.findChild(Tabs).mapTo(panel, QPoint(0, 0)).y())
        assert (panel.width(), panel.height()) == (width, height)
        bottom = front(panel).mapTo(panel, QPoint(0, front(panel).height())).y()
        assert bottom <= panel.findChild(TemperatureControl).y()
    assert len(places) == 1
    rows = panel.findChild(Rows)
    assert rows.visibleRegion().boundingRect().height() % rows.row_rect(0).height() == 0
    assert rows.visibleRegion().boundingRect().height() >= 5 * rows.row_rect(0).height()


def test_the_keyboard_survives_a_page_that_waits(panel, qtbot, trace):
    """Walking the text from a page goes on while the page has nothing to show."""
    panel.activateWindow()
    panel.show_page(PATH)
    panel.show_explained(explained(trace), 4)
    panel.findChild(PathPage).setFocus()
    panel.show_no_details("no")
    show(panel, make_trace(LOGITS, chosen=2), step=5)
    panel.show_no_details("The model is not loaded.")
    with qtbot.waitSignal(panel.step_by) as signal:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    assert signal.args == [-1]
    panel.show_explained(explained(trace), 6)
    assert panel.findChild(PathPage).isAncestorOf(QApplication.focusWidget())
