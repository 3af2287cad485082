"""The transcript with real mouse and key events: text stays text, tokens are found under the mouse, nothing jumps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from gui.models.conversation import Conversation
from gui.models.utf16 import utf16_length
from gui.theme import DARK, LIGHT
from gui.views.transcript.display import display_text
from gui.views.transcript.heights import Heights
from gui.views.transcript.paragraphs import LONGEST_PARAGRAPH
from gui.views.transcript.soft_breaks import SoftBreaks
from gui.views.transcript.view import Transcript
from inference.types import TokenEvent

STORY = ["Once", " upon", " a", " time", " there", " was", " a", " dragon", ".", "\n\n", "It", " lived", " 🐉", "", "龙", " on."]


def events(texts):
    return [TokenEvent(1, step, step, text.encode() or b"\xe9", text) for step, text in enumerate(texts)]


def tell(talk, texts=STORY, status="done"):
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, events(texts))
    talk.set_status(index, status)
    return index


@pytest.fixture
def talk():
    return Conversation()


@pytest.fixture
def transcript(qtbot, talk):
    widget = Transcript(talk, LIGHT)
    qtbot.addWidget(widget)
    widget.resize(700, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def shown(transcript, index):
    """The widget of a message, once the event loop has built it."""
    QApplication.processEvents()
    QTest.qWait(20)
    return transcript.column.views[index]


def fill(talk, count, text="A line of text that is there to be read. " * 6):
    for index in range(count):
        talk.add_message("assistant" if index % 2 else "user", f"{index}: {text}")


def point_of(view, token):
    """The middle of a token, in the body's viewport."""
    record = view._message.tokens[token]
    rect = view.body.rect_of(record.start, record.end)
    return QPoint(rect.center().x(), rect.center().y())


