"""One thing begun while another goes on, answers that come too late, and answers of models that are gone."""

from dataclasses import replace

import pytest

from gui.inspector import Inspector
from inference.types import DraftRequest, ExplainRequest, GenerateRequest, PromptSpan, PromptTokens, RunFailed
from tests.gui.conftest import Stage
from tests.gui.scripted import ScriptedEngine, make_spec
from tests.gui.test_versions import TEXT, answered, generated, paused  # noqa: F401  fixtures


def texts(stage: Stage) -> list[str]:
    return [message.text for message in stage.conversation.messages]


def reports(stage: Stage) -> list[object]:
    """What the replay's window is told from now on."""
    told: list[object] = []
    report = stage.program.replaying._report
    report.finish_same = lambda count, _given: told.append(("same", count))
    report.finish_different = lambda *what: told.append(("different", *what))
    report.finish_stopped = lambda count: told.append(("stopped", count))
    return told


def load_another(stage: Stage) -> None:
    """Another model, with other weights, is loaded."""
    stage.engine.spec = make_spec(weights_hash="other")
    stage.program.chat.load("/other")
    stage.run()


# -- what runs beside the conversation ---------------------------------------------------------------------------------


def test_a_comparison_begun_during_a_replay_ends_it_without_a_verdict(answered: Stage):  # noqa: F811
    """The replay was stopped: the comparison's end says nothing about it."""
    program = answered.program
    program.commands.run("replay", 1, -1)
    told = reports(answered)
    program.commands.run("compare", 1, 4)
    program.comparing._dialog.run_requested.emit((0.0, 1.5), 3)
    answered.run()
    assert told == [("stopped", 0)]


def test_a_replay_begun_during_a_comparison_ends_that(answered: Stage):  # noqa: F811
    """The comparison's window stops waiting at once, and the replay has its own verdict."""
    program = answered.program
    program.commands.run("compare", 1, 4)
    dialog = program.comparing._dialog
    dialog.run_requested.emit((0.0, 1.5), 3)
    ends: list[str] = []
    dialog.finish = lambda finished: ends.append(finished.reason)
    program.commands.run("replay", 1, -1)
    assert ends == ["cancelled"]
    told = reports(answered)
    answered.run()
    assert told == [("same", len(TEXT))]
    assert ends == ["cancelled"]


def test_a_column_taken_while_another_version_is_being_made_waits_for_its_end(answered: Stage):  # noqa: F811
    """Every token goes to the answer it belongs to."""
    program = answered.program
    program.commands.run("compare", 1, 4)
    program.comparing._dialog.run_requested.emit((0.0, 1.5), 3)
    answered.run()
    program.chat.answer_again(1)
    answered.run(3 + 5)
    program.comparing._dialog.branch_requested.emit(1)
    answered.run()
    versions = answered.conversation._tree.siblings(1)
    assert [(message.text, message.status) for message in versions] == [(TEXT, "done"), ("Hello", "stopped"), (TEXT, "done")]
    assert versions[2].branch_of == versions[0].message_id
    assert answered.conversation.messages[1] is versions[2]


def test_a_replay_compares_with_the_answer_as_it_was_when_asked_for(paused: Stage):  # noqa: F811
    """Steps drawn while it runs are not missing from it."""
    count = len(paused.conversation.messages[1].tokens)
    paused.program.commands.run("replay", 1, -1)
    told = reports(paused)
    paused.program.chat.resume()
    paused.worker.pending.reverse()  # the answer goes on first
    paused.run()
    assert len(paused.conversation.messages[1].tokens) == len(TEXT)
    assert told == [("same", count)]


# -- questions that are answered late ----------------------------------------------------------------------------------


def test_what_was_known_of_the_next_step_is_not_told_of_the_token_drawn_there(paused: Stage):  # noqa: F811
    """After going on, the step's own trace counts: an export of it has its choice."""
    answer = paused.conversation.messages[1]
    step = len(answer.tokens)
    paused.program.chat.resume()
    paused.run()
    paused.program.inspector.hold(1, step)
    _message, token, known = paused.program.inspector.shown()
    trace = getattr(known, "trace", known)
    assert (token, trace.chosen_id) == (step, answer.tokens[step].token_id)


def test_going_on_after_a_pause_follows_the_newest_token(paused: Stage):  # noqa: F811
    """The panel was held on what comes next; once that is drawn nothing is held."""
    paused.program.chat.resume()
    paused.run()
    assert paused.conversation.messages[1].status == "done"
    assert paused.program.inspector.held is None


def test_a_step_that_ends_the_answer_shows_its_last_token(paused: Stage):  # noqa: F811
    paused.engine.text = paused.conversation.messages[1].text + "!"
    paused.program.chat.step()
    paused.run()
    paused.program.chat.step()  # there is nothing more: the script ends here
    paused.run()
    assert paused.conversation.messages[1].status == "done"
    assert paused.program.inspector.held is None


