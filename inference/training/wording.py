"""One way of speaking for each story: which of several equal words it uses, and whether it contracts "did not"."""

import random
import re

from inference.training.cast import read_table
from inference.training.grammar import capitalised

CONTRACTIONS = {
    "did not": "didn't",
    "could not": "couldn't",
    "was not": "wasn't",
    "had not": "hadn't",
    "would not": "wouldn't",
    "does not": "doesn't",
    "do not": "don't",
    "cannot": "can't",
    "is not": "isn't",
    "are not": "aren't",
    "will not": "won't",
    "i am": "I'm",
    "i will": "I'll",
    "it is": "it's",
    "you are": "you're",
    "that is": "that's",
    "there is": "there's",
    "let us": "let's",
}
CONTRACTING_CHANCE = 0.4


class Wording:
    """A choice among equal words that holds for a whole text."""

    def __init__(self, rng: random.Random):
        self.replacements = {}
        for (group,) in read_table("wordings.txt"):
            self.replacements[group[0].lower()] = rng.choice(group)
        if rng.random() < CONTRACTING_CHANCE:
            self.replacements |= CONTRACTIONS
        # What ends a clause stays whole: "I know what it is."
        longest_first = sorted(self.replacements, key=len, reverse=True)
        self.pattern = re.compile(rf"\b({'|'.join(longest_first)})\b(?! ?[-'.,;:])", re.IGNORECASE)

    def apply(self, text: str) -> str:
        """The text in this wording."""
        return self.pattern.sub(self._replace, text)

    def _replace(self, match: re.Match) -> str:
        found = match.group()
        word = self.replacements[found.lower()]
        return capitalised(word) if found[0].isupper() else word
