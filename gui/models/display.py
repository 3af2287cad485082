"""Text as it may be laid out: as long as the original in UTF-16 units, with nothing in it that Qt would interpret."""

import re

# What a text document treats as structure, what has no glyph, and the controls that reorder neighbouring text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2029-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufff9-\ufffc\ufffe\uffff]")
_REPLACEMENT = "\ufffd"
_INVISIBLE = "\u200b"
_LINE_SEPARATOR = "\u2028"
_CONTROL_PICTURES = 0x2400


def display_text(text: str) -> str:
    """`text` with control characters made visible and reordering controls made powerless, unit for unit.

    "\\n" and tabs stay; copying, searching and token offsets never use this text but the original.
    """
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character == "\u2029":
        return _LINE_SEPARATOR
    if character == "\r" or "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
        return _INVISIBLE
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    return "\u2421" if code == 0x7F else _REPLACEMENT
