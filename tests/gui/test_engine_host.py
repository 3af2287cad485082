"""The engine host with a real worker thread and a scripted engine: order, batching, stale events, stopping, errors."""

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from gui.engine_host import EngineHost, Outbox
from gui.engine_worker import EngineWorker, Posted
from inference.errors import CheckpointError, RequestError
from inference.types import (
    CountTokensRequest,
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    LoadRequest,
    Message,
    ModelReady,
    StepExplained,
    TokenEvent,
)
from tests.gui.scripted import ScriptedEngine, make_spec

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


class RefusingEngine(GatedEngine):
    """Cannot count what holds "hard", nor explain token 1; token 2 breaks it."""

    def count_tokens(self, text: str) -> int:
        if "hard" in text:
            raise RequestError("That text is too hard.")
        return super().count_tokens(text)

    def explain(self, request: ExplainRequest) -> StepExplained:
        if request.token_id == 1:
            raise RequestError("There is no such step.")
        if request.token_id == 2:
            raise ZeroDivisionError("division by zero")
        return super().explain(request)


@pytest.fixture
def refusing(qtbot: QtBot) -> Iterator[tuple[EngineHost, RefusingEngine]]:
    """A host in the middle of an answer of six tokens by an engine that refuses some questions."""
    engine = RefusingEngine("abcdef")
    engine.gate = threading.Semaphore(0)
    host = EngineHost(lambda post: EngineWorker(post, lambda _request, _progress: engine))
    ready(qtbot, host)
    host.generate(REQUEST)
    yield host, engine
    engine.gate.release(100)
    assert host.close()


def test_a_draft_that_cannot_be_counted_does_not_end_the_answer(qtbot: QtBot, refusing: tuple[EngineHost, RefusingEngine]):
    """The answer in work goes on to its end, and the next draft is counted."""
    host, engine = refusing
    counts: list[int] = []
    host.tokens_counted.connect(counts.append)
    failures = []
    host.run_failed.connect(failures.append)
    batches = collected(host)
    host.count_tokens("hard")
    engine.gate.release(2)
    qtbot.waitUntil(lambda: sum(map(len, batches)) == 2 or bool(failures), timeout=5000)
    host.count_tokens("easy")
    with qtbot.waitSignal(host.run_finished, timeout=5000):
        engine.gate.release(10)
    qtbot.waitUntil(lambda: counts == [4], timeout=5000)
    assert not failures


@pytest.mark.logs_warnings
@pytest.mark.parametrize(("token", "kind"), [(1, "request"), (2, "internal")])
def test_a_step_that_cannot_be_explained_does_not_end_the_answer(
    qtbot: QtBot, refusing: tuple[EngineHost, RefusingEngine], token: int, kind: str
):
    """Whether the engine refuses or breaks: the question fails, the answer in work goes on."""
    host, engine = refusing
    with qtbot.waitSignal(host.explain_failed, timeout=5000) as failed:
        host.explain(ExplainRequest(0, (1, 2), token))
        engine.gate.release(2)
    assert failed.args[0].kind == kind
    with qtbot.waitSignal(host.run_finished, timeout=5000) as finished:
        engine.gate.release(10)
    assert finished.args[0].reason == "end"


def test_a_question_without_a_model_is_answered_too(qtbot: QtBot):
    """Whoever asked does not wait for ever."""

    def loader(_request: object, _progress: Callable) -> ScriptedEngine:
        raise CheckpointError("no")

    host = EngineHost(lambda post: EngineWorker(post, loader))
    with qtbot.waitSignal(host.load_failed, timeout=5000):
        host.load("/broken")
    with qtbot.waitSignal(host.explain_failed, timeout=5000):
        host.explain(ExplainRequest(0, (1, 2), 3))
    assert host.close()


def slow_loader(request: LoadRequest, progress: Callable[[LoadProgress], None]) -> ScriptedEngine:
    """Takes 20 seconds for any folder but /fast."""
    for i in range(1 if request.path == "/fast" else 2000):
        progress(LoadProgress("weights", i / 2000))
        time.sleep(0.01)
    return ScriptedEngine(spec=make_spec(path=request.path))


def test_a_load_that_nobody_waits_for_is_given_up(qtbot: QtBot):
    """Another model chosen while one loads comes at once, and only it is announced."""
    host = EngineHost(lambda post: EngineWorker(post, slow_loader))
    with qtbot.waitSignal(host.load_progressed, timeout=5000):
        host.load("/slow")
    with qtbot.waitSignal(host.model_ready, timeout=2000) as loaded:
        host.load("/slow too")
        host.load("/fast")
    assert loaded.args[0].path == "/fast"
    assert host.close()


def test_closing_while_a_model_loads_ends_the_thread(qtbot: QtBot):
    host = EngineHost(lambda post: EngineWorker(post, slow_loader))
    with qtbot.waitSignal(host.load_progressed, timeout=5000):
        host.load("/slow")
    host.load("/slow too")
    started = time.perf_counter()
    assert host.close()
    assert time.perf_counter() - started < 1


def test_nothing_is_posted_once_the_worker_is_closed():
    """Events of a thread that ends late would reach a window that is no longer there."""
    posted, gate, begun = [], threading.Event(), threading.Event()

    class LateEngine(ScriptedEngine):
        def generate(self, request: GenerateRequest) -> Iterator[Event]:
            begun.set()
            gate.wait(5)
            yield from super().generate(request)

    worker = EngineWorker(posted.append, lambda _request, _progress: LateEngine())
    worker.submit(LoadRequest(1, "/late"))
    worker.submit(REQUEST)
    worker.start()
    assert begun.wait(5)
    before = list(posted)
    assert not worker.close(0.01)
    gate.set()
    assert worker.close(5)
    assert posted == before


def test_a_model_is_freed_before_the_next_one_loads():
    """Two models at once would not fit into memory."""
    alive: list[weakref.ref] = []
    is_done = threading.Event()

    def loader(_request: LoadRequest, _progress: Callable) -> ScriptedEngine:
        assert all(reference() is None for reference in alive)
        engine = ScriptedEngine()
        alive.append(weakref.ref(engine))
        return engine

    def post(event: Posted) -> None:
        if isinstance(event, ModelReady) and event.run_id == 3:
            is_done.set()

    worker = EngineWorker(post, loader)
    for run_id in range(1, 4):
        worker.submit(LoadRequest(run_id, "/model"))
        worker.submit(replace(REQUEST, run_id=100 + run_id))
        worker.submit(ExplainRequest(200 + run_id, (1,), 2))
    gc.disable()
    try:
        worker.start()
        assert is_done.wait(5)
        assert worker.close(5)
        assert [reference() for reference in alive] == [None, None, None]
    finally:
        gc.enable()


def test_drafts_that_wait_take_no_memory():
    """Behind a long answer only the newest draft and question are kept, however fast somebody types."""
    worker = EngineWorker(lambda _event: None)
    for i in range(1000):
        worker.submit(CountTokensRequest(i, "x" * i))
        worker.submit(ExplainRequest(i, (1,) * i))
    kept = [item for item in gc.get_objects() if type(item) in (CountTokensRequest, ExplainRequest)]
    assert {item.run_id for item in kept if item.run_id < 1000} == {999}
