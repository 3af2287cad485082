"""The next-token panel: what it paints is the trace, and it paints no more often than it may."""

import math
import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QSlider, QToolButton, QToolTip

from gui.theme import DARK, LIGHT
from gui.views.probability.empty import EmptyView
from gui.views.probability.header import StateLine
from gui.views.probability.numbers import Numbers
from gui.views.probability.panel import ProbabilityPanel
from gui.views.probability.rows import Rows
from gui.views.probability.strip import DrawStrip
from gui.views.probability.table_ends import Others
from gui.views.probability.words import row_description, tooltip
from inference.types import SamplingParams, StepTrace

# The offscreen platform says this of every window that is shown; it is about that platform, not about us.
pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)

WORDS = (
    [b" dragon", b" king", b" small", b" little", b" girl", b" the", b"\n", b"  ", b"\t", "王国".encode(), "🐉".encode()]
    + [b"\xe4", b"<|end|>", b" house", b" cat", b" boy", b" wonderful", b"<b>bold</b>", b" antidisestablishmentarianism" * 2]
    + [" 東京都".encode(), " été".encode(), b"\x07", b" ", b"", "👩‍🚀".encode(), b"\r\n", b"<|endoftext|>", b" zebra"]
)  # fmt: skip


def token(index: int) -> bytes:
    return WORDS[index] if index < len(WORDS) else f" word{index}".encode()


def make_trace(logits, *, k=12, u=0.4137, params=None, chosen=None, is_scored=False) -> StepTrace:
    """A trace by the definitions of DESIGN section 4, in plain numpy: the oracle for what is painted.

    `chosen` (an id) moves u into that token's interval.
    """
    params = params or SamplingParams(temperature=0.8)
    z = np.asarray(logits, dtype=np.float64)
    vocab = len(z)
    model = np.exp(z - z.max())
    model /= model.sum()
    order = np.lexsort((np.arange(vocab), -model))
    rank = np.empty(vocab, dtype=np.int64)
    rank[order] = np.arange(1, vocab + 1)
    removed = np.full(vocab, "", dtype=object)
    if params.temperature == 0:
        removed[:] = "temperature"
        removed[order[0]] = ""
        sampling = (removed == "").astype(np.float64)
    else:
        sampling = np.exp((z - z.max()) / params.temperature)
        sampling /= sampling.sum()
        if params.top_k:
            removed[order[params.top_k :]] = "top-k"
            sampling[removed != ""] = 0
            sampling /= sampling.sum()
        if params.top_p < 1:
            mass = np.cumsum(sampling[order])
            count = int(np.searchsorted(mass, params.top_p)) + 1
            late = order[count:]
            removed[late[removed[late] == ""]] = "top-p"
            sampling[removed != ""] = 0
            sampling /= sampling.sum()
    drawing = order[sampling[order] > 0]
    ends = np.cumsum(sampling[drawing])
    ends /= ends[-1]
    if params.temperature == 0 or is_scored:
        chosen = int(drawing[0]) if chosen is None else chosen
        draw_u, low, high = math.nan, 0.0, 1.0
    else:
        if chosen is not None:
            place = int(np.flatnonzero(drawing == chosen)[0])
            u = (ends[place] + (ends[place - 1] if place else 0.0)) / 2
        place = int(np.searchsorted(ends, u, side="right"))
        chosen = int(drawing[place])
        draw_u, low, high = u, float(ends[place - 1]) if place else 0.0, float(ends[place])
    ids = order[:k].copy()
    if chosen not in ids:
        ids[-1] = chosen
    positive = model[model > 0]
    strip = drawing[: k + 1]
    return StepTrace(
        ids=ids,
        token_bytes=tuple(token(i) for i in ids.tolist()),
        model_probs=model[ids],
        sampling_probs=sampling[ids],
        ranks=rank[ids],
        removed_by=tuple(removed[ids]),
        chosen_id=chosen,
        chosen_model_prob=float(model[chosen]),
        chosen_sampling_prob=float(sampling[chosen]),
        chosen_rank=int(rank[chosen]),
        surprise_bits=float(-np.log2(model[chosen])),
        entropy_bits=float(-(positive * np.log2(positive)).sum()),
        others_count=vocab - len(ids),
        others_model_mass=float(1 - model[ids].sum()),
        others_sampling_mass=max(float(1 - sampling[ids].sum()), 0.0),
        kept_count=len(drawing),
        vocab_size=vocab,
        draw_u=draw_u,
        draw_low=low,
        draw_high=high,
        strip_ids=tuple(strip.tolist()),
        strip_bytes=tuple(token(i) for i in strip.tolist()),
        strip_ends=ends[: k + 1],
        params=params,
    )


