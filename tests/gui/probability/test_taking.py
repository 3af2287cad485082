"""Rows of the next-token panel are selected and taken: by mouse, by keyboard, at most once, and only when that is possible."""

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolButton

from gui.theme import LIGHT
from gui.views.probability.header import StateLine
from gui.views.probability.hint_line import HintLine
from gui.views.probability.numbers import Numbers
from gui.views.probability.rows import Rows
from tests.gui.probability.conftest import HEADS, make_trace, painted, show, some_logits, token

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def taken(panel):
    """What the panel reports as taken."""
    reported = []
    panel.token_taken.connect(lambda token_id, data: reported.append((token_id, data)))
    return reported


@pytest.fixture
def rows(panel):
    """The rows of a held step whose first row is the chosen one."""
    panel.activateWindow()
    show(panel, make_trace(some_logits(1, heads=HEADS), chosen=0))
    panel.findChild(Rows).setFocus()
    return panel.findChild(Rows)


def row_token(rows, row):
    return rows.rows[row].token_id, rows.rows[row].data


@pytest.mark.parametrize("kind", ["branch", "append"])
def test_digits_take_the_row_of_their_number(panel, qtbot, rows, taken, kind):
    """5 takes the fifth row, with its id and exact bytes."""
    panel.set_taking(kind)
    qtbot.keyClick(rows, Qt.Key.Key_5)
    assert taken == [row_token(rows, 4)]
    assert taken[0][1] == token(taken[0][0])


def test_enter_takes_the_selected_row(panel, qtbot, rows, taken):
    """Down, Down, Enter takes the third row; Enter of the number block does the same."""
    panel.set_taking("append")
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    qtbot.keyClick(rows, Qt.Key.Key_Down)
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    assert taken == [row_token(rows, 2)]
    panel.set_taking("append")
    qtbot.keyClick(rows, Qt.Key.Key_Up)
    qtbot.keyClick(rows, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    assert taken[1:] == [row_token(rows, 1)]


def test_nothing_is_taken_where_nothing_can_be(panel, qtbot, rows, taken):
    """Without set_taking neither keys nor mouse take a row; a digit is left to the window, where it may begin a message."""
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_2, Qt.KeyboardModifier.NoModifier, "2")
    rows.keyPressEvent(event)
    assert not event.isAccepted()
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    qtbot.mouseDClick(rows, Qt.MouseButton.LeftButton, pos=rows.row_rect(1).center())
    assert taken == []


def test_a_version_cannot_begin_with_the_token_that_is_there(panel, qtbot, rows, taken):
    """As another version the chosen row cannot be taken; as the next token it can."""
    panel.set_taking("branch")
    qtbot.keyClick(rows, Qt.Key.Key_1)
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    assert taken == []
    panel.set_taking("append")
    qtbot.keyClick(rows, Qt.Key.Key_1)
    assert taken == [row_token(rows, 0)]


def test_a_step_is_taken_from_once(panel, qtbot, rows, taken):
    """A second key before the next step is there does nothing; the next step can be taken from again."""
    panel.set_taking("append")
    for key in (Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_Return):
        qtbot.keyClick(rows, key)
    assert taken == [row_token(rows, 1)]
    show(panel, make_trace(some_logits(1, heads=HEADS), chosen=0), step=18)  # it may well look the same
    qtbot.keyClick(rows, Qt.Key.Key_3)
    assert taken[1:] == [row_token(rows, 2)]


def test_a_key_held_down_takes_nothing(panel, rows, taken):
    """Auto-repeat would choose tokens of steps that were never seen."""
    panel.set_taking("append")
    for key, text in ((Qt.Key.Key_2, "2"), (Qt.Key.Key_Return, "\r")):
        event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text, True)
        QApplication.sendEvent(rows, event)
    assert taken == []


