"""Token bytes and probabilities as readable text: nothing invisible, nothing that reads as what it is not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gui.models.token_text import TokenLabel, choices, hex_bytes, label_of, ordinal, percent


@pytest.mark.parametrize(
    ("data", "text", "kind"),
    [
        (b" the", "␣the", "text"),
        (b"\n", "⏎", "text"),
        (b"\r\n", "␍⏎", "text"),
        (b"\tif", "⇥if", "text"),
        (b" " * 16, "␣×16", "text"),
        (b"    x", "␣␣␣␣x", "text"),
        (b"\x07", "\\x07", "text"),
        ("\u200b".encode(), "\\u200b", "text"),
        ("\u202eabc".encode(), "\\u202eabc", "text"),
        ("\u00a0".encode(), "\\xa0", "text"),
        ("\u0301".encode(), "◌\u0301", "text"),
        ("\ufe0f".encode(), "\\ufe0f", "text"),
        ("é".encode(), "é", "text"),
        ("王国".encode(), "王国", "text"),
        ("👩\u200d🚀".encode(), "👩\u200d🚀", "text"),
        ("\u200d".encode(), "\\u200d", "text"),
        (b"\xe4", "\\xe4", "bytes"),
        (b" \xe4\xbd", "␣\\xe4\\xbd", "bytes"),
        (b"\xa0", "\\xa0", "bytes"),
        (b"<|end|>", "<|end|>", "special"),
        (b"</s>", "</s>", "special"),
        ("<｜end▁of▁sentence｜>".encode(), "<｜end▁of▁sentence｜>", "special"),
        (b"<b>", "<b>", "text"),
        (b" <|end|>", "␣<|end|>", "text"),
        (b"", "id\u00a08191", "none"),
    ],
)
def test_label(data, text, kind):
    """Each kind of token has its own visible form."""
    assert label_of(8191, data) == TokenLabel(text, kind)


@given(st.binary(max_size=40))
def test_no_label_is_invisible(data):
    """Whatever the bytes, every character of a label has a glyph, and only an emoji's joiner is kept as it is."""
    for character in label_of(0, data).text.replace("\u200d", "").replace("\u00a0", ""):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


@given(st.text(max_size=20))
def test_whole_characters_are_never_shown_as_bytes(text):
    """Valid UTF-8 is text, or a reserved token, never "bytes"."""
    assert label_of(0, text.encode("utf-8", errors="ignore")).kind != "bytes"


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.412, "41.2"),
        (0.001, "0.1"),
        (0.00094, "0.09"),
        (0.0003, "0.03"),
        (0.00004, "<0.01"),
        (1e-300, "<0.01"),
        (0.0, "0"),
        (1.0, "100"),
        (0.9994, "99.9"),
        (0.99951, ">99.9"),
        (0.9999999, ">99.9"),
        (0.5, "50.0"),
    ],
)
def test_percent(fraction, text):
    """The form of each size of probability."""
    assert percent(fraction) == f"{text}\u00a0%"


@given(st.floats(0, 1))
def test_percent_is_honest(fraction):
    """What is written is the value rounded, and it reads 0 or 100 only when it is."""
    text = percent(fraction).removesuffix("\u00a0%")
    if text.startswith("<"):
        assert 0 < 100 * fraction < 0.01
    elif text.startswith(">"):
        assert 99.9 < 100 * fraction < 100
    else:
        digits = len(text.partition(".")[2])
        assert abs(float(text) - 100 * fraction) <= 0.5 * 10**-digits + 1e-9
    assert (text == "0") == (fraction == 0)
    assert (text == "100") == (fraction == 1)


@pytest.mark.parametrize(("bits", "text"), [(0.0, "1.0"), (0.378, "1.3"), (1.0, "2.0"), (2.9, "7"), (13.0, "8,192")])
def test_choices(bits, text):
    """2^H, in whole numbers where a person would count."""
    assert choices(bits) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st"), (112, "112th")]
    + [(1023, "1,023rd")],
)
def test_ordinal(number, text):
    """English ordinals, the teens included."""
    assert ordinal(number) == text


def test_hex_bytes():
    """Bytes are written in pairs of digits."""
    assert hex_bytes(b"\xe4\xbd ") == "e4 bd 20"
