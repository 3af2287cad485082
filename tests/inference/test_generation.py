"""Beginnings of answers: texts, prefixes, choices by hand, branches, steps, replays, and the numbers of what is read."""

from dataclasses import replace

import numpy as np
import pytest

import inference
from inference.engine import Engine
from inference.errors import ContextFullError, RequestError
from inference.types import (
    CancelFlag,
    DraftRequest,
    Event,
    GenerateRequest,
    Message,
    PromptNumbers,
    PromptTokens,
    RunFailed,
    RunFinished,
    SamplingParams,
    TokenEvent,
    TokenNumbers,
)
from tests.inference.test_engine import HELLO, request, run
from tests.tiny import tiny_checkpoint

PENALISED = SamplingParams(temperature=1.3, top_p=0.95, repetition_penalty=1.3)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tiny_checkpoint(tmp_path_factory.mktemp("llama"), "llama", max_position_embeddings=256)
    return inference.load(folder, device="cpu", dtype="float32", threads=1)


def ids_of(tokens: list[TokenEvent]) -> tuple[int, ...]:
    return tuple(event.token_id for event in tokens)


def text_of(tokens: list[TokenEvent]) -> str:
    return "".join(event.text for event in tokens)


def stepwise(engine: Engine, wanted: GenerateRequest, by_hand: dict[int, int]) -> tuple[tuple[int, ...], str, RunFinished]:
    """The same answer one token at a time, as a reader does it: some tokens are put there by hand, the others drawn."""
    ids: tuple[int, ...] = ()
    text = ""
    finished = None
    while finished is None or (finished.reason == "length" and len(ids) < wanted.max_new_tokens):
        known, is_chosen = len(ids), len(ids) in by_hand
        prefix = (*ids, by_hand[known]) if is_chosen else ids
        step = replace(wanted, answer_prefix_ids=prefix, known_tokens=known, max_new_tokens=1, draws=not is_chosen, forced=())
        _, [token], finished = run(engine, step)
        assert token.step == known
        assert token.is_given == is_chosen
        ids += (token.token_id,) if not token.is_end else ()
        text += token.text
    return ids, text + finished.text_tail, finished


def float64_numbers(engine: Engine, ids: tuple[int, ...]) -> list[TokenNumbers]:
    """Of every id after the first, by definition."""
    found = []
    for row, token_id in zip(engine.logits(ids).astype(np.float64), ids[1:], strict=False):
        log_probs = row - np.logaddexp.reduce(row)
        entropy = -(np.exp(log_probs) * log_probs).sum() / np.log(2)
        surprise = -log_probs[token_id] / np.log(2)
        rank = 1 + int((row > row[token_id]).sum())
        found.append(TokenNumbers(np.exp(log_probs[token_id]), np.nan, surprise, entropy, rank))
    return found


def assert_numbers(found: list[TokenNumbers], wanted: list[TokenNumbers]) -> None:
    assert len(found) == len(wanted)
    np.testing.assert_allclose([n[2:4] for n in found], [n[2:4] for n in wanted], atol=1e-4)
    np.testing.assert_allclose([n.model_prob for n in found], [n.model_prob for n in wanted], atol=1e-5)
    assert [n.rank for n in found] == [n.rank for n in wanted]


def prompt_numbers(events: list[Event]) -> dict[int, TokenNumbers]:
    """By position; the events follow one another without overlap."""
    found: dict[int, TokenNumbers] = {}
    for event in events:
        if isinstance(event, PromptNumbers):
            assert not found or event.start > max(found)
            found |= {event.start + i: numbers for i, numbers in enumerate(event.numbers)}
    return found


def test_the_prompt_is_told_with_its_bytes_and_without_the_prefix(llama: Engine):
    events, tokens, _ = run(llama, request(answer_prefix_ids=(40, 50), known_tokens=1, max_new_tokens=3))
    prompt = events[0]
    assert prompt.ids == llama.chat.render(HELLO).ids
    assert prompt.token_bytes == tuple(map(llama.tokenizer.token_bytes, prompt.ids))
    assert prompt.spans[-1].end == len(prompt.ids)
    assert [(event.step, event.is_given) for event in tokens] == [(1, True), (2, False), (3, False), (4, False)]


