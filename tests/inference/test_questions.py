"""Questions about positions: exact, quick when repeated, and without a trace in what the session holds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import inference
from inference import questions
from inference.engine import Engine
from inference.errors import ContextFullError, OutOfMemoryError, RequestError
from inference.questions import REMEMBERED_CONTEXTS
from inference.sampling import decide, uniform
from inference.types import (
    AskRequest,
    CancelFlag,
    DescribeRequest,
    DraftRequest,
    ExplainRequest,
    Message,
    RunFinished,
    SamplingParams,
    StepTrace,
)
from tests.inference.sampling_twin import twin
from tests.inference.test_engine import HELLO, request, run
from tests.tiny import tiny_checkpoint

PARAMS = SamplingParams(temperature=1.4, top_k=200, top_p=0.9)
CONTEXT = tuple(range(20, 40))
STAGES = ["model", "penalty", "temperature", "top-k", "top-p", "min-p"]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama")
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("gpt2"), "gpt2", n_positions=600)
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


@pytest.fixture(autouse=True)
def untouched(llama: Engine, gpt2: Engine):
    """Every question here leaves the ids and the cells of the cache as they were, bit for bit."""
    before = {}
    for engine in (llama, gpt2):
        engine.questions.forget()
        for _ in engine.session.read(list(range(60 - len(engine.session.ids))), CancelFlag()):
            pass
        before[engine] = [*engine.session.ids], engine.session.cache.keys.clone(), engine.session.cache.values.clone()
    yield
    for engine, (ids, keys, values) in before.items():
        n = len(ids)
        if engine.session.ids[:n] == ids:  # not for a test that had an answer written
            assert engine.session.cache.length == len(engine.session.ids)
            assert torch.equal(engine.session.cache.keys[:, :, :, :n], keys[:, :, :, :n])
            assert torch.equal(engine.session.cache.values[:, :, :, :n], values[:, :, :, :n])


def probabilities(engine: Engine, ids: tuple[int, ...]) -> np.ndarray:
    """After every id, in float64."""
    logits = engine.logits(ids).astype(np.float64)
    return np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


def assert_same(a: StepTrace, b: StepTrace) -> None:
    assert (a.chosen_id, a.chosen_rank, a.removed_by, a.kept_count) == (b.chosen_id, b.chosen_rank, b.removed_by, b.kept_count)
    np.testing.assert_array_equal(a.ids, b.ids)
    for name in ("model_probs", "sampling_probs", "draw_u", "draw_low", "draw_high", "entropy_bits", "surprise_bits"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-5, atol=1e-6)  # chunks round differently


def test_a_step_explained_is_the_one_seen_live(llama: Engine):
    """Every step of an answer, from the cache and after it was forgotten; those chosen by hand included."""
    events, tokens, _ = run(llama, request(params=PARAMS, seed=5, forced=((2, 99),), max_new_tokens=8))
    for is_forgotten in (False, True):
        if is_forgotten:
            run(llama, request(messages=(Message("user", "Something else, please"),)))
        llama.questions.forget()
        ids = events[0].ids
        for event in tokens:
            asked = ExplainRequest(4, ids, event.token_id, PARAMS, 5, len(events[0].ids), is_drawn=not event.is_given)
            explained = llama.explain(asked)
            assert explained.run_id == 4
            assert (explained.details, explained.what_if, explained.what_if_details) == (None, None, None)
            assert_same(explained.trace, event.trace)
            ids += (event.token_id,)


def test_details_are_those_of_the_choice(llama: Engine):
    """Six stages for the trace's rows, ending in its sampling probabilities, and flips where something was drawn."""
    asked = ExplainRequest(1, CONTEXT, None, PARAMS, 3, 10, with_details=True)
    explained = llama.explain(asked)
    assert [stage.rule for stage in explained.details.stages] == STAGES
    np.testing.assert_allclose(explained.details.stages[0].probs, explained.trace.model_probs, atol=1e-12)
    np.testing.assert_allclose(explained.details.stages[-1].probs, explained.trace.sampling_probs, atol=1e-12)
    flip = explained.details.flip_above
    logits = llama.logits(CONTEXT)[-1]
    changed = decide(logits, CONTEXT, replace(PARAMS, temperature=flip.temperature), 3, 10)
    assert changed.token_id == flip.token_id != explained.trace.chosen_id
    assert flip.token_bytes == llama.tokenizer.token_bytes(flip.token_id)
    given = llama.explain(replace(asked, token_id=7, is_drawn=False))
    assert (given.details.flip_below, given.details.flip_above) == (None, None)
    assert np.isnan(given.trace.draw_u)
    assert given.trace.chosen_id == 7