def pixels(widget, color, tolerance=2):
    """How many pixels of a widget have this colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    blue_green_red = np.array(QColor(color).getRgb()[2::-1])
    return int((abs(rows[:, : image.width(), :3].astype(int) - blue_green_red) <= tolerance).all(axis=2).sum())


# -- the parts that need no widget ---------------------------------------------------------------------------------------


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


# -- messages ------------------------------------------------------------------------------------------------------------


def test_messages_show_who_speaks_and_read_well_to_a_screen_reader(talk, transcript):
    """Heading, plain text and accessible names; the author of an answer is the model that made it."""
    talk.add_message("user", "Hello")
    index = tell(talk)
    talk.messages[index].author = "glassbox-8m"
    talk.set_status(index, "stopped", "Stopped.")
    user, answer = shown(transcript, 0), shown(transcript, index)
    assert (user.heading.text(), user.body.toPlainText(), user.body.accessibleName()) == ("You", "Hello", "You said")
    assert (answer.heading.text(), answer.body.accessibleName()) == ("glassbox-8m", "glassbox-8m answered")
    assert answer.note.text() == "Stopped." and answer.note.isVisible()
    assert answer.body.accessibleDescription() == "Stopped."


def test_a_message_is_as_high_as_its_text(talk, transcript):
    """No scroll bar, nothing cut off: the body's height is the document's, at every width."""
    index = tell(talk, STORY * 20)
    for width in (700, 560, 1200):
        transcript.resize(width, 500)
        body = shown(transcript, index).body
        QTest.qWait(150)
        assert body.height() >= body.document().size().height() > 100
        assert body.verticalScrollBar().maximum() == 0
    assert body.width() <= 760


def test_markup_is_text(talk, transcript):
    """HTML is shown as typed, styles nothing, and no resource is ever loaded."""
    text = '<b>bold</b> <img src="http://evil.example/x.png"> <a href="file:///etc/passwd">x</a> **md** &lt;'
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    assert body.toPlainText() == text
    assert body.loadResource(2, "http://evil.example/x.png") is None
    assert not body.textCursor().charFormat().fontWeight() > 400


def test_hostile_text_is_laid_out_in_time_and_copied_exactly(talk, transcript):
    """100,000 characters in one word, NUL, overrides, replacement characters."""
    text = "x" * 100_000 + "\x00\u202eabc\ufffd\t中文🐉" + "\u0301" * 50
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    body.selectAll()
    assert body.selected_text() == text
    document = body.document()
    longest = max(document.findBlockByNumber(number).length() for number in range(document.blockCount()))
    assert longest <= 2 * LONGEST_PARAGRAPH


def test_soft_breaks_are_not_seen(talk, transcript):
    """A long paragraph wraps exactly as Qt wraps it in one piece, after streaming and after a change of width."""
    index = talk.add_message("assistant", "", "streaming")
    shown(transcript, index)
    words = " ".join(f"word{number % 97}" for number in range(2_000))
    for start in range(0, len(words), 40):
        talk.append_text(index, words[start : start + 40])
    body = shown(transcript, index).body
    for width in (700, 600, 820):
        transcript.resize(width, 500)
        QTest.qWait(200)
        whole = QTextDocument()
        whole.setDefaultFont(body.font())
        whole.setDefaultTextOption(body.document().defaultTextOption())
        whole.setDocumentMargin(0)
        whole.setPlainText(words)
        whole.setTextWidth(body.width())
        whole.size()
        layout = whole.firstBlock().layout()
        expected = [layout.lineAt(number).textLength() for number in range(layout.lineCount())]
        lines = []
        block = body.document().firstBlock()
        while block.isValid():
            lines += [block.layout().lineAt(number).textLength() for number in range(block.layout().lineCount())]
            block = block.next()
        assert body.document().blockCount() > 5
        assert lines == expected


def test_find_and_offsets_ignore_soft_breaks(talk, transcript):
    """A token far behind several soft breaks is still the one under the mouse."""
    index = tell(talk, [f" w{number}" for number in range(1_500)])
    view = shown(transcript, index)
    transcript.hold(index, 1_444)
    QTest.qWait(30)
    assert view.body.document().blockCount() > 3
    assert view.body.position_at(point_of(view, 1_444)) in range(
        talk.messages[index].tokens[1_444].start, talk.messages[index].tokens[1_444].end
    )
    assert transcript.find("w1444")
    assert view.body.marks.found_now == (talk.messages[index].tokens[1_444].start + 1, talk.messages[index].tokens[1_444].end)


# -- selecting and copying ------------------------------------------------------------------------------------------------


def test_copy_gives_plain_text_with_newlines(talk, transcript):
    """Ctrl+A and Ctrl+C copy exactly the text, "\\n" between paragraphs, no format beside text/plain."""
    index = tell(talk)
    body = shown(transcript, index).body
    body.setFocus()
    QTest.keyClick(body, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(body, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "".join(STORY)
    assert body.createMimeDataFromSelection().formats() == ["text/plain"]


def test_copying_a_long_paragraph_adds_nothing(talk, transcript):
    """The breaks of the layout are not part of the text."""
    text = "some words and more " * 400
    index = talk.add_message("assistant", text)
    body = shown(transcript, index).body
    assert body.document().blockCount() > 3
    body.selectAll()
    body.copy()
    assert QGuiApplication.clipboard().text() == text


@pytest.mark.parametrize("end", ["middle", "end"])
def test_a_selection_survives_appends(talk, transcript, end):
    """Text that arrives neither moves nor enlarges a selection, even one up to the end."""
    index = tell(talk, STORY, "streaming")
    body = shown(transcript, index).body
    length = talk.messages[index].length
    body.select(5, 12 if end == "middle" else length)
    before = body.selected_text()
    for _ in range(300):
        talk.append_tokens(index, events([" more", " text"]))
    assert body.selected_text() == before != ""


def test_nothing_is_selected_by_streaming(talk, transcript):
    """A message that nobody touched has no selection while it grows."""
    index = talk.add_message("assistant", "", "streaming")
    body = shown(transcript, index).body
    for _ in range(5):
        talk.append_text(index, "text ")
    assert not body.textCursor().hasSelection()


def test_dragging_selects_and_is_no_click(qtbot, talk, transcript):
    """A drag over tokens selects their text and holds none."""
    index = tell(talk)
    view = shown(transcript, index)
    viewport = view.body.viewport()
    start, end = point_of(view, 1), point_of(view, 5)
    with qtbot.assertNotEmitted(transcript.token_clicked):
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
        for step in range(1, 6):
            QTest.mouseMove(viewport, start + (end - start) * step / 5)
        QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)
    assert " time there" in view.body.selected_text()


def test_selecting_beyond_the_edge_scrolls(monkeypatch, talk, transcript):
    """The mouse rests above the conversation with the button down: it scrolls up and the selection follows."""
    fill(talk, 3)
    index = talk.add_message("assistant", "line\n" * 200)
    view = shown(transcript, index)
    transcript.scroll_to_bottom()
    viewport, bar = view.body.viewport(), transcript.column.verticalScrollBar()
    inside = viewport.mapFromGlobal(transcript.column.viewport().mapToGlobal(QPoint(60, 300)))
    above = viewport.mapFromGlobal(transcript.column.viewport().mapToGlobal(QPoint(60, -80)))
    before = bar.value()
    monkeypatch.setattr(QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.LeftButton)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, inside)
    QTest.mouseMove(viewport, above)
    selected = len(view.body.selected_text())
    QTest.qWait(200)
    assert bar.value() < before - 80
    assert len(view.body.selected_text()) > selected
    monkeypatch.setattr(QGuiApplication, "mouseButtons", lambda: Qt.MouseButton.NoButton)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, above)
    QTest.qWait(60)
    rest = bar.value()
    QTest.qWait(100)
    assert bar.value() == rest


def test_a_double_click_selects_the_word(talk, transcript):
    """The first click holds the token; the second selects its word and clicks nothing more."""
    index = tell(talk)
    view = shown(transcript, index)
    clicks = []
    transcript.token_clicked.connect(lambda message, token: clicks.append((message, token)))
    transcript.token_clicked.connect(transcript.hold)
    place = point_of(view, 7)
    QTest.mouseClick(view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert view.body.selected_text() == "dragon"
    assert clicks == [(index, 7)]


def test_one_message_at_a_time_is_selected(talk, transcript):
    """Selecting in another message lets go of the first."""
    first, second = tell(talk), tell(talk)
    one, two = shown(transcript, first).body, shown(transcript, second).body
    one.selectAll()
    two.selectAll()
    assert one.selected_text() == "" and two.selected_text() == "".join(STORY)


def test_the_context_menu_copies(talk, transcript):
    """Copy is off without a selection; "Copy message" takes everything."""
    index = tell(talk)
    view = shown(transcript, index)
    menu = view.menu()
    copy, whole, _, everything = menu.actions()
    assert not copy.isEnabled() and whole.isEnabled()
    whole.trigger()
    assert QGuiApplication.clipboard().text() == "".join(STORY)
    everything.trigger()
    assert view.body.selected_text() == "".join(STORY)
    menu.close()


# -- tokens ---------------------------------------------------------------------------------------------------------------


def test_a_click_names_the_token_under_the_mouse(qtbot, talk, transcript):
    """Every visible token, emoji and Chinese included, by a real click in its middle."""
    talk.add_message("user", "Tell me")
    index = tell(talk)
    view = shown(transcript, index)
    for token, text in enumerate(STORY):
        if text.strip():
            with qtbot.waitSignal(transcript.token_clicked) as clicked:
                QTest.mouseClick(
                    view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point_of(view, token)
                )
            assert clicked.args == [index, token]


def test_clicks_beside_the_text_and_on_the_users_words_name_no_token(qtbot, talk, transcript):
    """Only generated tokens can be held."""
    user = talk.add_message("user", "Tell me a story")
    index = tell(talk)
    with qtbot.assertNotEmitted(transcript.token_clicked):
        for view, place in (
            (shown(transcript, user), QPoint(10, 8)),
            (shown(transcript, index), QPoint(shown(transcript, index).body.width() - 4, 8)),
        ):
            QTest.mouseClick(view.body.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_hovering_says_which_token_and_when_it_ends(talk, transcript):
    """token_hovered carries the token, then -1; each change once."""
    index = tell(talk)
    view = shown(transcript, index)
    hovered = []
    transcript.token_hovered.connect(lambda message, token: hovered.append((message, token)))
    for place in (point_of(view, 3), point_of(view, 3) + QPoint(1, 0), point_of(view, 4)):
        QTest.mouseMove(view.body.viewport(), place)
    assert view.body.marks.hovered == (talk.messages[index].tokens[4].start, talk.messages[index].tokens[4].end)
    QTest.mouseMove(view.body.viewport(), QPoint(view.body.width() - 3, 5))
    assert hovered == [(index, 3), (index, 4), (index, -1)]


def test_hovering_follows_text_that_moves_under_a_resting_mouse(talk, transcript):
    """After scrolling, the token that was hovered is no longer: another one is under the mouse, or none."""
    fill(talk, 10)
    index = tell(talk, [f" word{number}" for number in range(300)])
    view = shown(transcript, index)
    hovered = []
    transcript.token_hovered.connect(lambda message, token: hovered.append((message, token)))
    QTest.mouseMove(view.body.viewport(), point_of(view, 250))
    assert hovered == [(index, 250)]
    bar = transcript.column.verticalScrollBar()
    bar.setValue(bar.value() - 100)
    assert len(hovered) == 2 and hovered[1] != (index, 250)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_held_token_is_seen(talk, transcript, theme):
    """Holding paints in the accent colour at the token's place and nowhere else; releasing takes it away."""
    transcript.set_theme(theme)
    index = tell(talk)
    view = shown(transcript, index)
    assert pixels(view.body, theme.accent) == 0
    transcript.hold(index, 7)
    rect = view.body.rect_of(talk.messages[index].tokens[7].start, talk.messages[index].tokens[7].end)
    marks = view.body.extraSelections()
    tint = marks[0].format.background().color()
    at_token = view.body.grab(rect).toImage()
    assert at_token.pixelColor(at_token.width() // 2, 1).getRgb()[:3] == tint.getRgb()[:3] != QColor(theme.window).getRgb()[:3]
    assert pixels(view.body, theme.accent) > rect.width() * 0.6
    transcript.release()
    assert pixels(view.body, theme.accent) == 0


def test_the_hold_does_not_grow_with_the_answer(talk, transcript):
    """The mark of the last token stays on it when more tokens come."""
    index = tell(talk, STORY[:4], "streaming")
    view = shown(transcript, index)
    transcript.hold(index, 3)
    talk.append_tokens(index, events(STORY[4:]))
    assert view.body.extraSelections()[0].cursor.selectedText() == " time"


def test_tokens_without_visible_text_are_marked_too(talk, transcript):
    """A part of a character marks the character; a newline, an end and a held-back token get a sign at their place."""
    index = tell(talk, ["a", "", "", "🐉", "b", "\n\n", "c", ""])
    talk.append_tokens(index, [TokenEvent(1, 9, 0, b"<|end|>", "", True)])
    body = shown(transcript, index).body
    marks = []
    for token in (1, 2, 3, 5, 7, 8):
        transcript.hold(index, token)
        marks.append((body.marks.held, body.marks.badge))
    assert marks == [
        ((1, 3), None),
        ((1, 3), None),
        ((1, 3), None),
        (None, (4, "⏎")),
        (None, (7, "…")),
        (None, (7, "∎")),
    ]
    assert pixels(body, LIGHT.accent, 40) > 20


def test_arrow_keys_walk_from_the_held_token(qtbot, talk, transcript):
    """Left and right ask for the neighbour, across messages; without a hold they move the caret."""
    first = tell(talk, ["a", "b"])
    talk.add_message("user", "q")
    second = tell(talk, ["c", "d"])
    body = shown(transcript, second).body
    transcript.token_clicked.connect(transcript.hold)
    body.setFocus()
    with qtbot.assertNotEmitted(transcript.token_clicked):
        QTest.keyClick(body, Qt.Key.Key_Right)
    assert body.caret_position() == 1
    transcript.hold(second, 0)
    with qtbot.waitSignal(transcript.token_clicked) as stepped:
        QTest.keyClick(body, Qt.Key.Key_Left)
    assert stepped.args == [first, 1]
    with qtbot.waitSignal(transcript.token_clicked) as stepped:
        QTest.keyClick(transcript, Qt.Key.Key_Right)
    assert stepped.args == [second, 0]
    transcript.release()
    with qtbot.assertNotEmitted(transcript.token_clicked):
        QTest.keyClick(body, Qt.Key.Key_Left)


def test_enter_holds_the_token_at_the_caret(qtbot, talk, transcript):
    """A token can be chosen without a mouse."""
    index = tell(talk)
    body = shown(transcript, index).body
    body.setFocus()
    for _ in range(6):
        QTest.keyClick(body, Qt.Key.Key_Right)
    with qtbot.waitSignal(transcript.token_clicked) as clicked:
        QTest.keyClick(body, Qt.Key.Key_Return)
    assert clicked.args == [index, 1]


def test_holding_a_token_far_away_scrolls_to_it(talk, transcript):
    """The message is built, and the token lies inside the visible part."""
    index = tell(talk, [f" word{number}" for number in range(400)])
    fill(talk, 60)
    QTest.qWait(50)
    assert transcript.is_at_bottom and index not in transcript.column.views
    transcript.hold(index, 300)
    QTest.qWait(50)
    view = transcript.column.views[index]
    viewport = transcript.column.viewport()
    rect = view.token_rect(300)
    top = view.mapTo(viewport, rect.topLeft()).y()
    assert top >= 0 and top + rect.height() <= viewport.height()
    assert view.body.marks.held is not None and not transcript.is_at_bottom


# -- scrolling ------------------------------------------------------------------------------------------------------------


def test_the_end_is_followed_only_by_a_reader_who_is_there(talk, transcript):
    """At the bottom new text scrolls; elsewhere nothing moves and a button offers the way back."""
    fill(talk, 10)
    index = tell(talk, STORY, "streaming")
    shown(transcript, index)
    bar = transcript.column.verticalScrollBar()
    for _ in range(20):
        talk.append_tokens(index, events(["\nmore", " text"]))
    assert transcript.is_at_bottom and bar.value() == bar.maximum() > 0 and not transcript.jump.isVisible()
    bar.setValue(bar.maximum() - 200)
    place = bar.value()
    for _ in range(20):
        talk.append_tokens(index, events(["\nmore", " text"]))
    assert not transcript.is_at_bottom and bar.value() == place and bar.maximum() > place + 400
    assert transcript.jump.isVisible() and transcript.jump.accessibleName() == "Jump to latest"
    QTest.mouseClick(transcript.jump, Qt.MouseButton.LeftButton)
    assert transcript.is_at_bottom and bar.value() == bar.maximum() and not transcript.jump.isVisible()


def test_writing_a_message_goes_to_the_end(talk, transcript):
    """Who sends a message sees it, wherever the reader was."""
    fill(talk, 20)
    QTest.qWait(50)
    transcript.column.verticalScrollBar().setValue(0)
    assert not transcript.is_at_bottom
    talk.add_message("user", "And now?")
    QTest.qWait(30)
    assert transcript.is_at_bottom


def test_messages_far_away_are_no_widgets_and_nothing_jumps_when_they_become_some(talk, transcript):
    """Scrolling up through a long chat moves the text by exactly what was asked for."""
    fill(talk, 300)
    QTest.qWait(50)
    assert len(transcript.column.views) < 60
    bar, viewport = transcript.column.verticalScrollBar(), transcript.column.viewport()
    for _ in range(40):
        row = transcript.column.first_visible_row() + 1
        before = transcript.column.views[row].mapTo(viewport, QPoint(0, 0)).y()
        bar.setValue(bar.value() - 70)
        QApplication.processEvents()
        assert transcript.column.views[row].mapTo(viewport, QPoint(0, 0)).y() == before + 70
        assert len(transcript.column.views) < 60


def test_every_visible_part_is_covered(talk, transcript):
    """Dragging the scroll bar anywhere never shows an empty stretch: rows adjoin."""
    fill(talk, 120)
    QTest.qWait(50)
    bar = transcript.column.verticalScrollBar()
    for fraction in (0.0, 0.13, 0.5, 0.77, 1.0):
        bar.setValue(round(fraction * bar.maximum()))
        rows = sorted(row for row in transcript.column.views if row in transcript.column._seen(0))
        assert rows == list(range(rows[0], rows[-1] + 1))
        for row in rows[1:]:
            upper, lower = transcript.column.views[row - 1].geometry(), transcript.column.views[row].geometry()
            assert upper.bottom() + 1 == lower.top()


def test_the_reader_keeps_the_place_when_the_window_gets_narrower(talk, transcript):
    """The message at the top edge stays there."""
    fill(talk, 60)
    QTest.qWait(50)
    transcript.column.verticalScrollBar().setValue(2000)
    row = transcript.column.first_visible_row()
    transcript.resize(560, 500)
    QTest.qWait(200)
    assert transcript.column.first_visible_row() == row


def test_the_wheel_over_a_message_scrolls_the_conversation(talk, transcript):
    """Message bodies have nothing to scroll themselves."""
    fill(talk, 40)
    QTest.qWait(50)
    bar = transcript.column.verticalScrollBar()
    body = transcript.column.views[max(transcript.column._seen(0))].body
    before = bar.value()
    place = body.viewport().mapTo(transcript, QPoint(20, 5))
    QTest.wheelEvent(transcript.windowHandle(), QPointF(place), QPoint(0, 120))
    assert bar.value() < before


def test_a_cleared_conversation_is_empty_and_greets(talk, transcript):
    """New chat: no message is left, the greeting is back, and a new message is shown."""
    fill(talk, 20)
    QTest.qWait(30)
    assert not transcript.front.greeting.isVisible()
    talk.clear()
    QTest.qWait(30)
    assert transcript.column.views == {} and transcript.front.greeting.isVisible()
    assert shown(transcript, talk.add_message("user", "again")).body.toPlainText() == "again"


def test_a_conversation_that_is_already_there_is_shown(qtbot, talk):
    """Opening: the messages of the conversation the transcript is made with, at their end."""
    fill(talk, 50)
    transcript = Transcript(talk, DARK)
    qtbot.addWidget(transcript)
    transcript.resize(700, 500)
    transcript.show()
    assert 49 in transcript.column.views and transcript.is_at_bottom


# -- states ---------------------------------------------------------------------------------------------------------------


def test_what_an_answer_waits_for_is_said(talk, transcript):
    """The note follows the status; a failure is in the error colour; the end mark shows only while more is to come."""
    index = talk.add_message("assistant", "", "queued")
    view = shown(transcript, index)
    assert view.note.text() == "Waiting…" and pixels(view.body, LIGHT.accent) > 20
    talk.set_status(index, "reading", "Reading the conversation: 640 of 1,024 tokens")
    assert view.note.text() == "Reading the conversation: 640 of 1,024 tokens"
    talk.set_status(index, "streaming")
    assert view.note.text() == "" and not view.note.isVisible()
    talk.append_text(index, "Half")
    talk.set_status(index, "failed", "Out of memory.")
    assert view.note.palette().windowText().color() == QColor(LIGHT.error)
    assert pixels(view.body, LIGHT.accent) == 0


def test_forgotten_messages_are_dimmed_and_divided_off(talk, transcript):
    """What the model no longer sees is muted and says so; a line stands before the first message it does see."""
    fill(talk, 4, "short")
    views = [shown(transcript, index) for index in range(4)]
    plain = [view.height() for view in views]
    talk.set_forgotten([0, 1])
    assert [view.note.text() for view in views] == [
        "The model no longer sees this message: the context is full.",
        "The model no longer sees this message: the context is full.",
        "",
        "",
    ]
    colors = [view.body.palette().text().color().name() for view in views]
    assert colors == [LIGHT.muted, LIGHT.muted, LIGHT.text, LIGHT.text]
    assert [view.height() > height for view, height in zip(views, plain, strict=True)] == [True, True, True, False]
    talk.set_forgotten([])
    assert [view.height() for view in views] == plain


def test_themes_switch_live(talk, transcript):
    """Text, box and heading take the other theme's colours."""
    talk.add_message("user", "Hello")
    view = shown(transcript, 0)
    transcript.set_theme(DARK)
    assert view.body.palette().text().color().name() == DARK.text
    assert pixels(view, DARK.raised) > 1000 and pixels(view, LIGHT.raised) < 50


def test_the_greeting_offers_examples(qtbot, transcript):
    """Title and text can be set; a click on an example sends exactly it."""
    transcript.set_welcome("Chat with <b>x</b>", "A & B")
    assert transcript.front.greeting.title.text() == "Chat with <b>x</b>"
    for button in transcript.front.greeting.examples:
        with qtbot.waitSignal(transcript.example_chosen) as chosen:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert chosen.args == [button.text()]
        assert button.accessibleName() == f"Send: {button.text()}"


def test_the_scene_is_shown_closed_and_opens(qtbot, talk, transcript):
    """A model without template shows its scene above the conversation; a model with one shows none."""
    scene = transcript.front.scene
    assert not scene.isVisible()
    transcript.set_scene("A chat.\n<b>User</b>: Hi")
    assert scene.isVisible() and not scene.text.isVisible()
    height = scene.height()
    QTest.mouseClick(scene.arrow, Qt.MouseButton.LeftButton)
    QTest.qWait(20)
    assert scene.text.isVisible() and scene.text.text() == "A chat.\n<b>User</b>: Hi" and scene.height() > height
    with qtbot.waitSignal(transcript.scene_edit_requested):
        QTest.mouseClick(scene.edit, Qt.MouseButton.LeftButton)
    transcript.set_scene(None)
    assert not scene.isVisible()


# -- finding --------------------------------------------------------------------------------------------------------------


def test_find_steps_through_all_messages_and_wraps(talk, transcript):
    """Case does not matter; the count is over the whole conversation, messages that are no widgets included."""
    for index in range(60):
        talk.add_message("user", "filler text\n" * 5 + ("🐉 Needle here" if index in (3, 30, 59) else ""))
    QTest.qWait(50)
    transcript.show_find()
    bar = transcript.find_bar
    assert bar.isVisible() and 3 not in transcript.column.views
    QTest.keyClicks(bar.field, "needle")
    seen = [bar.count.text()]
    for modifier in (Qt.KeyboardModifier.NoModifier,) * 2 + (Qt.KeyboardModifier.ShiftModifier,) * 3:
        QTest.keyClick(bar.field, Qt.Key.Key_Return, modifier)
        seen.append(bar.count.text())
    assert seen == ["3 of 3", "1 of 3", "2 of 3", "1 of 3", "3 of 3", "2 of 3"]
    body = transcript.column.views[30].body
    start = utf16_length("filler text\n" * 5 + "🐉 ")
    assert body.marks.found_now == (start, start + 6)
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not bar.isVisible() and body.marks.found_now is None and body.selected_text() == "Needle"


def test_find_says_when_there_is_nothing(talk, transcript):
    """No place, no mark, no error; special characters are plain text."""
    tell(talk)
    shown(transcript, 0)
    assert not transcript.find(".*") and transcript.find("a")
    transcript.show_find()
    QTest.keyClicks(transcript.find_bar.field, "(zebra")
    assert transcript.find_bar.count.text() == "Not found" and not transcript.find_bar.next.isEnabled()
    QTest.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)


