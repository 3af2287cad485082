"""Short modern stories in simple words: `python3 -m inference.training.stories OUT.jsonl --stories N --requests N --seed S`.

A story has a shape (lost and found, a mistake put right, a quest ...) with its own scenes, a frame that fills the
shape (what is lost, feared, learned ...), and a cast that stays the same to the end. The shapes are the files of
`data/stories`. What is written are plain stories, and chats: someone asks for a story about something,
gets one about it, and often has a question afterwards, which the story answers.
"""

import argparse
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from inference.training.cast import FOLDER, Cast, Material
from inference.training.grammar import Block, Telling, UnsettledError, capitalised, read_blocks, tidy
from inference.training.voice import Pair, all_pairs, read_exchanges, typed_casually
from inference.training.wording import Wording

SOURCE = "glassbox-stories-modern"
REQUEST_SOURCE = "glassbox-story-requests-modern"
GRAMMARS = ("shared.txt", "shapes1.txt", "shapes2.txt", "shapes3.txt", "requests.txt")
QUESTION_CHANCE = 0.3
THANKS_CHANCE = 0.12
OPENING_CHANCE = 0.15
PRELUDE_CHANCE = 0.35  # that something else is said first: a story may be asked for at any time
TRIES = 30
FAIRY_OPENING = "Once upon a time there was a"
FAIRY_LINE = FAIRY_OPENING.removesuffix(" a") + " {a hero} called {hero}, who lived {place}."


class Library(NamedTuple):
    """All that stories are made of."""

    material: Material
    blocks: dict[str, Block]

    @property
    def shapes(self) -> list[str]:
        """The names of the shapes a story can have."""
        return sorted(name for name, block in self.blocks.items() if "story" in block.rules)


class Story(NamedTuple):
    """A story, the decisions that make up its plot, and the telling, which can say more about it in the same wording."""

    text: str
    plot: tuple[str, ...]
    telling: Telling
    wording: Wording


def open_library() -> Library:
    """Read the grammars and the tables."""
    return Library(Material(), read_blocks(FOLDER / name for name in GRAMMARS))


def tell_story(library: Library, rng: random.Random, opening: str = "") -> Story:
    """One story, different with every draw; `opening` is a line of the grammar's language that it must begin with."""
    while True:
        cast = Cast(library.material, rng)
        shape = rng.choice(library.shapes)
        frames = [block for name, block in library.blocks.items() if name.startswith(shape + "/")]
        if cast.allows(library.blocks[shape].conditions) and (not frames or any(cast.allows(f.conditions) for f in frames)):
            break
    telling = Telling(library.blocks, shape, cast, rng)
    cast.thing_sort = telling.say("sort")
    if opening:
        telling.settled["open"] = telling.expand(opening)
    wording = Wording(rng)
    text = paragraphs(wording.apply(telling.say("story")))
    cast.is_closed = telling.is_closed = True
    return Story(text, plot(shape, cast, telling), telling, wording)


def plot(shape: str, cast: Cast, telling: Telling) -> tuple[str, ...]:
    """What happens to whom and where: the decisions without the phrasings."""
    frames = sorted(frame.name for frame in telling.frames.values() if frame is not None)
    characters = [cast.characters[role].kind for role in sorted(cast.characters)]
    return (shape, *frames, cast.place.noun, *characters, *(thing.noun for thing in cast.things.values()))


def paragraphs(text: str) -> str:
    """The text in sentences and paragraphs, which the grammars part by //."""
    return "\n\n".join(tidy(part) for part in text.split("//"))


def question_and_answer(text: str) -> tuple[str, str]:
    """The two sides of a line "question => answer"."""
    question, answer = text.split(" => ")
    return capitalised(tidy(question)), capitalised(tidy(answer))


def sayable(story: Story, reference: str) -> str:
    """A line about a story that speaks only of what occurs in it; "" where none is found."""
    for _ in range(TRIES):
        try:
            return story.wording.apply(story.telling.say(reference))
        except UnsettledError:
            continue
    return ""


def asked_for(story: Story) -> str:
    """A request for just this story."""
    asked = capitalised(tidy(sayable(story, "request.request"))) or "Tell me a story."
    return asked.rstrip(".?") + "?" if asked.startswith(("Can ", "Could ", "Do ")) else asked


def follow_up(story: Story, rng: random.Random) -> list[tuple[str, str]]:
    """What is asked after a story, with the answers."""
    references = rng.sample(("qa", "name_q"), rng.choice((1, 1, 2))) if rng.random() < QUESTION_CHANCE else []
    if rng.random() < THANKS_CHANCE:
        references.append("request.after")
    lines = [sayable(story, reference) for reference in references]
    return [question_and_answer(line) for line in lines if line]


def begun(story: Story, rng: random.Random) -> tuple[str, str]:
    """The opening words as a request, and how the story goes on from there."""
    if story.text.startswith(FAIRY_OPENING + " "):
        return FAIRY_OPENING, story.text.removeprefix(FAIRY_OPENING + " ")
    words = story.text.split(" ")
    cut = rng.randint(4, 8)
    return " ".join(words[:cut]), " ".join(words[cut:])


@cache
def openings() -> list[Pair]:
    """What may be said before a story is asked for: the hand-written exchanges that do not end a chat."""
    return [pair for pair in all_pairs(read_exchanges()) if pair.place != "last"]


def prelude(rng: random.Random) -> list[tuple[str, str]]:
    """Mostly nothing, or an exchange or two about something else."""
    if rng.random() >= PRELUDE_CHANCE:
        return []
    one, other = rng.sample(openings(), 2)
    pairs = [one, other] if other.place != "first" and rng.random() < 0.4 else [one]
    return [(typed_casually(pair.ask, rng), pair.answer) for pair in pairs]


def chat(library: Library, rng: random.Random) -> dict:
    """Someone asks for a story, at once or after other things, and gets one that keeps to its subject: a line of the corpus."""
    if rng.random() < OPENING_CHANCE:
        turns = [begun(tell_story(library, rng, FAIRY_LINE if rng.random() < 0.6 else ""), rng)]
    else:
        story = tell_story(library, rng)
        turns = [(typed_casually(asked_for(story), rng), story.text)]
        turns += [(typed_casually(question, rng), answer) for question, answer in follow_up(story, rng)]
    messages = []
    for asked, answer in prelude(rng) + turns:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return {"source": REQUEST_SOURCE, "messages": messages}


def documents(stories: int, requests: int, seed: int) -> Iterator[dict]:
    """So many plain stories, then so many chats, as lines of the corpus; equal arguments give equal lines."""
    library, rng = open_library(), random.Random(seed)
    for _ in range(stories):
        yield {"source": SOURCE, "text": tell_story(library, rng).text}
    for _ in range(requests):
        yield chat(library, rng)


def main() -> None:
    """Command line; prints how much was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stories", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with arguments.out.open("w", encoding="utf-8") as file:
        for document in documents(arguments.stories, arguments.requests, arguments.seed):
            file.write(json.dumps(document) + "\n")
    print(f"{arguments.stories:,} stories and {arguments.requests:,} chats, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