@pytest.mark.parametrize("what_if", [SamplingParams(temperature=0.0), SamplingParams(temperature=3.0, repetition_penalty=2.0)])
def test_what_if_takes_the_same_draw_from_the_same_logits(llama: Engine, what_if: SamplingParams):
    """As the slow twin has it: the needle stays, the choice is the other parameters'."""
    asked = ExplainRequest(1, CONTEXT, None, PARAMS, 3, 10, with_details=True, what_if=what_if)
    explained = llama.explain(asked)
    expected = twin(llama.logits(CONTEXT)[-1], list(CONTEXT), what_if)
    u = uniform(3, 10)
    chosen = next(i for i in expected.kept if expected.interval(i)[1] > u)
    assert explained.what_if.chosen_id == chosen
    assert explained.what_if.params == what_if
    assert explained.trace.draw_u == u
    assert explained.what_if.draw_u == u or what_if.temperature == 0
    np.testing.assert_allclose(
        explained.what_if.sampling_probs, [expected.probs[i] for i in explained.what_if.ids.tolist()], atol=1e-6
    )
    np.testing.assert_allclose(explained.what_if_details.stages[-1].probs, explained.what_if.sampling_probs, atol=1e-12)
    assert_same(explained.trace, llama.explain(replace(asked, what_if=None)).trace)


@pytest.mark.parametrize("is_drawn", [False, True])
def test_what_if_of_a_given_token_draws_nothing(llama: Engine, is_drawn: bool):
    """Nor where it is said to be drawn, but these parameters draw another one."""
    other = (llama.explain(ExplainRequest(1, CONTEXT, None, PARAMS, 3, 10)).trace.chosen_id + 1) % 512
    asked = ExplainRequest(1, CONTEXT, other, PARAMS, 3, 10, is_drawn=is_drawn, what_if=SamplingParams(temperature=2.0))
    explained = llama.explain(asked)
    assert explained.trace.chosen_id == explained.what_if.chosen_id == other
    assert np.isnan(explained.what_if.draw_u)
    assert explained.trace.chosen_model_prob == explained.what_if.chosen_model_prob
    assert explained.what_if.chosen_sampling_prob != explained.trace.chosen_sampling_prob