def test_find_keeps_its_place_while_text_arrives(talk, transcript):
    """New places are counted from the next step on."""
    index = tell(talk, ["one", " two", " one"], "streaming")
    shown(transcript, index)
    transcript.show_find()
    QTest.keyClicks(transcript.find_bar.field, "one")
    assert transcript.find_bar.count.text() == "1 of 2"
    talk.append_tokens(index, events([" one"]))
    QTest.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)
    assert transcript.find_bar.count.text() == "2 of 3"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(["word ", "🐉", "\n", "x" * 700, "中文字 ", "שלום ", "\u202e", "\r"]), max_size=30), st.data())
def test_any_selection_of_any_text_is_that_part_of_the_text(pieces, data):
    """Oracle: the text as UTF-16, cut between two positions."""
    talk = Conversation()
    transcript = Transcript(talk, LIGHT)
    transcript.resize(600, 400)
    transcript.show()
    index = talk.add_message("assistant", "", "streaming")
    QApplication.processEvents()
    for piece in pieces:
        talk.append_text(index, piece)
    text = "".join(pieces)
    cuts = [utf16_length(text[:place]) for place in range(len(text) + 1)]
    start, end = sorted((data.draw(st.sampled_from(cuts)), data.draw(st.sampled_from(cuts))))
    body = transcript.column.views[index].body
    body.select(start, end)
    assert body.selection() == (start, end)
    assert body.selected_text() == text[cuts.index(start) : cuts.index(end)]
    transcript.close()
    transcript.deleteLater()
    QApplication.processEvents()
