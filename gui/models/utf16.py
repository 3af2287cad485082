"""Qt counts UTF-16 units where Python counts characters: the one place that converts."""


def utf16_length(text: str) -> int:
    """How many positions `text` takes in a Qt document; a character outside the basic plane (most emoji) takes 2."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_slice(text: str, start: int, end: int) -> str:
    """The part of `text` between two Qt positions; half of a surrogate pair becomes U+FFFD."""
    if text.isascii():
        return text[start:end]
    units = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    return units.decode("utf-16-le", "replace")
