"""A 5-gram model and xz as yardsticks: `python3 -m inference.training.ngram STREAMS TOKENIZER.json HELDOUT.jsonl.xz`.

The n-gram model is trained on the token streams that the transformer is trained on and scored on the same held-out
tokens (see `evaluate`): interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998), down to a uniform share.
Documents are kept apart: no n-gram runs over a BOS, and one that begins with it keeps its plain count. `xz` is the size
of a source's texts in one file after `xz -9`. Both in bits per byte of the texts.

Training on 56 million tokens takes just under 4 GiB and two minutes of one core.
"""

import argparse
import json
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from inference.training.corpus import BOS, ROLE_TOKENS, document_bytes, encode_document, read_documents

ORDER = 5
DISCOUNTED = 3  # counts from 3 on share one discount


@dataclass(frozen=True, slots=True)
class Level:
    """The n-grams of one length, and what each prefix leads to.

    `keys` are number of the prefix * vocabulary + last token, sorted; an n-gram's number is its place among them.
    `totals` and `left_over` are by the number of the prefix: the sum of the counts that follow it, and the part of that
    sum which discounting takes away for the shorter n-grams.
    """

    keys: np.ndarray
    counts: np.ndarray
    discounts: np.ndarray
    totals: np.ndarray
    left_over: np.ndarray


def discounts_of(counts: np.ndarray) -> np.ndarray:
    """How much is taken from a count of 0, 1, 2, and 3 or more; never more than the count."""
    n1, n2, n3, n4 = (max(1, int((counts == count).sum())) for count in range(1, 5))
    base = n1 / (n1 + 2 * n2)
    raw = [0.0, 1 - 2 * base * n2 / n1, 2 - 3 * base * n3 / n2, 3 - 4 * base * n4 / n3]
    return np.clip(raw, [0, 0.05, 0.05, 0.05], [0, 1, 2, 3])


def make_level(keys: np.ndarray, counts: np.ndarray, vocab_size: int, prefixes: int) -> Level:
    """The level of n-grams with these keys and counts, whose prefixes are numbered below `prefixes`."""
    discounts = discounts_of(counts)
    prefix = keys // vocab_size
    taken = discounts[np.minimum(counts, DISCOUNTED)]
    return Level(
        keys,
        counts,
        discounts,
        np.bincount(prefix, weights=counts, minlength=prefixes).astype(np.float32),
        np.bincount(prefix, weights=taken, minlength=prefixes).astype(np.float32),
    )


def places_of(ids: np.ndarray, shorter: np.ndarray, length: int, bos: int) -> np.ndarray:
    """Where the n-grams of a length begin; `shorter` holds the number of the (n-1)-gram at each place, or -1."""
    starts = len(ids) - length + 1
    return np.flatnonzero((shorter[:starts] >= 0) & (ids[length - 1 :] != bos)).astype(np.int32)


