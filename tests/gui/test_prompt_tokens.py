"""Which part of a message each prompt token is: with the project's own tokenizer, over texts and templates of every kind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.models.message import ChatMessage
from gui.models.prompt_tokens import give_numbers, give_tokens, message_ranges, tokens_of_text
from gui.models.utf16 import utf16_length, utf16_slice
from inference.chat import ChatFormat
from inference.prompt import PromptPart, join_parts
from inference.scene import read_scene
from inference.tokenizer import Tokenizer
from inference.types import Message, PromptSpan, PromptTokens, TokenNumbers
from tests.tiny import write_tiny_tokenizer

WORDS = st.sampled_from(["Hello", " the", "dragon", "\n", "  ", "é", "龙", "🐉", "👩‍🚀", "<|end|>", "\t", "1893", " ", "\u2003"])
TEXTS = st.one_of(
    st.lists(WORDS, max_size=12).map("".join), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"))
)
BLANKS = st.text(" \n\t", max_size=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    return Tokenizer.from_folder(folder)


@pytest.fixture(scope="module")
def chat(folder, tokenizer):
    return ChatFormat.from_folder(folder, tokenizer)


def prompt_of(tokenizer: Tokenizer, rendered: object) -> PromptTokens:
    pieces = tuple(tokenizer.token_bytes(token_id) for token_id in rendered.ids)
    return PromptTokens(1, rendered.ids, rendered.spans, 0, token_bytes=pieces)


def pieces(*parts: bytes) -> PromptTokens:
    return PromptTokens(1, tuple(range(10, 10 + len(parts))), (PromptSpan(0, len(parts), "content", 0),), 0, token_bytes=parts)


def check(text: str, prompt: PromptTokens, start: int, end: int) -> None:
    """The oracle: the tokens follow one another without a gap, and their texts are the text, but for blanks at its ends.

    A token whose bytes are whole characters of the text has exactly their text.
    """
    first, records = tokens_of_text(text, prompt, start, end)
    ids = tuple(record.token_id for record in records)
    assert prompt.ids[first : first + len(ids)] == ids
    assert start - 1 <= first and first + len(ids) <= end + 1
    places = [place for record in records for place in (record.start, record.end)]
    assert places[1:-1:2] == places[2::2]
    covered = utf16_slice(text, places[0], places[-1])
    assert covered.strip() == text.strip()
    assert text.startswith(utf16_slice(text, 0, places[0]) + covered)
    assert 0 <= places[0] <= places[-1] <= utf16_length(text)
    for record in records[1:-1]:
        if "\ufffd" not in record.token_bytes.decode("utf-8", "replace"):
            assert utf16_slice(text, record.start, record.end).encode() == record.token_bytes


@settings(max_examples=150, deadline=None)
@given(
    text=TEXTS.filter(str.strip),
    before=st.sampled_from(["", " ", "User:", "\n\n"]),
    after=st.sampled_from(["", "\n", "<|end|>"]),
    is_trusted=st.booleans(),
)
def test_every_token_has_its_text_whatever_stands_around_it(tokenizer, text, before, after, is_trusted):
    """Where tokens reach over the edges, the part of the text that is theirs; they count as the text's or the template's."""
    parts = [PromptPart(before, is_trusted=is_trusted), PromptPart(text, 0), PromptPart(after, is_trusted=is_trusted)]
    prompt = prompt_of(tokenizer, join_parts(tokenizer, parts))
    ranges = message_ranges(prompt.spans)
    assert ranges or not is_trusted
    for start, end in ranges.values():  # none where all of the text is in one token with what was before
        check(text, prompt, start, end)


@settings(max_examples=100, deadline=None)
@given(core=TEXTS, left=BLANKS, right=BLANKS)
def test_templates_that_trim_leave_blanks_without_a_token(tokenizer, chat, core, left, right):
    """The chat template and the scene: blanks at the ends may be missing, or be those of a token with more in it."""
    text = left + core + right
    if not text.strip():
        return
    messages = [Message("user", "Before"), Message("assistant", "Yes."), Message("user", text)]
    scene = join_parts(tokenizer, read_scene("").parts(messages))
    for rendered in (chat.render(messages), scene):
        prompt = prompt_of(tokenizer, rendered)
        check(text, prompt, *message_ranges(prompt.spans)[2])


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60)))
def test_a_character_belongs_to_the_token_that_completes_it(text, cuts):
    """Bytes cut anywhere; oracle: what the bytes up to the end of each token spell, incomplete characters left out."""
    data = text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    prompt = pieces(*(data[a:b] for a, b in zip(edges, edges[1:], strict=False)))
    found = tokens_of_text(text, prompt, 0, len(prompt.ids))
    if not text:
        assert found is None
        return
    ends = [utf16_length(data[:edge].decode(errors="ignore")) for edge in edges[1:]]
    assert [record.end for record in found[1]] == ends
    assert [record.start for record in found[1]] == [0, *ends[:-1]]


@pytest.mark.parametrize(
    ("text", "parts", "first", "places"),
    [
        ("Hi", (b"User: ", b"H", b"i\n"), 1, [(0, 1), (1, 2)]),
        (" Hi ", (b":", b" Hi", b"\n"), 1, [(0, 3)]),  # the blank before is there, the one after is not
        ("\n Hi", (b" Hi",), 0, [(1, 4)]),
        ("\n\nHi\n\n", (b"\n", b"Hi\n", b"x"), 0, [(1, 2), (2, 5)]),
        ("🐉!", (b"\xf0\x9f", b"\x90", b"\x89!"), 0, [(0, 0), (0, 0), (0, 3)]),
        ("a b", (b"a", b"", b" b"), 0, [(0, 1), (1, 1), (1, 3)]),  # a token without bytes still has its place
        ("  ", (b"  ",), 0, [(0, 2)]),
    ],
)
def test_what_is_at_the_edges(text, parts, first, places):
    found = tokens_of_text(text, pieces(*parts), 0, len(parts))
    assert (found[0], [(record.start, record.end) for record in found[1]]) == (first, places)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hi", (b"Ho",)),
        ("a\ufffdb", ("a\ufffdb".encode(),)),
        ("\ud83d", ("\ufffd".encode(),)),
        ("", (b"x",)),
        (" ", (b"x",)),
        ("Hi", ()),
    ],
)
def test_what_cannot_be_matched_has_no_tokens(text, parts):
    """Among them what the tokenizer had to replace, and a prompt whose bytes nobody told."""
    assert tokens_of_text(text, pieces(*parts), 0, len(parts)) is None


def test_a_token_that_counts_as_the_templates_can_hold_the_beginning_or_the_end():
    """But a letter of the template is not taken for the text where the message's own tokens spell it."""
    prompt = pieces(b"User:a", b" H", b"ell", b"o\n", b"a")
    first, records = tokens_of_text("Hello", prompt, 2, 3)
    assert (first, [(record.token_id, record.start, record.end) for record in records]) == (
        1,
        [(11, 0, 1), (12, 1, 4), (13, 4, 5)],
    )
    assert tokens_of_text("a", prompt, 4, 5)[0] == 4