def some_logits(seed: int = 0, scale: float = 1.0, vocab: int = 8192, heads=()) -> np.ndarray:
    """Random logits with a few named heads on top."""
    logits = np.random.default_rng(seed).normal(0, scale, vocab)
    for place, index in enumerate(heads):
        logits[index] = 9.5 - 0.6 * place
    return logits


HEADS = [0, 1, 2, 3, 4, 5, 13, 14, 15, 16, 27, 8]
CUT = SamplingParams(temperature=1.0, top_k=40, top_p=0.8)


@pytest.fixture
def panel(qtbot):
    widget = ProbabilityPanel(LIGHT)
    qtbot.addWidget(widget)
    widget.resize(340, 760)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def show(panel, trace, step=17, is_live=False):
    panel.show_trace(trace, step, is_live)
    QApplication.processEvents()
    QApplication.processEvents()


def painted(widget, scale=1) -> QImage:
    image = QImage(widget.size() * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    widget.render(image)
    image.setDevicePixelRatio(1)
    return image


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


@pytest.mark.parametrize("height", [500, 560])
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
    assert strip.accessibleDescription() == "Temperature 0: the likeliest token, no draw."
    show(panel, make_trace(some_logits(1, heads=HEADS), is_scored=True, chosen=2))
    assert strip.needle_x() is None
    assert strip.accessibleDescription() == "No draw: this text was already there."


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
        qtbot.keyClick(rows, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    for _ in range(k):
        texts.append(rows.accessibleDescription())
        qtbot.keyClick(rows, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
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
    """Page Down and Page Up move five rows and never past the ends."""
    show(panel, make_trace(some_logits(1, heads=HEADS), chosen=0))
    rows = panel.findChild(Rows)
    places = []
    for key in (Qt.Key.Key_PageDown,) * 3 + (Qt.Key.Key_PageUp,) * 3:
        qtbot.keyClick(rows, key)
        places.append(rows.current_row)
    assert places == [5, 10, 11, 6, 1, 0]


@pytest.mark.parametrize(("key", "step"), [("Left", -1), ("Up", -1), ("Right", 1), ("Down", 1)])
@pytest.mark.parametrize("has_trace", [True, False])
def test_arrows_ask_for_another_step(panel, qtbot, key, step, has_trace):
    """Arrow keys walk the tokens, also from a token whose trace is missing."""
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
    slider, number = panel.findChild(QSlider), panel.findChild(QDoubleSpinBox)
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
        (make_trace([9.0, 0, 0, 0], u=0.1), "The model was nearly certain; it drew “\u00a0dragon”, its first guess."),
        (make_trace([1.0] * 7, u=0.4), "The model chose between about 7 tokens; it drew “\u00a0small”, its 3rd guess."),
        (make_trace([1.0] * 7, is_scored=True, chosen=6), "about 7 tokens; the text goes on with “⏎”, its 7th guess."),
        (make_trace([2.0, 1, 1], params=SamplingParams(temperature=0)), "the likeliest token, “\u00a0dragon”, without a draw."),
        (make_trace([2.0, 3, 1], params=SamplingParams(temperature=0), chosen=0), "“\u00a0dragon”, the likeliest after the rep"),
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
    row = traces[7].ids.tolist().index(traces[7].chosen_id)
    qtbot.waitUntil(lambda: rows.accessibleDescription() == row_description(traces[7], row), timeout=2000)


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
    assert tooltip("a & b") == "<qt><p style='white-space:pre-wrap'>a &amp; b</p></qt>"


@pytest.mark.parametrize("width", [300, 340, 600])
@pytest.mark.parametrize("k", [5, 50])
def test_it_fits(panel, width, k):
    """From 300x500 up nothing is wider than the panel and every part is inside it."""
    panel.resize(width, 500)
    show(panel, make_trace(some_logits(1, heads=HEADS), k=k, u=0.2, params=CUT))
    assert (panel.width(), panel.height()) == (width, 500)
    for part in (DrawStrip, Numbers, Others, QSlider, QDoubleSpinBox):
        widget = panel.findChild(part)
        corner = widget.mapTo(panel, QPoint(widget.width(), widget.height()))
        assert widget.isVisible()
        assert corner.x() <= width
        assert corner.y() <= 500
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
