"""Pauses, restarts and changes of the model in the real window with the real engine."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gui.app import Glassbox
from gui.models.message import ChatMessage
from inference.sampling import uniform
from tests.gui.test_real_engine import answer_to, start  # noqa: F401  a fixture
from tests.gui.test_real_instruments import explained, ids_of, wait_for_answer
from tests.tiny import tiny_checkpoint

KINDS = {"llama": {}, "gpt2": {"n_positions": 512}}


def spelled(message: ChatMessage) -> str:
    """What an answer's tokens spell, whole."""
    return b"".join(token.token_bytes for token in message.tokens if not token.is_end).decode("utf-8", "replace")


def begin(start: object, folder: Path, kind: str) -> Glassbox:  # noqa: F811
    if not folder.exists():
        tiny_checkpoint(folder, kind, **KINDS[kind])
    program = start(folder)
    program.preferences.update({"max_new_tokens": 60, "temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.1})
    return program


def pause_after(qtbot: QtBot, program: Glassbox, index: int, tokens: int) -> ChatMessage:
    """The answer with this index, paused after exactly so many tokens, by steps."""
    message = program.conversation.messages[index]
    while len(message.tokens) < tokens and message.status == "paused":
        wait_for_answer(qtbot, program, program.chat.step)
    return message


def paused_at_once(qtbot: QtBot, program: Glassbox, text: str) -> ChatMessage:
    """The answer to a text, paused before its first token or soon after it."""
    program.chat.send(text)
    return wait_for_answer(qtbot, program, program.chat.pause)


def replayed(qtbot: QtBot, program: Glassbox, index: int) -> object:
    told: list[object] = []
    program.commands.run("replay", index, -1)
    program.replaying._report.finish_same = lambda count, _given: told.append(count)
    program.replaying._report.finish_different = lambda *what: told.append(what)
    qtbot.waitUntil(lambda: told != [], timeout=20_000)
    return told[0]


@pytest.mark.parametrize("kind", KINDS)
def test_text_held_back_at_a_pause_is_told_once_and_whole(qtbot: QtBot, start: object, tmp_path: Path, kind: str):  # noqa: F811
    """A random model draws broken characters: a paused text is a beginning of what the tokens spell, a stopped one is all."""
    program = begin(start, tmp_path / kind, kind)
    answer = paused_at_once(qtbot, program, "Hello")
    held_back = 0
    for count in range(len(answer.tokens), 40):
        pause_after(qtbot, program, 1, count)
        assert spelled(answer).startswith(answer.text)
        held_back += answer.text != spelled(answer)
    assert answer.status == "paused"
    assert held_back > 0
    while answer.text == spelled(answer):
        wait_for_answer(qtbot, program, program.chat.step)
    program.chat.stop()
    assert (answer.status, answer.text) == ("stopped", spelled(answer))
    assert answer.tokens[-1].end == answer.length


@pytest.mark.parametrize("kind", KINDS)
def test_a_pause_outlives_the_program(qtbot: QtBot, start: object, tmp_path: Path, kind: str):  # noqa: F811
    """Started again it is stepped, chosen for, resumed, replayed and branched as if nothing had been."""
    program = begin(start, tmp_path / kind, kind)
    before = paused_at_once(qtbot, program, "Hello")
    pause_after(qtbot, program, 1, 9)
    assert program.close()
    program = begin(start, tmp_path / kind, kind)
    answer = program.conversation.messages[1]
    assert (answer.status, answer.text, ids_of(answer)) == ("paused", before.text, ids_of(before))
    assert program.window.actions_by_key["step"].isEnabled()
    wait_for_answer(qtbot, program, program.chat.step)
    wait_for_answer(qtbot, program, lambda: program.chat.take((300,)))
    wait_for_answer(qtbot, program, program.chat.resume)
    assert answer.status == "done"
    assert [step for step, token in enumerate(answer.tokens) if token.is_given] == [10]
    assert spelled(answer).startswith(answer.text)
    assert replayed(qtbot, program, 1) == len(answer.tokens)
    assert explained(qtbot, program, 1, 3).draw_u == uniform(answer.request.seed, 3)
    branch = wait_for_answer(qtbot, program, lambda: program.chat.branch(1, 5, (301,)))
    assert ids_of(branch)[:6] == [*ids_of(answer)[:5], 301]
    assert explained(qtbot, program, 1, 3).draw_u == uniform(answer.request.seed, 3)
    assert replayed(qtbot, program, 1) == len(branch.tokens)


def test_a_pause_whose_end_was_held_back_ends_whole_after_a_restart(qtbot: QtBot, start: object, tmp_path: Path):  # noqa: F811
    """What was held back is not in the file: the tokens say it."""
    program = begin(start, tmp_path / "llama", "llama")
    before = paused_at_once(qtbot, program, "Hello")
    while before.text == spelled(before):
        wait_for_answer(qtbot, program, program.chat.step)
    assert program.close()
    program = begin(start, tmp_path / "llama", "llama")
    answer = program.conversation.messages[1]
    assert answer.text != spelled(answer)
    program.chat.stop()
    assert (answer.status, answer.text) == ("stopped", spelled(answer))


def test_a_line_break_that_a_stop_made_final_is_not_told_twice(qtbot: QtBot, start: object, tmp_path: Path):  # noqa: F811
    """In a scene it may begin a speaker's name, so the engine holds it back; the answer is stopped there and goes on."""
    program = begin(start, tmp_path / "gpt2", "gpt2")
    paused_at_once(qtbot, program, "Hello")
    [line_break] = program.host._worker._engine.tokenizer.encode("\n")
    wait_for_answer(qtbot, program, lambda: program.chat.take((line_break,)))
    program.chat.stop()
    assert program.conversation.messages[1].text.endswith("\n")
    wait_for_answer(qtbot, program, lambda: program.chat.resume(1))
    answer = program.conversation.messages[1]
    assert spelled(answer).startswith(answer.text)


def test_an_end_token_chosen_by_hand_ends_the_answer(qtbot: QtBot, start: object, tmp_path: Path):  # noqa: F811
    """At a pause and as a branch; either is the same when it is run again."""
    program = begin(start, tmp_path / "llama", "llama")
    answer = paused_at_once(qtbot, program, "Hello")
    pause_after(qtbot, program, 1, 4)
    end = next(iter(program.host._worker._engine.chat.end_ids))
    wait_for_answer(qtbot, program, lambda: program.chat.take((end,)))
    assert (answer.status, answer.finish_reason, answer.tokens[-1].is_end) == ("done", "end", True)
    assert answer.tokens[-1].numbers is not None
    assert program.inspector.held is None
    assert replayed(qtbot, program, 1) == 5
    branch = wait_for_answer(qtbot, program, lambda: program.chat.branch(1, 2, (end,)))
    assert (branch.status, branch.finish_reason, ids_of(branch)) == ("done", "end", [*ids_of(answer)[:2], end])
    assert replayed(qtbot, program, 1) == 3


def test_the_full_context_ends_steps_with_a_sentence(qtbot: QtBot, start: object, tmp_path: Path):  # noqa: F811
    """The answer keeps its tokens, and is part of what is said."""
    program = start(tiny_checkpoint(tmp_path / "small", "llama", max_position_embeddings=64))
    program.preferences.update({"temperature": 1.0})
    answer = paused_at_once(qtbot, program, "Hi")
    for _ in range(70):
        if answer.status != "paused" or "context" in answer.note:
            break
        wait_for_answer(qtbot, program, program.chat.step)
    assert "context" in answer.note
    assert answer.status in ("paused", "done")
    assert len(answer.prompt_ids) + len(answer.tokens) in (64, 65)
    assert len(program.conversation.as_request_messages()) == 2


def test_another_model_in_mid_answer_leaves_the_first_ones_words_alone(qtbot: QtBot, start: object, tmp_path: Path):  # noqa: F811
    """The comparison and the question that were under way end; what the first model wrote is not asked of the second."""
    program = begin(start, tmp_path / "llama", "llama")
    first = answer_to(qtbot, program, "Hello")
    program.commands.run("compare", 1, 3)
    ends: list[object] = []
    program.comparing._dialog.finish = ends.append
    program.comparing._dialog.run_requested.emit((0.0, 1.0), 400)
    program.inspector.hold(1, 2)
    with qtbot.waitSignal(program.host.model_ready, timeout=60_000):
        program.loading._load(str(tiny_checkpoint(tmp_path / "gpt2", "gpt2", **KINDS["gpt2"])))
    assert [end.reason for end in ends] == ["cancelled"]
    program.chat.resume(1)
    program.chat.branch(1, 2, (9,))
    program.chat.take((9,))
    program.inspector.hold(1, len(first.tokens) - 1)
    assert not program.chat.is_busy
    assert program.conversation.siblings(1) == (1, 1)
    second = answer_to(qtbot, program, "And you?")
    assert second.weights_hash != first.weights_hash
    assert second.status == "done"
