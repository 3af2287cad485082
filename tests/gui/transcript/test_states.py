"""What waits, was forgotten, is greeted; themes; the scene."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from gui.theme import DARK, LIGHT
from tests.gui.transcript.conftest import fill, pixels, shown


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