def test_every_token_has_numbers_when_they_are_asked_for(llama: Engine):
    """Those drawn with their sampling probability, those of the prompt in the order of reading; none otherwise."""
    llama.session.rewind((1,))
    llama.session._chunk_tokens = 4
    events, tokens, finished = run(llama, request(with_numbers=True, max_new_tokens=20))
    ids = events[0].ids + finished.answer_ids
    wanted = float64_numbers(llama, ids)
    found = prompt_numbers(events)
    assert list(found) == list(range(1, len(events[0].ids)))
    assert sum(isinstance(event, PromptNumbers) for event in events) > 1
    assert_numbers([*found.values(), *(event.numbers for event in tokens)][: len(wanted)], wanted)
    assert all(np.isnan(numbers.sampling_prob) for numbers in found.values())
    for event in tokens:
        assert event.numbers.sampling_prob == pytest.approx(event.trace.chosen_sampling_prob, abs=1e-9)
    without = run(llama, request())
    assert not prompt_numbers(without[0])
    assert all(event.numbers is None for event in without[1])


def test_numbers_of_a_second_turn_begin_where_reading_does(llama: Engine):
    """Also that of the first token read, which follows from what is still in the cache; and the cache stays right."""
    _, _, first = run(llama, request(max_new_tokens=6))
    answer = Message("assistant", llama.tokenizer.decode(first.answer_ids), first.answer_ids)
    wanted = request(messages=(*HELLO, answer, Message("user", "And who made you?")), with_numbers=True, max_new_tokens=3)
    events, _, finished = run(llama, wanted)
    reused, ids = events[0].reused_tokens, events[0].ids
    found = prompt_numbers(events)
    assert list(found) == list(range(reused, len(ids)))
    assert_numbers(list(found.values()), float64_numbers(llama, ids)[reused - 1 :])
    llama.session.rewind((1,))
    assert run(llama, wanted)[2].answer_ids == finished.answer_ids


def test_new_words_have_numbers_though_the_cache_has_them(llama: Engine):
    """Another conversation may begin with the same words: they keep their numbers, and nothing is read again for them."""
    llama.session.rewind((1,))
    events, _, _ = run(llama, request(with_numbers=True, max_new_tokens=3))
    scored = prompt_numbers(events)
    [span] = [span for span in events[0].spans if span.kind == "content"]
    again, _, _ = run(llama, request(with_numbers=True, max_new_tokens=3))
    assert again[0].reused_tokens == len(again[0].ids) - 1
    found = prompt_numbers(again)
    assert {position: found[position] for position in range(span.start, span.end)} == {
        position: scored[position] for position in range(span.start, span.end)
    }


def test_new_words_that_a_question_left_in_the_cache_are_read_for_their_numbers(llama: Engine):
    """A long draft stays in the cache when what follows it was explained; sent, it has numbers like any other words."""
    llama.session.rewind((1,))
    draft = (Message("user", "Tell me more about the long way home. " * 4),)
    llama.explain_draft(DraftRequest(0, messages=draft))
    held = len(llama.session.ids)
    events, _, finished = run(llama, request(messages=draft, with_numbers=True, max_new_tokens=3))
    [span] = [span for span in events[0].spans if span.kind == "content"]
    assert held > span.start + 64
    assert events[0].reused_tokens <= span.start
    found = prompt_numbers(events)
    wanted = float64_numbers(llama, events[0].ids)
    assert_numbers([found[position] for position in range(span.start, span.end)], wanted[span.start - 1 : span.end - 1])
    again, _, _ = run(llama, request(messages=draft, max_new_tokens=3))
    assert again[0].reused_tokens == len(again[0].ids) - 1
    assert again[-1].answer_ids == finished.answer_ids


def test_a_text_begun_alike_has_numbers_again(llama: Engine):
    llama.session.rewind((1,))
    base = request(messages=(), text="Once upon a time", with_numbers=True, max_new_tokens=3)
    first = [event.numbers for event in run(llama, base)[1] if event.is_given]
    events, tokens, _ = run(llama, base)
    assert events[0].reused_tokens > 1
    assert [event.numbers is None for event in tokens if event.is_given] == [numbers is None for numbers in first]
    assert sum(numbers is not None for numbers in first) >= len(first) - 1


