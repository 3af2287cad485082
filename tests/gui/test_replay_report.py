"""The replay's report: what it says in each of its states, and what its keys do."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from gui.theme import DARK, LIGHT
from gui.views.replay_report import ReplayReport

DETAILS = "Owl · temperature 0.8 · seed 42"


@pytest.fixture
def report(qtbot):
    widget = ReplayReport(LIGHT)
    qtbot.addWidget(widget)
    widget.begin(120, DETAILS)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.fixture
def stops(report):
    calls = []
    report.stop_requested.connect(lambda: calls.append(1))
    return calls


def shown_buttons(report):
    return [button.accessibleName() for button in report.findChildren(QPushButton) if button.isVisible()]


def test_while_it_runs(report):
    """It says what it was run with and how far it is, and can be stopped; nothing else is offered."""
    assert report.verdict.text() == "Running again… reading the prompt"
    report.progress(34)
    assert report.verdict.text() == "Running again… token 34 of 120"
    assert report.details.text() == DETAILS
    assert (report.bar.value(), report.bar.maximum()) == (34, 120) and report.bar.isVisible()
    assert shown_buttons(report) == ["Stop running the answer again"] and not report.isModal()


@pytest.mark.parametrize(
    ("finish", "said"),
    [
        (lambda report: report.finish_same(1200), "✓  All 1,200 tokens are the same."),
        (lambda report: report.finish_same(90, 5), "✓  All 90 tokens are the same; 5 of them were given, not drawn."),
        (lambda report: report.finish_same(1), "✓  The one token is the same."),
        (lambda report: report.finish_same(0), "The answer has no tokens: there is nothing to compare."),
        (lambda report: report.finish_stopped(34), "Stopped. The first 34 of 120 tokens are the same."),
        (lambda report: report.finish_stopped(0), "Stopped before the first token."),
        (lambda report: report.fail("Another model is loaded."), "⚠  It could not be run again. Another model is loaded."),
    ],
)
def test_an_end_without_a_difference(report, stops, finish, said):
    """The verdict is there for screen readers as well, and the only thing left to do is to close it."""
    finish(report)
    assert report.accessibleDescription() == said
    assert report.verdict.text() + " " * bool(report.reason.text()) + report.reason.text() == said
    assert shown_buttons(report) == ["Close this window"] and not report.bar.isVisible()
    QTest.keyClick(report, Qt.Key.Key_Escape)
    assert not report.isVisible() and stops == []


@pytest.mark.parametrize(
    ("number", "then", "now", "said"),
    [
        (12, " dragon", " king", "≠  Token 12 differs: “␣dragon” then, “␣king” now."),
        (1, "\n", "你", "≠  Token 1 differs: “⏎” then, “你” now."),
        (1234, ".", "", "≠  Token 1,234 differs: “.” then, the end now."),
        (3, "x" * 500, "y", f"≠  Token 3 differs: “{'x' * 40}…” then, “y” now."),
    ],
)
def test_the_first_difference(qtbot, report, number, then, now, said):
    """Counted from 1 for people, whitespace visible, long tokens cut; Enter shows the token."""
    report.finish_different(number, then, now)
    assert report.verdict.text() == said
    assert shown_buttons(report) == ["Show the token that differs", "Close this window"]
    with qtbot.waitSignal(report.show_requested):
        QTest.keyClick(report.show_it, Qt.Key.Key_Return)
    assert report.isVisible()


@pytest.mark.parametrize("way", ["button", "escape", "close"])
def test_stopping(report, stops, way):
    """By the button, by Esc or by closing the window: asked once, however often it is tried."""
    for _ in range(2):
        if way == "button":
            QTest.keyClick(report.stop, Qt.Key.Key_Space)
        elif way == "escape":
            QTest.keyClick(report, Qt.Key.Key_Escape)
        else:
            report.close()
    assert stops == [1]
    assert report.isVisible() == (way != "close")


def test_a_window_never_used_stops_nothing(qtbot):
    widget = ReplayReport(DARK)
    qtbot.addWidget(widget)
    calls = []
    widget.stop_requested.connect(lambda: calls.append(1))
    widget.show()
    widget.close()
    assert calls == []


def test_it_can_be_used_again(report, stops):
    """A second replay begins as the first did."""
    report.finish_different(3, "a", "b")
    report.begin(7, "")
    report.progress(2)
    assert report.verdict.text() == "Running again… token 2 of 7"
    assert shown_buttons(report) == ["Stop running the answer again"] and not report.details.isVisible()
    QTest.keyClick(report.stop, Qt.Key.Key_Space)
    assert stops == [1]


def test_text_of_a_model_stays_text_and_everything_is_named(report):
    report.finish_different(1, "<b>x</b>", "<img>")
    assert "<b>x</b>" in report.verdict.text()
    QApplication.processEvents()
    for label in report.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText and label.accessibleName()
        assert label.height() >= label.heightForWidth(label.width()) or not label.isVisible()
