"""Holding a step: what is asked of the engine, which keys do what where, and what is kept on the way to the next step."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from gui.inspector import Inspector
from gui.views.probability.panel import ProbabilityPanel
from inference.types import DraftRequest, ExplainRequest, GenerateRequest, RunFailed, SamplingParams
from tests.gui.conftest import Stage

CHOICE, PATH, WHAT_IF, ASK = range(4)
HOT = SamplingParams(temperature=1.7)


@pytest.fixture
def answered(stage: Stage) -> Stage:
    """One exchange, the keyboard in the composer."""
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run()
    return stage


@pytest.fixture
def streaming(stage: Stage) -> Stage:
    """An answer of which four tokens have come."""
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run(3 + 4)
    return stage


def inspector(stage: Stage) -> Inspector:
    return stage.program.inspector


def panel(stage: Stage) -> ProbabilityPanel:
    return stage.window.panel


def explained(stage: Stage) -> list[ExplainRequest]:
    return [request for request in stage.engine.requests if isinstance(request, ExplainRequest)]


def test_the_choice_held_is_asked_where_it_flips(answered: Stage):
    """The trace is there already, and stays the one that was drawn from."""
    trace = answered.conversation.messages[1].tokens[4].trace
    inspector(answered).hold(1, 4)
    answered.run()
    [question] = explained(answered)
    assert question.with_details
    assert answered.conversation.messages[1].tokens[4].trace is trace


def test_a_stream_is_not_held_up_by_flips(streaming: Stage):
    """They are worked out when it has ended."""
    inspector(streaming).hold(1, 1)
    streaming.run(2)
    assert explained(streaming) == []
    streaming.run()
    assert [question.token_id for question in explained(streaming)] == [ord("e")]


def test_a_question_without_answer_leaves_the_trace_on_screen(answered: Stage):
    shown = []
    inspector(answered).hold(1, 4)
    panel(answered).show_trace = lambda *args: shown.append(args)
    answered.program.host.explain_failed.emit(RunFailed(0, "request", "no"))
    assert shown == []


def test_a_what_if_goes_along_and_ends_with_live(answered: Stage):
    """On every step it is tried with that step's own repetition penalty; where it is what was used it is none."""
    panel(answered).show_page(WHAT_IF)
    inspector(answered).hold(1, 4)
    used = answered.conversation.messages[1].request.params
    for params in (HOT, replace(used, repetition_penalty=used.repetition_penalty + 1)):
        panel(answered).what_if_changed.emit(params)
        inspector(answered).step_by(-1)
        answered.run()
        wanted = replace(params, repetition_penalty=used.repetition_penalty)
        assert explained(answered)[-1].what_if == (None if wanted == used else wanted)
    panel(answered).what_if_changed.emit(HOT)
    inspector(answered).release()
    inspector(answered).hold(1, 2)
    answered.run()
    assert explained(answered)[-1].what_if is None


def test_tokens_of_the_prompt_cannot_be_taken(answered: Stage):
    """A branch begins in an answer; special tokens and template before it were never chosen."""
    inspector(answered).hold(1, -1)
    answered.run()
    panel(answered).token_taken.emit(ord("x"), b"x")
    answered.run()
    assert answered.conversation.siblings(1) == (1, 1)


def test_a_pause_gives_the_panel_the_keyboard_and_resuming_follows_the_text(streaming: Stage):
    """What the hint says can be done can be done at once; a step that was next is not held when it is long past."""
    assert not panel(streaming).isAncestorOf(QApplication.focusWidget())
    streaming.window.actions_by_key["pause"].trigger()
    streaming.run()
    assert inspector(streaming).is_next
    before = len(streaming.conversation.messages[1].tokens)
    streaming.qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    streaming.run()
    assert len(streaming.conversation.messages[1].tokens) == before + 1
    streaming.window.actions_by_key["pause"].trigger()
    streaming.run()
    assert inspector(streaming).held is None


def test_resuming_leaves_an_older_token_held(streaming: Stage):
    streaming.program.choosing.pause_or_resume()
    streaming.run()
    inspector(streaming).hold(1, 1)
    streaming.program.choosing.pause_or_resume()
    streaming.run()
    assert inspector(streaming).held == (1, 1)


def test_a_word_that_was_clicked_is_taken_from_by_keys(answered: Stage):
    """The keyboard is in the conversation then; the panel's keys work there, and letters still begin a message."""
    focused = answered.window.transcript
    focused.setFocus()
    inspector(answered).hold(1, 4)
    answered.run()
    answered.qtbot.keyClicks(QApplication.focusWidget(), "2")
    answered.run()
    branch = answered.conversation.messages[1]
    assert answered.conversation.siblings(1) == (2, 2)
    assert branch.tokens[4].is_given
    assert answered.window.composer.text() == ""
    focused.setFocus()
    answered.qtbot.keyClicks(QApplication.focusWidget(), "a2")
    assert answered.window.composer.text() == "a2"


def test_digits_are_text_while_nothing_can_be_taken(answered: Stage):
    """The user's own words begin no version."""
    answered.window.transcript.setFocus()
    inspector(answered).hold(0, 1)
    answered.run()
    answered.qtbot.keyClicks(QApplication.focusWidget(), "2")
    assert answered.window.composer.text() == "2"
    assert sum(isinstance(request, GenerateRequest) for request in answered.engine.requests) == 1


def test_what_is_held_while_the_model_loads_is_explained_by_it(answered: Stage):
    answered.program.chat.load("/scripted")
    answered.conversation.messages[1].tokens[4].trace = None
    inspector(answered).hold(1, 4)
    assert explained(answered) == []
    answered.run()
    assert explained(answered)[-1].token_id == ord("o")


def test_a_draft_is_shown_again_after_a_hold_and_when_the_panel_opens(answered: Stage):
    """It is what is newest while the reader writes."""
    answered.window.composer.focus()
    answered.type("So")
    answered.qtbot.wait(400)
    answered.run()
    for leave, come_back in (
        (lambda: inspector(answered).hold(1, 4), inspector(answered).release),
        (answered.window.actions_by_key["panel"].toggle, answered.window.actions_by_key["panel"].toggle),
    ):
        shown = []
        show = panel(answered).show_draft
        leave()
        answered.run()
        panel(answered).show_draft = lambda trace, note, show=show, shown=shown: (shown.append(trace), show(trace, note))
        come_back()
        answered.run()
        assert len(shown) == 1
        panel(answered).show_draft = show


def test_a_draft_follows_the_temperature(answered: Stage):
    """What the slider does is seen at once on what would be drawn next."""
    answered.window.composer.focus()
    answered.type("So")
    answered.qtbot.wait(400)
    answered.run()
    answered.program.preferences.set_temperature(1.5)
    answered.run()
    draft = answered.engine.requests[-1]
    assert isinstance(draft, DraftRequest)
    assert draft.params.temperature == 1.5
