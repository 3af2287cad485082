"""What the chat says about an answer that waits, and what the panel says where no step is traced."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from tests.gui.conftest import Stage


def send(stage: Stage, text: str) -> None:
    stage.window.composer.focus()
    stage.type(text)
    stage.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)


@pytest.fixture
def broken(stage: Stage) -> Stage:
    """The program after its model could not be loaded."""
    stage.program.start()
    stage.worker.load_error = "The weights file is cut off after 12 bytes."
    stage.qtbot.wait(10)
    stage.run()
    stage.worker.load_error = ""
    return stage


def test_a_message_sent_after_a_failed_load_does_not_claim_that_one_is_going_on(broken: Stage):
    """It says that no model is loaded; while another one loads it says so; then it is answered."""
    send(broken, "Hi")
    answer = broken.conversation.messages[1]
    assert (answer.status, answer.note) == ("queued", "No model is loaded. This message will be answered when one is.")
    broken.program.chat.load("/other")
    assert (answer.status, answer.note) == ("queued", "Waiting for the model to load…")
    broken.run()
    assert (answer.status, answer.text) == ("done", "Hello there.")


def test_a_waiting_message_can_be_stopped_and_the_chat_goes_on(broken: Stage):
    send(broken, "Hi")
    broken.program.chat.stop()
    assert broken.conversation.messages[1].status == "stopped"
    assert not broken.program.chat.is_busy
    broken.program.chat.load("/other")
    broken.run()
    assert broken.conversation.messages[1].text == ""
    send(broken, "Hello")
    broken.run()
    assert broken.conversation.messages[3].text == "Hello there."


def test_another_model_chosen_in_mid_answer_stops_it_and_is_used_next(stage: Stage):
    """Everything received is kept; the next message goes to the new model."""
    stage.ready()
    send(stage, "Hi")
    stage.run(3 + 4)
    stage.program.chat.load("/other")
    send(stage, "ignored while busy")
    stage.run()
    assert (stage.conversation.messages[1].text, stage.conversation.messages[1].status) == ("Hell", "stopped")
    assert len(stage.conversation.messages) == 2
    stage.program.chat.send("And?")
    stage.run()
    assert stage.conversation.messages[3].text == "Hello there."


def test_a_text_made_without_traces_says_how_to_get_them(stage: Stage):
    """With the panel closed nothing is traced; opened again, it says what to do and shows no step of an older answer."""
    stage.ready()
    send(stage, "Hi")
    stage.run()
    stage.window.actions_by_key["panel"].trigger()
    send(stage, "More")
    stage.run()
    texts: list[str] = []
    stage.window.panel.show_empty = texts.append
    stage.window.actions_by_key["panel"].trigger()
    assert texts == ["Click a word of an answer to see what else the model could have said there."]
