"""The conversation model: token offsets in UTF-16 units, stepping, bounded traces, what is sent to the model."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models import conversation as module
from gui.models.conversation import ChatMessage, Conversation
from gui.models.utf16 import utf16_length, utf16_slice
from inference.types import PromptSpan, PromptTokens, SamplingParams, StepTrace, TokenEvent, TokenNumbers

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


NUMBERS = TokenNumbers(0.25, 0.5, 2.0, 3.0, 4)


def event(text: str, token_id: int = 7, *, is_end: bool = False, trace: StepTrace | None = None) -> TokenEvent:
    return TokenEvent(1, 0, token_id, text.encode(), text, is_end, trace)


def trace() -> StepTrace:
    nothing = np.zeros(0)
    return StepTrace(
        nothing, (), nothing, nothing, nothing, (), 1, 1.0, 1.0, 1, 0.0, 0.0, 0, 0.0, 0.0, 1, 1, 0.0, 0.0, 1.0, (), (), nothing,
        SamplingParams(),
    )  # fmt: skip


def answer(talk: Conversation, *texts: str) -> int:
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, [event(text, token_id) for token_id, text in enumerate(texts)])
    return index


@pytest.mark.parametrize(("text", "length"), [("", 0), ("abc", 3), ("né", 2), ("龙", 1), ("🐉", 2), ("a🐉b", 4), ("👩‍🚀", 5)])
def test_utf16_length_counts_what_qt_counts(text, length):
    """Characters outside the basic plane take two positions."""
    assert utf16_length(text) == length


@given(TEXTS, TEXTS, TEXTS)
def test_utf16_slice_gives_back_the_middle(before, middle, after):
    """Slicing by UTF-16 positions is the inverse of measuring."""
    start = utf16_length(before)
    assert utf16_slice(before + middle + after, start, start + utf16_length(middle)) == middle


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    """A position inside an emoji never gives a lone surrogate."""
    assert utf16_slice("🐉", 0, 1) == "\ufffd"


def test_adding_a_message_is_announced(qtbot):
    """add_message returns the index that message_added carries."""
    talk = Conversation()
    with qtbot.waitSignal(talk.message_added) as added:
        index = talk.add_message("user", "hi 🐉")
    assert added.args == [0] and index == 0
    assert (talk.messages[0].role, talk.messages[0].text, talk.messages[0].length) == ("user", "hi 🐉", 5)


def test_messages_have_different_ids():
    """The ids name messages across the border."""
    talk = Conversation()
    for _ in range(3):
        talk.add_message("user", "same")
    assert len({message.message_id for message in talk.messages}) == 3


def test_offsets_are_utf16_and_incomplete_characters_have_no_width():
    """An emoji made of three tokens belongs to the one that completed it."""
    talk = Conversation()
    index = answer(talk, "Hi ", "", "", "🐉", "!")
    assert talk.messages[index].text == "Hi 🐉!"
    assert [(token.start, token.end) for token in talk.messages[index].tokens] == [(0, 3), (3, 3), (3, 3), (3, 5), (5, 6)]


def test_one_flush_is_one_signal():
    """append_tokens announces all its text at once."""
    talk = Conversation()
    seen = []
    talk.text_appended.connect(lambda index, text: seen.append((index, text)))
    index = answer(talk, "a", "", "b")
    talk.append_tokens(index, [event("")])
    assert seen == [(index, "ab")]


def test_an_end_token_never_adds_text():
    """The token that ends an answer has no text, whatever the event says."""
    talk = Conversation()
    index = answer(talk, "a")
    talk.append_tokens(index, [event("<|end|>", 9, is_end=True)])
    record = talk.messages[index].tokens[-1]
    assert talk.messages[index].text == "a"
    assert (record.start, record.end, record.is_end, record.token_bytes) == (1, 1, True, b"<|end|>")


@given(st.lists(TEXTS, max_size=12))
def test_token_at_finds_the_token_of_every_position(texts):
    """Oracle: walk over all tokens."""
    talk = Conversation()
    index = answer(talk, *texts)
    for position in range(-1, talk.messages[index].length + 2):
        expected = [i for i, token in enumerate(talk.messages[index].tokens) if token.start <= position < token.end]
        assert talk.token_at(index, position) == (expected[0] if expected else None)


def test_text_without_a_token_belongs_to_none():
    """The user's own text has no tokens."""
    talk = Conversation()
    talk.add_message("user", "hello")
    assert talk.token_at(0, 2) is None


