"""A long conversation that was just opened is read once, not for every question about it; a run is never disturbed by that."""

from pathlib import Path

import numpy as np
import pytest

from inference.engine import Engine
from inference.types import DraftRequest, ExplainRequest, GenerateRequest, PrefillProgress, RunFinished, TokenEvent
from tests.tiny import tiny_checkpoint

CONTEXT = tuple(5 + step * 7 % 400 for step in range(300))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama", max_position_embeddings=1024)


@pytest.fixture
def engine(folder: Path) -> Engine:
    return Engine.load(folder, device="cpu", dtype="float32", threads=1)


@pytest.fixture
def read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass through the model has."""
    counts: list[int] = []
    forward = engine.model.forward

    def counted(ids: object, *more: object) -> object:
        counts.append(ids.shape[1])
        return forward(ids, *more)

    monkeypatch.setattr(engine.model, "forward", counted)
    return counts


def question(context: tuple[int, ...]) -> ExplainRequest:
    return ExplainRequest(0, context, None, answer_start=len(context))


def answer(engine: Engine, **changes: object) -> tuple[list[int], RunFinished]:
    events = list(engine.generate(GenerateRequest(1, prompt_ids=CONTEXT, seed=3, max_new_tokens=8, **changes)))
    return [event.token_id for event in events if isinstance(event, TokenEvent)], events[-1]


def test_walking_through_a_conversation_that_was_just_opened_reads_it_once(engine: Engine, read: list[int]):
    """Back and forth, every further step reads a few tokens; the answer that follows finds all of it in the cache."""
    engine.explain(question(CONTEXT[:280]))
    assert sum(read) == 280
    for end in (279, 278, 281, 282, 290):
        read.clear()
        engine.explain(question(CONTEXT[:end]))
        assert sum(read) <= 12
    _, finished = answer(engine)
    assert finished.stats.reused_tokens == 280


def test_what_is_told_is_that_of_an_engine_that_read_nothing_before(engine: Engine, folder: Path):
    fresh = Engine.load(folder, device="cpu", dtype="float32", threads=1)
    engine.explain(question(CONTEXT[:250]))
    told, expected = engine.explain(question(CONTEXT[:251])), fresh.explain(question(CONTEXT[:251]))
    np.testing.assert_allclose(told.trace.model_probs, expected.trace.model_probs, rtol=1e-4)
    assert answer(engine)[0] == answer(fresh)[0]


def test_drafts_of_a_conversation_that_was_just_opened_read_it_once(engine: Engine, read: list[int]):
    engine.explain_draft(DraftRequest(0, text="Once", prefix_ids=CONTEXT))
    read.clear()
    engine.explain_draft(DraftRequest(0, text="Once upon", prefix_ids=CONTEXT))
    assert sum(read) < 16


def test_a_question_in_the_middle_of_a_run_keeps_nothing(engine: Engine, folder: Path):
    """Asked after every event about something far ahead of what is read: the run is as without."""
    expected, _ = answer(Engine.load(folder, device="cpu", dtype="float32", threads=1))
    ids = []
    for event in engine.generate(GenerateRequest(1, prompt_ids=CONTEXT, seed=3, max_new_tokens=8)):
        if isinstance(event, TokenEvent):
            ids.append(event.token_id)
        if isinstance(event, PrefillProgress | TokenEvent):
            before = list(engine.session.ids)
            engine.explain(question(CONTEXT + tuple(ids) + CONTEXT))
            assert engine.session.ids == before
    assert ids == expected


def test_a_question_beside_the_conversation_leaves_it_in_the_cache(engine: Engine):
    answer(engine)
    before = list(engine.session.ids)
    engine.explain(question(tuple(reversed(CONTEXT))))
    assert engine.session.ids == before