def test_very_many_blanks_take_no_time():
    """A template that cuts the end off leaves a hundred thousand blanks at the beginning to be matched one by one."""
    text = " " * 100_000 + "x\n"
    first, records = tokens_of_text(text, pieces(b" " * 100_000, b"x"), 0, 2)
    assert (first, [(record.start, record.end) for record in records]) == (0, [(0, 100_000), (100_000, 100_001)])


def test_a_range_reaches_over_all_spans_of_a_message():
    spans = [
        PromptSpan(0, 1, "special"),
        PromptSpan(1, 3, "content", 1),
        PromptSpan(3, 4, "template"),
        PromptSpan(4, 9, "content", 1),
    ]
    assert message_ranges([*spans, PromptSpan(9, 10, "content", 2)]) == {1: (1, 9), 2: (9, 10)}


def numbers(count: int, first: int = 1) -> list[TokenNumbers]:
    return [TokenNumbers(0.5, 0.5, 1.0, 2.0, rank) for rank in range(first, first + count)]


def read_message() -> tuple[ChatMessage, ChatMessage]:
    prompt = pieces(b"User:", b"H", b"i", b"\n")
    message, answer = ChatMessage("user", "Hi"), ChatMessage("assistant", weights_hash="w", prompt_ids=prompt.ids)
    assert give_tokens(message, answer, prompt, 0, 4)
    return message, answer


def test_a_message_knows_what_stood_before_it_and_who_read_it():
    message, answer = read_message()
    assert (message.prompt_ids, [token.token_id for token in message.tokens]) == ((10,), [11, 12])
    assert (message.weights_hash, message.read_for) == ("w", answer.message_id)


def test_tokens_are_given_once_by_each_model():
    """A later prompt, shortened perhaps, changes nothing; other weights have tokens of their own."""
    message, answer = read_message()
    shorter = pieces(b"H", b"i")
    assert not give_tokens(message, answer, shorter, 0, 2)
    assert message.prompt_ids == (10,)
    other = ChatMessage("assistant", weights_hash="other")
    assert give_tokens(message, other, shorter, 0, 2)
    assert (message.prompt_ids, message.weights_hash, message.read_for) == ((), "other", other.message_id)
    assert not give_tokens(ChatMessage("assistant", "Hi"), other, shorter, 0, 2)


def test_numbers_find_their_tokens_by_position():
    """In chunks that begin and end anywhere; numbers that are there stay."""
    message, answer = read_message()
    assert not give_numbers(message, answer, 0, numbers(1))
    assert give_numbers(message, answer, 0, numbers(2))
    assert [token.numbers and token.numbers.rank for token in message.tokens] == [2, None]
    assert give_numbers(message, answer, 1, numbers(3, 7))
    assert [token.numbers.rank for token in message.tokens] == [2, 8]
    assert not give_numbers(message, answer, 0, numbers(4))


@pytest.mark.parametrize("changes", [{"weights_hash": "other"}, {"prompt_ids": (99, 11, 12, 13)}, {"prompt_ids": (10, 11)}])
def test_numbers_of_another_context_are_not_taken(changes):
    """They would not be what the panel computes from the ids before the token."""
    message, answer = read_message()
    for name, value in changes.items():
        setattr(answer, name, value)
    assert not give_numbers(message, answer, 0, numbers(4))
    assert all(token.numbers is None for token in message.tokens)
