"""How the transcript shows answers that failed or were stopped before their first token."""

import pytest

from gui.models.conversation import Conversation
from gui.theme import LIGHT
from gui.views.transcript.view import Transcript


@pytest.fixture
def conversation():
    return Conversation()


@pytest.fixture
def transcript(qtbot, conversation):
    widget = Transcript(conversation, LIGHT)
    qtbot.addWidget(widget)
    widget.resize(600, 500)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_an_answer_without_text_is_only_its_note(qtbot, transcript, conversation, status):
    """No empty line stands between the name and the reason."""
    conversation.add_message("user", "Hi")
    index = conversation.add_message("assistant", "", "queued")
    qtbot.wait(20)
    view = transcript.column.views[index]
    assert view.body.isVisible()
    conversation.set_status(index, status, "Why it ended.")
    qtbot.wait(20)
    assert not view.body.isVisible()
    assert view.note.y() - view.heading.geometry().bottom() < view.heading.height()


def test_the_divider_stands_above_what_the_model_sees(qtbot, transcript, conversation):
    """A failed answer is never sent, so the view begins below it."""
    conversation.add_message("user", "Far too long")
    failed = conversation.add_message("assistant", "", "failed")
    question = conversation.add_message("user", "Hi")
    conversation.add_message("assistant", "Hello", "streaming")
    conversation.set_forgotten([0])
    qtbot.wait(20)
    heights = {index: transcript.column.views[index].heading.y() for index in (failed, question)}
    assert heights[question] - heights[failed] > 20
    conversation.set_forgotten([])
    qtbot.wait(20)
    assert transcript.column.views[question].heading.y() == heights[failed]
