"""Temperatures side by side: what columns say and mark, what is asked of the owner, and that a fast model does not stall it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from gui.theme import DARK, LIGHT
from gui.views.compare.column import Column
from gui.views.compare.column_text import ColumnText
from gui.views.compare.dialog import CompareDialog
from gui.views.compare.tally import Tally
from inference.types import ColumnEnded, ColumnToken, RunFinished, RunStats, TokenEvent, TokenNumbers

TEMPERATURES = (0.0, 0.8, 2.0)
STATS = RunStats(10, 0, 9, 0.1, 0.2)


def numbers(surprise=1.0, entropy=2.0, rank=1):
    return TokenNumbers(2.0**-surprise, 0.5, surprise, entropy, rank)


def token(column, step, token_id, text, numbers=None, **flags):
    return ColumnToken(1, column, TokenEvent(1, step, token_id, text.encode(), text, numbers=numbers, **flags))


def texts(column, rows, first_step=0):
    """Tokens of one column from (id, text, rank)."""
    return [token(column, first_step + i, id_, text, numbers(rank=rank)) for i, (id_, text, rank) in enumerate(rows)]


def in_turn(*columns):
    """A token of each column at a time, as an engine reports them."""
    longest = max(map(len, columns))
    return [column[i] for i in range(longest) for column in columns if i < len(column)]


def ended(column, reason="end", tail=""):
    return ColumnEnded(1, column, reason, tail, ())


@pytest.fixture
def dialog(qtbot):
    widget = CompareDialog(LIGHT)
    qtbot.addWidget(widget)
    widget.set_start("Once upon a time there was a", TEMPERATURES)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def settle(qtbot, dialog):
    return lambda: qtbot.waitUntil(lambda: not dialog._timer.isActive(), timeout=3000)


def signals(signal):
    calls = []
    signal.connect(lambda *arguments: calls.append(arguments))
    return calls


def shown(dialog):
    return [column.text.toPlainText() for column in dialog.columns]


def looks(column):
    """(text, is grey, is underlined) of every run of equal looks in a column."""
    text, found = column.text, []
    cursor = QTextCursor(text.document())
    for position in range(text.document().characterCount() - 1):
        cursor.setPosition(position)
        cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
        look = cursor.charFormat()
        key = (look.foreground().color().name() in (LIGHT.muted, DARK.muted), look.fontUnderline())
        if found and found[-1][1:] == key:
            found[-1] = (found[-1][0] + cursor.selectedText(), *key)
        else:
            found.append((cursor.selectedText(), *key))
    return found


class TestTally:
    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.integers(0, 1), max_size=6), st.lists(st.integers(0, 1), max_size=6), st.data())
    def test_shared_tokens_whatever_the_order(self, left_ids, ids, data):
        """However two columns are interleaved: at the end the common prefix; before it nothing that is later taken back."""
        left = Tally()
        right = Tally(left)
        waiting = [iter(left_ids), iter(ids)]
        open_sides = {0, 1}
        while open_sides:
            side = data.draw(st.sampled_from(sorted(open_sides)))
            tally = (left, right)[side]
            try:
                tally.add(next(waiting[side]), None)
            except StopIteration:
                tally.is_over = True
                open_sides.discard(side)
            settled = right.settle()
            common = next(
                (i for i, (a, b) in enumerate(zip(left_ids, ids, strict=False)) if a != b), min(len(left_ids), len(ids))
            )
            assert right.shared <= common and settled <= len(right)
            assert not right.has_parted or right.shared == common
        assert (right.shared, right.settle()) == (common, len(ids))

    def test_means_over_the_tokens_with_numbers(self):
        tally = Tally()
        assert tally.mean_surprise_bits is None and tally.mean_entropy_bits is None
        for surprise, entropy in ((1.0, 3.0), (2.0, 5.0)):
            tally.add(0, numbers(surprise, entropy))
        tally.add(0, None)
        assert (tally.mean_surprise_bits, tally.mean_entropy_bits, len(tally)) == (1.5, 4.0, 3)
        tally.add(0, numbers(math.inf))
        assert tally.mean_surprise_bits == math.inf


class TestColumns:
    def test_headings(self, dialog):
        """Temperature, what it does, and that nothing was run yet."""
        dialog.set_start("", (0.0, 0.5, 1.0, 1.25))
        assert [column._title.text() for column in dialog.columns] == ["T = 0", "T = 0.5", "T = 1", "T = 1.25"]
        assert [column._note.text() for column in dialog.columns] == [
            "the likeliest after penalties",
            "sharper than the model",
            "as the model believes",
            "flatter than the model",
        ]
        assert {column._state.text() for column in dialog.columns} == {"not run yet"}
        assert not any(column.branch.isEnabled() for column in dialog.columns)

    def test_text_streams_with_its_numbers(self, dialog, settle):
        """Means, count and the tokens shared with the left; an end token and given tokens belong to no text."""
        dialog.begin(TEMPERATURES)
        first = [token(0, 5, 9, " given", is_given=True)]
        first += [token(0, 6, 1, " a", numbers(1, 3)), token(0, 7, 2, " b", numbers(2, 4)), token(0, 8, 3, "", is_end=True)]
        second = [token(1, 6, 1, " a", numbers(1, 3)), token(1, 7, 5, " c", numbers(4, 4))]
        dialog.add(in_turn(first, second, texts(2, [(7, " z", 40)], 6)))
        settle()
        assert shown(dialog) == [" a b", " a c", " z"]
        figures = [
            tuple(label.text() for label in (column._surprise, column._entropy, column._count, column._shared))
            for column in dialog.columns
        ]
        assert figures == [
            ("1.50 bits", "3.50 bits", "2", "–"),
            ("2.50 bits", "3.50 bits", "2", "first 1"),
            ("1.00 bits", "2.00 bits", "1", "none"),
        ]
        assert {column.state for column in dialog.columns} == {"running"}

    def test_marks(self, dialog, settle):
        """Grey as long as it is the left column's text, underlined from its letter on where a token was not the likeliest."""
        dialog.begin(TEMPERATURES)
        left = texts(0, [(1, " a", 1), (2, " b", 1), (3, " c", 1)])
        right = texts(1, [(1, " a", 1), (2, " b", 3), (9, " x", 2), (3, " c", 1)])
        dialog.add(in_turn(left, right))
        settle()
        assert looks(dialog.columns[0]) == [(" a b c", False, False)]
        assert looks(dialog.columns[1]) == [
            (" a ", True, False),
            ("b", True, True),
            (" ", False, False),
            ("x", False, True),
            (" c", False, False),
        ]

    @pytest.mark.parametrize("theme", [DARK, LIGHT])
    def test_another_theme_keeps_text_and_marks(self, dialog, settle, theme):
        dialog.begin(TEMPERATURES)
        dialog.add(in_turn(texts(0, [(1, " a", 1), (2, " b", 1)]), texts(1, [(1, " a", 1), (9, " x", 2)])))
        settle()
        before = looks(dialog.columns[1])
        dialog.set_theme(theme)
        assert looks(dialog.columns[1]) == before and shown(dialog)[1] == " a x"
        colors = {f.format.foreground().color().name() for f in dialog.columns[0].text.document().firstBlock().textFormats()}
        assert colors == {theme.text}

    def test_a_column_ahead_of_its_left_waits(self, dialog, settle):
        """Its text appears when it is known whether it is shared: by a token of the left, or by the left's end."""
        dialog.begin(TEMPERATURES)
        dialog.add(texts(1, [(1, " a", 1), (2, " b", 1)]))
        settle()
        assert shown(dialog)[1] == ""
        dialog.add(texts(0, [(1, " a", 1)]))
        settle()
        assert shown(dialog)[1] == " a" and dialog.columns[1]._shared.text() == "first 1"
        dialog.end_column(ended(0))
        settle()
        assert looks(dialog.columns[1]) == [(" a", True, False), (" b", False, False)]

    def test_incomplete_characters(self, dialog, settle):
        """Bytes without text yet keep their mark for the text they become part of; the tail of a column comes with its end."""
        dialog.begin(TEMPERATURES)
        dialog.add(texts(0, [(1, "", 8), (2, "é", 1), (3, "", 1)]))
        dialog.end_column(ended(0, "stop", "\ufffd"))
        settle()
        assert looks(dialog.columns[0]) == [("é", False, True), ("\ufffd", False, False)]

    @pytest.mark.parametrize(
        ("reason", "state"),
        [
            ("end", "ended by itself"),
            ("stop", "ended at a stop text"),
            ("length", "full length"),
            ("context", "context is full"),
            ("cancelled", "stopped"),
        ],
    )
    def test_how_a_column_ended(self, dialog, settle, reason, state):
        """A column that is complete can be continued at once; the others have to wait."""
        dialog.begin(TEMPERATURES)
        dialog.add(in_turn(*[texts(column, [(1, " a", 1)]) for column in range(3)]))
        dialog.end_column(ended(1, reason))
        settle()
        assert dialog.columns[1].state == state
        assert [column.branch.isEnabled() for column in dialog.columns] == [False, True, False]
        assert dialog.columns[1].text.accessibleDescription().startswith(f"Temperature 0.8, sharper than the model, {state}, ")

    def test_a_column_without_a_token(self, dialog, settle):
        """It says so, and there is nothing to continue."""
        dialog.begin(TEMPERATURES)
        dialog.add([token(0, 0, 3, "", is_end=True)])
        dialog.end_column(ended(0))
        settle()
        assert dialog.columns[0].text.placeholderText() == "No text" and not dialog.columns[0].branch.isEnabled()

    def test_text_of_a_model_is_plain(self, dialog, settle):
        """Markup stays text, controls cannot break or reorder it, newlines and emoji stay what they are."""
        dialog.set_start("<b>x</b>\n\n \u202e y", TEMPERATURES)
        assert dialog.start.text() == "<b>x</b> \u200b y" and dialog.start.textFormat() == Qt.TextFormat.PlainText
        dialog.begin(TEMPERATURES)
        dialog.add(texts(0, [(1, "<img src='x'>\n", 1), (2, "\u2028\x00\u2029\u202e", 1), (3, " 👩\u200d👩 10\u00a0km", 1)]))
        settle()
        expected = "<img src='x'>\u2029\u2028\u2400\u2028\u200b 👩\u200d👩 10\u00a0km"
        assert dialog.columns[0].text.document().toRawText() == expected
        assert dialog.columns[0].text.document().blockCount() == 2


