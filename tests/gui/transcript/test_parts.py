"""The parts of the transcript that need no widget."""

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument

from gui.models.display import display_text
from gui.models.utf16 import utf16_length
from gui.views.transcript.heights import Heights
from gui.views.transcript.soft_breaks import SoftBreaks


@given(st.lists(st.one_of(st.integers(0, 400), st.none()), max_size=60))
def test_heights_agree_with_a_plain_sum(steps):
    """Positions and the rows between two heights, against adding them up, in any order of appends and changes."""
    heights, plain = Heights(), []
    heights.offset = 7
    for number, step in enumerate(steps):
        if step is None or not plain:
            heights.append(number)
            plain.append(number)
        else:
            heights[step % len(plain)] = step
            plain[step % len(plain)] = step
        assert heights.total == 7 + sum(plain)
    tops = [7 + sum(plain[:row]) for row in range(len(plain) + 1)]
    assert [heights.top(row) for row in range(len(plain))] == tops[:-1]
    for top, bottom in [(0, 50), (20, 21), (100, 900), (-50, 3)]:
        expected = [row for row, height in enumerate(plain) if tops[row] < bottom and tops[row] + height > top and height]
        assert [row for row in heights.rows_between(top, bottom) if plain[row]] == expected


@given(st.lists(st.integers(1, 30), min_size=1, max_size=10))
def test_soft_breaks_map_every_position_both_ways(lengths):
    """Oracle: the document as a list that says which of its positions are the text's."""
    breaks, document, text = SoftBreaks(), [], 0
    for number, length in enumerate(lengths):
        if number:
            breaks.add(len(document))
            document.append(None)
        document += range(text, text + length)
        text += length
    for position in range(text):
        assert breaks.to_document(position) == document.index(position)
    for place, position in enumerate(document):
        assert breaks.to_text(place) == (position if position is not None else document[place + 1])


@given(st.text())
def test_displayed_text_has_the_positions_of_the_text(text):
    """What a document makes of the displayed text is as long as the text: offsets stay true for any characters."""
    visible = display_text(text)
    assert utf16_length(visible) == utf16_length(text)
    document = QTextDocument()
    document.setPlainText(visible)
    assert document.characterCount() - 1 == utf16_length(text)


def test_reordering_controls_and_nul_lose_their_power():
    """A bidi override cannot reorder, NUL and ESC are seen, "\\r" breaks no line, ordinary text is untouched."""
    assert display_text("a\u202eb\u2066c\x00\x1b\r\nd\t") == "a\u200bb\u200bc\u2400\u241b\u200b\nd\t"
    assert display_text("\ufffc\ufdd0\ud800\u2029") == "\ufffd\ufffd\ufffd\u2028"
    assert display_text("שלום 中文 👩‍🚀 é") == "שלום 中文 👩‍🚀 é"
