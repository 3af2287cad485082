"""Pausing, stepping, choosing by hand, branching, answering again, and what each of them asks of the engine."""

import pytest

from inference.types import GenerateRequest
from tests.gui.conftest import Stage

TEXT = "Hello there."


@pytest.fixture
def answered(stage: Stage) -> Stage:
    """One exchange with a fixed seed."""
    stage.ready()
    stage.program.preferences.update({"seed_mode": "fixed", "seed": 7})
    stage.program.chat.send("Hi")
    stage.run()
    return stage


@pytest.fixture
def paused(stage: Stage) -> Stage:
    """An answer paused after four tokens."""
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run(3 + 4)
    stage.program.chat.pause()
    stage.run()
    return stage


def generated(stage: Stage) -> list[GenerateRequest]:
    return [request for request in stage.engine.requests if isinstance(request, GenerateRequest)]


def test_a_branch_is_a_sibling_with_the_exact_ids_and_the_same_seed(answered: Stage):
    """The original stays; the prefix is its ids, then the token chosen by hand; draws go on with the same seed."""
    original = answered.conversation.messages[1]
    answered.program.chat.branch(1, 4, (ord("!"),))
    answered.run()
    branch = answered.conversation.messages[1]
    assert (branch.text, original.text) == ("Hell! there.", TEXT)
    assert answered.conversation.siblings(1) == (2, 2)
    request = generated(answered)[-1]
    assert request.prompt_ids == original.prompt_ids
    assert request.answer_prefix_ids == (*b"Hell", ord("!"))
    assert request.seed == original.request.seed == 7
    assert [token.is_given for token in branch.tokens[:6]] == [False] * 4 + [True, False]
    assert [token.numbers is not None for token in branch.tokens] == [True] * len(branch.tokens)
    assert (branch.branch_of, branch.shared_tokens) == (original.message_id, 4)


def test_versions_are_switched_with_their_own_continuations(answered: Stage):
    answered.program.chat.send("More")
    answered.run()
    answered.program.chat.branch(1, 1, (ord("a"),))
    answered.run()
    assert len(answered.conversation.messages) == 2
    answered.program.chat.show_sibling(1, -1)
    assert [message.text for message in answered.conversation.messages] == ["Hi", TEXT, "More", TEXT]


def test_answering_again_keeps_the_first_answer(answered: Stage):
    """What is sent is what came before the answer, not the answer itself."""
    answered.program.chat.send("More")
    answered.run()
    answered.program.chat.answer_again(1)
    answered.run()
    assert [message.content for message in generated(answered)[-1].messages] == ["Hi"]
    assert answered.conversation.siblings(1) == (2, 2)
    assert len(answered.conversation.messages) == 2


def test_a_branch_taken_while_the_answer_streams_stops_it_first(stage: Stage):
    stage.ready()
    stage.program.chat.send("Hi")
    stage.run(3 + 6)
    stage.program.chat.branch(1, 2, (ord("y"),))
    stage.run()
    assert stage.conversation.messages[1].text == "Heylo there."
    stage.program.chat.show_sibling(1, -1)
    assert stage.conversation.messages[1].status == "stopped"
    assert TEXT.startswith(stage.conversation.messages[1].text)


def test_a_pause_shows_what_comes_next(paused: Stage):
    """Nothing is chosen there yet; the question has the exact ids of everything before."""
    answer = paused.conversation.messages[1]
    assert answer.status == "paused"
    assert paused.program.inspector.held == (1, len(answer.tokens))
    question = paused.engine.requests[-1]
    assert question.token_id is None
    assert question.context_ids == answer.prompt_ids + tuple(token.token_id for token in answer.tokens)


def test_steps_draw_one_token_each_and_a_choice_by_hand_is_marked(paused: Stage):
    answer = paused.conversation.messages[1]
    before = len(answer.tokens)
    paused.program.chat.step()
    paused.run()
    assert (answer.status, len(answer.tokens)) == ("paused", before + 1)
    assert generated(paused)[-1].max_new_tokens == 1
    paused.window.panel.token_taken.emit(ord("?"), b"?")
    paused.run()
    assert (answer.status, len(answer.tokens)) == ("paused", before + 2)
    assert answer.tokens[-1].is_given
    assert answer.text == TEXT[: before + 1] + "?"
    assert not generated(paused)[-1].draws
    paused.program.chat.resume()
    paused.run()
    assert answer.status == "done"
    assert answer.text == TEXT[: before + 1] + "?" + TEXT[before + 2 :]
    assert paused.conversation.siblings(1) == (1, 1)


def test_resuming_with_other_settings_makes_another_version(paused: Stage):
    """What was drawn with the old settings stays explained by them."""
    original = paused.conversation.messages[1]
    kept = len(original.tokens)
    paused.program.preferences.update({"temperature": 1.9})
    paused.program.chat.resume()
    paused.run()
    answer = paused.conversation.messages[1]
    assert answer is not original
    assert (answer.text, answer.shared_tokens) == (TEXT, kept)
    assert answer.request.params.temperature == 1.9
    assert original.status == "stopped"
    paused.program.inspector.hold(1, 1)
    answer.tokens[1].trace = None
    paused.program.inspector.hold(1, 1)
    paused.run()
    assert paused.engine.requests[-1].params.temperature == original.request.params.temperature


def test_a_new_message_ends_a_paused_answer(paused: Stage):
    paused.program.chat.send("And?")
    paused.run()
    assert [message.status for message in paused.conversation.messages] == ["done", "stopped", "done", "done"]