class TestRunning:
    def test_enter_runs_what_is_set(self, dialog):
        """Temperatures and length as they stand in the boxes, also where typing did not end yet; a comma is a point."""
        calls = signals(dialog.run_requested)
        box = dialog.settings._boxes[1]
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "0,65")
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert calls == [((0.0, 0.65, 2.0), 100)]
        QTest.keyClick(dialog.settings.length, Qt.Key.Key_Up)
        QTest.keyClick(dialog.run, Qt.Key.Key_Space)
        assert calls[-1] == ((0.0, 0.65, 2.0), 110)

    def test_columns_come_and_go_with_the_buttons(self, dialog):
        """From two to six; before a run the columns follow at once."""
        counts = []
        for _ in range(5):
            counts.append(len(dialog.columns))
            dialog.settings.more.click()
        assert counts == [3, 4, 5, 6, 6] and not dialog.settings.more.isEnabled()
        assert dialog.settings.temperatures == (0.0, 0.8, 2.0, 2.5, 3.0, 3.5)
        for _ in range(6):
            dialog.settings.fewer.click()
        assert len(dialog.columns) == 2 and not dialog.settings.fewer.isEnabled()
        assert [box.isVisible() for box in dialog.settings._boxes] == [True, True, False, False, False, False]
        QApplication.processEvents()

    def test_a_temperature_changed_before_the_run_renames_its_column(self, dialog):
        QTest.keyClick(dialog.settings._boxes[1], Qt.Key.Key_Up)
        assert dialog.columns[1]._title.text() == "T = 0.9"

    def test_results_stay_until_the_next_run(self, dialog, settle):
        """What was run is on screen whatever is set for the next run; a hint says how to see that."""
        dialog.begin(TEMPERATURES)
        dialog.add(texts(0, [(1, " a", 1)]))
        dialog.finish(RunFinished(1, "length", STATS))
        settle()
        dialog.settings.more.click()
        assert shown(dialog) == [" a", "", ""] and dialog.message.text() == "Run shows what you changed."
        dialog.begin(dialog.settings.temperatures)
        settle()
        assert shown(dialog) == ["", "", "", ""]

    def test_states_of_a_run(self, dialog, settle):
        """Idle, reading, running, done; one button that runs or stops."""
        said = [(dialog.message.text(), dialog.run.text())]
        dialog.begin(TEMPERATURES)
        said.append((dialog.message.text(), dialog.run.text()))
        dialog.add(texts(0, [(1, " a", 1)]))
        said.append((dialog.message.text(), dialog.run.text()))
        dialog.finish(RunFinished(1, "length", STATS))
        said.append((dialog.message.text(), dialog.run.text()))
        settle()
        assert said[1:] == [("Reading the beginning…", "&Stop"), ("Running…", "&Stop"), ("Done.", "&Run")]
        assert said[0][1] == "&Run" and "same dice" in said[0][0]

    @pytest.mark.parametrize("way", ["button", "escape", "close"])
    def test_stopping(self, dialog, settle, way):
        """Asked once; what came stays and can be continued. Esc closes the window only when nothing runs."""
        calls = signals(dialog.stop_requested)
        dialog.begin(TEMPERATURES)
        dialog.add(texts(0, [(1, " a", 1)]))
        for _ in range(2):
            if way == "button":
                dialog.run.click()
            elif way == "escape":
                QTest.keyClick(dialog, Qt.Key.Key_Escape)
            else:
                dialog.close()
        assert calls == [()] and dialog.isVisible() == (way != "close")
        dialog.finish(RunFinished(1, "cancelled", STATS))
        settle()
        assert shown(dialog)[0] == " a" and dialog.columns[0].state == "stopped" and dialog.message.text() == "Stopped."
        assert [column.branch.isEnabled() for column in dialog.columns] == [True, False, False]
        assert dialog.run.isEnabled()
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible() and calls == [()]

    def test_enter_never_stops_a_run(self, dialog):
        """A second Enter is no second thought, in a number box or on the button; Space on the button is one."""
        calls = signals(dialog.stop_requested)
        dialog.begin(TEMPERATURES)
        for widget in (dialog.settings._boxes[0], dialog.run):
            widget.setFocus()
            QTest.keyClick(widget, Qt.Key.Key_Return)
        assert calls == []
        QTest.keyClick(dialog.run, Qt.Key.Key_Space)
        assert calls == [()]

    def test_a_failure_says_why(self, dialog, settle):
        """With a sign beside the colour; what came before stays and can be continued. Also before anything ran."""
        dialog.fail("No model is loaded.")
        assert dialog.message.text() == "⚠  No model is loaded." and dialog.run.isEnabled()
        dialog.begin(TEMPERATURES)
        dialog.add(texts(0, [(1, " a", 1)]))
        dialog.fail("The memory is full.")
        settle()
        assert dialog.message.text() == "⚠  The memory is full." and dialog.columns[0].state == "failed"
        assert shown(dialog)[0] == " a" and dialog.columns[0].branch.isEnabled()

    def test_a_column_becomes_a_branch(self, dialog, settle):
        calls = signals(dialog.branch_requested)
        dialog.begin(TEMPERATURES)
        dialog.add(texts(2, [(1, " a", 1)]))
        dialog.finish(RunFinished(1, "length", STATS))
        settle()
        dialog.columns[2].branch.setFocus()
        QTest.keyClick(dialog.columns[2].branch, Qt.Key.Key_Space)
        assert calls == [(2,)]

    def test_another_beginning_stops_the_run_and_clears_it(self, dialog, settle):
        """Tokens that are still on their way are not shown under the new beginning."""
        calls = signals(dialog.stop_requested)
        dialog.begin(TEMPERATURES)
        dialog.set_start("Another", (0.0, 1.0))
        dialog.add(texts(2, [(1, " late", 1)]))
        dialog.end_column(ended(2))
        settle()
        assert calls == [()] and shown(dialog) == ["", ""] and dialog.start.text() == "Another"
        assert dialog.run.text() == "&Run"

    @pytest.mark.parametrize(("text", "said"), [("", "From the very beginning"), ("  \n", "From the very beginning")])
    def test_no_beginning(self, dialog, text, said):
        dialog.set_start(text, TEMPERATURES)
        assert dialog.start.text() == said

    def test_a_long_beginning_shows_its_end(self, dialog):
        dialog.set_start("word " * 5000 + "the end", TEMPERATURES)
        assert len(dialog.start.text()) < 230 and dialog.start.text().endswith("word the end")


