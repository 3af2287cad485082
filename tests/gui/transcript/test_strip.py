"""The strip of surprise under a message."""

import math

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from gui.theme import DARK, LIGHT
from gui.views.transcript.bins import NOTHING, Bins
from gui.views.transcript.surprise_strip import HEIGHT, REPAINT_MS
from tests.gui.transcript.conftest import STORY, bits, events, fill, pixels, shown, tell


@given(st.lists(st.one_of(st.floats(0, 50), st.none()), max_size=300), st.integers(1, 40))
def test_bins_hold_the_highest_of_their_values(values, limit):
    """Oracle: the smallest power of two that leaves at most `limit` bins, and the maximum of each slice."""
    bins = Bins(limit)
    for value in values:
        bins.add(value)
    size = 1
    while math.ceil(len(values) / size) > limit:
        size *= 2
    slices = [values[at : at + size] for at in range(0, len(values), size)]
    assert bins.size == size and bins.count == len(values)
    assert bins.highest == [max((value for value in part if value is not None), default=NOTHING) for part in slices]
    assert [list(bins.values_of(index)) for index in range(len(slices))] == [
        list(range(len(values)))[at : at + size] for at in range(0, len(values), size)
    ]


def test_a_strip_stands_under_every_message_with_numbers(talk, transcript):
    """It takes its height from no other message, can be switched off, and appears as soon as there are numbers."""
    plain, told = tell(talk), tell(talk, numbers=lambda step: bits(step))
    views = shown(transcript, plain), shown(transcript, told)
    assert [view.strip.isVisible() for view in views] == [False, True]
    assert views[1].height() - views[0].height() >= HEIGHT
    assert views[1].strip.geometry().top() >= views[1].body.geometry().bottom()
    transcript.set_strips(False)
    assert not views[1].strip.isVisible() and views[0].height() == views[1].height()
    transcript.set_strips(True)
    talk.append_tokens(plain, events(["x"], lambda step: bits(1.0)))
    assert views[0].strip.isVisible() and views[0].height() == views[1].height()


def test_a_bar_is_as_high_as_its_surprise(talk, transcript):
    """In pixels: twelve bits and more fill the strip, half as many half of it, and a token without numbers has none."""
    surprises = [12.0, 6.0, None, 0.0, math.inf]
    index = tell(talk, STORY[:5], numbers=lambda step: None if surprises[step] is None else bits(surprises[step]))
    strip = shown(transcript, index).strip
    image = strip.grab().toImage()
    heights = [
        sum(image.pixelColor(strip.point_of(token).x() - 1, y).name() == LIGHT.chart for y in range(HEIGHT)) for token in range(5)
    ]
    assert heights[0] == HEIGHT and heights[4] == HEIGHT and abs(heights[1] - HEIGHT / 2) <= 1 and heights[2:4] == [1, 1]


def test_clicking_a_bar_goes_to_its_token(qtbot, talk, transcript):
    """Every bar by a real click; beside them, and on a token without numbers, nothing happens."""
    index = tell(talk, STORY, numbers=lambda step: None if step == 4 else bits(step))
    strip = shown(transcript, index).strip
    for token in (0, 1, 7, 15):
        with qtbot.waitSignal(transcript.token_clicked) as clicked:
            QTest.mouseClick(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, strip.point_of(token))
        assert clicked.args == [index, token]
    with qtbot.assertNotEmitted(transcript.token_clicked):
        for place in (strip.point_of(4), QPoint(strip.width() - 2, 5)):
            QTest.mouseClick(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        QTest.mouseClick(strip, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, strip.point_of(1))


def test_where_bars_are_shared_the_most_surprising_token_is_meant(qtbot, talk, transcript):
    """5,000 tokens on 600 pixels: a click at the one peak finds it among its neighbours."""
    index = tell(talk, [" w"] * 5_000, numbers=lambda step: bits(11.0 if step == 3_333 else step % 7 / 7))
    strip = shown(transcript, index).strip
    with qtbot.waitSignal(transcript.token_clicked) as clicked:
        QTest.mouseClick(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, strip.point_of(3_333))
    assert clicked.args == [index, 3_333]
    peak = strip.point_of(3_333).x()
    image = strip.grab().toImage()
    high = [x for x in range(strip.width()) if image.pixelColor(x, 4).name() == LIGHT.chart]
    assert high and all(abs(x - peak) <= 2 for x in high)


def test_hovering_a_bar_marks_its_token_in_the_text(talk, transcript):
    """Text and strip point at the same token, whichever the mouse is over."""
    index = tell(talk, STORY, numbers=lambda step: bits(step))
    view = shown(transcript, index)
    hovered = []
    transcript.token_hovered.connect(lambda message, token: hovered.append((message, token)))
    QTest.mouseMove(view.strip, view.strip.point_of(7))
    record = talk.messages[index].tokens[7]
    assert view.body.marks.hovered == (record.start, record.end)
    QTest.mouseMove(view.strip, QPoint(view.strip.width() - 2, 4))
    assert view.body.marks.hovered is None and hovered == [(index, 7), (index, -1)]


def test_the_held_token_is_marked_in_the_strip(talk, transcript):
    """In the accent colour, in both themes, also for a token without surprise."""
    index = tell(talk, STORY, numbers=lambda step: bits(0.0))
    strip = shown(transcript, index).strip
    assert pixels(strip, LIGHT.accent) == 0
    transcript.hold(index, 5)
    assert pixels(strip, LIGHT.accent) > HEIGHT
    transcript.set_theme(DARK)
    assert pixels(strip, DARK.accent) > HEIGHT
    transcript.release()
    assert pixels(strip, DARK.accent) == 0


def test_bars_grow_with_the_stream(talk, transcript):
    """New tokens are seen within a quarter of a second, and the whole is described to screen readers at the end."""
    index = tell(talk, STORY[:2], "streaming", numbers=lambda step: bits(4.0))
    strip = shown(transcript, index).strip
    before = pixels(strip, LIGHT.chart)
    talk.append_tokens(index, events([" a", " b", " c"], lambda step: bits(8.0)))
    QTest.qWait(REPAINT_MS + 50)
    assert pixels(strip, LIGHT.chart) > 2 * before
    talk.set_status(index, "done")
    assert strip.accessibleDescription().startswith("5 tokens, on average 6.4 bits, at most 8.0 bits.")


def test_the_strip_is_part_of_what_a_far_message_is_estimated_to_take(talk, transcript):
    """Nothing jumps when it is built: the estimate is higher by the strip."""
    plain = tell(talk, STORY)
    told = tell(talk, STORY, numbers=lambda step: bits(1.0))
    fill(talk, 2)
    assert transcript._estimate(told, 600) - transcript._estimate(plain, 600) >= HEIGHT
