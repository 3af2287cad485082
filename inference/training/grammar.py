"""Scene grammars: text files of rules, and the telling of one text from them.

A file holds blocks. `== name` opens a block, `-- rule` a rule of it, and every other line is one way to say that rule;
`-- rule once` is settled the first time it is used. A block or a line may begin with conditions: `@tag` for the place,
`%tag` for the hero, `&role` for someone or something that occurs already, each with `!` before the tag for the
opposite. Lines starting with `#` are comments.

In a line, `[one|other|]` is a choice, `<rule>` says a rule of the block itself, of its frame or of the block "shared",
`<family.rule>` a rule of the frame `family/...` that this text uses (`<family2.rule>` of a second one), and `{slot}`
is filled by the cast.
"""

import random
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

CONDITION = re.compile(r"[@%&]!?\w+")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
REFERENCE = re.compile(r"<([\w.]+)>")
SLOT = re.compile(r"\{([^{}]+)\}")
SOUNDS_LIKE_CONSONANT = ("one", "once", "use", "unicorn", "uniform", "unit")
SHARED = "shared"
SPEAKING = ("said", "asked", "cried", "shouted", "called", "whispered", "thought", "laughed", "hissed", "told", "hummed")
SPEECH_VERBS = frozenset((*SPEAKING, "went", "wrote"))


class UnsettledError(LookupError):
    """A closed telling was asked for something that does not occur in its text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One way to say a rule, and when it may be used."""

    conditions: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Rule:
    """The ways to say one thing."""

    is_once: bool
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """The rules of a story's shape, or of a frame that fills one."""

    name: str
    conditions: tuple[str, ...]
    rules: dict[str, Rule] = field(default_factory=dict)


def split_conditions(text: str) -> tuple[tuple[str, ...], str]:
    """The conditions that a line begins with, and the rest of it."""
    words = text.split(" ")
    count = next((i for i, word in enumerate(words) if not CONDITION.fullmatch(word)), len(words))
    return tuple(words[:count]), " ".join(words[count:])


def read_blocks(paths: Iterable[Path]) -> dict[str, Block]:
    """Every block of the files by name; ValueError for a line outside a rule or a block given twice."""
    blocks: dict[str, Block] = {}
    for path in paths:
        block = rule = None
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                name, *conditions = line[3:].split()
                if name in blocks:
                    raise ValueError(f"{path.name}: {name} is there twice")
                block = blocks[name] = Block(name, tuple(conditions))
                rule = None
            elif line.startswith("-- ") and block:
                name, *options = line[3:].split()
                rule = block.rules.setdefault(name, Rule("once" in options))
            elif line and not line.startswith("#"):
                if rule is None:
                    raise ValueError(f"{path.name}: {line!r} stands outside a rule")
                rule.lines.append(Line(*split_conditions(line)))
    return blocks


def holds(conditions: Iterable[str], tags: Mapping[str, Collection[str]]) -> bool:
    """Whether conditions hold, given the tags behind each mark: one of the positive ones, if any, and all negative ones."""
    for mark, own_tags in tags.items():
        own = [condition[1:] for condition in conditions if condition[0] == mark]
        wanted = [tag for tag in own if tag[0] != "!"]
        if (wanted and not any(tag in own_tags for tag in wanted)) or any(tag[1:] in own_tags for tag in own if tag[0] == "!"):
            return False
    return True


def capitalised(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def tidy(text: str) -> str:
    """Single spaces, "an" before vowels, and a capital where a sentence begins outside of speech."""
    text = re.sub(r" +", " ", text)
    text = re.sub(r" (?=[.,!?;](?!\.))", "", text).strip()

    def article(match: re.Match) -> str:
        word = match.group(2)
        is_vowel = word[0].lower() in "aeiou" and not word.lower().startswith(SOUNDS_LIKE_CONSONANT)
        return match.group(1) + ("n " if is_vowel or word.startswith("hour") else " ") + word

    text = re.sub(r"\b([Aa])n? (\w+)", article, text)
    text = re.sub(r"(^|[.!?] )([a-z])", lambda match: match.group(1) + match.group(2).upper(), text)
    return re.sub(r"([.!?]\" )([a-z]+)( \w+)?", after_speech, text)


def after_speech(match: re.Match) -> str:
    """What follows a finished speech: who said it, or a new sentence."""
    end, word, following = match.group(1), match.group(2), match.group(3) or ""
    is_tag = word in SPEECH_VERBS or (word in ("he", "she", "it") and following.strip() in SPEECH_VERBS)
    return end + (word if is_tag else capitalised(word)) + following


class Filler(Protocol):
    """What fills the slots of a text."""

    def fill(self, slot: str) -> str:
        """The words of a slot."""
        ...

    def allows(self, conditions: Iterable[str]) -> bool:
        """Whether a block or a line with these conditions may be used now."""
        ...


class Telling:
    """One text in the making: what was chosen so far stays chosen, and no line of a rule is said twice."""

    def __init__(self, blocks: dict[str, Block], shape: str, filler: Filler, rng: random.Random):
        self.blocks, self.shape, self.filler, self.rng = blocks, shape, filler, rng
        self.frames: dict[str, Block] = {}
        self.settled: dict[str, str] = {}
        self.said: set[tuple[int, str]] = set()
        self.is_closed = False  # the text is told; nothing new may be settled

    def frame(self, family: str) -> Block | None:
        """The frame this text uses of a family ("obstacle2": a second one of "obstacle"), or the one block of that name."""
        if family in self.frames:
            return self.frames[family]
        prefix = family.rstrip("0123456789") + "/"
        members = [block for name, block in self.blocks.items() if name.startswith(prefix)]
        if not members:
            return self.blocks.get(family) if family != self.shape else None
        if self.is_closed:
            raise UnsettledError(family)
        taken = {frame.name for frame in self.frames.values()}
        fitting = [block for block in members if block.name not in taken and self.filler.allows(block.conditions)]
        self.frames[family] = self.rng.choice(fitting)
        return self.frames[family]

    def find(self, reference: str) -> Rule:
        """The rule that a reference means here; KeyError where there is none."""
        if "." in reference:
            family, name = reference.split(".")
            frame = self.frame(family)
            if frame is None:
                raise KeyError(reference)
            return frame.rules[name]
        homes = [self.blocks[self.shape], self.frame(self.shape), self.blocks[SHARED]]
        return next(home.rules[reference] for home in homes if home is not None and reference in home.rules)

    def say(self, reference: str) -> str:
        """One way to say a rule, not told before if there is another."""
        if reference in self.settled:
            return self.settled[reference]
        rule = self.find(reference)
        if rule.is_once and self.is_closed:
            raise UnsettledError(reference)
        lines = [line for line in rule.lines if self.filler.allows(line.conditions)]
        if not lines:
            raise ValueError(f"{self.shape}: no line of {reference} fits")
        fresh = [line for line in lines if (id(rule), line.text) not in self.said]
        line = self.rng.choice(fresh or lines)
        self.said.add((id(rule), line.text))
        text = self.expand(line.text)
        if rule.is_once:
            self.settled[reference] = text
        return text

    def expand(self, text: str) -> str:
        """The text with its choices made, its rules said and its slots filled."""
        text = CHOICE.sub(lambda match: self.rng.choice(match.group(1).split("|")), text)
        text = REFERENCE.sub(lambda match: self.say(match.group(1)), text)
        return SLOT.sub(lambda match: self.filler.fill(match.group(1)), text)
