"""The next-token panel: what it says, how it is walked, and that it paints no more often than it may."""

import math
import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QSlider, QToolButton, QToolTip

from gui.models.plain_tooltip import tooltip
from gui.models.trace_rows import rows_of
from gui.theme import DARK, LIGHT
from gui.views.probability.empty import EmptyView
from gui.views.probability.header import StateLine
from gui.views.probability.numbers import Numbers
from gui.views.probability.rows import Rows
from gui.views.probability.scroll import ThinScrollBar
from gui.views.probability.strip import DrawStrip
from gui.views.probability.table_ends import Others
from gui.views.probability.temperature import TemperatureControl
from gui.views.probability.words import row_description
from inference.types import SamplingParams
from tests.gui.probability.conftest import CUT, HEADS, make_trace, show, some_logits

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


def percent_in(text, name) -> float:
    return float(text.split(f"{name} ")[1].split("\u00a0%")[0].lstrip("<>"))


@pytest.mark.parametrize("u", [0.2, 0.999])
@pytest.mark.parametrize("k", [5, 12, 50])
def test_rows_and_others_add_up(panel, qtbot, k, u):
    """The percentages that are read out add up to 100, but for rounding, in both columns."""
    show(panel, make_trace(some_logits(1, 1.4, heads=HEADS), k=k, u=u))
    rows = panel.findChild(Rows)
    rows.setFocus()
    texts = [panel.findChild(Others).accessibleDescription()]
    for _ in range(k):
        qtbot.keyClick(rows, Qt.Key.Key_Up)
    for _ in range(k):
        texts.append(rows.accessibleDescription())
        qtbot.keyClick(rows, Qt.Key.Key_Down)
    assert len(set(texts)) == k + 1
    for name in ("model", "sampling"):
        assert abs(sum(percent_in(text, name) for text in texts) - 100) <= 0.05 * len(texts)


def test_row_description(panel):
    """A screen reader hears the chosen row of a held step in full."""
    trace = make_trace(some_logits(1, heads=HEADS), chosen=0)
    show(panel, trace)
    rows = panel.findChild(Rows)
    assert rows.accessibleDescription() == (
        f"token ␣dragon, model {100 * trace.model_probs[0]:.1f}\u00a0%, sampling {100 * trace.sampling_probs[0]:.1f}\u00a0%, "
        "rank 1 of 8,192, chosen"
    )


def test_page_keys_move_by_rows_and_stop_at_the_ends(panel, qtbot):
    """Page Down and Page Up move five rows and never past the ends, where Home and End go."""
    show(panel, make_trace(some_logits(1, heads=HEADS), chosen=0))
    rows = panel.findChild(Rows)
    places = []
    for key in (Qt.Key.Key_PageDown,) * 3 + (Qt.Key.Key_PageUp,) * 3 + (Qt.Key.Key_End, Qt.Key.Key_Home):
        qtbot.keyClick(rows, key)
        places.append(rows.current_row)
    assert places == [5, 10, 11, 6, 1, 0, 11, 0]


@pytest.mark.parametrize(("key", "step"), [("Left", -1), ("Right", 1)])
@pytest.mark.parametrize("has_trace", [True, False])
def test_arrows_ask_for_another_step(panel, qtbot, key, step, has_trace):
    """Left and Right walk the tokens, also from a token whose trace is missing."""
    show(panel, make_trace(some_logits(1)) if has_trace else None)
    panel.setFocus()
    with qtbot.waitSignal(panel.step_by) as signal:
        qtbot.keyClick(panel.focusProxy(), getattr(Qt.Key, f"Key_{key}"))
    assert signal.args == [step]


def test_the_keyboard_survives_a_missing_trace(panel, qtbot):
    """Walking over a token without trace keeps the focus, so that the next arrow key works."""
    panel.activateWindow()
    trace = make_trace(some_logits(1))
    show(panel, trace)
    panel.findChild(Rows).setFocus()
    assert panel.findChild(Rows).hasFocus()
    show(panel, None, step=18)
    assert panel.findChild(EmptyView).hasFocus()
    assert "no longer in memory" in panel.findChild(EmptyView).text
    assert panel.findChild(StateLine).text() == "held · step 18"
    show(panel, trace, step=19)
    assert panel.findChild(Rows).hasFocus()


