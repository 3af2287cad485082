"""The real window with the real worker thread: the bundled model, and a checkpoint without chat template."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.app import Glassbox
from gui.paths import Paths
from inference.types import StepTrace
from tests.tiny import tiny_checkpoint

BUNDLED = Paths.bundled_model()
needs_bundled = pytest.mark.skipif(BUNDLED is None, reason="there is no bundled model in resources/models")


@pytest.fixture
def start(qtbot: QtBot, tmp_path: Path) -> Iterator[object]:
    """Start the program with a model and wait until that is loaded."""
    programs: list[Glassbox] = []

    def starter(model: Path) -> Glassbox:
        program = Glassbox(QApplication.instance(), Paths(tmp_path / "profile"), model)
        program.preferences.update({"seed_mode": "fixed", "seed": 1})
        programs.append(program)
        with qtbot.waitSignal(program.host.model_ready, timeout=60_000):
            program.start()
        return program

    yield starter
    for program in programs:
        assert program.close()
        program.window.close()
        program.window.deleteLater()
        program.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def answer_to(qtbot: QtBot, program: Glassbox, text: str) -> object:
    program.window.composer.focus()
    qtbot.keyClicks(program.window.composer.edit, text)
    with qtbot.waitSignal(program.chat.answer_ended, timeout=60_000) as ended:
        qtbot.keyClick(program.window.composer.edit, Qt.Key.Key_Return)
    return program.conversation.messages[ended.args[0]]


@needs_bundled
def test_the_bundled_model_answers_a_typed_message(qtbot: QtBot, start: object):
    """Words arrive, every token's bytes spell the text, the last token has its probabilities, and they add up."""
    program = start(BUNDLED)
    answer = answer_to(qtbot, program, "Hello! How are you?")
    assert answer.status == "done"
    assert any(letter.isalpha() for letter in answer.text)
    assert b"".join(token.token_bytes for token in answer.tokens if not token.is_end).decode() == answer.text
    trace = answer.tokens[-1].trace
    assert isinstance(trace, StepTrace)
    assert trace.model_probs.sum() + trace.others_model_mass == pytest.approx(1, abs=1e-6)
    assert trace.sampling_probs.sum() + trace.others_sampling_mass == pytest.approx(1, abs=1e-6)


@needs_bundled
def test_the_second_turn_reads_only_what_is_new(qtbot: QtBot, start: object):
    program = start(BUNDLED)
    first = answer_to(qtbot, program, "Tell me a story about a cat.")
    second = answer_to(qtbot, program, "Thank you!")
    assert second.stats.reused_tokens >= first.stats.prompt_tokens + len(first.answer_ids) - 1
    assert second.stats.prompt_tokens - second.stats.reused_tokens < 15


@needs_bundled
def test_a_step_explained_later_equals_the_live_one(qtbot: QtBot, start: object):
    """Ask again for a step whose live trace is known: same draw, same rows, same probabilities."""
    program = start(BUNDLED)
    program.preferences.update({"max_new_tokens": 32})
    answer = answer_to(qtbot, program, "Tell me a story.")
    traced = next(i for i, token in enumerate(answer.tokens) if token.trace is not None and i > 3)
    live, answer.tokens[traced].trace = answer.tokens[traced].trace, None
    with qtbot.waitSignal(program.host.step_explained, timeout=10_000):
        program.inspector.hold(1, traced)
    again = answer.tokens[traced].trace
    assert (again.draw_u, again.chosen_id, again.removed_by) == (live.draw_u, live.chosen_id, live.removed_by)
    np.testing.assert_array_equal(again.ids, live.ids)
    np.testing.assert_allclose(again.model_probs, live.model_probs, rtol=1e-4)
    np.testing.assert_allclose(again.sampling_probs, live.sampling_probs, rtol=1e-4)


@needs_bundled
def test_a_token_is_explained_while_the_answer_streams(qtbot: QtBot, start: object):
    program = start(BUNDLED)
    program.preferences.update({"max_new_tokens": 400, "temperature": 1.5})
    program.window.composer.submitted.emit("Tell me a very long story about a dragon and a king.")
    qtbot.waitUntil(lambda: len(program.conversation.messages[1].tokens) > 8, timeout=20_000)
    untraced = next(i for i, token in enumerate(program.conversation.messages[1].tokens) if token.trace is None)
    with qtbot.waitSignal(program.host.step_explained, timeout=10_000):
        program.inspector.hold(1, untraced)
    with qtbot.waitSignal(program.chat.answer_ended, timeout=60_000):
        program.chat.stop()
    assert program.conversation.messages[1].tokens[untraced].trace is not None


def test_a_plain_language_model_chats_in_a_visible_scene(qtbot: QtBot, start: object, tmp_path: Path):
    """A GPT-2 checkpoint without template: the scene is shown, used, and the answer ends at the user's next line."""
    program = start(tiny_checkpoint(tmp_path / "gpt2", "gpt2", n_positions=512))
    program.preferences.update({"max_new_tokens": 16})
    assert program.window.transcript.front.scene.isVisible()
    answer = answer_to(qtbot, program, "Hello")
    assert answer.finish_reason in ("length", "stop", "end")
    assert "\nUser:" not in answer.text


@pytest.mark.parametrize("damage", ["config", "weights", "missing"])
def test_a_broken_model_is_told_in_a_sentence(qtbot: QtBot, start: object, tmp_path: Path, damage: str):
    """The banner says what is wrong with which file; the program lives on and loads a good model afterwards."""
    program = start(tiny_checkpoint(tmp_path / "good", "llama"))
    broken = tiny_checkpoint(tmp_path / "broken", "llama")
    if damage == "config":
        (broken / "config.json").write_text("{", encoding="utf-8")
    elif damage == "weights":
        weights = broken / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        broken = tmp_path / "nowhere"
    with qtbot.waitSignal(program.host.load_failed, timeout=20_000):
        program.chat.load(str(broken))
    assert program.window.banner.isVisible()
    assert {"config": "config.json", "weights": "model.safetensors", "missing": "nowhere"}[damage] in program.window.banner.text
    with qtbot.waitSignal(program.host.model_ready, timeout=20_000):
        program.chat.load(str(tmp_path / "good"))
