"""Token bytes and probabilities as text a person can read: whitespace, partial bytes and tiny numbers made visible."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

TokenKind = Literal["text", "special", "bytes", "none"]

_MARKS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}  # Unicode categories without a glyph of their own
_JOINER = "\u200d"  # holds an emoji sequence together: left alone inside one
_LONGEST_RUN = 4  # equal whitespace marks in a row before they are counted instead of repeated
_NO_BREAK_SPACE = "\u00a0"
# A trace carries bytes, not roles: the spellings with which tokenizers of the GPT-2, Llama, Gemma, Mistral and
# DeepSeek families reserve tokens. Byte-level BPE does not learn such a spelling as one ordinary token.
_SPECIAL = re.compile(
    r"<[|｜][^<>\s]+[|｜]>|</?s>|<(?:unk|pad|bos|eos|mask)>|<(?:start|end)_of_turn>|\[/?INST\]|\[(?:CLS|SEP|PAD|UNK|MASK)\]"
)


@dataclass(frozen=True, slots=True)
class TokenLabel:
    """How a token is shown: its visible text, and what kind of token that is.

    kind: "text" whole characters, "special" a reserved token such as <|end|>, "bytes" with a part of a character,
    "none" a token without bytes (an unused id).
    """

    text: str
    kind: TokenKind


def label_of(token_id: int, data: bytes) -> TokenLabel:
    """The label of one token."""
    if not data:
        return TokenLabel(f"id{_NO_BREAK_SPACE}{token_id}", "none")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return TokenLabel(visible(data.decode("utf-8", errors="backslashreplace")), "bytes")
    if _SPECIAL.fullmatch(text):
        return TokenLabel(text, "special")
    return TokenLabel(visible(text), "text")


def visible(text: str) -> str:
    """`text` with every character that has no glyph replaced by a mark (␣ ⏎ ⇥) or its escape (\\x07, \\u200b)."""
    if text.isascii() and text.isalnum():
        return text
    shown = []
    for index, character in enumerate(text):
        if _is_joiner_in_emoji(text, index):
            shown.append(character)
        elif index == 0 and unicodedata.category(character).startswith("M"):
            shown.append(_mark_without_base(character))
        else:
            shown.append(_visible_character(character))
    return _count_runs("".join(shown))


def hex_bytes(data: bytes) -> str:
    """The bytes in hexadecimal, separated by spaces."""
    return data.hex(" ")


def percent(fraction: float) -> str:
    """A probability in per cent that never reads as 0 or 100 unless it is exactly that."""
    value = 100.0 * fraction
    if value == 0.0:
        digits = "0"
    elif value < 0.005:
        digits = "<0.01"
    elif value < 0.095:
        digits = f"{value:.2f}"
    elif value < 99.95:
        digits = f"{value:.1f}"
    elif fraction < 1.0:
        digits = ">99.9"
    else:
        digits = "100"
    return digits + _NO_BREAK_SPACE + "%"


def choices(entropy_bits: float) -> str:
    """2^H as a count a person can picture: whole from 3 on, one decimal below."""
    count = 2.0**entropy_bits
    return f"{count:,.0f}" if count >= 2.95 else f"{count:.1f}"


def ordinal(number: int) -> str:
    """A whole number as an English ordinal: "1st", "22nd", "113th"."""
    teens = 10 <= number % 100 <= 20
    suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{suffix}"


def _is_joiner_in_emoji(text: str, index: int) -> bool:
    if text[index] != _JOINER or not 0 < index < len(text) - 1:
        return False
    return ord(text[index - 1]) > 0x200D and ord(text[index + 1]) > 0x200D


def _visible_character(character: str) -> str:
    if mark := _MARKS.get(character):
        return mark
    return _escape(character) if unicodedata.category(character) in _INVISIBLE else character


def _mark_without_base(character: str) -> str:
    is_variation_selector = 0xFE00 <= ord(character) <= 0xFE0F
    return _escape(character) if is_variation_selector else "◌" + character


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _count_runs(text: str) -> str:
    pattern = f"([{''.join(_MARKS.values())}])\\1{{{_LONGEST_RUN},}}"
    return re.sub(pattern, lambda run: f"{run[1]}×{len(run[0])}", text)