def button(panel, name) -> QToolButton:
    return next(child for child in panel.findChildren(QToolButton) if child.accessibleName() == name)


def test_header(panel, qtbot):
    """The header says live or held; the way back to live is offered only while held; buttons step."""
    trace = make_trace(some_logits(1))
    assert not button(panel, "Previous token").isEnabled()
    show(panel, trace, step=4, is_live=True)
    assert panel.findChild(StateLine).text() == "live · step 4"
    assert not button(panel, "Back to live").isVisible()
    show(panel, trace, step=1234)
    assert panel.findChild(StateLine).text() == "held · step 1,234"
    with qtbot.waitSignal(panel.live_requested):
        button(panel, "Back to live").click()
    steps = []
    panel.step_by.connect(steps.append)
    button(panel, "Previous token").click()
    button(panel, "Next token").click()
    assert steps == [-1, 1]
    panel.show_empty("The model is loading…")
    assert panel.findChild(StateLine).text() == ""
    assert panel.findChild(EmptyView).text == "The model is loading…"
    assert panel.findChild(EmptyView).isVisible()
    assert not button(panel, "Next token").isEnabled()


def test_temperature_emits_only_what_the_user_does(panel, qtbot):
    """Slider and number agree; set_temperature is silent."""
    control = panel.findChild(TemperatureControl)
    slider, number = control.findChild(QSlider), control.findChild(QDoubleSpinBox)
    reported = []
    panel.temperature_changed.connect(reported.append)
    panel.set_temperature(0.83)
    assert (number.value(), slider.value(), reported) == (0.83, 17, [])
    slider.setValue(24)
    assert number.value() == 1.2
    number.setValue(0.45)
    assert slider.value() == 9
    number.stepUp()
    assert slider.value() == 10
    assert reported == pytest.approx([1.2, 0.45, 0.5])
    assert "always the likeliest" not in slider.accessibleDescription()
    slider.setValue(0)
    assert "always the likeliest" in slider.accessibleDescription()
    assert "next answer" in slider.accessibleDescription()


@pytest.mark.parametrize(
    ("trace", "text"),
    [
        (make_trace([9.0, 0, 0, 0], u=0.1), "The model was nearly certain; it drew “␣dragon”, its first guess."),
        (make_trace([1.0] * 7, u=0.4), "The model chose between about 7 tokens; it drew “␣small”, its 3rd guess."),
        (make_trace([1.0] * 7, is_scored=True, chosen=6), "about 7 tokens; the text goes on with “⏎”, its 7th guess."),
        (make_trace([2.0, 1, 1], params=SamplingParams(temperature=0)), "the likeliest token, “␣dragon”, without a draw."),
        (make_trace([2.0, 3, 1], params=SamplingParams(temperature=0), chosen=0), "“␣dragon”, the likeliest after the rep"),
    ],
)
def test_sentence(panel, trace, text):
    """One plain sentence per case."""
    show(panel, trace)
    assert text in panel.findChild(Numbers).sentence()


def test_numbers(panel):
    """Surprise, entropy, choices and rank are those of the trace, by hand: four equal tokens are 2 bits."""
    show(panel, make_trace([3.0] * 4, u=0.6))
    assert panel.findChild(Numbers).values() == ("2.00 bits", "2.0 bits ≈ 4 choices", "3 of 4", "25.0\u00a0% → 25.0\u00a0%")