def test_a_layout_that_writes_digits_with_shift(panel, rows, taken):
    """On a French keyboard the key of 3 is " without Shift; what was written counts, not which key it was."""
    panel.set_taking("append")
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_QuoteDbl, Qt.KeyboardModifier.ShiftModifier, "3")
    QApplication.sendEvent(rows, event)
    assert taken == [row_token(rows, 2)]


def test_a_double_click_takes_and_a_click_selects(panel, qtbot, rows, taken):
    """One click only makes the row the current one."""
    panel.set_taking("branch")
    place = rows.row_rect(3).center()
    place.setX(rows.take_rect(3).left() - 5)
    qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=place)
    assert (rows.current_row, taken) == (3, [])
    qtbot.mouseDClick(rows, Qt.MouseButton.LeftButton, pos=place)
    assert taken == [row_token(rows, 3)]


def hover(rows, row):
    place = QPointF(rows.row_rect(row).center())
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(QEvent.Type.MouseMove, place, rows.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(rows, event)


def is_button_painted(rows, row) -> bool:
    box = rows.take_rect(row)
    return painted(rows).pixel(box.left() + 3, box.center().y()) == QColor(LIGHT.accent).rgb()


def test_the_button_of_the_row_under_the_mouse(panel, qtbot, rows, taken):
    """It is seen under the mouse only, only where the row can be taken, and one click on it takes the row."""
    hover(rows, 2)
    assert not is_button_painted(rows, 2)
    panel.set_taking("branch")
    assert is_button_painted(rows, 2)
    assert not is_button_painted(rows, 3)
    hover(rows, 0)
    assert not is_button_painted(rows, 0)
    assert not is_button_painted(rows, 2)
    qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.take_rect(2).center())
    assert taken == []  # the button was not there
    hover(rows, 2)
    qtbot.mousePress(rows, Qt.MouseButton.LeftButton, pos=rows.take_rect(2).center())
    qtbot.mouseRelease(rows, Qt.MouseButton.LeftButton, pos=rows.row_rect(5).center())
    assert taken == []
    qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.take_rect(2).center())
    qtbot.mouseDClick(rows, Qt.MouseButton.LeftButton, pos=rows.take_rect(2).center())
    assert taken == [row_token(rows, 2)]


def test_keys_are_shown_only_while_rows_can_be_taken(panel, rows):
    """The frame of a key stands around the numbers 1 to 9, and around none without taking."""

    def keys() -> list[int]:
        image, muted = painted(rows), QColor(LIGHT.muted).rgb()
        left = round(rows.columns().rank_right) + 3  # where the right edge of a key's frame is
        found = []
        for row in range(12):
            rect = rows.row_rect(row)
            lines = range(rect.top() + 6, rect.top() + 12)
            if any(all(image.pixel(x, y) == muted for y in lines) for x in range(left - 2, left + 3)):
                found.append(row)
        return found

    assert keys() == []
    panel.set_taking("branch")
    assert keys() == list(range(1, 9))  # the chosen row keeps its rank
    panel.set_taking("append")
    assert keys() == list(range(9))
    panel.set_taking("")
    assert keys() == []


def buttons(panel) -> list[str]:
    names = {"Pause", "Step", "Resume"}
    return [b.accessibleName() for b in panel.findChildren(QToolButton) if b.isVisible() and b.accessibleName() in names]


def test_the_step_bar_offers_what_can_be_done(panel, qtbot, rows):
    """Pause while an answer is written, Step and Resume while it waits; each reports itself."""
    reported = []
    panel.pause_requested.connect(lambda: reported.append("Pause"))
    panel.step_requested.connect(lambda: reported.append("Step"))
    panel.resume_requested.connect(lambda: reported.append("Resume"))
    assert buttons(panel) == []
    panel.set_stepping("running")
    assert buttons(panel) == ["Pause"]
    panel.set_stepping("paused")
    assert buttons(panel) == ["Step", "Resume"]
    for name in ("Pause", "Step", "Resume"):
        next(b for b in panel.findChildren(QToolButton) if b.accessibleName() == name).click()
    assert reported == ["Pause", "Step", "Resume"]
    panel.set_stepping("none")
    assert buttons(panel) == []