def test_a_late_answer_about_a_text_is_not_shown_at_another_step(answered: Stage):  # noqa: F811
    """Asked at one token, answered when the panel follows the newest again: not said of that."""
    told = []
    answered.window.panel.show_answer = told.append
    answered.program.inspector.hold(1, 3)
    answered.run()
    answered.window.panel.asked.emit(" Snape")
    answered.program.inspector.release()
    answered.run()
    assert told == []


def test_a_token_of_the_prompt_cannot_be_replaced(answered: Stage):  # noqa: F811
    """What the template wrote can be held, but an answer does not branch there."""
    answered.program.inspector.hold(1, -1)
    answered.run()
    answered.window.panel.token_taken.emit(ord("x"), b"x")
    answered.run()
    assert answered.conversation.siblings(1) == (1, 1)


def test_walking_back_beyond_the_first_token_of_a_prompt_goes_nowhere(answered: Stage):  # noqa: F811
    answered.program.chat.send("More")
    answered.run()
    answer = answered.conversation.messages[3]
    first = (3, 1 - len(answer.prompt_ids))
    answered.program.inspector.hold(*first)
    answered.program.inspector.step_by(-1)
    assert answered.program.inspector.held == first


# -- models that are gone ----------------------------------------------------------------------------------------------


def test_nothing_is_asked_of_a_model_about_an_answer_of_another(answered: Stage):  # noqa: F811
    """Its ids mean other tokens here: no branch, no going on, no raw view, and what is being made is not stopped for it."""
    load_another(answered)
    answered.program.chat.send("More")
    answered.run(3 + 2)
    before = len(answered.engine.requests)
    answered.program.chat.branch(1, 2, (ord("x"),))
    answered.program.chat.resume(1)
    answered.program.commands.run("raw", 1, -1)
    answered.run()
    assert answered.engine.requests[before:] == []
    assert texts(answered) == ["Hi", TEXT, "More", TEXT]
    assert answered.conversation.messages[3].status == "done"


def test_an_answer_that_never_had_a_model_is_not_taken_further(stage: Stage):
    """Stopped before there was one, it has no request: going on with it does nothing, and does not fail."""
    stage.program.chat.send("Hi")
    stage.program.chat.stop()
    stage.ready()
    stage.program.chat.resume(1)
    stage.run()
    assert (stage.conversation.messages[1].status, generated(stage)) == ("stopped", [])


def test_a_paused_answer_of_a_model_that_is_gone_offers_no_step(paused: Stage):  # noqa: F811
    states: list[str] = []
    paused.window.panel.set_stepping = states.append
    load_another(paused)
    assert states[-1] == "none"
    assert not paused.window.actions_by_key["step"].isEnabled()
    assert not paused.window.actions_by_key["pause"].isEnabled()


# -- steps that cannot be taken ----------------------------------------------------------------------------------------


class FullEngine(ScriptedEngine):
    """Says that the context is full when an answer is to go further."""

    def generate(self, request: GenerateRequest):
        if not request.known_tokens:
            yield from super().generate(request)
            return
        yield RunFailed(request.run_id, "context", "The context is full.")


def test_a_step_that_fails_leaves_the_answer_as_it_was(paused: Stage):  # noqa: F811
    """It is still paused, says why, and is still part of what the model is told next."""
    answer = paused.conversation.messages[1]
    before = answer.text
    paused.worker.engine = FullEngine()
    paused.program.chat.step()
    paused.run()
    assert (answer.text, answer.status, answer.note) == (before, "paused", "The context is full.")
    paused.program.chat.resume()
    paused.run()
    assert (answer.text, answer.status, answer.note) == (before, "stopped", "The context is full.")
    assert [message.content for message in paused.conversation.as_request_messages()] == ["Hi", before]


def test_a_step_that_is_stopped_leaves_a_stopped_answer(paused: Stage):  # noqa: F811
    """Though the step itself was over: no limit of a token is spoken of."""
    paused.program.chat.step()
    paused.worker.run()  # the step's end is on its way
    paused.program.chat.stop()
    paused.qtbot.waitUntil(lambda: not paused.program.chat.is_busy)
    answer = paused.conversation.messages[1]
    assert (answer.status, answer.note) == ("stopped", "Stopped.")


@pytest.mark.parametrize("moment", [1, 2, 3, 6])
def test_a_new_chat_at_any_moment_hears_nothing_of_the_old_one(stage: Stage, moment: int):
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run(moment)
    stage.program.chat.pause()
    stage.program.chat.new_chat()
    stage.program.chat.send("Anew")
    stage.run()
    assert texts(stage) == ["Anew", TEXT]
    assert [message.status for message in stage.conversation.messages] == ["done", "done"]


def test_a_branch_asked_for_twice_is_made_once(stage: Stage):
    """While the first waits for the running answer to stop, the second replaces it."""
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run(3 + 6)
    stage.program.chat.branch(1, 2, (ord("y"),))
    stage.program.chat.branch(1, 3, (ord("z"),))
    stage.run()
    assert stage.conversation.siblings(1) == (2, 2)
    assert stage.conversation.messages[1].text == "Helzo there."