class TestSpeed:
    def test_one_column_at_a_time_and_only_what_is_new(self, dialog, settle, monkeypatch):
        """A batch of 5 x 200 tokens is written in as many insertions as columns; no column is written twice in one frame."""
        inserted, flushed = [], []
        insert, flush = ColumnText._insert, Column.flush
        monkeypatch.setattr(ColumnText, "_insert", lambda self, pieces: (inserted.append(len(pieces)), insert(self, pieces)))
        monkeypatch.setattr(Column, "flush", lambda self: (flushed.append(self._index), flush(self)))
        five = (0.0, 0.5, 0.8, 1.2, 2.0)
        dialog.begin(five)
        dialog.add(in_turn(*[texts(column, [(i + column, f"w{i}", 1) for i in range(200)]) for column in range(5)]))
        assert inserted == [], "nothing is laid out while tokens arrive"
        dialog._on_flush()
        assert flushed == [0], "one column in one turn of the event loop"
        settle()
        assert flushed == [0, 1, 2, 3, 4] and inserted == [200] * 5
        dialog.add(texts(0, [(1, "!", 1)], 200))
        settle()
        assert inserted[5:] == [1] and flushed[5:] == [0]

    def test_a_stream_of_batches_does_not_put_showing_off(self, qtbot, dialog):
        """Batches that come faster than the timer cannot keep it from firing."""
        dialog.begin(TEMPERATURES)
        for step in range(30):
            dialog.add(texts(0, [(step, "x", 1)], step))
            qtbot.wait(4)
        assert dialog.columns[0].text.toPlainText()

    def test_it_follows_its_end_unless_one_reads_above(self, dialog, settle):
        dialog.begin(TEMPERATURES)
        bar = dialog.columns[0].text.verticalScrollBar()
        dialog.add(texts(0, [(i, f"line {i}\n", 1) for i in range(100)]))
        settle()
        assert bar.value() == bar.maximum() > 0
        bar.setValue(3)
        dialog.add(texts(0, [(1, "more\n", 1)] * 20, 100))
        settle()
        assert bar.value() == 3