def test_text_held_back_until_the_end_belongs_to_the_last_token_without_text():
    """The tail of a run is clickable: it was made by the token that still had no text."""
    talk = Conversation()
    index = answer(talk, "a", "", "")
    talk.append_tokens(index, [event("", is_end=True)])
    talk.append_text(index, "\nUs")
    tokens = talk.messages[index].tokens
    assert [(token.start, token.end) for token in tokens] == [(0, 1), (1, 1), (1, 4), (4, 4)]
    assert talk.token_at(index, 2) == 2


def test_a_tail_after_a_complete_token_changes_no_token():
    """A token that has its text keeps it."""
    talk = Conversation()
    index = answer(talk, "", "ab")
    talk.append_text(index, "c")
    assert [(token.start, token.end) for token in talk.messages[index].tokens] == [(0, 0), (0, 2)]
    assert talk.messages[index].text == "abc"


def test_stepping_crosses_messages_and_stops_at_both_ends():
    """The arrow keys walk over all generated tokens, past the user's messages."""
    talk = Conversation()
    talk.add_message("user", "q")
    first = answer(talk, "a", "b")
    talk.add_message("user", "q")
    empty = talk.add_message("assistant", "", "failed")
    last = answer(talk, "c", "d", "e")
    assert empty not in (first, last)
    order = [(first, 0), (first, 1), (last, 0), (last, 1), (last, 2)]
    for here, place in enumerate(order):
        for there in range(-2, 8):
            expected = order[there] if 0 <= there < len(order) else None
            assert talk.step_from(*place, there - here) == expected
    assert talk.last_token() == (last, 2)


def test_no_last_token_before_the_first_answer():
    """A conversation of typed text has no token."""
    talk = Conversation()
    talk.add_message("user", "q")
    assert talk.last_token() is None


def test_status_changes_are_announced_once(qtbot):
    """Saying the same again is no change."""
    talk = Conversation()
    talk.add_message("assistant", "", "queued")
    with qtbot.waitSignal(talk.message_changed) as changed:
        talk.set_status(0, "reading", "640 of 1,024")
    assert changed.args == [0]
    with qtbot.assertNotEmitted(talk.message_changed):
        talk.set_status(0, "reading", "640 of 1,024")
    assert (talk.messages[0].status, talk.messages[0].note, talk.messages[0].is_active) == ("reading", "640 of 1,024", True)


def test_forgotten_is_exactly_the_given_set():
    """A message that fits again is no longer forgotten; only changes are announced."""
    talk = Conversation()
    for _ in range(4):
        talk.add_message("user", "q")
    changed = []
    talk.message_changed.connect(changed.append)
    talk.set_forgotten([0, 1])
    talk.set_forgotten({1, 2})
    assert changed == [0, 1, 0, 2]
    assert [message.is_forgotten for message in talk.messages] == [False, True, True, False]


def test_request_has_exact_ids_without_the_end_token():
    """Earlier answers go back to the model as the ids it drew."""
    talk = Conversation()
    talk.add_message("user", "q")
    index = answer(talk, "a", "b")
    talk.append_tokens(index, [event("", 99, is_end=True)])
    talk.set_status(index, "done")
    user, reply = talk.as_request_messages()
    assert (user.role, user.content, user.token_ids, user.message_id) == ("user", "q", None, talk.messages[0].message_id)
    assert (reply.role, reply.content, reply.token_ids) == ("assistant", "ab", (0, 1))


def test_request_prefers_the_ids_the_engine_gave():
    """The engine knows which tokens were a stop string; they do not go back."""
    talk = Conversation()
    index = answer(talk, "a", "", "")
    talk.messages[index].answer_ids = (0,)
    assert talk.as_request_messages()[0].token_ids == (0,)