def test_esc_leaves_the_pause_as_it_is_and_live_follows_again(paused: Stage):
    paused.window.escape_pressed.emit()
    assert paused.program.inspector.held is None
    assert paused.conversation.messages[1].status == "paused"


def test_a_text_is_continued_without_a_template(stage: Stage):
    """Its own tokens begin the answer and count as the reader's."""
    stage.ready()
    stage.window.composer.set_mode("continue")
    stage.window.composer.submitted.emit("Hell")
    stage.run()
    answer = stage.conversation.messages[0]
    assert (answer.role, answer.text) == ("assistant", TEXT)
    assert [token.is_given for token in answer.tokens[:5]] == [True] * 4 + [False]
    request = generated(stage)[-1]
    assert (request.text, request.messages) == ("Hell", ())


def test_a_replay_tells_that_nothing_differs_or_where(answered: Stage):
    told = []
    answered.program.commands.run("replay", 1, -1)
    report = answered.program.replaying._report
    report.finish_same = lambda count, _given: told.append(count)
    report.finish_different = lambda index, then, now: told.append((index, then, now))
    answered.run()
    assert told == [len(TEXT)]
    answered.engine.text = "Hello you."
    answered.program.commands.run("replay", 1, -1)
    answered.run()
    assert told[1] == (7, "t", "y")
    assert answered.conversation.messages[1].text == TEXT


def test_a_column_becomes_a_branch_that_was_drawn_not_chosen(answered: Stage):
    """Its tokens keep their numbers and its temperature, and the answer goes on after them."""
    program = answered.program
    program.commands.run("compare", 1, 4)
    program.comparing._dialog.run_requested.emit((0.0, 1.5), 3)
    answered.run()
    program.comparing._dialog.branch_requested.emit(1)
    assert program.comparing._dialog.message.text() == (
        "The column at T = 1.5 goes on in the chat, as another version of the answer."
    )
    answered.run()
    branch = answered.conversation.messages[1]
    request = generated(answered)[-1]
    assert request.params.temperature == 1.5
    assert request.answer_prefix_ids == tuple(TEXT[:7].encode())
    assert (branch.text, branch.shared_tokens) == (TEXT, 4)
    assert not any(token.is_given for token in branch.tokens)


def test_the_users_words_can_be_held(answered: Stage):
    """They are explained as text that was given: no draw, and what came before them is the context."""
    user = answered.conversation.messages[0]
    assert [bytes([token.token_id]) for token in user.tokens] == [b"H", b"i"]
    assert user.tokens[1].numbers is not None
    answered.program.inspector.hold(0, 1)
    answered.run()
    question = answered.engine.requests[-1]
    assert (question.context_ids, question.token_id, question.is_drawn) == ((ord("H"),), ord("i"), False)


def test_a_draft_shows_what_would_follow_and_sending_it_returns_to_live(answered: Stage):
    shown = []
    answered.window.panel.show_draft = lambda trace, note: shown.append(trace)
    answered.window.composer.focus()
    answered.type("Good")
    answered.qtbot.wait(400)
    answered.run()
    drafts = [request for request in answered.engine.requests if type(request).__name__ == "DraftRequest"]
    assert drafts[-1].messages[-1].content == "Good"
    assert len(shown) == len(drafts)
    answered.program.preferences.update({"drafts": "hidden"})
    answered.type("bye")
    answered.qtbot.wait(400)
    answered.run()
    assert len(shown) == len(drafts)


def test_a_message_written_differently_is_another_version(answered: Stage):
    """It comes back into the composer; sending it leaves the first one and its answer beside it."""
    window = answered.window
    answered.program.commands.run("edit", 0, -1)
    assert window.composer.text() == "Hi"
    window.composer.submitted.emit("Hi, you")
    answered.run()
    assert [message.text for message in answered.conversation.messages] == ["Hi, you", TEXT]
    assert answered.conversation.siblings(0) == (2, 2)
    answered.program.chat.show_sibling(0, -1)
    assert [message.text for message in answered.conversation.messages] == ["Hi", TEXT]


def test_esc_leaves_a_message_as_it_is(answered: Stage):
    answered.program.commands.run("edit", 0, -1)
    answered.window.escape_pressed.emit()
    assert answered.window.composer.text() == ""
    answered.window.composer.submitted.emit("New")
    answered.run()
    assert [message.text for message in answered.conversation.messages] == ["Hi", TEXT, "New", TEXT]


def test_a_text_is_written_on_in_turn_with_the_model(stage: Stage):
    """What one writes next follows what is there; the same message grows, and nothing of it is sent to a chat."""
    stage.ready()
    stage.engine.text = "Hello there, my friend."
    stage.program.preferences.update({"max_new_tokens": 16})
    stage.program.chat.continue_text("He")
    stage.run()
    stage.program.chat.continue_text("!!")
    stage.run()
    [text] = stage.conversation.messages
    assert text.text == "Hello there, my fr!!nd."
    assert [token.is_given for token in text.tokens][16:22] == [False, False, True, True, False, False]
    stage.program.chat.send("And?")
    stage.run()
    assert [message.content for message in generated(stage)[-1].messages] == ["And?"]


def test_what_was_read_and_what_was_in_the_cache_is_said(answered: Stage):
    """A branch shows that its beginning is not read again."""
    answered.engine.reused = 2
    answered.program.chat.branch(1, 4, (ord("!"),))
    answered.run()
    assert answered.window._speed.text().startswith("read 0, 2 from the cache · ")
