"""The engine: events in order, prefix reuse, cancellation, context overflow, repeatability, and what it explains."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import inference
from inference.engine import Engine
from inference.errors import CheckpointError, ContextFullError, RequestError
from inference.types import (
    CancelFlag,
    Event,
    ExplainRequest,
    GenerateRequest,
    Message,
    PrefillProgress,
    PromptTokens,
    RunFailed,
    RunFinished,
    SamplingParams,
    ScoreRequest,
    TokenEvent,
)
from tests.tiny import tiny_checkpoint

HELLO = (Message("user", "Hello, who are you?"),)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama")
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("gpt2"), "gpt2", n_positions=600)
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


def request(**changes: object) -> GenerateRequest:
    values = {"run_id": 7, "messages": HELLO, "max_new_tokens": 12, "seed": 3, "params": SamplingParams(temperature=1.0)}
    return GenerateRequest(**(values | changes))


def run(engine: Engine, wanted: GenerateRequest) -> tuple[list[Event], list[TokenEvent], RunFinished]:
    events = list(engine.generate(wanted))
    tokens = [event for event in events if isinstance(event, TokenEvent)]
    assert isinstance(events[-1], RunFinished), events[-1]
    return events, tokens, events[-1]


def test_events_come_in_order_and_end_once(llama: Engine):
    """PromptTokens, PrefillProgress up to the whole prompt, tokens counted from 0, exactly one end, all of this run."""
    events, tokens, finished = run(llama, request())
    assert isinstance(events[0], PromptTokens)
    assert {event.run_id for event in events} == {7}
    progress = [event for event in events if isinstance(event, PrefillProgress)]
    assert progress[-1].done_tokens == progress[-1].total_tokens == len(events[0].ids)
    assert [event.step for event in tokens] == list(range(len(tokens)))
    assert sum(isinstance(event, RunFinished | RunFailed) for event in events) == 1
    assert finished.stats.new_tokens == len(tokens)
    text = "".join(event.text for event in tokens) + finished.text_tail
    assert text == llama.tokenizer.decode(finished.answer_ids)


def test_every_token_is_the_one_that_fresh_logits_give(llama: Engine):
    """What the cached loop draws equals drawing from logits computed afresh at every position."""
    events, tokens, _ = run(llama, request(max_new_tokens=30))
    ids = list(events[0].ids)
    for event in tokens:
        fresh = llama.explain(ExplainRequest(1, tuple(ids), None, request().params, 3, len(events[0].ids))).trace
        assert event.trace.chosen_id == event.token_id
        assert fresh.chosen_id == event.token_id
        assert fresh.draw_u == event.trace.draw_u
        np.testing.assert_allclose(fresh.model_probs, event.trace.model_probs, atol=1e-6)
        logits = llama.logits(ids)[-1].astype(np.float64)
        probs = np.exp(logits - np.logaddexp.reduce(logits))
        assert event.trace.chosen_model_prob == pytest.approx(probs[event.token_id], abs=1e-6)
        ids.append(event.token_id)


def test_same_seed_same_answer_and_zero_ignores_the_seed(llama: Engine):
    first = run(llama, request(seed=11))[2].answer_ids
    assert run(llama, request(seed=11))[2].answer_ids == first
    assert any(run(llama, request(seed=seed))[2].answer_ids != first for seed in (12, 13, 14))
    greedy = SamplingParams(temperature=0.0)
    answers = {run(llama, request(seed=seed, params=greedy))[2].answer_ids for seed in range(4)}
    assert len(answers) == 1


def test_temperature_zero_equals_argmax_of_fresh_logits(llama: Engine):
    events, tokens, _ = run(llama, request(params=SamplingParams(temperature=0.0), max_new_tokens=20))
    ids = list(events[0].ids)
    for event in tokens:
        assert event.token_id == int(llama.logits(ids)[-1].argmax())
        ids.append(event.token_id)


def test_the_second_turn_reads_only_what_is_new(llama: Engine):
    """Everything of the first turn is reused but the last token drawn, which was never fed."""
    events, _, finished = run(llama, request())
    messages = (
        *HELLO,
        Message("assistant", llama.tokenizer.decode(finished.answer_ids), finished.answer_ids),
        Message("user", "And?"),
    )
    second, _, _ = run(llama, request(messages=messages))
    fed = len(events[0].ids) + len(finished.answer_ids) - (finished.reason == "length")
    assert second[0].reused_tokens == fed
    assert second[0].ids[:fed] == (events[0].ids + finished.answer_ids)[:fed]
    progress = next(event for event in second if isinstance(event, PrefillProgress))
    assert progress.done_tokens > fed


def test_reused_and_fresh_prefix_draw_the_same(llama: Engine):
    """An answer after a reused prefix equals the one of an engine that never saw it."""
    first = run(llama, request(seed=5))[2]
    messages = (
        *HELLO,
        Message("assistant", llama.tokenizer.decode(first.answer_ids), first.answer_ids),
        Message("user", "More."),
    )
    reused = run(llama, request(messages=messages, seed=6))[2]
    llama.session.rewind((1,))
    fresh = run(llama, request(messages=messages, seed=6))[2]
    assert fresh.stats.reused_tokens == 0
    assert reused.stats.reused_tokens > 0
    assert fresh.answer_ids == reused.answer_ids


def test_a_branch_draws_what_the_original_drew(llama: Engine):
    """Continuing from the first tokens of an answer with the same seed gives the rest of it, from the cache."""
    whole = run(llama, request(seed=9, max_new_tokens=12))[2].answer_ids
    events, tokens, branch = run(llama, request(seed=9, max_new_tokens=12 - 5, answer_prefix_ids=whole[:5]))
    assert branch.answer_ids == whole
    assert [event.step for event in tokens] == list(range(len(whole)))
    assert [event.is_given for event in tokens] == [True] * 5 + [False] * (len(whole) - 5)
    assert events[0].reused_tokens == len(events[0].ids) + 5 - 1


def test_cancellation_within_one_token(llama: Engine):
    flag = CancelFlag()
    received = []
    for event in llama.generate(request(cancel=flag, max_new_tokens=50)):
        received.append(event)
        if isinstance(event, TokenEvent) and event.step == 3:
            flag.set()
    tokens = [event for event in received if isinstance(event, TokenEvent)]
    assert received[-1].reason == "cancelled"
    assert len(tokens) == 4
    assert received[-1].answer_ids == tuple(event.token_id for event in tokens)


def test_cancellation_while_reading(llama: Engine):
    """A flag set before the prompt is read ends the run without a token."""
    flag = CancelFlag()
    llama.session.rewind((1,))
    received = []
    for event in llama.generate(request(messages=(Message("user", "word " * 15),), cancel=flag)):
        received.append(event)
        flag.set()
    assert not any(isinstance(event, TokenEvent) for event in received)
    assert received[-1].reason == "cancelled"


def test_stop_strings_work_across_tokens_and_are_not_kept(llama: Engine):
    """An answer stopped in the middle of its text has exactly the text before, and ids that spell it."""
    params = SamplingParams(temperature=0.0)
    whole = run(llama, request(params=params, max_new_tokens=40))[2]
    text = llama.tokenizer.decode(whole.answer_ids)
    stop = text[12:16]
    stopped = run(llama, request(params=params, max_new_tokens=40, stop=(stop,)))
    shown = "".join(event.text for event in stopped[1]) + stopped[2].text_tail
    assert stopped[2].reason == "stop"
    assert shown == text[: text.index(stop)]
    assert llama.tokenizer.decode(stopped[2].answer_ids) == shown


def test_a_full_context_forgets_the_oldest_turns(llama: Engine):
    """The system prompt stays, the last message stays, whole turns leave, and the prompt leaves room for an answer."""
    messages = [Message("system", "Be kind.")]
    for i in range(8):
        messages += [Message("user", f"Question {i}: what is the number {i}?"), Message("assistant", f"It is {i}.")]
    messages.append(Message("user", "And now?"))
    events, _, finished = run(llama, request(messages=tuple(messages), max_new_tokens=20))
    prompt = events[0]
    assert prompt.dropped == tuple(range(1, prompt.dropped[-1] + 1))
    assert prompt.dropped[-1] % 2 == 0  # a whole turn, its answer included
    text = llama.tokenizer.decode(prompt.ids)
    assert "Be kind." in text
    assert "And now?" in text
    assert "Question 0" not in text
    assert len(prompt.ids) <= llama.spec.context_tokens - 20
    assert {span.message_index for span in prompt.spans} - {-1} == set(range(len(messages))) - set(prompt.dropped)
    assert finished.reason in ("length", "end")


def test_an_answer_ends_where_the_context_does(llama: Engine):
    _, tokens, finished = run(llama, request(prompt_ids=tuple(range(5, 105)), messages=(), max_new_tokens=0, seed=1))
    if finished.reason == "end":
        pytest.skip("this seed ends the answer early")
    assert finished.reason == "context"
    assert 100 + len(tokens) == llama.spec.context_tokens + 1


def test_a_message_too_long_for_the_context_is_refused_with_the_numbers(llama: Engine):
    [*_, last] = llama.generate(request(messages=(Message("user", "dragon " * 400),)))
    assert isinstance(last, RunFailed)
    assert last.kind == ContextFullError.kind
    assert "128" in last.message


def test_bad_requests_say_so(llama: Engine):
    for wrong in (request(messages=()), request(prompt_ids=(1,)), request(messages=(), prompt_ids=(10_000,))):
        [*_, last] = llama.generate(wrong)
        assert (type(last), last.kind) == (RunFailed, RequestError.kind)
    with pytest.raises(RequestError):
        llama.logits(())
    with pytest.raises(ContextFullError):
        llama.logits((1,) * 129)


def test_a_repetition_penalty_looks_at_the_prompt_too(llama: Engine):
    """As Hugging Face defines it: every id of the context, prompt included."""
    params = SamplingParams(temperature=0.0, repetition_penalty=1.5)
    events, tokens, _ = run(llama, request(params=params, max_new_tokens=15))
    ids = list(events[0].ids)
    for event in tokens:
        logits = torch.from_numpy(llama.logits(ids)[-1:].copy())
        from transformers import RepetitionPenaltyLogitsProcessor

        expected = RepetitionPenaltyLogitsProcessor(1.5)(torch.tensor([ids]), logits).argmax()
        assert event.token_id == int(expected)
        ids.append(event.token_id)


def test_scoring_equals_fresh_logits(llama: Engine):
    ids = llama.tokenizer.encode("Once upon a time there was a small dragon who lived on a hill.")
    traces = list(llama.score(ScoreRequest(1, ids)))
    logits = torch.from_numpy(llama.logits(ids)).double().log_softmax(-1)
    for position, trace in enumerate(traces, start=1):
        expected = -float(logits[position - 1, ids[position]]) / np.log(2)
        assert trace.surprise_bits == pytest.approx(expected, abs=1e-5)
        assert np.isnan(trace.draw_u)
    assert len(traces) == len(ids) - 1


def test_explaining_leaves_the_conversation_in_the_cache(llama: Engine):
    """A step explained from the cache equals the live one, and the next turn still reuses everything."""
    events, tokens, finished = run(llama, request(seed=21))
    context = events[0].ids + finished.answer_ids[:4]
    length = len(llama.session.ids)
    trace = llama.explain(ExplainRequest(1, context, tokens[4].token_id, request().params, 21, len(events[0].ids))).trace
    assert trace.draw_u == tokens[4].trace.draw_u
    np.testing.assert_allclose(trace.sampling_probs, tokens[4].trace.sampling_probs, atol=1e-7)
    assert len(llama.session.ids) == llama.session.cache.length == length
    assert run(llama, request(seed=21))[2].answer_ids == finished.answer_ids


def test_traces_can_be_switched_off_without_changing_the_answer(llama: Engine):
    with_traces, without = run(llama, request(seed=4)), run(llama, request(seed=4, trace_rows=0))
    assert all(event.trace is None for event in without[1])
    assert with_traces[2].answer_ids == without[2].answer_ids


def test_a_model_without_template_chats_in_a_scene(gpt2: Engine):
    """The default scene stands before the first turn, and an edited one replaces it."""
    assert not gpt2.spec.has_chat_template
    events = list(gpt2.generate(request(max_new_tokens=4)))
    assert gpt2.spec.default_scene.strip()[:20] in gpt2.tokenizer.decode(events[0].ids)
    changed = list(gpt2.generate(request(scene="A talk.\n\nAnna: Hi.\nBen: Hello.\n", max_new_tokens=4)))
    text = gpt2.tokenizer.decode(changed[0].ids)
    assert text.endswith("Anna: Hello, who are you?\nBen:")


def test_the_cache_grows_but_never_past_the_context(tmp_path: Path):
    engine = inference.load(tiny_checkpoint(tmp_path, "llama", max_position_embeddings=2600), threads=1, device="cpu")
    assert engine.session.cache.capacity_tokens == 1024
    ids = [5 + i % 400 for i in range(2500)]
    expected = engine.logits(ids)[-1]
    *_, hidden = engine.session.read(ids, CancelFlag())
    *_, last = engine.session.logits(hidden)
    assert engine.session.cache.capacity_tokens == 2600
    np.testing.assert_allclose(last[-1], expected, atol=2e-4)


def test_threads_may_share_nothing_but_the_flag(llama: Engine):
    """Grad mode is thread-local; an engine driven from another thread still builds no graph."""
    results = []
    thread = threading.Thread(target=lambda: results.append(run(llama, request(seed=2))[2]))
    thread.start()
    thread.join()
    assert results[0].answer_ids == run(llama, request(seed=2))[2].answer_ids
    assert torch.is_grad_enabled()


def test_loading_reports_progress_and_refuses_what_is_not_there(tmp_path: Path):
    seen = []
    inference.load(tiny_checkpoint(tmp_path / "m", "llama"), threads=1, device="cpu", progress=seen.append)
    assert [stage for i, stage in enumerate(p.stage for p in seen) if i == 0 or seen[i - 1].stage != stage] == [
        "config",
        "tokenizer",
        "weights",
    ]
    assert seen[-1].fraction == 1.0
    with pytest.raises(CheckpointError, match="no model folder"):
        inference.load(tmp_path / "nothing")


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path):
    folder = tiny_checkpoint(tmp_path, "llama")
    config = (folder / "config.json").read_text().replace('"vocab_size": 512', '"vocab_size": 300')
    (folder / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match="512"):
        inference.load(folder)


def test_requests_are_plain_data(llama: Engine):
    """A request stored and built again gives the same answer: everything needed to repeat the run is in it."""
    original = request(seed=77)
    again = replace(original, run_id=8, cancel=CancelFlag())
    assert run(llama, original)[2].answer_ids == run(llama, again)[2].answer_ids


@pytest.mark.parametrize("words", [92, 93, 94, 95, 96, 120])
def test_what_does_not_fit_is_found_out_quickly(llama: Engine, monkeypatch: pytest.MonkeyPatch, words: int):
    """The prompt is rendered a few times at most, whether it is one token too long or many."""
    calls = []
    render = llama.chat.render
    monkeypatch.setattr(llama.chat, "render", lambda *arguments: calls.append(1) or render(*arguments))
    messages = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", " the" * words))
    *_, last = llama.generate(request(messages=messages, max_new_tokens=30))
    assert isinstance(last, RunFailed if words > 94 else RunFinished)
    assert len(calls) <= 3


def test_a_scene_is_no_part_of_the_first_message(gpt2: Engine):
    """What is forgotten stays forgotten, turn after turn, though the scene before the first message is long."""
    messages: list[Message] = []
    forgotten: list[tuple[int, ...]] = []
    for i in range(24):
        messages += [Message("user", f"Question {i}: what is the number {i} good for?"), Message("assistant", f"For {i}.")]
        [first, *_] = gpt2.generate(request(messages=(*messages, Message("user", "And?")), max_new_tokens=1))
        forgotten.append(first.dropped)
    assert forgotten[-1]
    assert all(set(before) <= set(after) for before, after in zip(forgotten, forgotten[1:], strict=False))
    assert len(set(forgotten)) <= 8  # a quarter of the view is made free at a time, so only every third turn reads afresh


def test_numbers_out_of_range_are_refused_where_they_are_given():
    """Not in the middle of a run."""
    with pytest.raises(RequestError, match="max_new_tokens is -5; it must be a number, at least 0"):
        request(max_new_tokens=-5)
    with pytest.raises(RequestError, match="trace_rows"):
        request(trace_rows=-1)
    with pytest.raises(RequestError, match="trace_rows"):
        ScoreRequest(1, (1, 2), trace_rows=0)
    with pytest.raises(RequestError, match="answer_start is 3; it must be a number, from 0 to 2"):
        ExplainRequest(1, (1, 2), answer_start=3)
    with pytest.raises(RequestError, match="top_k is 50.0; it must be a whole number"):
        SamplingParams(top_k=50.0)
    for wrong in (True, "1", float("nan")):
        with pytest.raises(RequestError, match="temperature"):
            SamplingParams(temperature=wrong)
