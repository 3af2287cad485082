"""What an error, an interrupt or a question in the middle of a run leaves behind: an engine that answers as ever."""

from pathlib import Path

import numpy as np
import pytest
import torch

import inference
from inference.engine import Engine
from inference.types import (
    CancelFlag,
    ExplainRequest,
    RunFailed,
    SamplingParams,
)
from tests.inference.test_engine import request, run
from tests.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama")
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


def failing_forward(engine: Engine, monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int = 0) -> None:
    """Let the model fail once, in its last norm: the cache has grown by then."""
    forward, calls = engine.model.final_norm.forward, []

    def fail(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == after + 1:
            raise error
        return forward(x)

    monkeypatch.setattr(engine.model.final_norm, "forward", fail)


def test_a_failed_explanation_leaves_cache_and_ids_alike(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """An error in the middle of a look back must not shorten the cache: what follows would be read at wrong places."""
    expected = run(llama, request(seed=21))
    context = expected[0][0].ids + expected[2].answer_ids[:4]
    failing_forward(llama, monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        llama.explain(ExplainRequest(1, context, None, request().params, 21, len(expected[0][0].ids)))
    assert llama.session.cache.length == len(llama.session.ids)
    assert run(llama, request(seed=21))[2].answer_ids == expected[2].answer_ids


def test_explaining_changes_nothing_in_the_cache(llama: Engine):
    """Not by rounding either: the same seed gives the same answer whether somebody looked at a step or not."""
    events, _, finished = run(llama, request(seed=21))
    before = llama.session.cache.keys.clone(), llama.session.cache.values.clone()
    for end in range(1, len(events[0].ids) + 4):
        llama.explain(ExplainRequest(1, (events[0].ids + finished.answer_ids)[:end], None))
    assert torch.equal(llama.session.cache.keys, before[0])
    assert torch.equal(llama.session.cache.values, before[1])


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_error_in_the_middle_of_a_step_is_over_with_the_next_request(
    llama: Engine, monkeypatch: pytest.MonkeyPatch, after: int
):
    """Whether reading or decoding failed: the next answer is the one of an engine that never failed."""
    expected = run(llama, request(seed=22))[2].answer_ids
    llama.session.rewind((1,))
    failing_forward(llama, monkeypatch, ZeroDivisionError(), after)
    with pytest.raises(ZeroDivisionError):
        list(llama.generate(request(seed=22)))
    assert run(llama, request(seed=22))[2].answer_ids == expected


def test_a_cache_that_could_not_grow_is_kept_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An interrupt between the allocation of a larger cache and the copy loses nothing."""
    engine = inference.load(tiny_checkpoint(tmp_path, "llama", max_position_embeddings=2600), threads=1, device="cpu")
    ids = [5 + i % 400 for i in range(1500)]
    list(engine.session.read(ids[:1000], CancelFlag()))
    allocate = engine.session._allocate

    class Interrupted:
        def __init__(self, capacity: int):
            self.keys = allocate(capacity).keys

        def __getattr__(self, name: str) -> object:
            raise ZeroDivisionError

    monkeypatch.setattr(engine.session, "_allocate", Interrupted)
    with pytest.raises(ZeroDivisionError):
        list(engine.session.read(ids[1000:1100], CancelFlag()))
    monkeypatch.undo()
    *_, hidden = engine.session.read(ids[1000:], CancelFlag())
    *_, last = engine.session.logits(hidden)
    np.testing.assert_allclose(last[-1], engine.logits(ids)[-1], atol=2e-4)


def test_an_answer_thrown_away_early_disturbs_nothing(llama: Engine):
    """A generator closed after any event leaves an engine that answers as ever."""
    expected = run(llama, request(seed=23))[2].answer_ids
    for events in range(1, 8):
        generator = llama.generate(request(seed=23))
        for _ in range(events):
            next(generator)
        generator.close()
        assert llama.session.cache.length == len(llama.session.ids)
        assert run(llama, request(seed=23))[2].answer_ids == expected


def test_no_memory_ends_the_run_with_a_sentence_and_frees_the_cache(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """The next request works again, from an empty cache."""
    expected = run(llama, request(seed=24))[2].answer_ids
    error = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
    failing_forward(llama, monkeypatch, error, after=2)
    *_, last = llama.generate(request(seed=24))
    assert (type(last), last.kind) == (RunFailed, "memory")
    assert "memory" in last.message
    assert (llama.session.ids, llama.session.cache.keys.nbytes) == ([], 0)
    assert run(llama, request(seed=24))[2].answer_ids == expected


def test_explaining_a_forgotten_text_reads_off_one_position(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """The logits of every position of a long text would not fit into memory: only the last one's are computed."""
    seen = []
    logits = llama.model.logits
    monkeypatch.setattr(llama.model, "logits", lambda hidden: seen.append(hidden.shape) or logits(hidden))
    llama.session.rewind((1,))
    context = tuple(range(5, 55))
    trace = llama.explain(ExplainRequest(1, context, 7, SamplingParams(), 0, 10)).trace
    assert seen == [(1, 64)]
    expected = torch.from_numpy(llama.logits(context)[-1]).double().softmax(0)[7]
    assert trace.chosen_model_prob == pytest.approx(float(expected), abs=1e-6)
