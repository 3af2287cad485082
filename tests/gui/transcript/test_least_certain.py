"""The list of the tokens that the model was least certain of, and the legend of the tint."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.certainty import TokenRow, token_rows
from gui.models.conversation import Conversation
from gui.models.message import TokenRecord
from gui.models.tint import TINT_KINDS
from gui.theme import DARK, LIGHT
from gui.views.least_certain import BEFORE, ENTROPY, MAX_ROWS, PROBABILITY, RANK, SURPRISE, TOKEN, LeastCertain
from gui.views.tint_legend import TintLegend
from inference.types import TokenEvent, TokenNumbers
from tests.gui.transcript.conftest import STORY, bits, pixels, tell


def row(token, entropy, surprise=1.0, is_drawn=True):
    numbers = TokenNumbers(2.0**-surprise, math.nan, surprise, entropy, 1 + token)
    return TokenRow("m", token, token, f" w{token}".encode(), "a few words", numbers, is_drawn)


def column(dialog, number):
    model = dialog.view.model()
    return [model.index(place, number).data() for place in range(model.rowCount())]


@pytest.fixture
def dialog(qtbot):
    widget = LeastCertain(LIGHT)
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_rows_are_all_tokens_with_numbers(talk):
    """Of every message, in order, with the words before them; given tokens and the user's own are not drawn."""
    user = talk.add_message("user", "Hi 🐉 you")
    talk.messages[user].tokens[:] = [
        TokenRecord(1, b"Hi", 0, 2),
        TokenRecord(2, " 🐉".encode(), 2, 5, numbers=bits(3.0)),
        TokenRecord(3, b" you", 5, 9, numbers=bits(4.0)),
    ]
    answer = tell(talk, STORY, numbers=lambda step: bits(step), given=(4,))
    rows = token_rows(talk.messages)
    assert [(r.message_id, r.token) for r in rows[:3]] == [
        (talk.messages[user].message_id, 1),
        (talk.messages[user].message_id, 2),
        (talk.messages[answer].message_id, 0),
    ]
    assert len(rows) == 2 + len(STORY) and [r.is_drawn for r in rows].count(True) == len(STORY) - 1
    assert [r.before for r in rows[:4]] == ["Hi", "Hi 🐉", "", "Once"]
    assert rows[2 + 8].before == "Once upon a time there was a dragon"
    assert rows[-1].before == "time there was a dragon. It lived 🐉龙" and rows[-1].token_bytes == b" on."


@given(st.lists(st.sampled_from([" word", "🐉", "\n", "ab", " x"]), max_size=40))
def test_the_words_before_a_token_end_where_it_begins(texts):
    """Whatever the text: they are its last words before the token, whole ones."""
    talk = Conversation()
    index = talk.add_message("assistant")
    talk.append_tokens(index, [TokenEvent(1, s, s, t.encode(), t, numbers=bits(1.0)) for s, t in enumerate(texts)])
    for each in token_rows(talk.messages):
        before = "".join(texts[: each.token]).split()
        shown = each.before.split()
        assert shown == before[len(before) - len(shown) :] or (len(shown) == 1 and before[-1].endswith(shown[0].lstrip("\ufffd")))


def test_the_least_certain_come_first(dialog):
    """Entropy falling; what the reader wrote or chose is left out until asked for."""
    dialog.set_rows([row(0, 1.0), row(1, 5.0), row(2, 7.0, is_drawn=False), row(3, 3.0)])
    assert column(dialog, ENTROPY) == ["5.00", "3.00", "1.00"] and dialog.count.text() == "Tokens: 3"
    QTest.keyClick(dialog.only_drawn, Qt.Key.Key_Space)
    assert column(dialog, ENTROPY) == ["7.00", "5.00", "3.00", "1.00"] and dialog.count.text() == "Tokens: 4"
    assert (column(dialog, TOKEN)[0], column(dialog, BEFORE)[0]) == ("␣w2", "a few words")


