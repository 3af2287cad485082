"""The engine host with a real worker thread and a scripted engine: order, batching, stale events, stopping, errors."""

import threading
from collections.abc import Callable, Iterator

import pytest
from pytestqt.qtbot import QtBot

from gui.engine_host import EngineHost, Outbox
from gui.engine_worker import EngineWorker
from inference.errors import CheckpointError
from inference.types import Event, ExplainRequest, GenerateRequest, Message, TokenEvent
from tests.gui.scripted import ScriptedEngine

REQUEST = GenerateRequest(run_id=0, messages=(Message("user", "Hi"),), max_new_tokens=10_000)


class GatedEngine(ScriptedEngine):
    """Waits before every token until the test opens the gate."""

    gate: threading.Semaphore | None = None
    failure: Exception | None = None

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        for event in super().generate(request):
            if isinstance(event, TokenEvent):
                if self.failure:
                    raise self.failure
                if self.gate:
                    self.gate.acquire(timeout=5)
            yield event


@pytest.fixture
def engine() -> GatedEngine:
    return GatedEngine()


@pytest.fixture
def host(qtbot: QtBot, engine: GatedEngine) -> Iterator[EngineHost]:
    host = EngineHost(lambda post: EngineWorker(post, lambda _request, _progress: engine))
    yield host
    if engine.gate:
        engine.gate.release(10_000)
    assert host.close()


def ready(qtbot: QtBot, host: EngineHost) -> None:
    with qtbot.waitSignal(host.model_ready, timeout=5000):
        host.load("/scripted")


def collected(host: EngineHost) -> list[tuple[TokenEvent, ...]]:
    batches: list[tuple[TokenEvent, ...]] = []
    host.tokens_arrived.connect(batches.append)
    return batches


def test_tokens_arrive_in_order_in_batches_on_the_ui_thread(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    """A fast engine is delivered in far fewer signals than tokens, nothing lost, all on this thread."""
    engine.text = "x" * 5000
    ready(qtbot, host)
    batches = collected(host)
    threads = set()
    host.tokens_arrived.connect(lambda _batch: threads.add(threading.get_ident()))
    with qtbot.waitSignal(host.run_finished, timeout=10_000) as finished:
        sent = host.generate(REQUEST)
    events = [event for batch in batches for event in batch]
    assert [event.step for event in events] == list(range(5000))
    assert {event.run_id for event in events} == {sent.run_id} == {finished.args[0].run_id}
    assert len(batches) < 1000
    assert threads == {threading.get_ident()}


def test_stop_takes_effect_within_one_token(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    engine.gate, engine.text = threading.Semaphore(3), "abcdefgh"
    ready(qtbot, host)
    batches = collected(host)
    host.generate(REQUEST)
    qtbot.waitUntil(lambda: sum(map(len, batches)) == 3, timeout=5000)
    with qtbot.waitSignal(host.run_finished, timeout=5000) as finished:
        host.stop()
        engine.gate.release(1)
    assert finished.args[0].reason == "cancelled"
    assert sum(map(len, batches)) == 4
    assert not host.is_running


def test_an_abandoned_run_is_never_heard_of_again(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    """Events of the old run, queued or still to come, are dropped; the new run starts at once."""
    engine.gate, engine.text = threading.Semaphore(2), "abcdef"
    ready(qtbot, host)
    batches = collected(host)
    host.generate(REQUEST)
    qtbot.waitUntil(lambda: sum(map(len, batches)) == 2, timeout=5000)
    host.abandon()
    with qtbot.waitSignal(host.run_finished, timeout=5000) as finished:
        second = host.generate(REQUEST)
        engine.gate.release(100)
    assert finished.args[0].run_id == second.run_id
    later = [event for batch in batches for event in batch][2:]
    assert {event.run_id for event in later} == {second.run_id}


def test_a_draft_is_counted_between_two_tokens(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    """While an answer streams, the newest draft is counted; older ones are not answered."""
    engine.gate, engine.text = threading.Semaphore(0), "abcdef"
    ready(qtbot, host)
    counts: list[int] = []
    host.tokens_counted.connect(counts.append)
    host.generate(REQUEST)
    host.count_tokens("one")
    host.count_tokens("three")
    engine.gate.release(1)
    qtbot.waitUntil(lambda: counts == [5], timeout=5000)
    assert host.is_running
    with qtbot.waitSignal(host.run_finished, timeout=5000):
        engine.gate.release(100)
    assert counts == [5]


def test_a_failed_load_is_told_and_the_next_one_works(qtbot: QtBot):
    answers: list[Exception | ScriptedEngine] = [CheckpointError("The file is cut off."), ScriptedEngine()]

    def loader(_request: object, _progress: Callable) -> ScriptedEngine:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    host = EngineHost(lambda post: EngineWorker(post, loader))
    with qtbot.waitSignal(host.load_failed, timeout=5000) as failed:
        host.load("/broken")
    assert failed.args[0].message == "The file is cut off."
    ready(qtbot, host)
    assert host.close()


def test_without_a_model_an_answer_fails_with_a_sentence(qtbot: QtBot):
    def loader(_request: object, _progress: Callable) -> ScriptedEngine:
        raise CheckpointError("no")

    host = EngineHost(lambda post: EngineWorker(post, loader))
    host.load("/broken")
    with qtbot.waitSignal(host.run_failed, timeout=5000) as failed:
        host.generate(REQUEST)
    assert "No model is loaded" in failed.args[0].message
    assert host.close()


@pytest.mark.logs_warnings
def test_an_unexpected_error_ends_the_run_and_not_the_thread(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    engine.failure = ZeroDivisionError("division by zero")
    ready(qtbot, host)
    with qtbot.waitSignal(host.run_failed, timeout=5000) as failed:
        host.generate(REQUEST)
    assert failed.args[0].kind == "internal"
    engine.failure = None
    with qtbot.waitSignal(host.run_finished, timeout=5000):
        host.generate(REQUEST)


def test_only_the_newest_question_is_answered(qtbot: QtBot, host: EngineHost):
    ready(qtbot, host)
    answers = []
    host.step_explained.connect(answers.append)
    for token in (65, 66, 67):
        host.explain(ExplainRequest(0, (1, 2), token))
    qtbot.waitUntil(lambda: bool(answers), timeout=5000)
    qtbot.wait(30)
    assert [answer.trace.chosen_id for answer in answers] == [67]


def test_two_answers_at_once_are_a_mistake(qtbot: QtBot, host: EngineHost, engine: GatedEngine):
    engine.gate = threading.Semaphore(0)
    ready(qtbot, host)
    host.generate(REQUEST)
    with pytest.raises(RuntimeError):
        host.generate(REQUEST)


def test_the_outbox_wakes_once_per_batch():
    wakes = []
    outbox = Outbox(lambda: wakes.append(1))
    outbox.post("a")
    outbox.post("b")
    assert wakes == [1]
    assert outbox.take() == ["a", "b"]
    outbox.post("c")
    assert wakes == [1, 1]
    assert outbox.take() == ["c"]
    assert outbox.take() == []