class PaintCounter(QObject):
    def __init__(self, widget):
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):  # noqa: N802
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_a_fast_stream_is_painted_at_most_thirty_times_a_second(panel, qtbot):
    """200 traces in half a second are painted at most 20 times, and the last one is what stays."""
    traces = [make_trace(some_logits(seed, vocab=400), u=0.3) for seed in range(8)]
    show(panel, traces[0], is_live=True)
    qtbot.wait(50)
    rows = panel.findChild(Rows)
    counter = PaintCounter(rows)
    start = time.perf_counter()
    for step in range(200):
        panel.show_trace(traces[step % 8], step, True)
        QApplication.processEvents()
        while time.perf_counter() < start + step * 0.0025:
            QApplication.processEvents()
    seen = time.perf_counter() - start
    assert 2 <= counter.count <= max(20, math.ceil(seen / 0.033) + 2)
    qtbot.waitUntil(lambda: panel.findChild(StateLine).text() == "live · step 199", timeout=1000)
    chosen = next(row for row in rows_of(traces[7]) if row.is_chosen)
    qtbot.waitUntil(lambda: rows.accessibleDescription() == row_description(chosen, 400), timeout=2000)


def test_a_held_step_is_shown_at_once(panel):
    """Holding does not wait for the frame timer, and a live trace that was pending does not replace it."""
    live, held = make_trace(some_logits(1)), make_trace(some_logits(2))
    panel.show_trace(live, 1, True)
    panel.show_trace(live, 2, True)
    panel.show_trace(held, 7, False)
    assert panel.findChild(StateLine).text() == "held · step 7"
    time.sleep(0.05)
    QApplication.processEvents()
    assert panel.findChild(StateLine).text() == "held · step 7"


def test_model_text_in_tooltips_is_not_markup(panel, monkeypatch):
    """A token that looks like HTML is shown as it is."""
    shown = []
    monkeypatch.setattr(QToolTip, "showText", lambda *arguments: shown.append(arguments[1]))
    show(panel, make_trace(some_logits(5, heads=[17]), chosen=17))
    rows = panel.findChild(Rows)
    place = QPoint(80, rows.row_rect(0).center().y())
    QApplication.sendEvent(rows, QHelpEvent(QEvent.Type.ToolTip, place, rows.mapToGlobal(place)))
    assert "&lt;b&gt;bold&lt;/b&gt;" in shown[0]
    assert "<b>" not in shown[0]
    assert "3c 62 3e" in shown[0]
    assert tooltip("a & b").startswith("<qt>")
    assert ">a &amp; b<" in tooltip("a & b")


@pytest.mark.parametrize("width", [300, 340, 600])
@pytest.mark.parametrize("k", [5, 50])
def test_it_fits(panel, width, k):
    """From 300x530 up nothing is wider than the panel and every part is inside it; a window of 600 leaves it 558."""
    panel.resize(width, 530)
    show(panel, make_trace(some_logits(1, heads=HEADS), k=k, u=0.2, params=CUT))
    assert (panel.width(), panel.height()) == (width, 530)
    for part in (DrawStrip, Numbers, Others, TemperatureControl):
        widget = panel.findChild(part)
        corner = widget.mapTo(panel, QPoint(widget.width(), widget.height()))
        assert widget.isVisible()
        assert corner.x() <= width
        assert corner.y() <= 530
    rows = panel.findChild(Rows)
    assert rows.visibleRegion().boundingRect().height() >= 3 * rows.row_rect(0).height()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_contrast(theme):
    """Every text colour reads at 4.5:1 or better on everything the panel paints under it."""

    def luminance(color):
        channels = (QColor(color).redF(), QColor(color).greenF(), QColor(color).blueF())
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [(theme.text, theme.window), (theme.text, theme.surface), (theme.muted, theme.window), (theme.muted, theme.surface)]
    pairs += [(theme.text, theme.segment_a), (theme.text, theme.segment_b), (theme.on_accent, theme.accent)]
    for text, ground in pairs:
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_tab_leaves_the_rows_where_they_are(panel, qtbot):
    """QScrollArea would scroll to the middle of a child that is higher than itself."""
    panel.resize(370, 480)
    panel.show_trace(make_trace(np.linspace(4, 0, 40), chosen=0), 3, False)
    rows = panel.findChild(Rows)
    bar = panel.findChild(ThinScrollBar)
    assert bar.maximum() > 0
    rows.setFocus()
    qtbot.keyClick(rows, Qt.Key.Key_Tab)
    assert not rows.hasFocus()
    assert bar.value() == 0
