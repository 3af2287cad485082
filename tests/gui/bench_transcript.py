"""How fast the transcript is with a conversation of 30,000 tokens: `python3 tests/gui/bench_transcript.py`.

Prints median and 95th percentile of every measure in milliseconds; the last line is JSON.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtCore import QEvent  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

from gui.models.conversation import Conversation  # noqa: E402
from gui.models.tint import TINT_KINDS  # noqa: E402
from gui.theme import LIGHT  # noqa: E402
from gui.views.transcript.view import Transcript  # noqa: E402
from inference.types import TokenEvent, TokenNumbers  # noqa: E402

MESSAGES = 200
TOKENS_PER_MESSAGE = 150
TOKENS_PER_FLUSH = 4
FLUSHES = 500


def tokens(count: int, words_per_paragraph: int) -> list[TokenEvent]:
    """Tokens of four or five letters; a blank line after so many words, never for 0."""
    events = []
    for step in range(count):
        is_last = words_per_paragraph and step % words_per_paragraph == words_per_paragraph - 1
        text = ".\n\n" if is_last else " word" if step % 3 else " longer"
        bits = step * 37 % 13
        numbers = TokenNumbers(2.0**-bits, 2.0**-bits, bits, step * 11 % 9, 1 + bits * 7)
        events.append(TokenEvent(1, step, step, text.encode(), text, numbers=numbers))
    return events


def conversation() -> Conversation:
    """Two hundred messages of 150 tokens."""
    talk = Conversation()
    for index in range(MESSAGES):
        message = talk.add_message("assistant" if index % 2 else "user", "")
        if index % 2:
            talk.append_tokens(message, tokens(TOKENS_PER_MESSAGE, 40))
        else:
            talk.append_text(message, "".join(event.text for event in tokens(TOKENS_PER_MESSAGE, 40)))
    return talk


class Bench:
    """One window with the long conversation."""

    def __init__(self, application: QApplication):
        self._application = application
        self._talk = conversation()
        self.times: dict[str, list[float]] = {}
        begin = time.perf_counter()
        self.transcript = Transcript(self._talk, LIGHT)
        self.transcript.resize(900, 800)
        self.transcript.show()
        self._application.processEvents()
        self._note("open", begin)
        self._settle()

    def _note(self, name: str, begin: float) -> None:
        self.times.setdefault(name, []).append(1000 * (time.perf_counter() - begin))

    def _settle(self) -> None:
        until = time.perf_counter() + 0.4
        while time.perf_counter() < until:
            self._application.processEvents()

    def _paint(self) -> None:
        """Handle what is queued and paint now, not at the next frame."""
        self._application.processEvents()
        self._application.sendEvent(self.transcript, QEvent(QEvent.Type.UpdateRequest))

    def stream(self, name: str, words_per_paragraph: int, flushes: int) -> None:
        """Append tokens to a new answer, every flush laid out and painted."""
        message = self._talk.add_message("assistant", "", "streaming")
        self._settle()
        events = tokens(flushes * TOKENS_PER_FLUSH, words_per_paragraph)
        for start in range(0, len(events), TOKENS_PER_FLUSH):
            begin = time.perf_counter()
            self._talk.append_tokens(message, events[start : start + TOKENS_PER_FLUSH])
            self._paint()
            self._note(name, begin)

    def append_at_once(self, name: str, text: str) -> None:
        """A whole message of this text."""
        message = self._talk.add_message("assistant", "")
        self._settle()
        begin = time.perf_counter()
        self._talk.append_text(message, text)
        self._paint()
        self._note(name, begin)

    def scroll(self, name: str) -> None:
        """From the end to the beginning, a third of the window at a time."""
        bar = self.transcript.column.verticalScrollBar()
        while bar.value() > 0:
            begin = time.perf_counter()
            bar.setValue(bar.value() - 260)
            self._paint()
            self._note(name, begin)

    def resize(self) -> None:
        """Narrower, a few pixels at a time."""
        for width in range(880, 620, -10):
            begin = time.perf_counter()
            self.transcript.resize(width, 800)
            self._paint()
            self._note("resize", begin)
        self._settle()

    def find(self) -> None:
        """A word that is everywhere."""
        for query in ("w", "wo", "wor", "word"):
            begin = time.perf_counter()
            self.transcript.find(query)
            self._paint()
            self._note("find", begin)

    def switch_tint(self) -> None:
        """Every tint in turn, painted."""
        for kind in (*TINT_KINDS[1:], "off"):
            begin = time.perf_counter()
            self.transcript.set_tint(kind)
            self._paint()
            self._note("switch_tint", begin)


def main() -> None:
    """Run everything and print it."""
    bench = Bench(QApplication.instance() or QApplication(sys.argv[:1]))
    bench.stream("flush", 40, FLUSHES)
    bench.scroll("scroll")
    bench.transcript.scroll_to_bottom()
    bench.switch_tint()
    bench.transcript.set_tint("surprise")
    bench.stream("flush_tinted", 40, FLUSHES)
    bench.stream("flush_tinted_one_paragraph", 0, 4 * FLUSHES)
    bench.scroll("scroll_tinted")
    bench.transcript.set_tint("off")
    bench.transcript.scroll_to_bottom()
    bench.resize()
    bench.find()
    bench.transcript.scroll_to_bottom()
    bench.stream("flush_one_paragraph", 0, 4 * FLUSHES)
    bench.append_at_once("append_100k_words", "word " * 20_000)
    bench.append_at_once("append_100k_one_word", "x" * 100_000)
    result = {}
    for name, times in bench.times.items():
        ordered = sorted(times)
        result[name] = {
            "median_ms": round(statistics.median(times), 2),
            "p95_ms": round(ordered[int(0.95 * (len(times) - 1))], 2),
            "max_ms": round(ordered[-1], 2),
            "count": len(times),
        }
        sys.stdout.write(f"{name:28}{result[name]}\n")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
