"""How varied generated stories are: `python3 -m inference.training.variety --stories N --seed S`.

Counted over all stories together: different plots (every decision but the wording), different 4-grams of words as a
share of all, the share of sentences that stand somewhere else word for word, and how much of a story was there before:
the share of its 8-grams that some earlier story has, for the median story and for the worst.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Sequence

from inference.training.stories import Story, open_library, tell_story

SENTENCE = re.compile(r"(?<=[.!?])[\"']?\s+")
WORD = re.compile(r"[\w']+")


def words_of(text: str) -> list[str]:
    """Its words in lower case."""
    return WORD.findall(text.lower())


def ngrams(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """All runs of so many words."""
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


def distinct(texts: Sequence[str], length: int) -> float:
    """Different n-grams as a share of all n-grams of the texts."""
    found = Counter(gram for text in texts for gram in ngrams(words_of(text), length))
    return len(found) / max(1, found.total())


def repeated_sentences(texts: Sequence[str]) -> float:
    """The share of sentences that stand, word for word, somewhere else as well."""
    found = Counter(sentence.strip() for text in texts for sentence in SENTENCE.split(text))
    return sum(count for count in found.values() if count > 1) / max(1, found.total())


def seen_before(texts: Sequence[str], length: int = 8) -> list[float]:
    """For each text, the share of its n-grams that an earlier text has."""
    seen: set[int] = set()
    shares = []
    for text in texts:
        grams = {hash(gram) for gram in ngrams(words_of(text), length)}
        shares.append(len(grams & seen) / max(1, len(grams)))
        seen |= grams
    return shares


def measure(stories: Sequence[Story]) -> dict[str, float]:
    """The figures for some stories."""
    texts = [story.text for story in stories]
    shares = sorted(seen_before(texts))
    lengths = sorted(len(words_of(text)) for text in texts)
    return {
        "stories": len(stories),
        "distinct_plots": len({story.plot for story in stories}),
        "distinct_texts": len(set(texts)),
        "words_median": lengths[len(lengths) // 2],
        "words_shortest": lengths[0],
        "words_longest": lengths[-1],
        "vocabulary": len({word for text in texts for word in words_of(text)}),
        "distinct_4grams": len({gram for text in texts for gram in ngrams(words_of(text), 4)}),
        "distinct_4": round(distinct(texts, 4), 4),
        "sentences_repeated": round(repeated_sentences(texts), 4),
        "8grams_seen_before_median": round(shares[len(shares) // 2], 4),
        "8grams_seen_before_most": round(shares[-1], 4),
    }


def main() -> None:
    """Command line; prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    library, rng = open_library(), random.Random(arguments.seed)
    print(json.dumps(measure([tell_story(library, rng) for _ in range(arguments.stories)]), indent=2))


if __name__ == "__main__":
    main()