def test_nothing_moves_when_an_answer_begins_pauses_or_ends(panel, rows):
    """The step bar keeps its height, whatever it offers."""
    places = set()
    for stepping in ("none", "running", "paused", "none"):
        panel.set_stepping(stepping)
        QApplication.processEvents()
        places.add(rows.mapTo(panel, rows.row_rect(0).topLeft()).y())
    assert len(places) == 1


def test_the_keyboard_stays_on_the_step_bar(panel, rows):
    """Who pauses with the keyboard can step with the same key, and is not thrown elsewhere."""
    panel.set_stepping("running")
    pause = next(b for b in panel.findChildren(QToolButton) if b.accessibleName() == "Pause")
    pause.setFocus()
    panel.set_stepping("paused")
    assert QApplication.focusWidget().accessibleName() == "Step"


def test_space_steps_while_paused(panel, qtbot, rows):
    """Space in the rows asks for one token, once per press, and only while the answer waits."""
    steps = []
    panel.step_requested.connect(lambda: steps.append(1))
    qtbot.keyClick(rows, Qt.Key.Key_Space)
    panel.set_stepping("running")
    qtbot.keyClick(rows, Qt.Key.Key_Space)
    assert steps == []
    panel.set_stepping("paused")
    qtbot.keyClick(rows, Qt.Key.Key_Space)
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", True)
    QApplication.sendEvent(rows, event)
    assert steps == [1]


def test_the_hint_says_what_taking_does(panel, rows):
    """In full to a screen reader, and in as many words as fit on screen."""
    hint = panel.findChild(HintLine)
    panel.set_taking("branch")
    assert "another version" in hint.accessibleDescription()
    for width in (300, 500):
        panel.resize(width, 760)
        QApplication.processEvents()
        assert hint.fontMetrics().horizontalAdvance(hint.text()) * 0.9 <= hint.width() + 8
        assert "…" not in hint.text()
    panel.set_stepping("paused")
    panel.set_taking("append")
    assert hint.accessibleDescription() == "Space draws the next token; 1–9, Enter or a double click chooses it"


def test_the_header_says_that_the_answer_waits(panel, rows):
    """Live becomes paused when the answer is paused; a step that is held stays held, but for the one to be chosen."""
    state = panel.findChild(StateLine)
    trace = make_trace(some_logits(2))
    panel.set_stepping("running")
    show(panel, trace, step=4, is_live=True)
    assert state.text() == "live · step 4"
    panel.set_stepping("paused")
    assert state.text() == "paused · step 4"
    show(panel, trace, step=2)
    assert state.text() == "held · step 2"
    panel.set_taking("append")
    assert state.text() == "paused · step 2"
    panel.set_stepping("running")
    assert state.text() == "held · step 2"


def test_what_the_draw_would_take(panel, rows):
    """The step to be chosen may already know its draw; the panel does not say that it happened."""
    numbers = panel.findChild(Numbers)
    assert "; it drew “␣dragon”" in numbers.sentence()
    panel.set_stepping("paused")
    panel.set_taking("append")
    assert numbers.sentence() == "The model chooses between about 75 tokens; the draw falls on “␣dragon”, its first guess."
    panel.set_stepping("running")
    assert "; it drew “␣dragon”" in numbers.sentence()


def test_tab_reaches_everything(panel, qtbot, rows):
    """From the rows on, each control that can be used, the step bar's and the header's buttons included."""
    panel.set_stepping("paused")
    rows.setFocus()
    names = []
    while not names or QApplication.focusWidget() is not rows:
        names.append(QApplication.focusWidget().accessibleName())
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert len(names) < 20
    expected = ["Next-token probabilities", "Step", "Resume", "Pages", "Temperature", "Temperature"]
    assert names == [*expected, "Back to live", "Previous token", "Next token"]