def number(prefix: np.ndarray, last: np.ndarray, vocab_size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The different keys in order, the index of one occurrence of each, how often each occurs, and every key's number."""
    keys = prefix.astype(np.int64) * vocab_size + last
    order = np.argsort(keys)
    keys = keys[order]  # only two arrays of this size at a time, since there are tens of millions of n-grams
    is_new = np.empty(len(keys), dtype=bool)
    is_new[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=is_new[1:])
    keys, example = keys[is_new], order[is_new].astype(np.int32)
    counts = np.diff(np.append(np.flatnonzero(is_new), len(order))).astype(np.int32)
    numbers = np.empty(len(order), dtype=np.int32)
    numbers[order] = np.cumsum(is_new, dtype=np.int32) - 1
    return keys, example, counts, numbers


class KneserNey:
    """An n-gram model of token ids; documents begin with `bos`."""

    def __init__(self, ids: np.ndarray, vocab_size: int, bos: int, order: int = ORDER):
        """Count the n-grams of one long stream of documents."""
        self.vocab_size, self.bos = vocab_size, bos
        ids = ids.astype(np.int32)
        here = ids  # the number of the n-gram that begins at each place; a single token is its own
        keys = np.arange(vocab_size, dtype=np.int64)
        kept = np.zeros(vocab_size, dtype=np.int32)  # the plain counts of those that begin a document
        self.levels: list[Level] = []
        prefixes = 1
        for length in range(2, order + 1):
            places = places_of(ids, here, length, bos)
            longer, example, plain, numbers = number(here[places], ids[places + length - 1], vocab_size)
            # A shorter n-gram counts by how many different tokens stand before it.
            before = np.bincount(here[places[example] + 1], minlength=len(keys)).astype(np.int32)
            self.levels.append(make_level(keys, before + kept, vocab_size, prefixes))
            prefixes, keys = len(keys), longer
            kept = np.where(ids[places[example]] == bos, plain, 0).astype(np.int32)
            here = np.full(len(ids), -1, dtype=np.int32)
            here[places] = numbers
        self.levels.append(make_level(keys, plain, vocab_size, prefixes))

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """The probability of each token given those before it in its document; of a BOS it means nothing."""
        ids = ids.astype(np.int32)
        result = np.full(len(ids), 1 / self.vocab_size)
        prefix = np.zeros(len(ids), dtype=np.int32)  # by the place of the prefix's first token
        for length, level in enumerate(self.levels, start=1):
            places = np.flatnonzero(prefix[: len(ids) - length + 1] >= 0)
            ends = places + length - 1
            if length > 1:
                places, ends = places[ids[ends] != self.bos], ends[ids[ends] != self.bos]
            number_of = np.full(len(ids), -1, dtype=np.int32)
            number_of[places] = self._look_up(level, prefix[places], ids[ends])
            self._mix(level, result, ends, prefix[places], number_of[places])
            prefix = number_of
        return result

    def _look_up(self, level: Level, prefix: np.ndarray, last: np.ndarray) -> np.ndarray:
        keys = prefix.astype(np.int64) * self.vocab_size + last
        found = np.minimum(np.searchsorted(level.keys, keys), len(level.keys) - 1)
        return np.where(level.keys[found] == keys, found, -1)

    def _mix(self, level: Level, result: np.ndarray, ends: np.ndarray, prefix: np.ndarray, numbers: np.ndarray) -> None:
        """Take this level's share into the probabilities of the tokens at `ends`, where the prefix was seen to go on."""
        counts = np.where(numbers >= 0, level.counts[numbers], 0)
        own = counts - level.discounts[np.minimum(counts, DISCOUNTED)]
        totals = level.totals[prefix].astype(np.float64)
        is_known = totals > 0
        mixed = (own + level.left_over[prefix] * result[ends])[is_known] / totals[is_known]
        result[ends[is_known]] = mixed


def read_streams(folder: Path, most_tokens: int) -> np.ndarray:
    """The streams of a folder one after the other, without marks; of each the first `most_tokens` at most."""
    streams = [np.load(path, mmap_mode="r")[:most_tokens] & 0x7FFF for path in sorted(folder.glob("*.npy"))]
    return np.concatenate(streams)


def xz_bits(documents: Sequence[dict]) -> int:
    """The size of the texts in one file after `xz -9`, in bits."""
    texts = [document.get("text") or "\n".join(m["content"] for m in document["messages"]) for document in documents]
    return 8 * len(lzma.compress("\n".join(texts).encode(), preset=9))


def score(model: KneserNey, tokenizer: Tokenizer, documents: Sequence[dict]) -> dict[str, float]:
    """Bits per byte of some documents for the n-gram model and for xz; which tokens count is as in `evaluate`."""
    given = [tokenizer.token_to_id(token) for token in (BOS, *ROLE_TOKENS.values())]
    ids = np.concatenate([np.array(encode_document(tokenizer, document)[0]) for document in documents])
    bits = -np.log2(model.probabilities(ids)[~np.isin(ids, given)]).sum()
    size = sum(map(document_bytes, documents))
    return {"bytes": size, "ngram": round(bits / size, 4), "xz": round(xz_bits(documents) / size, 4)}


def scores(model: KneserNey, tokenizer: Tokenizer, documents: Iterable[dict]) -> dict[str, dict[str, float]]:
    """The figures of every source, and "overall"."""
    by_source: dict[str, list[dict]] = {}
    for document in documents:
        by_source.setdefault(document["source"], []).append(document)
    everything = [document for group in by_source.values() for document in group]
    groups = dict(sorted(by_source.items())) | {"overall": everything}
    return {source: score(model, tokenizer, group) for source, group in groups.items()}


def main() -> None:
    """Command line; the last line is one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", type=Path, help="folder of token streams")
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("heldout", type=Path, nargs="+")
    parser.add_argument("--most-tokens", type=int, default=30_000_000, help="read of each stream")
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    ids = read_streams(arguments.streams, arguments.most_tokens)
    model = KneserNey(ids, tokenizer.get_vocab_size(), tokenizer.token_to_id(BOS))
    rows = scores(model, tokenizer, read_documents(arguments.heldout))
    print(f"{'source':32} {'bytes':>10} {'5-gram':>8} {'xz -9':>8}  bits per byte")
    for source, row in rows.items():
        print(f"{source:32} {row['bytes']:10,} {row['ngram']:8.3f} {row['xz']:8.3f}")
    print(json.dumps({"order": ORDER, "training_tokens": len(ids), "scores": rows}))


if __name__ == "__main__":
    main()