def test_everything_is_named_and_reached_by_tab(dialog):
    """Boxes, buttons, texts: each has a name, and Tab passes them all."""
    for widget in [*dialog.settings._boxes, dialog.settings.length, *dialog.findChildren(QPushButton)]:
        assert widget.accessibleName()
    assert [column.text.accessibleName() for column in dialog.columns] == [f"Text at temperature {t}" for t in ("0", "0.8", "2")]
    dialog.settings._boxes[0].setFocus()
    seen = set()
    for _ in range(30):
        seen.add(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert {dialog.settings.more, dialog.settings.length, dialog.run, *(column.text for column in dialog.columns)} <= seen


def test_nothing_is_clipped(dialog, settle):
    """With six columns and the longest states, in the smallest window: labels have the room they need."""
    temperatures = (0.0, 0.25, 0.8, 1.25, 2.0, 10.0)
    dialog.settings.set_temperatures(temperatures)
    dialog.begin(temperatures)
    dialog.add(in_turn(*[texts(column, [(i, " a", 1) for i in range(1000)]) for column in range(6)]))
    for column in range(6):
        dialog.end_column(ended(column, "stop"))
    dialog.resize(dialog.minimumSize())
    settle()
    for label in dialog.findChildren(QLabel):
        if label.isVisible() and not label.wordWrap():
            assert label.width() >= label.sizeHint().width(), label.text()
    for box in dialog.settings._boxes:
        assert box.lineEdit().width() >= box.fontMetrics().horizontalAdvance("10.25")
