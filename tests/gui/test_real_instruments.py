"""The instruments in the real window with the real engine: branches, steps, replays, and the words of the user."""

import math
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.app import Glassbox
from inference.sampling import uniform
from tests.gui.test_real_engine import answer_to, start  # noqa: F401  a fixture
from tests.tiny import tiny_checkpoint


@pytest.fixture
def program(qtbot: QtBot, start: object, tmp_path: Path) -> Glassbox:  # noqa: F811
    """A tiny random model in float32, and answers of 24 tokens."""
    program = start(tiny_checkpoint(tmp_path / "llama", "llama"))
    program.preferences.update({"max_new_tokens": 24, "temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.2})
    return program


def wait_for_answer(qtbot: QtBot, program: Glassbox, action: object) -> object:
    with qtbot.waitSignal(program.chat.answer_ended, timeout=60_000) as ended:
        action()
    return program.conversation.messages[ended.args[0]]


def ids_of(message: object) -> list[int]:
    return [token.token_id for token in message.tokens]


def explained(qtbot: QtBot, program: Glassbox, message: int, token: int) -> object:
    program.conversation.messages[message].tokens[token].trace = None
    with qtbot.waitSignal(program.host.step_explained, timeout=10_000) as told:
        program.inspector.hold(message, token)
    return told.args[0].trace


def test_a_branch_crops_the_cache_and_draws_with_the_same_seed(qtbot: QtBot, program: Glassbox):
    """Only the new token is read, and every later draw is that of the seed at its position."""
    original = answer_to(qtbot, program, "Hello")
    other = next(i for i in range(5, 500) if i != original.tokens[8].token_id)
    branch = wait_for_answer(qtbot, program, lambda: program.chat.branch(1, 8, (other,)))
    assert ids_of(branch)[:9] == [*ids_of(original)[:8], other]
    assert branch.stats.reused_tokens == len(original.prompt_ids) + 8
    assert branch.stats.prompt_tokens - branch.stats.reused_tokens == 1
    assert explained(qtbot, program, 1, 12).draw_u == uniform(original.request.seed, 12)
    shared = explained(qtbot, program, 1, 3)
    assert (shared.draw_u, shared.chosen_id) == (uniform(original.request.seed, 3), original.tokens[3].token_id)


def test_paused_stepped_and_resumed_it_is_the_same_answer(qtbot: QtBot, program: Glassbox):
    """A pause after any token, some steps, and going on: the ids of an answer in one go, and the same text."""
    whole = answer_to(qtbot, program, "Hello")
    wait_for_answer(qtbot, program, lambda: program.chat.branch(1, 3, ids_of(whole)[3:4]))
    program.preferences.update({"max_new_tokens": 400})
    program.chat.answer_again(1)
    qtbot.waitUntil(lambda: len(program.conversation.messages[1].tokens) > 2, timeout=10_000)
    paused = wait_for_answer(qtbot, program, program.chat.pause)
    if paused.status == "paused":
        for _ in range(3):
            wait_for_answer(qtbot, program, program.chat.step)
        program.preferences.update({"max_new_tokens": 16})
        wait_for_answer(qtbot, program, program.chat.resume)
    ids = ids_of(paused)
    assert ids[: len(whole.tokens)] == ids_of(whole)[: len(ids)]
    data = b"".join(token.token_bytes for token in paused.tokens if not token.is_end)
    assert paused.text == data.decode("utf-8", "replace")


def test_a_replay_with_a_choice_by_hand_gives_the_same_tokens(qtbot: QtBot, program: Glassbox):
    original = answer_to(qtbot, program, "Hello")
    wait_for_answer(qtbot, program, lambda: program.chat.branch(1, 4, (77,)))
    told: list[int] = []
    program.commands.run("replay", 1, -1)
    program.replaying._report.finish_same = lambda count, given: told.append((count, given))
    program.replaying._report.finish_different = lambda *what: told.append(what)
    qtbot.waitUntil(lambda: told != [], timeout=20_000)
    assert told == [(len(program.conversation.messages[1].tokens), 5)]
    assert original.status == "done"


def test_the_users_words_have_the_numbers_of_the_prefill_and_their_trace_agrees(qtbot: QtBot, program: Glassbox):
    answer_to(qtbot, program, "Hello, how are you?")
    user = program.conversation.messages[0]
    assert "".join(token.token_bytes.decode() for token in user.tokens) == user.text
    for index, token in enumerate(user.tokens):
        trace = explained(qtbot, program, 0, index)
        assert trace.chosen_id == token.token_id
        assert math.isnan(trace.draw_u)
        assert trace.chosen_model_prob == pytest.approx(token.numbers.model_prob, rel=1e-4)
        assert trace.surprise_bits == pytest.approx(token.numbers.surprise_bits, rel=1e-4)
        assert trace.entropy_bits == pytest.approx(token.numbers.entropy_bits, rel=1e-4)
        assert trace.chosen_rank == token.numbers.rank
        assert math.isnan(token.numbers.sampling_prob)


def test_every_drawn_token_has_the_numbers_of_its_trace(qtbot: QtBot, program: Glassbox):
    answer = answer_to(qtbot, program, "Hello")
    for index, token in enumerate(answer.tokens):
        trace = explained(qtbot, program, 1, index)
        assert trace.chosen_model_prob == pytest.approx(token.numbers.model_prob, rel=1e-4)
        assert trace.chosen_sampling_prob == pytest.approx(token.numbers.sampling_prob, rel=1e-4)
        assert trace.chosen_rank == token.numbers.rank


def test_the_prompts_own_tokens_can_be_held(qtbot: QtBot, program: Glassbox):
    """The system prompt and the template, through the raw view."""
    program.preferences.update({"system_prompt": "Be brief."})
    answer = answer_to(qtbot, program, "Hello")
    with qtbot.waitSignal(program.host.step_explained, timeout=10_000) as told:
        program.inspector.hold(1, -len(answer.prompt_ids) + 2)
    assert told.args[0].trace.chosen_id == answer.prompt_ids[2]


def test_a_text_is_continued_and_a_branch_of_it_too(qtbot: QtBot, program: Glassbox):
    answer = wait_for_answer(qtbot, program, lambda: program.chat.continue_text("Once upon a time"))
    assert answer.text.startswith("Once upon a time")
    given = sum(token.is_given for token in answer.tokens)
    branch = wait_for_answer(qtbot, program, lambda: program.chat.branch(0, given + 2, (99,)))
    assert ids_of(branch)[: given + 3] == [*ids_of(answer)[: given + 2], 99]
    again = wait_for_answer(qtbot, program, lambda: program.chat.answer_again(0))
    assert ids_of(again)[:given] == ids_of(answer)[:given]


def test_a_draft_leaves_the_next_turn_as_fast(qtbot: QtBot, program: Glassbox):
    """What would follow the draft is read on top of the cache: the conversation is still there."""
    first = answer_to(qtbot, program, "Hello")
    with qtbot.waitSignal(program.host.draft_explained, timeout=10_000):
        program.window.composer.set_text("And now, what")
    second = answer_to(qtbot, program, " else?")
    assert second.stats.reused_tokens >= first.stats.prompt_tokens + len(first.answer_ids) - 1