def test_traces_asked_for_again_do_not_push_others_out(answered: Stage):  # noqa: F811
    """A slider that asks a hundred times for one step is one step in memory."""
    inspector: Inspector = answered.program.inspector
    inspector.hold(1, 3)
    before = len(answered.conversation._traced)
    for _ in range(5):
        inspector._ask()
        answered.run()
    assert sum(isinstance(request, ExplainRequest) for request in answered.engine.requests) >= 5
    assert len(answered.conversation._traced) == before


# -- what the model no longer sees -------------------------------------------------------------------------------------


class ForgetfulEngine(ScriptedEngine):
    """Sees the last message only."""

    def generate(self, request: GenerateRequest):
        count = len(request.messages)
        for event in super().generate(request):
            if isinstance(event, PromptTokens) and count > 1:
                last = request.messages[-1].content.encode()
                spans = (PromptSpan(0, len(last), "content", count - 1),)
                names = tuple(bytes([value]) for value in last)
                dropped = tuple(range(count - 1))
                event = replace(event, ids=tuple(last), spans=spans, dropped=dropped, token_bytes=names)
            yield event


@pytest.fixture
def forgetful(stage: Stage) -> Stage:
    """Two exchanges; for the second answer the first exchange no longer fitted."""
    stage.engine = stage.worker.engine = ForgetfulEngine()
    stage.ready()
    for text in ("Hi", "More"):
        stage.program.chat.send(text)
        stage.run()
    assert forgotten(stage) == [0, 1]
    return stage


def forgotten(stage: Stage) -> list[int]:
    return [index for index, message in enumerate(stage.conversation.messages) if message.is_forgotten]


def raw_chips(stage: Stage, index: int) -> str:
    """The raw view's tokens as text, those that the model does not see in brackets."""
    shown: list[object] = []
    stage.program.commands.run("raw", index, -1)
    stage.program.looking._view.show_tokens = lambda chips, _used, _limit: shown.append(chips)
    stage.run()
    return "".join(f"[{chr(chip.token_id)}]" if chip.is_forgotten else chr(chip.token_id) for chip in shown[-1])


def test_the_raw_view_greys_what_did_not_fit_that_answer(forgetful: Stage):
    """An older answer was made from what has been forgotten since: nothing of that is greyed, or there twice."""
    assert raw_chips(forgetful, 1) == "Hi" + TEXT
    assert raw_chips(forgetful, 3) == "".join(f"[{letter}]" for letter in "Hi" + TEXT) + "More" + TEXT


def test_a_branch_of_an_answer_marks_what_that_one_did_not_see(forgetful: Stage):
    forgetful.program.chat.branch(3, 2, (ord("y"),))
    forgetful.run()
    assert forgotten(forgetful) == [0, 1]
    forgetful.program.chat.branch(1, 2, (ord("y"),))
    forgetful.run()
    assert forgotten(forgetful) == []


def test_another_version_marks_what_its_last_answer_did_not_see(forgetful: Stage):
    forgetful.program.chat.branch(1, 2, (ord("y"),))
    forgetful.run()
    forgetful.program.chat.show_sibling(1, -1)
    assert forgotten(forgetful) == [0, 1]


def test_a_text_that_is_continued_says_nothing_of_the_chat(forgetful: Stage):
    """It is no part of what was said, so it neither sees nor forgets it."""
    forgetful.program.chat.continue_text("He")
    forgetful.run()
    assert forgotten(forgetful) == [0, 1]


# -- what is being written ---------------------------------------------------------------------------------------------


def test_a_draft_is_looked_at_anew_when_the_conversation_before_it_changes(answered: Stage):  # noqa: F811
    """An answer about the draft after another conversation, still on its way, is not shown."""
    shown = []
    answered.window.panel.show_draft = lambda trace, note: shown.append(trace)
    answered.window.composer.set_text("Good")
    answered.qtbot.wait(200)
    answered.program.chat.new_chat()
    answered.run()
    drafts = [request for request in answered.engine.requests if isinstance(request, DraftRequest)]
    assert [message.content for message in drafts[-1].messages] == ["Good"]
    assert len(shown) == 1


def test_a_message_that_left_the_screen_is_no_longer_written_differently(answered: Stage):  # noqa: F811
    """The composer does not claim that sending makes another version of it."""
    program, composer = answered.program, answered.window.composer
    program.chat.send("More")
    answered.run()
    program.commands.run("edit", 2, -1)
    assert composer.hint.text() != ""
    program.chat.answer_again(1)
    answered.run()
    assert composer.hint.text() == ""
    assert composer.text() == "More"
    composer.submitted.emit("Other")
    answered.run()
    assert texts(answered) == ["Hi", TEXT, "Other", TEXT]


def test_a_text_to_be_continued_stays_in_the_composer_while_there_is_no_model(stage: Stage):
    """It would be saved nowhere: its tokens are what a model makes of it."""
    composer = stage.window.composer
    composer.set_mode("continue")
    composer.submitted.emit("Once upon a time")
    assert composer.text() == "Once upon a time"
    assert texts(stage) == []
    stage.ready()
    composer.submitted.emit("Hell")
    stage.run()
    assert texts(stage) == [TEXT]
