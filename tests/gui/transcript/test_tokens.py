"""Tokens are found under the mouse, held, and walked with the keyboard."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from gui.theme import DARK, LIGHT
from inference.types import TokenEvent
from tests.gui.transcript.conftest import STORY, events, fill, pixels, point_of, shown, tell


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


def test_clicks_beside_the_text_and_on_text_without_tokens_name_no_token(qtbot, talk, transcript):
    """The user's words have no tokens before a model has read them."""
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