def test_request_tokenises_answers_of_other_weights_again():
    """Ids mean something to the model that drew them only."""
    talk = Conversation()
    for weights in ("aa", "bb"):
        talk.messages[answer(talk, weights)].weights_hash = weights
    assert [message.token_ids for message in talk.as_request_messages("bb")] == [None, (0,)]


def test_request_leaves_out_failed_and_empty_answers():
    """What was no answer is not shown to the model."""
    talk = Conversation()
    talk.add_message("user", "q")
    talk.set_status(answer(talk, "half"), "failed", "out of memory")
    talk.add_message("assistant", "", "stopped")
    kept = answer(talk, "kept")
    talk.set_status(kept, "stopped")
    assert [message.content for message in talk.as_request_messages()] == ["q", "kept"]


def test_traces_are_bounded_and_records_stay(monkeypatch):
    """The oldest traces go first; offsets and ids of their tokens remain."""
    monkeypatch.setattr(module, "MAX_TRACES", 3)
    talk = Conversation()
    index = talk.add_message("assistant", "", "streaming")
    for step in range(5):
        talk.append_tokens(index, [event("x", step, trace=trace())])
    tokens = talk.messages[index].tokens
    assert [token.trace is not None for token in tokens] == [False, False, True, True, True]
    assert [(token.token_id, token.start) for token in tokens] == [(step, step) for step in range(5)]


def test_clear_removes_everything_and_starts_counting_traces_anew(qtbot, monkeypatch):
    """A new chat has none of the old one's messages or traces."""
    monkeypatch.setattr(module, "MAX_TRACES", 2)
    talk = Conversation()
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, [event("x", trace=trace()), event("y", trace=trace())])
    with qtbot.waitSignal(talk.cleared):
        talk.clear()
    assert len(talk.messages) == 0 and talk.last_token() is None
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, [event("x", trace=trace()), event("y", trace=trace())])
    assert all(token.trace is not None for token in talk.messages[index].tokens)


def talk_of(*texts: str) -> Conversation:
    """Questions and answers in turn."""
    talk = Conversation()
    for number, text in enumerate(texts):
        if number % 2:
            talk.set_status(answer(talk, text), "done")
        else:
            talk.add_message("user", text)
    return talk


def texts(talk: Conversation) -> list[str]:
    return [message.text for message in talk.messages]


def heard(talk: Conversation) -> list[tuple[str, int]]:
    """What is announced from now on, in order."""
    events: list[tuple[str, int]] = []
    for name in ("message_added", "message_changed", "path_changed", "numbers_changed"):
        getattr(talk, name).connect(lambda index, name=name: events.append((name, index)))
    return events


def test_a_sibling_takes_the_place_of_a_message_and_of_all_that_followed():
    """It is empty, of the same role, and announced by one signal; the model is sent the new path only."""
    talk = talk_of("q", "a", "q2", "a2")
    events = heard(talk)
    assert talk.add_sibling(1) == 1
    assert events == [("path_changed", 1)]
    sibling = talk.messages[1]
    assert (sibling.role, sibling.text, sibling.status, sibling.parent_id) == (
        "assistant",
        "",
        "queued",
        talk.messages[0].message_id,
    )
    talk.append_tokens(1, [event("b")])
    assert [message.content for message in talk.as_request_messages()] == ["q", "b"]
    assert (talk.siblings(0), talk.siblings(1)) == ((1, 1), (2, 2))


def test_switching_shows_what_was_last_seen_below_each_sibling():
    """Nothing is deleted by branching, and beyond the first and the last sibling nothing happens."""
    talk = talk_of("q", "a", "q2", "a2")
    talk.append_text(talk.add_sibling(2, "done"), "q3")
    talk.append_text(talk.add_sibling(1, "done"), "b")
    events = heard(talk)
    talk.switch(1, 1)
    assert events == [] and texts(talk) == ["q", "b"]
    talk.switch(1, -1)
    assert events == [("path_changed", 1)] and texts(talk) == ["q", "a", "q3"]
    talk.switch(2, -1)
    assert texts(talk) == ["q", "a", "q2", "a2"]
    talk.switch(1, 1)
    talk.switch(1, -1)
    assert texts(talk) == ["q", "a", "q2", "a2"]


