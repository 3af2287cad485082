"""What stands for a token in the text of its message, whether it has letters of its own or not."""

from gui.models.message import ChatMessage, TokenRecord
from gui.models.utf16 import utf16_slice


def mark_of(message: ChatMessage, token: TokenRecord) -> tuple[tuple[int, int] | None, tuple[int, str] | None]:
    """The text that stands for a token, or a sign at its place where it has none that could be seen; in UTF-16 units."""
    if token.is_end:
        return None, (token.start, "∎")
    if token.start == token.end == message.length:
        return None, (token.start, "…")
    if token.start == token.end:  # a part of the character that follows
        is_pair = len(utf16_slice(message.text, token.start, token.start + 2)) == 1
        return (token.start, token.start + (2 if is_pair else 1)), None
    if not utf16_slice(message.text, token.start, token.end).strip("\r\n"):
        return None, (token.start, "⏎")
    return (token.start, token.end), None
