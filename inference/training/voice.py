"""Turn the hand-written exchanges into training chats: `python3 -m inference.training.voice OUT.jsonl --copies N --seed S`.

A line of `data/voice.jsonl` holds `ask` (phrasings), `answer` (answers, each right for every phrasing) and, where it
matters, `place`: "first" for greetings, "last" for thanks and goodbyes. The output is what `corpus.read_documents` reads.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE = "glassbox-voice"
DATA = Path(__file__).parent / "data" / "voice.jsonl"
PLACES = ("first", "middle", "last")
MAX_EXCHANGES = 4


class Exchange(NamedTuple):
    """One thing people say, in several phrasings, and what the program answers."""

    ask: tuple[str, ...]
    answer: tuple[str, ...]
    place: str = "middle"


class Pair(NamedTuple):
    """One phrasing with one answer; `topic` numbers the exchange it comes from."""

    topic: int
    place: str
    ask: str
    answer: str


def read_exchanges(path: Path = DATA) -> list[Exchange]:
    """The exchanges of a file, in order; ValueError for a place that does not exist."""
    exchanges = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        exchange = Exchange(tuple(fields["ask"]), tuple(fields["answer"]), fields.get("place", "middle"))
        if exchange.place not in PLACES:
            raise ValueError(f"{exchange.ask[0]!r}: place is {exchange.place!r}; it must be one of {', '.join(PLACES)}")
        exchanges.append(exchange)
    return exchanges


def all_pairs(exchanges: Sequence[Exchange]) -> list[Pair]:
    """Every phrasing with every answer of its exchange."""
    return [
        Pair(topic, exchange.place, ask, answer)
        for topic, exchange in enumerate(exchanges)
        for ask in exchange.ask
        for answer in exchange.answer
    ]


def typed_casually(text: str, rng: random.Random) -> str:
    """The same words as someone in a hurry types them: often without capitals or the closing mark."""
    if rng.random() < 0.35:
        text = text.lower()
    if rng.random() < 0.35:
        text = text.rstrip(".?!")
    return text


def join_middles(pairs: Sequence[Pair], rng: random.Random) -> list[list[Pair]]:
    """The pairs cut into chats of random length; no chat asks about one topic twice."""
    chats: list[list[Pair]] = []
    room = 0
    for pair in pairs:
        if room == 0 or any(pair.topic == other.topic for other in chats[-1]):
            chats.append([])
            room = rng.randint(1, MAX_EXCHANGES)
        chats[-1].append(pair)
        room -= 1
    return chats


def attach(chats: list[list[Pair]], pairs: Sequence[Pair], rng: random.Random) -> None:
    """Put each greeting before, or each goodbye after, a chat of its own; what finds no chat with room stands alone."""
    free = [chat for chat in chats if len(chat) < MAX_EXCHANGES]
    rng.shuffle(free)
    for pair in pairs:
        if not free:
            chats.append([pair])
        else:
            chat = free.pop()
            chat.insert(0 if pair.place == "first" else len(chat), pair)


def join_chats(pairs: Sequence[Pair], rng: random.Random) -> list[list[Pair]]:
    """Every pair once, in chats of 1 to MAX_EXCHANGES, in random order."""
    shuffled = rng.sample(pairs, len(pairs))
    first, middle, last = ([pair for pair in shuffled if pair.place == place] for place in PLACES)
    chats = join_middles(middle, rng)
    attach(chats, first, rng)
    attach(chats, last, rng)
    rng.shuffle(chats)
    return chats


def document(chat: Sequence[Pair]) -> dict:
    """The chat as a line of the corpus."""
    messages = []
    for pair in chat:
        messages.append({"role": "user", "content": pair.ask})
        messages.append({"role": "assistant", "content": pair.answer})
    return {"source": SOURCE, "messages": messages}


def expand(exchanges: Sequence[Exchange], copies: int, seed: int) -> Iterator[dict]:
    """`copies` times every pair, joined differently each time; the first copy is verbatim, the others are typed casually."""
    rng = random.Random(seed)
    pairs = all_pairs(exchanges)
    for copy in range(copies):
        written = pairs if copy == 0 else [pair._replace(ask=typed_casually(pair.ask, rng)) for pair in pairs]
        yield from map(document, join_chats(written, rng))


def main() -> None:
    """Command line; prints how much was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    lines = [json.dumps(chat) + "\n" for chat in expand(read_exchanges(), arguments.copies, arguments.seed)]
    arguments.out.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines):,} chats, {sum(map(len, lines)):,} bytes")


if __name__ == "__main__":
    main()
