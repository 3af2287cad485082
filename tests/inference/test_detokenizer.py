"""Streaming text: equal to decoding everything at once, for any bytes, any splits and any stop strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.detokenizer import Detokenizer


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    borders = [0, *sorted(min(position, len(data)) for position in cuts), len(data)]
    return [data[start:end] for start, end in zip(borders, borders[1:], strict=False)]


def stream(pieces: list[bytes], stop: tuple[str, ...] = ()) -> str:
    detokenizer = Detokenizer(stop)
    return "".join([detokenizer.push(piece) for piece in pieces]) + detokenizer.finish()


def up_to_first_stop(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """Oracle: the shortest beginning of the text that ends in a stop string, without the longest such."""
    for end in range(len(text) + 1):
        met = [word for word in stop if word and text[:end].endswith(word)]
        if met:
            return text[: end - max(map(len, met))], True
    return text, False


# Bytes that begin, continue and break UTF-8 sequences are likelier than in plain random bytes.
tricky_bytes = st.lists(
    st.one_of(st.binary(max_size=4), st.text(max_size=3).map(lambda text: text.encode("utf-8", "replace")))
    | st.sampled_from([b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5", b"\x80", "🐉".encode()]),
    max_size=12,
).map(b"".join)


@given(tricky_bytes, st.lists(st.integers(0, 60), max_size=12))
def test_pieces_join_to_the_decoded_whole(data, cuts):
    """For any bytes cut anywhere, the pieces are the text of all bytes with U+FFFD for what is not UTF-8."""
    assert stream(cut(data, cuts)) == data.decode("utf-8", "replace")


words = st.text("78,é", min_size=1, max_size=4)


@given(st.text("78,é", max_size=14), st.lists(words, max_size=3).map(tuple), st.lists(st.integers(0, 30), max_size=14))
def test_text_ends_before_the_first_stop_string(text, stop, cuts):
    """However the bytes are cut, the text is that before the first complete stop string, and `stopped` says so."""
    detokenizer = Detokenizer(stop)
    got = "".join([detokenizer.push(piece) for piece in cut(text.encode(), cuts)])
    expected, stops = up_to_first_stop(text, stop)
    assert detokenizer.stopped is stops
    assert got + detokenizer.finish() == expected
    assert detokenizer.push(b"more") == ("" if stops else "more")


@given(st.text("78,", max_size=12), st.lists(st.text("78,", min_size=1, max_size=4), max_size=3).map(tuple))
def test_nothing_is_held_longer_than_necessary(text, stop):
    """After every character, held text is exactly the longest end of the text that some stop string begins with."""
    detokenizer = Detokenizer(stop)
    out = ""
    for position, character in enumerate(text, start=1):
        out += detokenizer.push(character.encode())
        if detokenizer.stopped:
            return
        seen = text[:position]
        could_stop = [seen[i:] for i in range(len(seen)) if any(word.startswith(seen[i:]) for word in stop)]
        assert out == seen.removesuffix(could_stop[0] if could_stop else "")


@pytest.mark.parametrize(
    ("stop", "pieces", "expected"),
    [
        (("7,8",), ["7", ",", "7", ",", "8", "9"], "7,"),  # the second 7 begins the stop string, not the first
        (("7,7,8",), ["7,", "7,", "7,8"], "7,"),
        (("\nUser:",), ["Hello.", "\n", "\nUs", "er: hi"], "Hello.\n"),
        (("abc", "b"), ["a", "b", "c"], "a"),  # "b" is complete first
        (("abc", "b"), ["abc"], "a"),
        (("ab", "b"), ["ab"], ""),  # both are complete together: the longer goes
        (("é",), ["caf", "é!"], "caf"),
        (("",), ["all"], "all"),
        (("xyz",), ["ends in xy"], "ends in xy"),
    ],
)
def test_stop_strings_across_tokens(stop, pieces, expected):
    """Stop strings that overlap themselves or one another, and one that never completes."""
    assert stream([piece.encode() for piece in pieces], stop) == expected


def test_incomplete_character_waits_and_is_flushed():
    """An emoji in four tokens appears once; cut short it becomes one U+FFFD at the end."""
    detokenizer = Detokenizer()
    assert [detokenizer.push(bytes([byte])) for byte in "🐉".encode()] == ["", "", "", "🐉"]
    assert detokenizer.push("🐉".encode()[:3]) == ""
    assert detokenizer.finish() == "\N{REPLACEMENT CHARACTER}"


def test_stop_string_completed_by_the_flush():
    """U+FFFD for an incomplete character can itself complete a stop string."""
    detokenizer = Detokenizer(("a\N{REPLACEMENT CHARACTER}",))
    assert detokenizer.push(b"xa\xe2\x82") == "x"
    assert detokenizer.finish() == ""
    assert detokenizer.stopped
