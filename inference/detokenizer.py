"""Token bytes to text while they arrive: incremental UTF-8, and stop strings across token borders."""

import codecs
from collections.abc import Sequence


class Detokenizer:
    """Turns bytes, in pieces of any size, into text that is final.

    The first stop string to become complete ends the text before it (of two that end together, the longer). All
    pieces together, with `finish`, give the same text however the bytes are cut: that of the whole, decoded with
    errors="replace", up to that stop string.
    """

    def __init__(self, stop: Sequence[str] = ()):
        self.stopped = False
        self._stop = tuple(text for text in stop if text)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, data: bytes) -> str:
        """The text that became final; incomplete characters and what may become a stop string are held back."""
        return self._accept(self._decoder.decode(data))

    def finish(self) -> str:
        """The text still held back; bytes of an incomplete character become U+FFFD."""
        text = self._accept(self._decoder.decode(b"", final=True))
        if not self.stopped:
            text, self._held = text + self._held, ""
        return text

    def _accept(self, new: str) -> str:
        if self.stopped:
            return ""
        text = self._held + new
        cut = self._first_stop(text)
        self.stopped = cut is not None
        if cut is None:
            cut = len(text) - self._possible_stop(text)
        self._held = "" if self.stopped else text[cut:]
        return text[:cut]

    def _first_stop(self, text: str) -> int | None:
        """Where the stop string that is complete first begins."""
        starts = [(text.find(stop), stop) for stop in self._stop]
        found = [(start + len(stop), start) for start, stop in starts if start >= 0]
        return min(found)[1] if found else None

    def _possible_stop(self, text: str) -> int:
        """Length of the longest end of the text that begins a stop string."""
        longest = max(map(len, self._stop), default=0)
        for length in range(min(longest - 1, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stop):
                return length
        return 0