def count_passes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens the model reads, pass by pass, from now on."""
    seen: list[int] = []
    forward = engine.model.final_norm.forward
    monkeypatch.setattr(engine.model.final_norm, "forward", lambda x: seen.append(x.shape[1]) or forward(x))
    return seen


def test_a_slider_computes_only_what_it_changes(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """What was really used is worked out once; another step, seed, page or choice is another question."""
    flipped = []
    monkeypatch.setattr(questions, "flips", lambda *args: flipped.append(args) or (None, None))
    asked = ExplainRequest(1, CONTEXT, None, PARAMS, 3, 10, with_details=True)
    first = llama.explain(asked)
    for run_id, temperature in enumerate((0.5, 2.0, 0.5), start=2):
        what_if = SamplingParams(temperature=temperature)
        again = llama.explain(replace(asked, run_id=run_id, what_if=what_if))
        assert (again.run_id, again.what_if.params, again.details) == (run_id, what_if, first.details)
        assert_same(again.trace, first.trace)
    assert [args[2].temperature for args in flipped] == [PARAMS.temperature, 0.5, 2.0, 0.5]
    for other in ({"seed": 4}, {"params": SamplingParams()}, {"context_ids": CONTEXT[:-1]}, {"trace_rows": 3}, {}):
        explained = llama.explain(replace(asked, **other))
        assert (explained.trace.params, len(explained.trace.ids)) == (other.get("params", PARAMS), other.get("trace_rows", 12))
    assert len(flipped) == 9
    assert llama.explain(replace(asked, with_details=False)).details is None


def test_a_position_asked_again_needs_no_model(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """So that sliders answer at once; the last few positions are remembered, older ones are read again."""
    passes = count_passes(llama, monkeypatch)
    asked = ExplainRequest(1, CONTEXT, None, PARAMS, 3, 10, what_if=PARAMS)
    first = llama.explain(asked)
    for temperature in (0.0, 0.5, 2.0):
        again = llama.explain(replace(asked, what_if=SamplingParams(temperature=temperature)))
        assert_same(again.trace, first.trace)
    llama.ask(AskRequest(1, CONTEXT, "a", PARAMS))
    assert len(passes) == 1
    for end in range(1, REMEMBERED_CONTEXTS):
        llama.explain(replace(asked, context_ids=CONTEXT[:end], answer_start=0))
    llama.explain(asked)
    assert len(passes) == REMEMBERED_CONTEXTS
    llama.explain(replace(asked, context_ids=CONTEXT[:15], answer_start=0))  # in the place of the one asked about longest ago
    llama.explain(asked)
    assert len(passes) == REMEMBERED_CONTEXTS + 1
    llama.explain(replace(asked, context_ids=CONTEXT[:1], answer_start=0))
    assert len(passes) == REMEMBERED_CONTEXTS + 2
    assert len(llama.questions._remembered) == REMEMBERED_CONTEXTS


@pytest.mark.parametrize("context", [CONTEXT, tuple(range(15)), tuple(range(70)), (*range(50), 9, 8, 7)], ids=len)
def test_asking_for_a_text_gives_the_chain_of_conditionals(llama: Engine, context: tuple[int, ...]):
    """Each token after all before it, by definition; what a rule removes says so and has no sampling probability."""
    text = " the number of the dragon"
    params = SamplingParams(temperature=0.9, top_k=200, repetition_penalty=1.5)
    answered = llama.ask(AskRequest(8, context, text, params))
    ids = llama.tokenizer.encode(text)
    assert (answered.run_id, answered.text) == (8, text)
    assert tuple(token.token_id for token in answered.tokens) == ids
    probs, logits = probabilities(llama, context + ids), llama.logits(context + ids)
    for place, token in enumerate(answered.tokens):
        row = len(context) - 1 + place
        expected = twin(logits[row], list(context + ids[:place]), params)
        assert token.numbers.model_prob == pytest.approx(probs[row, ids[place]], abs=1e-6)
        assert token.numbers.surprise_bits == pytest.approx(-np.log2(probs[row, ids[place]]), abs=1e-4)
        assert token.numbers.rank == 1 + (probs[row] > probs[row, ids[place]]).sum()
        assert token.numbers.sampling_prob == pytest.approx(expected.probs[ids[place]], abs=1e-6)
        assert token.removed_by == expected.removed_by[ids[place]]
        assert token.token_bytes == llama.tokenizer.token_bytes(token.token_id)
    assert {token.removed_by for token in answered.tokens} == {"", "top-k"}


def test_a_text_is_asked_for_in_one_pass(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    llama.session._chunk_tokens = 512
    passes = count_passes(llama, monkeypatch)
    held = tuple(llama.session.ids[:30])
    ids = llama.tokenizer.encode(" the number of the dragon")
    llama.ask(AskRequest(1, held, " the number of the dragon", PARAMS))
    assert passes == [len(ids)]  # the last position of the context, and all of them but the last


def test_what_can_be_asked_ends_with_the_context(llama: Engine):
    """The last token may stand right behind it, as the last one of an answer does."""
    ids = llama.tokenizer.encode(" dragon dragon")
    full = tuple(range(128 - len(ids) + 1))
    assert len(llama.ask(AskRequest(1, full, " dragon dragon")).tokens) == len(ids)
    with pytest.raises(ContextFullError, match="128 tokens; this needs 129"):
        llama.ask(AskRequest(1, (*full, 5), " dragon dragon"))
    assert llama.ask(AskRequest(1, CONTEXT, "")).tokens == ()
    with pytest.raises(RequestError):
        llama.ask(AskRequest(1, (), "a"))


@pytest.mark.parametrize("draft", ["Who", "Who are y", "Who are you?\n", "<|end|>", "é"])
def test_a_draft_goes_on_after_its_last_token(llama: Engine, draft: str):
    """Not after what the template writes behind a message; its tokens are the prompt's own."""
    messages = (*HELLO, Message("assistant", "A dragon."), Message("user", draft))
    prompt = llama.chat.render(messages)
    end = max(span.end for span in prompt.spans if span.message_index == 2)
    assert end < len(prompt.ids)
    explained = llama.explain_draft(DraftRequest(3, messages, params=PARAMS))
    probs = probabilities(llama, prompt.ids[:end])[-1]
    assert explained.run_id == 3
    assert (explained.trace.chosen_id, explained.trace.params) == (-1, PARAMS)
    np.testing.assert_allclose(explained.trace.model_probs, probs[explained.trace.ids], atol=1e-6)
    assert explained.trace.ids[0] == probs.argmax()


