"""Who and what a generated story is about: characters, objects, places and words, each drawn once and kept to the end."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inference.training.grammar import UnsettledError, capitalised, holds

FOLDER = Path(__file__).parent / "data" / "stories"
PRONOUNS = {"he": ["he", "him", "his", "himself"], "she": ["she", "her", "her", "herself"]}
FORMS = ("he", "him", "his", "himself")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "orange", "purple", "pink", "silver", "golden", "grey")


@dataclass(frozen=True, slots=True)
class Character:
    """Someone in the story."""

    name: str
    kind: str
    adjective: str
    pronoun: str
    tags: tuple[str, ...] = ()

    def form(self, wanted: str) -> str:
        """The pronoun in the form of he, him, his or himself, or the name of the kind."""
        if wanted in FORMS:
            return PRONOUNS[self.pronoun][FORMS.index(wanted)]
        return {"kind": self.kind, "name": self.name, "full": f"{self.adjective} {self.kind}"}[wanted]


@dataclass(frozen=True, slots=True)
class Thing:
    """An object; `part` is what breaks of it."""

    noun: str
    adjective: str
    part: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the story happens: "in a small town by the sea", "town", and spots in it, such as "on the beach"."""

    phrase: str
    noun: str
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    spots: tuple[str, ...]


def read_table(name: str) -> list[list[list[str]]]:
    """The rows of a file: cells parted by |, items in a cell parted by a semicolon."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    return [[[item.strip() for item in cell.split(";")] for cell in row.split("|")] for row in rows]


class Material:
    """Everything that stories are cast from."""

    def __init__(self):
        self.kinds = [(row[0][0], row[1], row[2], row[3], row[4]) for row in read_table("kinds.txt")]
        self.names = {(row[0][0], row[1][0]): row[2] for row in read_table("names.txt")}
        self.elders = {row[0][0]: row[1] for row in read_table("elders.txt")}
        self.things = [(row[0][0], row[1], row[2], row[3][0]) for row in read_table("things.txt")]
        self.words = {row[0][0]: row[1] for row in read_table("words.txt")}
        self.places = [
            Place(row[0][0], row[1][0], tuple(row[2]), tuple(row[3]), tuple(row[4])) for row in read_table("places.txt")
        ]


class Cast:
    """The characters, the objects and the words of one story; what a slot means is settled when it is first filled."""

    def __init__(self, material: Material, rng: random.Random, thing_sort: str = "toy"):
        self.material, self.rng, self.thing_sort = material, rng, thing_sort
        self.is_closed = False  # the story is told; nobody and nothing new may come in
        self.place = rng.choice(material.places)
        self.characters: dict[str, Character] = {}
        self.things: dict[str, Thing] = {}
        self.words: dict[str, str] = {}
        self.hero = self.character("hero")

    def character(self, role: str) -> Character:
        """Who plays a role; kinds and names in a story differ."""
        if role not in self.characters:
            self._check_open(role)
            self.characters[role] = self._elder() if role == "elder" else self._anyone()
        return self.characters[role]

    def _check_open(self, key: str) -> None:
        if self.is_closed:
            raise UnsettledError(key)

    def _anyone(self) -> Character:
        taken = list(self.characters.values())
        fitting = [kind for kind in self.material.kinds if kind[0] in self.place.categories]
        fitting = [kind for kind in fitting if kind[4] == ["any"] or set(kind[4]) & set(self.place.tags)]
        fitting = [kind for kind in fitting if not set(kind[1]) <= {other.kind for other in taken}] or fitting
        categories = sorted({kind[0] for kind in fitting})
        category = self.rng.choice(categories)
        kinds = [kind for kind in fitting if kind[0] == category]
        _, nouns, adjectives, pronouns, _ = self.rng.choice(kinds)
        pronoun = self.rng.choice(pronouns)
        free = [noun for noun in nouns if noun not in {other.kind for other in taken}]
        names = [name for name in self.material.names[(category, pronoun)] if name not in {other.name for other in taken}]
        kind = self.rng.choice(free or nouns)
        return Character(self.rng.choice(names), kind, self.rng.choice(adjectives), pronoun, (category, kind))

    def _elder(self) -> Character:
        noun, pronoun = self.rng.choice(self.material.elders[self.hero.tags[0]]).split("/")
        return Character(noun, noun, "old", pronoun)

    def thing(self, role: str) -> Thing:
        """The object that plays a role; no two of a story are of one kind."""
        if role not in self.things:
            self._check_open(role)
            taken = {thing.noun for thing in self.things.values()}
            fitting = [row for row in self.material.things if self.thing_sort in row[1] and row[0] not in taken]
            noun, _, adjectives, part = self.rng.choice(fitting)
            self.things[role] = Thing(noun, self.rng.choice(adjectives), part)
        return self.things[role]

    def word(self, key: str) -> str:
        """A word of a list, such as "food"; "food2" is another one of it."""
        if key not in self.words:
            self._check_open(key)
            options = self.place.spots if key.startswith("spot") else self.material.words[key.rstrip("0123456789")]
            free = [option for option in options if option not in self.words.values()]
            self.words[key] = self.rng.choice(free or list(options))
        return self.words[key]

    def allows(self, conditions: Iterable[str]) -> bool:
        """Whether a line with these conditions fits the place, the hero and what has occurred so far."""
        return holds(conditions, {"@": self.place.tags, "%": self.hero.tags, "&": {*self.characters, *self.things}})

    def fill(self, slot: str) -> str:
        """What stands in a slot: {hero}, {a hero}, {the friend}, {friend:his}, {he}, {full thing}, {place}, {spot2}.

        `{hero?}` is the name or sometimes "the fox".
        """
        text = self._fill(slot[0].lower() + slot[1:])
        return capitalised(text) if slot[0].isupper() else text

    def _fill(self, slot: str) -> str:
        article, _, key = slot.rpartition(" ")
        if key == "hero?":
            return self.rng.choice((self.hero.name, self.hero.name, f"the {self.hero.kind}"))
        key, _, form = key.partition(":")
        if key in FORMS:
            return self.hero.form(key)
        if key in ("hero", "friend", "other", "elder"):
            character = self.character(key)
            return {
                "": character.form(form or "name"),
                "a": f"a {character.form(form or 'full')}",
                "the": f"the {character.kind}",
                "full": character.form("full"),
            }[article]
        if key.startswith("thing"):
            thing = self.thing(key)
            full = f"{thing.adjective} {thing.noun}"
            plain = thing.part if form == "part" else thing.noun
            return {"": plain, "a": f"a {full}", "the": f"the {plain}", "full": full}[article]
        if key == "place":
            return f"the {self.place.noun}" if article else self.place.phrase
        return f"{article} {self.word(key)}".strip()