def test_the_beginning_has_siblings_too():
    talk = talk_of("q", "a")
    talk.append_text(talk.add_sibling(0, "done"), "other")
    assert (texts(talk), talk.siblings(0), talk.messages[0].parent_id) == (["other"], (2, 2), "")
    talk.switch(0, -1)
    assert texts(talk) == ["q", "a"]


def test_a_message_is_found_wherever_it_is():
    """And brought on screen; one that is on screen already moves nothing."""
    talk = talk_of("q", "a", "q2", "a2")
    first, last = talk.messages[1], talk.messages[3]
    talk.add_sibling(1)
    assert talk.find(last.message_id) is last and talk.index_of(last.message_id) is None
    assert talk.show_message(last.message_id) == 3
    events = heard(talk)
    assert talk.show_message(first.message_id) == 1 and events == []
    assert talk.index_of(first.message_id) == 1
    assert talk.show_message("nobody") is talk.find("nobody") is None


def test_another_path_has_no_marks_of_what_was_forgotten():
    """Which of its messages the model sees is said with the next prompt; a sibling about to be made keeps the marks before it."""
    talk = talk_of("q", "a", "q2", "a2")
    talk.set_forgotten([0, 2])
    talk.add_sibling(1)
    assert [message.is_forgotten for message in talk.messages] == [True, False]
    events = heard(talk)
    talk.switch(1, -1)
    assert events == [("path_changed", 1), ("message_changed", 0), ("message_changed", 2)]
    assert not any(message.is_forgotten for message in talk.messages)


def test_a_request_up_to_an_answer_lacks_it_and_what_follows():
    """What an answer is made again from."""
    talk = talk_of("q", "a", "q2", "a2")
    assert [message.content for message in talk.as_request_messages(until=3)] == ["q", "a", "q2"]
    assert talk.as_request_messages(until=0) == ()


def test_restored_messages_are_announced_one_by_one_and_the_shown_ones_only():
    """A listener finds each message as the last one, as if it had just been added."""
    talk = talk_of("q", "a", "q2")
    messages = [*talk.messages, ChatMessage("assistant", "b", parent_id=talk.messages[0].message_id, is_forgotten=True)]
    again = Conversation()
    lengths = []
    again.message_added.connect(lambda index: lengths.append((index, len(again.messages))))
    again.restore(messages, messages[2].message_id)
    assert (texts(again), lengths) == (["q", "a", "q2"], [(0, 1), (1, 2), (2, 3)])
    again.switch(1, 1)
    assert texts(again) == ["q", "b"] and not again.messages[1].is_forgotten


def test_a_cleared_conversation_has_no_branches():
    talk = talk_of("q", "a")
    old = talk.messages[1]
    talk.add_sibling(1)
    talk.clear()
    talk.add_message("user", "new")
    assert (texts(talk), talk.siblings(0), talk.find(old.message_id)) == (["new"], (1, 1), None)


def ask(talk: Conversation, *pieces: bytes) -> int:
    """An answer whose prompt is one special token and, as the first message, these pieces."""
    index = talk.add_message("assistant", "", "reading")
    talk.messages[index].weights_hash = "w"
    spans = (PromptSpan(0, 1, "special"), PromptSpan(1, 1 + len(pieces), "content", 1))
    prompt = PromptTokens(1, tuple(range(20, 21 + len(pieces))), spans, 0, token_bytes=(b"<s>", *pieces))
    talk.set_prompt(index, prompt, ["", talk.messages[0].message_id])
    return index


def test_the_users_words_get_tokens_and_numbers_from_the_prompt():
    """The request's messages are found by id: one that is not on screen, such as the system prompt, is passed over."""
    talk = Conversation()
    talk.add_message("user", "Hi 🐉")
    events = heard(talk)
    index = ask(talk, b"Hi", b" \xf0\x9f", b"\x90\x89")
    assert events == [("message_added", 1), ("numbers_changed", 0)]
    user, reply = talk.messages
    assert (reply.prompt_ids, reply.spans[1].message_index) == ((20, 21, 22, 23), 1)
    assert [(token.token_id, token.start, token.end) for token in user.tokens] == [(21, 0, 2), (22, 2, 3), (23, 3, 5)]
    assert (user.prompt_ids, user.weights_hash, user.read_for) == ((20,), "w", reply.message_id)
    talk.set_prompt_numbers(index, 1, [NUMBERS, NUMBERS])
    talk.set_prompt_numbers(index, 3, [replace_rank(9)])
    talk.set_prompt_numbers(index, 1, [replace_rank(7)])
    assert events[2:] == [("numbers_changed", 0)] * 2
    assert [token.numbers.rank for token in user.tokens] == [4, 4, 9]