@pytest.mark.parametrize("is_cached", [False, True])
def test_given_tokens_have_numbers_where_they_are_read(llama: Engine, is_cached: bool):
    """A prefix that is new has them all; of one that is cached only the last token is read again."""
    base = request(with_numbers=True, max_new_tokens=8, seed=3)
    whole = run(llama, base)[2].answer_ids
    if not is_cached:
        llama.session.rewind((1,))
    events, tokens, _ = run(llama, replace(base, answer_prefix_ids=whole[:6], max_new_tokens=2))
    given = [event for event in tokens if event.is_given]
    assert ids_of(given) == whole[:6]
    wanted = float64_numbers(llama, events[0].ids + whole[:6])[-6:]
    start = 5 if is_cached else 0
    assert all(event.numbers is None for event in given[:start])
    assert_numbers([event.numbers for event in given[start:]], wanted[start:])
    assert all(np.isnan(event.numbers.sampling_prob) for event in given[start:])


def test_a_plain_text_begins_the_answer(llama: Engine):
    """Its tokens are given ones, after the token that stands between two texts."""
    text = "The dragon said: é"
    ids = llama.tokenizer.encode(text)
    events, tokens, finished = run(llama, request(messages=(), text=text, with_numbers=True, max_new_tokens=5))
    assert [(span.start, span.end, span.kind) for span in events[0].spans] == [(0, 1, "special")]
    assert events[0].ids == (llama.tokenizer.special_ids["<|endoftext|>"],)
    assert ids_of(tokens[: len(ids)]) == ids
    assert [event.is_given for event in tokens] == [True] * len(ids) + [False] * 5
    assert (text_of(tokens) + finished.text_tail).startswith(text)
    assert finished.answer_ids[: len(ids)] == ids
    assert_numbers([event.numbers for event in tokens], float64_numbers(llama, events[0].ids + finished.answer_ids))
    assert finished.stats.new_tokens == 5
    again = run(llama, request(messages=(), prompt_ids=events[0].ids, answer_prefix_ids=ids, max_new_tokens=5))
    assert again[2].answer_ids == finished.answer_ids


@pytest.mark.parametrize(("bos_id", "named", "first"), [(7, {}, (7,)), (None, {}, ()), (None, {"bos_token": "<|user|>"}, ())])
def test_what_stands_before_a_plain_text(llama: Engine, monkeypatch, bos_id, named, first):
    """The id that the tokenizer puts first; a named beginning only where it is an end as well; else nothing, and no numbers."""
    monkeypatch.setattr(llama.tokenizer, "bos_id", bos_id)
    monkeypatch.setattr(llama.tokenizer, "named_tokens", named)
    llama.session.rewind((1,))
    events, tokens, _ = run(llama, request(messages=(), text="The dragon", with_numbers=True, max_new_tokens=2))
    assert events[0].ids == first
    assert (tokens[0].numbers is None) == (first == ())


def test_a_text_is_written_on(llama: Engine):
    """More text, after what is there already: its tokens follow, and are given ones."""
    events, _, finished = run(llama, request(messages=(), text="The dragon", max_new_tokens=4))
    more = llama.tokenizer.encode(" said: é")
    wanted = request(
        messages=(),
        prompt_ids=events[0].ids,
        answer_prefix_ids=finished.answer_ids,
        known_tokens=len(finished.answer_ids),
        text=" said: é",
        max_new_tokens=3,
    )
    _, tokens, last = run(llama, wanted)
    assert ids_of(tokens[: len(more)]) == more
    assert [event.is_given for event in tokens] == [True] * len(more) + [False] * 3
    assert last.answer_ids[: len(finished.answer_ids) + len(more)] == finished.answer_ids + more


def test_a_text_too_long_is_refused_with_the_numbers(llama: Engine):
    [*_, failed] = llama.generate(request(messages=(), text=" dragon" * 400))
    assert (type(failed), failed.kind) == (RunFailed, ContextFullError.kind)
    assert "256 tokens; this needs" in failed.message


def test_nothing_is_drawn_when_nothing_shall_be(llama: Engine):
    """The prompt and the prefix are read, and have numbers."""
    events, tokens, finished = run(llama, request(answer_prefix_ids=(40, 50), draws=False, with_numbers=True))
    assert (finished.reason, finished.answer_ids, finished.stats.new_tokens) == ("length", (40, 50), 0)
    assert ids_of(tokens) == (40, 50)
    assert llama.session.ids == [*events[0].ids, 40, 50]
    full = request(messages=(), prompt_ids=tuple(range(5, 261)))
    assert run(llama, replace(full, draws=False))[2].reason == "length"
    assert isinstance(list(llama.generate(full))[-1], RunFailed)