def test_a_draft_in_a_scene_and_as_plain_text(gpt2: Engine):
    """Without a template the draft ends its speaker's line; as a text it stands alone, as at the beginning of a document."""
    for wanted, ids in (
        (DraftRequest(1, (Message("user", "Tell me"),), scene="Anna: Hi.\nBen: Yes.\n"), "Anna: Hi.\nBen: Yes.\nAnna: Tell me"),
        (DraftRequest(1, text="Once upon"), "Once upon"),
    ):
        first = (gpt2.tokenizer.special_ids["<|endoftext|>"],) if wanted.text else ()
        probs = probabilities(gpt2, first + gpt2.tokenizer.encode(ids))[-1]
        explained = gpt2.explain_draft(wanted)
        np.testing.assert_allclose(explained.trace.model_probs, probs[explained.trace.ids], atol=1e-6)


def test_a_draft_sees_what_an_answer_will_see(llama: Engine):
    """Turns that no longer fit leave, as they do when the draft is sent."""
    turns = [m for i in range(6) for m in (Message("user", f"Question {i}, please?"), Message("assistant", f"It is {i}."))]
    messages = (*turns, Message("user", "And now?"))
    prompt = next(llama.generate(request(messages=messages, max_new_tokens=0)))
    assert prompt.dropped
    end = max(span.end for span in prompt.spans if span.message_index == len(turns))
    probs = probabilities(llama, prompt.ids[:end])[-1]
    explained = llama.explain_draft(DraftRequest(1, messages))
    np.testing.assert_allclose(explained.trace.model_probs, probs[explained.trace.ids], atol=1e-6)


def test_drafts_that_are_none(llama: Engine):
    for wrong in (DraftRequest(1), DraftRequest(1, HELLO, "and a text"), DraftRequest(1, (Message("user", ""),))):
        with pytest.raises(RequestError):
            llama.explain_draft(wrong)
    for long in (DraftRequest(1, text=" dragon" * 400), DraftRequest(1, (Message("user", " dragon" * 400),))):
        with pytest.raises(ContextFullError, match="128"):
            llama.explain_draft(long)


def test_ids_are_described(llama: Engine):
    end = min(llama.chat.end_ids)
    described = llama.describe(DescribeRequest(6, (end, 65, 300)))
    assert (described.run_id, described.ids, described.is_special) == (6, (end, 65, 300), (True, False, False))
    assert described.token_bytes == tuple(map(llama.tokenizer.token_bytes, (end, 65, 300)))
    with pytest.raises(RequestError):
        llama.describe(DescribeRequest(6, (-1,)))


def test_questions_between_two_tokens_change_nothing_in_the_answer(llama: Engine):
    """All kinds of them, after every event of an answer that is being written."""
    wanted = request(params=PARAMS, seed=8, with_numbers=True)
    expected = run(llama, wanted)[2].answer_ids
    llama.session.rewind((1,))
    answered = ()
    for event in llama.generate(wanted):
        answered = event.answer_ids if isinstance(event, RunFinished) else ()
        held = tuple(llama.session.ids)
        if held:
            llama.explain(ExplainRequest(1, held[:5], None))
            llama.explain(ExplainRequest(1, (*held[:5], 9, 9, 9), None))
            llama.ask(AskRequest(1, held, " the dragon"))
        llama.explain_draft(DraftRequest(1, (Message("user", "Draft"),)))
        llama.explain_draft(DraftRequest(1, text="Draft"))
        assert tuple(llama.session.ids) == held
    assert answered == expected


def test_no_memory_is_said_so(llama: Engine, monkeypatch: pytest.MonkeyPatch):
    """A question that fails for want of memory leaves everything as it was."""

    def fail(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr(llama.model.final_norm, "forward", fail)
    with pytest.raises(OutOfMemoryError, match="not enough memory"):
        llama.ask(AskRequest(1, CONTEXT, "a dragon"))