def test_any_column_sorts_all_rows_not_only_those_shown(dialog):
    """Of 2,000 tokens the most surprising ones are shown when surprise is asked for, and the count is said."""
    dialog.set_rows([row(token, entropy=token / 100, surprise=(token * 7) % 2_000 / 100) for token in range(2_000)])
    assert dialog.view.model().rowCount() == MAX_ROWS and dialog.count.text() == "The first 500 of 2,000 tokens"
    dialog.view.sortByColumn(SURPRISE, Qt.SortOrder.DescendingOrder)
    assert column(dialog, SURPRISE) == [f"{step / 100:.2f}" for step in range(1_999, 1_499, -1)]
    dialog.view.sortByColumn(RANK, Qt.SortOrder.AscendingOrder)
    assert column(dialog, RANK)[:2] == ["1", "2"] and column(dialog, RANK)[-1] == "500"
    dialog.view.sortByColumn(PROBABILITY, Qt.SortOrder.AscendingOrder)
    assert column(dialog, PROBABILITY)[0] == "<0.01\u00a0%"


def test_enter_and_the_button_go_to_the_token(qtbot, dialog):
    """From the row that the keys have chosen; the dialog stays open."""
    dialog.set_rows([row(0, 1.0), row(1, 5.0), row(3, 3.0)])
    dialog.view.setFocus()
    QTest.keyClick(dialog.view, Qt.Key.Key_Down)
    with qtbot.waitSignal(dialog.token_chosen) as chosen:
        QTest.keyClick(dialog.view, Qt.Key.Key_Return)
    assert chosen.args == ["m", 3]
    with qtbot.waitSignal(dialog.token_chosen) as chosen:
        QTest.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
    assert chosen.args == ["m", 3] and dialog.isVisible()


def test_an_empty_list_says_so(dialog):
    """No row, nothing to go to."""
    dialog.set_rows([])
    assert dialog.count.text() == "No token with known numbers yet" and not dialog.go.isEnabled()


def test_the_legend_explains_every_tint(qtbot):
    """Its name, the numbers at both ends, the colours of the theme; nothing is shown when the tint is off."""
    legend = TintLegend(LIGHT)
    qtbot.addWidget(legend)
    legend.resize(600, 36)
    legend.set_tint("off")
    assert legend.isHidden()
    ends = {"model": "From 100 % to 0 %", "surprise": "From 0 bits to 12 or more", "rank": "From 1st to 1,000th or later"}
    for kind in TINT_KINDS[1:]:
        legend.set_tint(kind)
        legend.show()
        assert not legend.isHidden() and legend.button.accessibleDescription() in legend.button.text()
        assert legend.ramp.accessibleDescription() == ends.get(kind, legend.ramp.accessibleDescription())
        assert [action.data() for action in legend.menu.actions() if action.isChecked()] == [kind]
    QApplication.processEvents()
    first, last = pixels(legend.ramp, LIGHT.tint[0], 6), pixels(legend.ramp, LIGHT.tint[-1], 6)
    legend.set_theme(DARK)
    assert first > 10 and last > 10 and pixels(legend.ramp, DARK.tint[0], 6) > 10 and pixels(legend.ramp, DARK.tint[-1], 6) > 10


def test_the_legend_lets_one_choose_and_close(qtbot):
    """From the menu, and with the button that has a name."""
    legend = TintLegend(LIGHT)
    qtbot.addWidget(legend)
    legend.resize(600, 36)
    legend.set_tint("surprise")
    legend.show()
    with qtbot.waitSignal(legend.tint_chosen) as chosen:
        next(action for action in legend.menu.actions() if action.data() == "rank").trigger()
    assert chosen.args == ["rank"]
    with qtbot.waitSignal(legend.tint_chosen) as chosen:
        QTest.keyClick(legend.close_button, Qt.Key.Key_Space)
    assert chosen.args == ["off"] and legend.close_button.accessibleName() == "Switch the tint off"


def test_the_legend_fits_a_narrow_window(qtbot):
    """The note gives way; the numbers stay whole."""
    legend = TintLegend(LIGHT)
    qtbot.addWidget(legend)
    legend.set_tint("sampling")
    for width, has_note in ((900, True), (legend.minimumSizeHint().width(), False)):
        legend.resize(width, 36)
        legend.show()
        assert bool(legend.note.text()) == has_note and legend.ramp.width() >= legend.ramp.sizeHint().width()
    assert legend.minimumSizeHint().width() < 530