@pytest.mark.parametrize("known", [0, 2, 3])
def test_an_end_token_in_the_prefix_ends_the_answer(llama: Engine, known: int):
    """Chosen by hand, it is told as such, with its numbers; what stands behind it is no part of the answer."""
    end = min(llama.chat.end_ids)
    wanted = request(answer_prefix_ids=(40, 50, end, 60), known_tokens=known, with_numbers=True)
    events, tokens, finished = run(llama, wanted)
    assert (finished.reason, finished.answer_ids, finished.stats.new_tokens) == ("end", (40, 50), 0)
    assert ids_of(tokens) == (40, 50, end)[known:]
    if known < 3:
        assert (tokens[-1].is_end, tokens[-1].is_given, tokens[-1].step, tokens[-1].text) == (True, True, 2, "")
        assert_numbers([tokens[-1].numbers], float64_numbers(llama, (*events[0].ids, 40, 50, end))[-1:])
    assert llama.session.ids == [*events[0].ids, 40, 50]


def test_a_stop_text_in_the_prefix_ends_the_answer(llama: Engine):
    """Also where the caller already shows half of it."""
    ids = llama.tokenizer.encode("Hello.\nUser: and")
    for known in (0, len(ids) - 3, len(ids)):
        wanted = request(answer_prefix_ids=ids, known_tokens=known, stop=("\nUser:",))
        _, tokens, finished = run(llama, wanted)
        assert finished.reason == "stop"
        assert llama.tokenizer.decode(finished.answer_ids) == "Hello."
        assert all(event.is_given for event in tokens)
        if not known:
            assert text_of(tokens) + finished.text_tail == "Hello."


def test_a_scene_only_ends_answers_where_ids_are_given(llama: Engine, tmp_path_factory: pytest.TempPathFactory):
    """With prompt ids the scene's speakers end the answer; without a scene nobody does."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("gpt2"), "gpt2", n_positions=600)
    gpt2 = inference.load(folder, device="cpu", dtype="float32", threads=1)
    spoken = gpt2.tokenizer.encode("Fine.\nAnna: And you")
    wanted = request(messages=(), prompt_ids=(40, 50), answer_prefix_ids=spoken, max_new_tokens=2)
    assert run(gpt2, wanted)[2].reason == "length"
    assert run(gpt2, replace(wanted, scene="Anna: Hi.\nBen: Hello.\n"))[2].reason == "stop"


def test_a_cancelled_reading_still_tells_the_whole_beginning(llama: Engine):
    """So that text and answer ids agree."""
    flag = CancelFlag()
    llama.session.rewind((1,))
    flag.set()
    _, tokens, finished = run(llama, request(answer_prefix_ids=(40, 50, 60), with_numbers=True, cancel=flag))
    assert (finished.reason, finished.answer_ids, ids_of(tokens)) == ("cancelled", (40, 50, 60), (40, 50, 60))
    assert all(event.numbers is None for event in tokens)
    assert run(llama, request(draws=False, cancel=flag))[2].reason == "cancelled"


def test_a_choice_by_hand_is_taken_instead_of_a_draw(llama: Engine):
    """It is told as given, its trace shows no draw, and the tokens around it are drawn as ever."""
    wanted = request(forced=((0, 77), (3, 78)), with_numbers=True, params=PENALISED)
    events, tokens, _ = run(llama, wanted)
    assert [event.step for event in tokens if event.is_given] == [0, 3]
    for event in (tokens[0], tokens[3]):
        assert np.isnan(event.numbers.sampling_prob)
        assert np.isnan(event.trace.draw_u)
        assert (event.trace.chosen_id, event.trace.chosen_rank) == (event.token_id, event.numbers.rank)
    branch = run(llama, replace(wanted, forced=(), answer_prefix_ids=ids_of(tokens[:4]), max_new_tokens=8))
    assert ids_of(branch[1]) == ids_of(tokens)
    assert [event.trace.draw_u for event in branch[1][4:]] == [event.trace.draw_u for event in tokens[4:]]
    assert events[0].ids == branch[0][0].ids


@pytest.mark.parametrize("params", [SamplingParams(temperature=1.0), PENALISED, SamplingParams(temperature=0.0)], ids=str)
@pytest.mark.parametrize("forced", [(), ((2, 99), (5, 300), (6, 99))], ids=str)
def test_a_replay_gives_the_same_ids(llama: Engine, params: SamplingParams, forced: tuple[tuple[int, int], ...]):
    """From the prompt's ids, parameters, seed and what was chosen by hand, also in an engine that has read other things."""
    events, tokens, finished = run(llama, request(params=params, seed=31, forced=forced, max_new_tokens=25))
    run(llama, request(messages=(Message("user", "Something else"),)))
    replay = request(messages=(), prompt_ids=events[0].ids, params=params, seed=31, forced=forced, max_new_tokens=25)
    again = run(llama, replay)
    assert ids_of(again[1]) == ids_of(tokens)
    assert again[2].answer_ids == finished.answer_ids


