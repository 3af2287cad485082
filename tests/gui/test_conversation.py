"""The conversation model: token offsets in UTF-16 units, stepping, bounded traces, what is sent to the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models import conversation as module
from gui.models.conversation import Conversation
from gui.models.utf16 import utf16_length, utf16_slice
from inference.types import SamplingParams, StepTrace, TokenEvent

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


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
