"""Turn the hand-written exchanges, and sums, into chats: `python3 -m inference.training.voice OUT.jsonl --copies N --seed S`.

A line of `data/voice.jsonl` holds `ask` (phrasings), `answer` (answers, each right for every phrasing) and, where it
matters, `place`: "first" for greetings, "last" for thanks and goodbyes. The files of `data/wordings` (`--wordings`) go over
the same ground more widely: there a phrasing is a pattern, "[What is|What's] a token[|, please]?", which stands for all its
wordings, and every copy draws another of them. The output is what `corpus.read_documents` reads.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

SOURCE = "glassbox-voice"
WORDINGS_SOURCE = "glassbox-wordings"
DATA = Path(__file__).parent / "data" / "voice.jsonl"
WORDINGS = Path(__file__).parent / "data" / "wordings"
BRACKETS = re.compile(r"\[([^\[\]]*)\]")
PLACES = ("first", "middle", "last")
MAX_EXCHANGES = 4
REPHRASING_CHANCE = 0.6
LEAD_INS = (
    "In short, ",
    "Quick question: ",
    "Just curious, ",
    "Sorry to ask, but ",
    "My friend asks: ",
    "In plain words, ",
    "OK, and ",
    "I would like to know: ",
    "Honestly, ",
    "Can you tell me: ",
    "Tell me, ",
    "So ",
    "And ",
    "Hey, ",
    "Please tell me: ",
    "One question: ",
    "I wonder, ",
    "Now, ",
    "Well, ",
    "By the way, ",
)
PLAIN_QUESTION = re.compile(r"What (is|are) ((?:an?|the) [\w' -]+|\w{5,}|[\w]+-[\w]+|\d+ [-+x] \d+)\?")
UNTURNABLE = re.compile(r"\b(?:called|for|like|in|on|at|by|if|about|before|after|between|made|here|now|inside|wrong)\b|ing$")
TURNED = (
    "Can you tell me what {0} {1}?",
    "Do you know what {0} {1}?",
    "I want to know what {0} {1}.",
    "Could you explain what {0} {1}?",
    "I do not know what {0} {1}.",
    "What exactly {1} {0}?",
    "Tell me in simple words what {0} {1}.",
    "I have heard of it, but what {1} {0}?",
    "In one sentence, what {1} {0}?",
    "How would you describe {0}?",
    "What would you say {0} {1}?",
    "Please explain to a child what {0} {1}.",
    "Everyone talks about it, so what {1} {0}?",
    "Remind me what {0} {1}, please.",
    "Could you tell me in your own words what {0} {1}?",
)
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Exchange(NamedTuple):
    """One thing people say, in several phrasings or patterns of them, and what the program answers."""

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


def alternatives(pattern: str) -> list[list[str]]:
    """The parts of a pattern in order, each with what may stand there."""
    return [part.split("|") if number % 2 else [part] for number, part in enumerate(BRACKETS.split(pattern))]


def wordings(pattern: str) -> Iterator[str]:
    """Everything that a pattern stands for; a plain phrasing stands for itself."""
    return map("".join, product(*alternatives(pattern)))


def worded(pattern: str, rng: random.Random) -> str:
    """One of the wordings of a pattern."""
    return "".join(rng.choice(part) for part in alternatives(pattern))


def worded_exchanges() -> list[Exchange]:
    """The exchanges whose phrasings are patterns."""
    return [exchange for path in sorted(WORDINGS.glob("*.jsonl")) for exchange in read_exchanges(path)]


def sums() -> list[Exchange]:
    """Addition of two digits and subtraction from one, asked in digits and in words."""
    exchanges = []
    for a in range(1, 10):
        for b in range(a, 10):
            asks = [f"What is {a} + {b}?", f"What is {NUMBERS[a]} plus {NUMBERS[b]}?", f"{a} plus {b}", f"{a}+{b}=?"]
            asks += [f"How much is {NUMBERS[b]} and {NUMBERS[a]}?"] + ([f"What is {b} + {a}?"] if a != b else [])
            exchanges.append(Exchange(tuple(asks), (f"{a} + {b} = {a + b}.", f"That makes {a + b}.")))
    for a in range(2, 10):
        for b in range(1, a + 1):
            asks = [f"What is {a} - {b}?", f"What is {NUMBERS[a]} minus {NUMBERS[b]}?", f"{a} minus {b}", f"{a}-{b}=?"]
            asks.append(f"What is left if you take {NUMBERS[b]} from {NUMBERS[a]}?")
            exchanges.append(Exchange(tuple(asks), (f"{a} - {b} = {a - b}.", f"That leaves {a - b}.")))
    return exchanges


def all_exchanges() -> list[Exchange]:
    """Those written by hand, then the sums."""
    return read_exchanges() + sums()


def all_pairs(exchanges: Sequence[Exchange]) -> list[Pair]:
    """Every phrasing with every answer of its exchange."""
    return [
        Pair(topic, exchange.place, ask, answer)
        for topic, exchange in enumerate(exchanges)
        for ask in exchange.ask
        for answer in exchange.answer
    ]


def rephrased(ask: str, rng: random.Random) -> str:
    """The same question led in by some words, or asked as "can you tell me what ... is?"; what is no question stays."""
    if not ask.endswith("?") or not ask[0].isupper() or rng.random() > REPHRASING_CHANCE:
        return ask
    found = PLAIN_QUESTION.fullmatch(ask)
    if found and not UNTURNABLE.search(found[2]) and rng.random() < 0.7:
        return rng.choice(TURNED).format(found[2], found[1])
    return rng.choice(LEAD_INS) + (ask if ask.startswith("I ") else ask[0].lower() + ask[1:])


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


def document(chat: Sequence[Pair], source: str = SOURCE) -> dict:
    """The chat as a line of the corpus."""
    messages = []
    for pair in chat:
        messages.append({"role": "user", "content": pair.ask})
        messages.append({"role": "assistant", "content": pair.answer})
    return {"source": source, "messages": messages}


def expand(exchanges: Sequence[Exchange], copies: int, seed: int, source: str = SOURCE) -> Iterator[dict]:
    """`copies` times every pair, joined differently; the first copy is verbatim, the others are put and typed in other ways.

    A pattern is given a wording anew each time.
    """
    rng = random.Random(seed)
    pairs = all_pairs(exchanges)
    for copy in range(copies):
        asked = [worded(pair.ask, rng) for pair in pairs]
        if copy > 0:
            asked = [typed_casually(rephrased(ask, rng), rng) for ask in asked]
        written = [pair._replace(ask=ask) for pair, ask in zip(pairs, asked, strict=True)]
        yield from (document(chat, source) for chat in join_chats(written, rng))


def main() -> None:
    """Command line; prints how much was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wordings", action="store_true", help="the exchanges of data/wordings instead of data/voice.jsonl")
    arguments = parser.parse_args()
    exchanges, source = (worded_exchanges(), WORDINGS_SOURCE) if arguments.wordings else (all_exchanges(), SOURCE)
    lines = [json.dumps(chat) + "\n" for chat in expand(exchanges, arguments.copies, arguments.seed, source)]
    arguments.out.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines):,} chats, {sum(map(len, lines)):,} bytes")


if __name__ == "__main__":
    main()
