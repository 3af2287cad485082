"""Story openings as requests: `python3 -m inference.training.continuations OUT.jsonl FILES… --seed S`.

The user writes how a story begins, the assistant goes on from there in the tale's own words, so that a chat model
still continues "Once upon a time there was a". Every variant of that line, wherever a tale within a tale begins, gives
one such pair, every folk tale one pair cut after a few words of its first sentence.
"""

import argparse
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from inference.training.corpus import read_documents

SOURCE = "glassbox-story-requests"
TALES = ("grimm", "fairytaleqa", "african-storybook", "pratham-books", "aesop", "books-children")
OPENING = re.compile(
    r'(?:^|(?<=\n)|(?<=["\'.!?] ))(?:(?:Once upon a time|Long ago|One day|In a certain \w+),? there (?:was|lived)'
    r"|There (?:was|lived) once|There once (?:was|lived)|Once there (?:was|lived)|Once upon a time) an? "
)
LONGEST_CHARACTERS = 700
SENTENCE_END = re.compile(r'[.!?]["\']?(?=\s|$)')


def shortened(text: str, characters: int = LONGEST_CHARACTERS) -> str:
    """The beginning of a text, up to the last sentence end within so many characters; "" where there is none."""
    ends = [match.end() for match in SENTENCE_END.finditer(text[:characters])]
    return text[: ends[-1]] if ends else ""


def continuations(text: str, rng: random.Random, *, is_whole: bool = True) -> Iterator[tuple[str, str]]:
    """(what the user writes, how it goes on) of one text; only a whole tale is also cut in its first sentence."""
    for opening in OPENING.finditer(text):
        yield "Once upon a time there was a", shortened(text[opening.end() :])
    if is_whole:
        yield from _cut(text, rng)


def _cut(text: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    words = text.split("\n", 1)[0].split(" ")
    cut = rng.randint(4, 9)
    if len(words) > cut + 3:
        begin = " ".join(words[:cut])
        yield begin, shortened(text[len(begin) + 1 :])


def chats(documents: Iterable[dict], seed: int) -> Iterator[dict]:
    """One chat for every pair with an answer worth having."""
    rng = random.Random(seed)
    for document in documents:
        if document["source"] not in TALES or "text" not in document:
            continue
        for begin, rest in continuations(document["text"], rng, is_whole=document["source"] != "books-children"):
            if len(rest) > 80:
                messages = [{"role": "user", "content": begin}, {"role": "assistant", "content": rest}]
                yield {"source": SOURCE, "messages": messages}


def main() -> None:
    """Command line; prints how many there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = list(chats(read_documents(arguments.files), arguments.seed))
    arguments.out.write_text("".join(json.dumps(chat) + "\n" for chat in found), encoding="utf-8")
    print(f"{len(found):,} continuations")


if __name__ == "__main__":
    main()
