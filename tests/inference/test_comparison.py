"""Temperatures side by side: every column is the answer that its temperature alone would give."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import inference
from inference.engine import Engine
from inference.errors import RequestError
from inference.session import Session
from inference.types import (
    CancelFlag,
    ColumnEnded,
    ColumnToken,
    CompareRequest,
    Event,
    GenerateRequest,
    PrefillProgress,
    RunFailed,
    RunFinished,
    SamplingParams,
    TokenEvent,
)
from tests.inference.test_engine import run
from tests.tiny import tiny_checkpoint

PROMPT, PREFIX = tuple(range(30, 50)), (70, 71, 72)
TEMPERATURES = (0.0, 0.4, 1.0, 0.0, 1.0, 3.0)


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """In float64, where no rounding of a batch can change a choice."""
    loaded = inference.load(tiny_checkpoint(tmp_path_factory.mktemp(request.param), request.param), device="cpu", threads=1)
    session = Session(loaded.model.double(), loaded.spec.context_tokens, torch.device("cpu"), torch.float64)
    return Engine(loaded.spec, loaded.model, loaded.tokenizer, loaded.chat, session)


def wanted(**changes: object) -> CompareRequest:
    values = {"run_id": 4, "prompt_ids": PROMPT, "temperatures": TEMPERATURES, "answer_prefix_ids": PREFIX, "seed": 6}
    return CompareRequest(**(values | {"max_new_tokens": 25} | changes))


def compare(engine: Engine, request: CompareRequest) -> tuple[list[Event], list[list[TokenEvent]], dict[int, ColumnEnded]]:
    events = list(engine.compare(request))
    assert isinstance(events[-1], RunFinished), events[-1]
    columns: list[list[TokenEvent]] = [[] for _ in request.temperatures]
    ended: dict[int, ColumnEnded] = {}
    for event in events:
        assert event.run_id == request.run_id
        if isinstance(event, ColumnToken):
            assert event.column not in ended
            columns[event.column].append(event.event)
        elif isinstance(event, ColumnEnded):
            assert event.column not in ended
            ended[event.column] = event
    assert sorted(ended) == list(range(len(columns)))
    return events, columns, ended


def alone(engine: Engine, request: CompareRequest, temperature: float) -> tuple[list[TokenEvent], RunFinished]:
    """What `generate` answers at one temperature."""
    _, tokens, finished = run(
        engine,
        GenerateRequest(
            request.run_id,
            prompt_ids=request.prompt_ids,
            answer_prefix_ids=request.answer_prefix_ids,
            known_tokens=len(request.answer_prefix_ids),
            params=replace(request.params, temperature=temperature),
            seed=request.seed,
            max_new_tokens=request.max_new_tokens,
            stop=request.stop,
            scene=request.scene,
            with_numbers=True,
        ),
    )
    return tokens, finished


@pytest.mark.parametrize(
    "params",
    [SamplingParams(), SamplingParams(top_k=50, top_p=0.9, min_p=0.01), SamplingParams(repetition_penalty=1.4)],
    ids=["plain", "filters", "penalty"],
)
@pytest.mark.parametrize("seed", [6, 7, 8])
def test_each_column_is_the_answer_of_its_temperature_alone(engine: Engine, params: SamplingParams, seed: int):
    """Ids, steps, text, numbers and end, whichever rows leave the batch before it; at 0 all are the same text."""
    request = wanted(params=params, seed=seed)
    _, columns, ended = compare(engine, request)
    for index, temperature in enumerate(TEMPERATURES):
        tokens, finished = alone(engine, request, temperature)
        for ours, theirs in zip(columns[index], tokens, strict=True):
            assert (ours.token_id, ours.step, ours.text, ours.is_end) == (
                theirs.token_id,
                theirs.step,
                theirs.text,
                theirs.is_end,
            )
            np.testing.assert_allclose(ours.numbers, theirs.numbers, atol=1e-9)
        end = ended[index]
        assert (end.reason, end.text_tail, end.answer_ids) == (finished.reason, finished.text_tail, finished.answer_ids)
    assert ended[0].answer_ids == ended[3].answer_ids
    assert ended[2].answer_ids == ended[4].answer_ids


def test_columns_leave_when_they_end(engine: Engine):
    """By their own end or stop text, while the others go on; the run's last word comes after all of them."""
    texts = [engine.tokenizer.decode(end.answer_ids[3:]) for end in compare(engine, wanted())[2].values()]
    stop = next(text[i : i + 2] for text in texts for i in range(4, 20) if 0 < sum(text[i : i + 2] in t for t in texts) < 4)
    request = wanted(stop=(stop,))
    events, columns, ended = compare(engine, request)
    reasons = [ended[i].reason for i in range(len(TEMPERATURES))]
    assert "stop" in reasons
    assert "length" in reasons
    assert len({len(column) for column in columns}) > 1
    for index, temperature in enumerate(TEMPERATURES):
        assert ended[index].answer_ids == alone(engine, request, temperature)[1].answer_ids
    finished = events[-1]
    assert (finished.reason, finished.answer_ids, finished.text_tail) == ("length", (), "")
    assert finished.stats.new_tokens == sum(map(len, columns))