@pytest.mark.parametrize("step", [1, 4, 10])
def test_a_branch_crops_the_cache_and_keeps_the_seed(llama: Engine, step: int):
    """Everything before the branch is reused but one token; the later draws are those of the same seed."""
    base = request(seed=9, max_new_tokens=12)
    events, tokens, finished = run(llama, base)
    other = int(tokens[step].trace.ids[1] if tokens[step].trace.ids[0] == tokens[step].token_id else tokens[step].trace.ids[0])
    prefix = (*finished.answer_ids[:step], other)
    branch = replace(base, answer_prefix_ids=prefix, known_tokens=step, max_new_tokens=12 - len(prefix))
    branched, new_tokens, ended = run(llama, branch)
    assert branched[0].reused_tokens == ended.stats.reused_tokens == len(events[0].ids) + step
    assert ids_of(new_tokens[:1]) == (other,)
    assert new_tokens[0].is_given
    assert ended.answer_ids[: step + 1] == prefix
    assert [event.trace.draw_u for event in new_tokens[1:]] == [e.trace.draw_u for e in tokens[step + 1 :]][: len(new_tokens) - 1]


@pytest.mark.parametrize("seed", range(4))
def test_step_by_step_is_the_same_answer(llama: Engine, seed: int):
    """Same ids, same text, also where characters and stop texts reach over several tokens and a hand puts them there."""
    spelled = llama.tokenizer.encode("né 🐉 \nUs")
    by_hand = dict(enumerate(spelled, start=3))
    wanted = request(params=SamplingParams(temperature=2.0), seed=seed, max_new_tokens=30, stop=("\nUser:",))
    _, tokens, finished = run(llama, replace(wanted, forced=tuple(by_hand.items())))
    ids, text, last = stepwise(llama, wanted, by_hand)
    assert ids == ids_of([event for event in tokens if not event.is_end])
    assert text == text_of(tokens) + finished.text_tail
    assert "né 🐉 \nUs" in text
    assert (last.reason, last.answer_ids) == (finished.reason, finished.answer_ids)


def test_step_by_step_into_a_stop_text(llama: Engine):
    """It ends where it is complete, and none of it was ever shown."""
    by_hand = dict(enumerate(llama.tokenizer.encode("Good.\nUser: I")))
    wanted = request(max_new_tokens=30, stop=("\nUser:",))
    _, tokens, finished = run(llama, replace(wanted, forced=tuple(by_hand.items())))
    _, text, last = stepwise(llama, wanted, by_hand)
    assert text == text_of(tokens) + finished.text_tail == "Good."
    assert last.reason == finished.reason == "stop"
    assert last.answer_ids == finished.answer_ids == llama.tokenizer.encode("Good.")


def test_a_step_reads_only_the_token_before_it(llama: Engine):
    """Growing prefixes are never read twice: all but the last known token are in the cache."""
    ids = run(llama, request(max_new_tokens=1))[2].answer_ids
    for _ in range(5):
        events, [token], _ = run(llama, request(max_new_tokens=1, answer_prefix_ids=ids, known_tokens=len(ids)))
        assert events[0].reused_tokens == len(events[0].ids) + len(ids) - 1
        ids += (token.token_id,)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "a"},
        {"prompt_ids": (5,)},
        {"messages": ()},
        {"forced": ((1, 512),)},
        {"forced": ((1, -1),)},
        {"answer_prefix_ids": (600,)},
    ],
    ids=str,
)
def test_requests_that_contradict_themselves_or_the_model(llama: Engine, changes: dict[str, object]):
    [*_, failed] = llama.generate(request(**changes))
    assert (type(failed), failed.kind) == (RunFailed, RequestError.kind)


def test_only_prompt_tokens_come_before_reading(llama: Engine):
    """A text of a thousand tokens must not wait to be told until it is read; what is cached comes at once."""
    whole = run(llama, request(max_new_tokens=6))[2].answer_ids
    events = llama.generate(request(answer_prefix_ids=whole[:4], max_new_tokens=1))
    assert isinstance(next(events), PromptTokens)
    assert [next(events).step for _ in range(3)] == [0, 1, 2]
    events.close()
