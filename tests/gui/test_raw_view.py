"""The raw view: where chips stand, what keys, mouse and screen readers get, and that it stays quick with a full context."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.theme import DARK, LIGHT
from gui.views.raw_view.chip import KINDS, Chip, describe
from gui.views.raw_view.dialog import RawView
from gui.views.raw_view.layout import CHIP_GAP, ChipLayout, Flow
from gui.views.raw_view.painter import LONGEST

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
TURN = (
    ("special", "<|start|>"),
    ("template", "user"),
    ("template", "\n"),
    ("user", "Hi"),
    ("user", " 龙"),
    ("special", "<|end|>"),
    ("template", "\n"),
    ("special", "<|start|>"),
    ("template", "assistant"),
    ("template", "\n"),
    ("answer", "Once"),
    ("answer", " 🐉"),
    ("answer", "\n\n"),
    ("answer", "x" * 200),
)


def chips_of(parts=TURN, forgotten=0):
    """The first `forgotten` of the parts fell out; ids are 100, 101, …"""
    return [
        Chip(None if i < forgotten else i - forgotten, 100 + i, text.encode(), kind, i < forgotten)
        for i, (kind, text) in enumerate(parts)
    ]


@pytest.fixture
def view(qtbot):
    dialog = RawView(LIGHT)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    dialog.show_tokens(chips_of(), 14, 64)
    dialog.area.setFocus()
    return dialog


def clicks(view):
    indices = []
    view.chip_clicked.connect(indices.append)
    return indices


def rows(view):
    area = view.area
    return [list(area._layout.chips_of(row)) for row in range(area._layout.row_count)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(10, 90), st.sampled_from([0, 0, 0, 25]), st.booleans(), st.booleans()), max_size=60),
    st.integers(60, 400),
)
@example([(40, 0, False, False), (40, 25, False, False)], 100)  # the second fits, but not behind its name
def test_every_chip_has_one_place(parts, right):
    """Against a check of each chip: in order, inside the width unless alone in its row, no overlap, found where it stands."""
    dividers = {i: "line" for i, part in enumerate(parts) if part[3]}
    starts = [part[2] or i in dividers for i, part in enumerate(parts)]
    flow = Flow([part[0] for part in parts], [part[1] for part in parts], starts, dividers)
    layout = ChipLayout(flow, 5, right)
    all_rows = [list(layout.chips_of(row)) for row in range(layout.row_count)]
    assert [chip for row in all_rows for chip in row] == list(range(len(parts)))
    assert {row for row, chips in enumerate(all_rows) if not chips} == set(layout.divider_rows)
    assert len(layout.divider_rows) == len(dividers)
    for row, chips in enumerate(all_rows):
        x = 5
        for place, chip in enumerate(chips):
            width, lead = parts[chip][:2]
            assert layout.lefts[chip] == x + lead and layout.row_of(chip) == row
            assert layout.chip_at(row, layout.lefts[chip]) == chip == layout.chip_at(row, layout.lefts[chip] + width - 1)
            assert layout.chip_at(row, layout.lefts[chip] + width) is None
            assert place == 0 or (layout.lefts[chip] + width <= right and not starts[chip])
            x += lead + width + CHIP_GAP
        if chips and row + 1 < len(all_rows) and all_rows[row + 1]:
            follower = all_rows[row + 1][0]
            assert starts[follower] or x + parts[follower][1] + parts[follower][0] > right, "broken without need"


def test_newlines_break_the_line(view):
    """A row ends behind every token with a newline; names stand before what was written, not before template text."""
    assert rows(view) == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9], [10, 11, 12], [13]]
    assert [i for i, lead in enumerate(view.area._flow.leads) if lead] == [3, 10]


def test_what_fell_out_is_parted_by_a_line(view):
    """The line stands between the last forgotten token and the first that the model sees, and counts them."""
    view.show_tokens(chips_of(forgotten=7), 7, 64)
    assert rows(view) == [[0, 1, 2], [3, 4, 5, 6], [], [7, 8, 9], [10, 11, 12], [13]]
    assert view.area._layout.divider_rows == {2: "↑ 7 tokens fell out: the model no longer sees them"}
    assert "7 fell out" in view.bar.accessibleDescription() and "fell out 7" in view.legend.accessibleDescription()


def test_a_system_prompt_before_what_fell_out(view):
    """What is kept in front stays apart from what fell out behind it."""
    chips = chips_of(forgotten=10)
    chips[:3] = [Chip(i, 100 + i, b"Be kind.", "system") for i in range(3)]
    view.show_tokens(chips, 7, 64)
    assert list(view.area._layout.divider_rows.values()) == [
        "What follows fell out of the context",
        "↑ 7 tokens fell out: the model no longer sees them",
    ]


def test_the_limit_is_marked(view):
    """In the bar, and between the last token that fits and the first that does not."""
    view.show_tokens(chips_of(), 12, 12)
    assert view.bar.texts() == ("12 of 12 tokens of the context used", "full")
    assert list(view.area._layout.divider_rows.values()) == ["The context ends here: 12 tokens"]
    row = next(iter(view.area._layout.divider_rows))
    assert rows(view)[row - 1][-1] == 11 and rows(view)[row + 1][0] == 12


@pytest.mark.parametrize(
    ("used", "limit", "texts"),
    [
        (1312, 2048, ("1,312 of 2,048 tokens of the context used", "room for 736 more")),
        (5, 0, ("5 tokens in the context", "")),
    ],
)
def test_the_numbers_over_the_bar(view, used, limit, texts):
    view.show_tokens(chips_of(), used, limit)
    assert view.bar.texts() == texts


def test_enter_and_click_hold_a_token(view):
    """Enter and Space the current one, the mouse the one under it; walking alone holds nothing."""
    indices = clicks(view)
    QTest.keyClick(view.area, Qt.Key.Key_Right)
    QTest.keyClick(view.area, Qt.Key.Key_Right)
    assert indices == []
    QTest.keyClick(view.area, Qt.Key.Key_Return)
    QTest.keyClick(view.area, Qt.Key.Key_Space)
    QTest.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=view.area.chip_rect(11).center())
    QTest.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert indices == [2, 2, 11] and view.area.current == 11 and view.isVisible()


def test_keys_walk_the_rows(view):
    """Left and right run on over the end of a row; up and down go to the chip nearest below; Home, End and Ctrl+End."""
    area = view.area
    path = []
    for key, modifier in [
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_End, CONTROL),
        (Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Home, CONTROL),
        (Qt.Key.Key_Up, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier),
    ]:
        QTest.keyClick(area, key, modifier)
        path.append(area.current)
    below = min(rows(view)[2], key=lambda i: abs(area.chip_rect(i).center().x() - area.chip_rect(3).center().x()))
    assert path[:9] == [0, 2, 3, below, 7, 13, 13, 0, 0]
    assert path[9] == 13, "a page reaches the end of these few rows"


def test_up_and_down_pass_over_a_line(view):
    view.show_tokens(chips_of(forgotten=7), 7, 64)
    QTest.keyClick(view.area, Qt.Key.Key_Down)
    QTest.keyClick(view.area, Qt.Key.Key_Down)
    assert view.area.current in rows(view)[3]
    QTest.keyClick(view.area, Qt.Key.Key_Up)
    assert view.area.current in rows(view)[1]


def test_ids_of_the_selection_or_of_all_are_copied(view):
    """Ctrl+C and the button; Shift with arrows, Shift+click, dragging and Ctrl+A select."""
    area, clipboard = view.area, QGuiApplication.clipboard()
    QTest.keyClick(area, Qt.Key.Key_C, CONTROL)
    assert clipboard.text() == ", ".join(str(100 + i) for i in range(14))
    for _ in range(2):
        QTest.keyClick(area, Qt.Key.Key_Right, SHIFT)
    QTest.keyClick(area, Qt.Key.Key_C, CONTROL)
    assert clipboard.text() == "100, 101, 102"
    QTest.mouseClick(area.viewport(), Qt.MouseButton.LeftButton, SHIFT, area.chip_rect(4).center())
    QTest.mouseClick(view.copy, Qt.MouseButton.LeftButton)
    assert clipboard.text() == "100, 101, 102, 103, 104"
    QTest.mousePress(area.viewport(), Qt.MouseButton.LeftButton, pos=area.chip_rect(11).center())
    QTest.mouseMove(area.viewport(), area.chip_rect(10).center())
    QTest.mouseRelease(area.viewport(), Qt.MouseButton.LeftButton, pos=area.chip_rect(10).center())
    QTest.keyClick(area, Qt.Key.Key_C, CONTROL)
    assert clipboard.text() == "110, 111"
    QTest.keyClick(area, Qt.Key.Key_A, CONTROL)
    assert area.selection == range(14)
    QTest.keyClick(area, Qt.Key.Key_Left)
    assert not area.selection


def test_dragging_and_shift_hold_nothing(view):
    """A selection is no click."""
    indices, area = clicks(view), view.area
    QTest.mousePress(area.viewport(), Qt.MouseButton.LeftButton, pos=area.chip_rect(0).center())
    QTest.mouseMove(area.viewport(), area.chip_rect(2).center())
    QTest.mouseRelease(area.viewport(), Qt.MouseButton.LeftButton, pos=area.chip_rect(2).center())
    QTest.mouseClick(area.viewport(), Qt.MouseButton.LeftButton, SHIFT, area.chip_rect(1).center())
    assert indices == [] and area.selection == range(2)


def test_screen_readers_hear_the_current_token(view):
    """As does the line under the chips: text, id, bytes, position, kind, and whether it is held."""
    QTest.keyClick(view.area, Qt.Key.Key_End, CONTROL)
    view.set_held(4)
    expected = "␣龙 · id 104 · bytes 20 e9 be 99 · position 4 · user · held in the panel"
    assert view.area.accessibleDescription() == view.details.whole == expected
    QTest.keyClick(view.area, Qt.Key.Key_Right)
    assert view.area.accessibleDescription() == "<|end|> · id 105 · bytes 3c 7c 65 6e 64 7c 3e · position 5 · special"
    QTest.keyClick(view.area, Qt.Key.Key_Left, SHIFT)
    assert view.area.accessibleDescription().startswith("2 tokens selected · ␣龙")
    for part in (view.area, view.bar, view.legend, view.details):
        assert part.accessibleName()


@pytest.mark.parametrize(
    ("chip", "said"),
    [
        (Chip(1023, 7, b"\xe4\xbd", "user"), "\\xe4\\xbd · id 7 · bytes e4 bd · position 1,023 · user"),
        (Chip(None, 7, b"a", "user", True), "a · id 7 · bytes 61 · no longer in the context · user"),
        (Chip(None, 7, b"a", "answer"), "a · id 7 · bytes 61 · not in the context · answer"),
        (Chip(0, 7, b"", "special"), "id\u00a07 · id 7 · no bytes · position 0 · special"),
        (Chip(0, 7, b"a" * 65, "template"), f"{'a' * 65} · id 7 · bytes {' '.join(['61'] * 64)} … · position 0 · template"),
    ],
)
def test_a_chip_in_words(chip, said):
    assert describe(chip) == said


def test_ids_can_be_hidden(view):
    """Then chips are lower, and none is wider than its text needs; what was at the top stays there."""
    area = view.area
    before = area.chip_rect(3)
    view.ids.click()
    assert area.chip_rect(3).height() < before.height() and area.chip_rect(3).width() <= before.width()
    view.ids.click()
    assert area.chip_rect(3) == before


def test_a_long_token_is_cut(view):
    assert view.area.chip_rect(13).width() <= LONGEST and "…" in view.area._texts.of(view.area._chips[13])[0]


def test_no_tokens(view):
    """Nothing to walk, to click or to copy, and no mistake in trying."""
    indices = clicks(view)
    view.show_tokens((), 0, 1024)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_End, Qt.Key.Key_Return):
        QTest.keyClick(view.area, key)
        QTest.keyClick(view.area, key, SHIFT | CONTROL)
    QTest.mouseClick(view.area.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, 30))
    view.set_held(3)
    view.grab()
    assert indices == [] and view.area.accessibleDescription() == "" and not view.copy.isEnabled()
    assert view.legend.isHidden()
    view.set_held(None)


def test_fewer_tokens_than_before(view):
    """A keyboard that was behind the new end is at the end; what was held is not any more."""
    QTest.keyClick(view.area, Qt.Key.Key_End, CONTROL)
    view.set_held(13)
    view.show_tokens(chips_of(TURN[:5]), 5, 64)
    assert view.area.current == 4 and view.area._held is None
    view.grab()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_kinds_differ_without_colour(view, theme):
    """Painted with the same text and turned grey, no two kinds look alike; nor do a held and a forgotten chip."""
    view.set_theme(theme)
    chips = [Chip(i, 5, b"same", kind) for i, kind in enumerate(KINDS)]
    chips += [Chip(5, 5, b"same", "user"), Chip(None, 5, b"same", "user", True), Chip(7, 5, b"same", "special")]
    view.show_tokens(chips, 8, 64)
    view.set_held(5)
    view.area._current = 7
    view.area.clearFocus()
    picture = view.area.viewport().grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    looks = [bytes(picture.copy(view.area.chip_rect(i)).constBits()) for i in range(7)]
    assert len(set(looks)) == 7


def test_a_full_context_stays_quick(qtbot):
    """30,000 chips: the layout for a width well within the 50 ms it may take, a scrolled step paints a few rows only."""
    dialog = RawView(LIGHT)
    qtbot.addWidget(dialog)
    dialog.resize(1000, 800)
    dialog.show()
    words = [f" w{i}" for i in range(3000)]
    chips = [Chip(i, i % 3000, (words[i % 3000] + "\n" * (i % 40 == 0)).encode(), KINDS[i // 200 % 5]) for i in range(30_000)]
    dialog.show_tokens(chips, 30_000, 32_768)
    area = dialog.area
    took = []
    for width in (400, 600, 800):
        begin = time.perf_counter()
        ChipLayout(area._flow, 50, width)
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.05
    QApplication.processEvents()
    painted = []
    paint = area._paint_row
    area._paint_row = lambda painter, row: (painted.append(row), paint(painter, row))
    area.verticalScrollBar().setValue(area.verticalScrollBar().value() + 30)
    QApplication.processEvents()
    assert 0 < len(painted) <= 4
    painted.clear()
    QTest.keyClick(area, Qt.Key.Key_End, CONTROL)
    QApplication.processEvents()
    assert area.viewport().rect().contains(area.chip_rect(29_999)) and max(painted) == area._layout.row_count - 1
    assert len(painted) <= 800 // area._row_height + 3


def test_the_view_keeps_its_place(qtbot, view):
    """What is at the top stays there in another width; a view at the end stays at the end when tokens come."""
    parts = TURN[3:4] * 2000
    view.show_tokens(chips_of(parts), 2000, 4096)
    area = view.area
    area.verticalScrollBar().setValue(20 * area._row_height)
    top = area._top_chip()
    view.resize(view.width() + 200, view.height())
    QApplication.processEvents()
    assert top in area._layout.chips_of(area._layout.row_of(area._top_chip()))
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    view.show_tokens(chips_of(parts * 2), 4000, 4096)
    assert area.verticalScrollBar().value() == area.verticalScrollBar().maximum() > 0


def test_esc_closes_it(view):
    QTest.keyClick(view.area, Qt.Key.Key_Escape)
    assert not view.isVisible() and not view.isModal()
