"""What is known of a token under the mouse, and what can be done with a message."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolTip

from gui.models.message import TokenRecord
from gui.views.transcript.token_tip import DELAY_MS, TokenTip
from inference.types import GenerateRequest, Message, TokenNumbers
from tests.gui.transcript.conftest import STORY, bits, point_of, shown, tell

NUMBERS = TokenNumbers(0.125, 0.25, 3.0, 4.5, 22)


def test_the_tooltip_says_what_is_known(qtbot, talk, transcript):
    """All numbers of a drawn token, in plain text; a token that was not drawn has no sampling probability."""
    tip = TokenTip(transcript)
    index = tell(talk, [" <b>", "\n"], numbers=lambda step: NUMBERS if step == 0 else bits(2.0))
    assert tip.text_of(talk.messages[index], 0).split("\n") == [
        "␣<b>",
        "Model probability: 12.5\u00a0%",
        "Sampling probability: 25.0\u00a0%",
        "Rank: 22nd",
        "Surprise: 3.0 bits",
        "Entropy: 4.5 bits",
    ]
    assert "Sampling" not in tip.text_of(talk.messages[index], 1) and tip.text_of(talk.messages[index], 1).startswith("⏎\n")
    plain = tell(talk)
    assert tip.text_of(talk.messages[plain], 0) == "Once\nClick to see its numbers."


def test_the_tooltip_says_who_chose(talk, transcript):
    """By hand in an answer; the reader's words in a message of theirs and in the text an answer begins with."""
    tip = TokenTip(transcript)
    index = tell(talk, ["Once", " upon", " a"], numbers=lambda step: bits(1.0), given=(0, 2))
    message = talk.messages[index]
    message.request = GenerateRequest(1, text="Once")
    assert [tip.text_of(message, token).split("\n")[-1] for token in range(3)] == [
        "Your words.",
        "Entropy: 0.5 bits",
        "Chosen by hand.",
    ]
    user = talk.messages[talk.add_message("user", "Hello")]
    user.tokens.append(TokenRecord(1, b"Hello", 0, 5))
    assert tip.text_of(user, 0).endswith("Your words.")


def test_the_tooltip_appears_after_a_short_rest_and_goes_with_the_mouse(qtbot, talk, transcript):
    """Not at once, never for a token the mouse only passed, as plain text, and gone when the mouse leaves the text."""
    index = tell(talk, ["<b>bold</b> & more"] + STORY, numbers=lambda step: bits(1.0))
    view = shown(transcript, index)
    QTest.mouseMove(view.body.viewport(), point_of(view, 3))
    QTest.mouseMove(view.body.viewport(), point_of(view, 0))
    assert not QToolTip.isVisible()
    qtbot.waitUntil(QToolTip.isVisible, timeout=DELAY_MS + 2_000)
    assert "&lt;b&gt;bold&lt;/b&gt;" in QToolTip.text() and "time" not in QToolTip.text()
    QTest.mouseMove(view.body.viewport(), QPoint(view.body.width() - 2, 2))
    qtbot.waitUntil(lambda: not QToolTip.isVisible())


def test_no_tooltip_covers_a_menu(talk, transcript):
    """A menu that opens before the tooltip would appear keeps it away."""
    index = tell(talk, numbers=lambda step: bits(1.0))
    view = shown(transcript, index)
    QTest.mouseMove(view.body.viewport(), point_of(view, 3))
    menu = view.menu(0)
    menu.popup(QPoint(0, 0))
    QTest.qWait(DELAY_MS + 100)
    assert not QToolTip.isVisible()
    menu.close()


def names(menu):
    """The commands of a menu and whether each is on."""
    return {action.data(): action.isEnabled() for action in menu.actions() if action.data()}


def ask(view, token):
    """The menu for a token of a message."""
    menu = view.menu(view._message.tokens[token].start)
    found = names(menu)
    menu.close()
    return found


def test_a_finished_answer_offers_everything(talk, transcript):
    """Except going on after the model's own end; "replay" needs the stored request."""
    index = tell(talk)
    message = talk.messages[index]
    view = shown(transcript, index)
    message.finish_reason = "end"
    wanted = {"branch", "compare", "regenerate", "continue", "replay", "raw", "export", "export_csv"}
    assert ask(view, 1).keys() == wanted
    assert {name for name, is_on in ask(view, 1).items() if not is_on} == {"continue", "replay"}
    message.request = GenerateRequest(1, messages=(Message("user", "Hi"),))
    message.finish_reason = "length"
    assert all(ask(view, 1).values())
    message.finish_reason = "stop"
    assert not ask(view, 1)["continue"]


@pytest.mark.parametrize("status", ["queued", "waiting", "reading", "streaming"])
def test_an_answer_that_is_being_made_is_left_alone(talk, transcript, status):
    """Nothing that would start another run from it."""
    index = tell(talk, STORY, status)
    offered = ask(shown(transcript, index), 1)
    assert not any(offered[name] for name in ("branch", "regenerate", "continue", "replay")) and offered["raw"]


def test_the_users_message_offers_what_makes_sense(talk, transcript):
    """It can be written differently; nothing of an answer's commands; without tokens there is nothing to export."""
    index = talk.add_message("user", "Hello")
    view = shown(transcript, index)
    menu = view.menu(0)
    assert names(menu) == {"edit": True, "raw": True, "export": False, "export_csv": False}
    menu.close()
    talk.messages[index].tokens.append(TokenRecord(1, b"Hello", 0, 5))
    assert ask(view, 0) == {"edit": True, "raw": True, "export": True, "export_csv": True}


def test_a_command_says_which_token_it_is_for(qtbot, talk, transcript):
    """By the mouse: the token under it, or none beside the text; its name in the menu is plain text."""
    talk.add_message("user", "q")
    index = tell(talk, ["a", "&b", " c"])
    view = shown(transcript, index)
    for place, command, token in ((point_of(view, 1), "branch", 1), (QPoint(view.body.width() - 3, 5), "regenerate", -1)):
        spot = view.body.viewport().mapToGlobal(place)
        QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, view.mapFromGlobal(spot), spot))
        menu = view.findChildren(QMenu)[-1]
        action = next(action for action in menu.actions() if action.data() == command)
        assert command != "branch" or "“&&b”" in action.text()
        with qtbot.waitSignal(transcript.command_requested) as asked:
            action.trigger()
        assert asked.args == [command, index, token]
        menu.close()


def test_the_menu_key_means_the_held_token_or_the_one_at_the_caret(qtbot, talk, transcript):
    """No mouse is needed for any command."""
    index = tell(talk)
    view = shown(transcript, index)
    view.body.setFocus()
    for _ in range(6):
        QTest.keyClick(view.body, Qt.Key.Key_Right)
    for held, token in ((None, 1), (7, 7)):
        if held is not None:
            transcript.hold(index, held)
        QApplication.sendEvent(view, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0)))
        menu = view.findChildren(QMenu)[-1]
        with qtbot.waitSignal(transcript.command_requested) as asked:
            next(action for action in menu.actions() if action.data() == "compare").trigger()
        assert asked.args == ["compare", index, token]
        menu.close()
