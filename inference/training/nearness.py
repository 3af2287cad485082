"""How near a question is to those of the training data: the share of words that it has in common with the nearest of them."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from inference.training.voice import all_exchanges, worded_exchanges, wordings

NEAR = 0.75  # from this share on two questions pass for the same one


def bare(text: str) -> str:
    """The words of a text, without casing and marks."""
    return " ".join(re.sub(r"[^a-z0-9 ]", " ", text.lower()).split())


def trained_questions() -> Iterable[str]:
    """Every phrasing of the training data, all wordings of its patterns among them."""
    return (text for exchange in all_exchanges() + worded_exchanges() for ask in exchange.ask for text in wordings(ask))


def nearest_shares(questions: Sequence[str], trained: Iterable[str]) -> np.ndarray:
    """For each question the words in common with the nearest of `trained`, as a share of the words of both together: 0 to 1."""
    return shares(questions, trained).max(axis=0)


def shares(texts: Sequence[str], others: Iterable[str]) -> np.ndarray:
    """Words in common as a share of the words of both together, 0 to 1: a row for each different set of words in `others`."""
    asked = [set(bare(text).split()) for text in texts]
    column = {word: place for place, word in enumerate(sorted(set().union(*asked)))}
    known = list({frozenset(bare(text).split()) for text in others})
    shared = _word_counts(known, column) @ _word_counts(asked, column).T  # words in common, every pair
    sizes = np.array([[len(words)] for words in known]) + np.array([len(words) for words in asked])
    return shared / np.maximum(1, sizes - shared)


def _word_counts(texts: Sequence[Iterable[str]], column: dict[str, int]) -> np.ndarray:
    """A row for each set of words, with 1 in the column of each of its words that has one."""
    rows = np.zeros((len(texts), len(column)), dtype=np.float32)
    for row, words in zip(rows, texts, strict=True):
        row[[column[word] for word in words if word in column]] = 1
    return rows