def test_the_beginning_is_read_once_and_reused(engine: Engine):
    """With progress; the session keeps it, so that a column becomes a branch at once."""
    engine.session.clear()
    events, _, ended = compare(engine, wanted())
    progress = [event for event in events if isinstance(event, PrefillProgress)]
    assert progress[-1].done_tokens == progress[-1].total_tokens == 23
    assert tuple(engine.session.ids) == PROMPT + PREFIX
    branch = GenerateRequest(1, prompt_ids=PROMPT, answer_prefix_ids=ended[5].answer_ids[:10], max_new_tokens=1)
    assert next(engine.generate(branch)).reused_tokens == 23
    events = compare(engine, wanted())[0]
    assert events[-1].stats.reused_tokens == 22  # all but the last, though the branch read on behind it
    assert events[-1].stats.prompt_tokens == 23


def test_a_comparison_goes_to_the_end_of_the_context(engine: Engine):
    request = wanted(prompt_ids=tuple(range(5, 110)), max_new_tokens=500)
    _, columns, ended = compare(engine, request)
    assert "context" in {end.reason for end in ended.values()}
    for index, temperature in enumerate(TEMPERATURES):
        tokens, finished = alone(engine, request, temperature)
        assert [event.token_id for event in columns[index]] == [event.token_id for event in tokens]
        assert ended[index].reason == finished.reason


def test_a_comparison_can_be_stopped(engine: Engine):
    """Within one step, every column keeps what it has; also while the beginning is read."""
    flag, received = CancelFlag(), []
    for event in engine.compare(wanted(cancel=flag)):
        received.append(event)
        if isinstance(event, ColumnToken) and event.event.step == 6:
            flag.set()
    ended = [event for event in received if isinstance(event, ColumnEnded)]
    assert received[-1].reason == "cancelled"
    assert len(ended) == len(TEMPERATURES)
    assert {len(event.answer_ids) for event in ended if event.reason == "cancelled"} == {7}
    _, columns, ended = compare(engine, wanted(cancel=flag))
    assert [len(column) for column in columns] == [0] * 6
    assert {(end.reason, end.answer_ids) for end in ended.values()} == {("cancelled", PREFIX)}


def test_a_beginning_that_has_ended_leaves_nothing_to_compare(engine: Engine):
    end = min(engine.chat.end_ids)
    events, columns, ended = compare(engine, wanted(answer_prefix_ids=(*PREFIX, end)))
    assert [len(column) for column in columns] == [0] * 6
    assert {(end.reason, end.answer_ids) for end in ended.values()} == {("end", PREFIX)}
    assert events[-1].reason == "length"


@pytest.mark.parametrize(
    "changes", [{"temperatures": ()}, {"prompt_ids": (), "answer_prefix_ids": ()}, {"prompt_ids": (9999,)}], ids=str
)
def test_requests_that_cannot_be_compared(engine: Engine, changes: dict[str, object]):
    [failed] = engine.compare(wanted(**changes))
    assert (type(failed), failed.kind) == (RunFailed, RequestError.kind)


def test_a_beginning_as_long_as_the_context_is_refused(engine: Engine):
    [failed] = engine.compare(wanted(prompt_ids=tuple(range(125))))
    assert (type(failed), failed.kind) == (RunFailed, "context")
    assert "128 tokens; this needs 129" in failed.message


def test_no_memory_for_the_batch_is_said_and_the_cache_given_back(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr(engine.session, "fork", fail)
    *_, failed = engine.compare(wanted())
    assert (type(failed), failed.kind) == (RunFailed, "memory")
    assert "not enough memory" in failed.message
    assert (engine.session.ids, engine.session.cache.keys.nbytes) == ([], 0)


def test_a_comparison_thrown_away_early_disturbs_nothing(engine: Engine):
    expected = alone(engine, wanted(), 1.0)[1].answer_ids
    for events in (1, 2, 5):
        generator = engine.compare(wanted())
        for _ in range(events):
            next(generator)
        generator.close()
        assert alone(engine, wanted(), 1.0)[1].answer_ids == expected