def replace_rank(rank: int) -> TokenNumbers:
    return NUMBERS._replace(rank=rank)


def test_a_prompt_that_says_nothing_of_its_messages_gives_no_tokens():
    """As that of a branch, which is made from ids."""
    talk = talk_of("Hi")
    index = talk.add_message("assistant", "", "reading")
    talk.set_prompt(index, PromptTokens(1, (5,), (PromptSpan(0, 1, "content", 0),), 0, token_bytes=(b"Hi",)), [])
    assert (talk.messages[index].prompt_ids, talk.messages[0].tokens) == ((5,), [])


def test_stepping_walks_over_the_users_words_and_the_newest_token_is_an_answers():
    talk = Conversation()
    talk.add_message("user", "Hi you")
    index = ask(talk, b"Hi", b" you")
    assert (talk.last_token(), talk.last_traced()) == (None, None)
    talk.append_tokens(index, [event("a")])
    assert talk.step_from(1, 0, -1) == (0, 1)
    assert talk.step_from(0, 0, 2) == (1, 0)
    talk.add_message("user", "x")
    talk.messages[2].tokens = talk.messages[0].tokens
    assert talk.last_token() == (1, 0)


def test_what_comes_with_a_token_stays_with_it():
    """Its numbers, and that it was chosen by hand."""
    talk = Conversation()
    index = talk.add_message("assistant", "", "streaming")
    talk.append_tokens(index, [replace(event("a"), numbers=NUMBERS, is_given=True), event("b")])
    assert [(token.numbers, token.is_given) for token in talk.messages[index].tokens] == [(NUMBERS, True), (None, False)]


def test_an_answer_that_goes_on_has_other_ids_than_when_it_paused():
    """Until the engine says which; in between the model is sent all its tokens."""
    talk = talk_of("q", "a")
    talk.messages[1].answer_ids = (0,)
    talk.set_status(1, "paused")
    talk.append_tokens(1, [event("b", 8)])
    assert talk.as_request_messages()[1].token_ids == (0, 8)


@pytest.mark.parametrize(
    ("role", "is_given", "is_drawn"), [("assistant", False, True), ("assistant", True, False), ("user", False, False)]
)
def test_a_trace_brings_the_numbers_of_its_token(role, is_given, is_drawn):
    """Once; a token that was not drawn had no probability of being drawn."""
    talk = Conversation()
    index = talk.add_message(role, "", "streaming")
    talk.append_tokens(index, [replace(event("x", 1), is_given=is_given)])
    events = heard(talk)
    computed = replace(
        trace(), chosen_sampling_prob=0.75, chosen_model_prob=0.5, surprise_bits=1.0, entropy_bits=2.5, chosen_rank=3
    )
    talk.keep_trace(index, 0, computed)
    numbers = talk.messages[index].tokens[0].numbers
    assert (numbers.model_prob, numbers.surprise_bits, numbers.entropy_bits, numbers.rank) == (0.5, 1.0, 2.5, 3)
    assert numbers.sampling_prob == 0.75 if is_drawn else math.isnan(numbers.sampling_prob)
    talk.keep_trace(index, 0, replace(computed, chosen_rank=5))
    assert talk.messages[index].tokens[0].numbers.rank == 3
    assert events == [("numbers_changed", index)]


def test_a_trace_of_another_choice_brings_no_numbers():
    """Where nothing was chosen yet, or the question was about another token."""
    talk = talk_of("q", "a")
    talk.keep_trace(1, 0, replace(trace(), chosen_id=-1))
    assert talk.messages[1].tokens[0].numbers is None
