"""Training text: reading it, and laying it out as token streams grouped into named buckets.

A corpus file is JSON lines, plain or `.xz`; a line holds `source` and either `text` or `messages`
(a list of {"role", "content"}). Every document becomes BOS + tokens, so a BOS marks where documents meet.
"""

import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

BOS, SYSTEM, USER, ASSISTANT, END = "<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
SPECIAL_TOKENS = (BOS, SYSTEM, USER, ASSISTANT, END)
DOCUMENTS_AT_ONCE = 512
ROLE_TOKENS = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}

# Which source trains in which bucket; the recipe weighs buckets, not files.
BUCKETS = {
    "grimm": "stories",
    "books-children": "stories",
    "chilit": "novels",
    "books": "novels",
    "fairytaleqa": "stories",
    "african-storybook": "stories",
    "pratham-books": "stories",
    "aesop": "stories",
    "onestop": "facts",
    "wikipedia": "facts",
    "self-dialogue": "chat",
    "synthetic-persona-chat": "chat",
    "topical-chat": "chat",
    "fun-dialogues": "chat",
    "chatterbot": "chat",
    "oasst": "chat",
    "self-instruct-seed": "chat",
    "sgd": "tasks",
    "taskmaster-4": "tasks",
    "wikipedia-qa": "questions",
    "fairytaleqa-qa": "questions",
    "wordset": "questions",
    "opentriviaqa": "questions",
    "gsm8k": "questions",
    "glassbox-stories": "own-stories",
    "glassbox-story-requests": "own-story-requests",
    "glassbox-stories-modern": "modern-stories",
    "glassbox-story-requests-modern": "modern-story-requests",
    "glassbox-voice": "voice",
    "glassbox-wordings": "wordings",
}


def bucket_of(source: str) -> str:
    """The bucket a source trains in; everything asked for as a story goes together."""
    return "story-requests" if source.startswith("story-request/") else BUCKETS.get(source, "other")


def read_documents(paths: Iterable[Path]) -> Iterator[dict]:
    """Every document of the JSON-lines files, in order."""
    for path in paths:
        open_text = lzma.open if path.suffix == ".xz" else open
        with open_text(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def document_bytes(document: dict) -> int:
    """UTF-8 size of the text itself, without role marks."""
    if "text" in document:
        return len(document["text"].encode())
    return sum(len(message["content"].encode()) for message in document["messages"])


def encode_document(tokenizer: Tokenizer, document: dict) -> tuple[list[int], list[bool]]:
    """Token ids of one document, and for each whether it was written by the assistant (END included)."""
    _, ids, answer = next(encode_documents(tokenizer, [document]))
    return ids, answer


def encode_documents(tokenizer: Tokenizer, documents: Iterable[dict]) -> Iterator[tuple[dict, list[int], list[bool]]]:
    """Each document with what `encode_document` makes of it; `tokenizer` shares a batch of texts out among all cores."""
    remaining = iter(documents)
    while group := list(islice(remaining, DOCUMENTS_AT_ONCE)):
        texts = [text for document in group for text in document_texts(document)]
        bodies = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
        for document in group:
            yield document, *lay_out(tokenizer, document, [next(bodies).ids for _ in document_texts(document)])


def document_texts(document: dict) -> list[str]:
    """The text of a document, or those of its messages."""
    return [document["text"]] if "text" in document else [message["content"] for message in document["messages"]]


def lay_out(tokenizer: Tokenizer, document: dict, bodies: Sequence[list[int]]) -> tuple[list[int], list[bool]]:
    """Put the marks around the tokens of a document's texts."""
    ids, answer = [tokenizer.token_to_id(BOS)], [False]
    if "text" in document:
        return ids + bodies[0], answer + [False] * len(bodies[0])
    for message, body in zip(document["messages"], bodies, strict=True):
        ids += [tokenizer.token_to_id(ROLE_TOKENS[message["role"]]), *body, tokenizer.token_to_id(END)]
        answer += [False] + [message["role"] == "assistant"] * (len(body) + 1)
    return ids, answer


def write_streams(tokenizer: Tokenizer, paths: Iterable[Path], out: Path, seed: int = 0) -> dict[str, int]:
    """Tokenise the files into one shuffled uint16 stream per bucket under `out`; returns tokens per bucket.

    The top bit of an element marks a token of the assistant, which is why the vocabulary must stay below 32,768.
    """
    if tokenizer.get_vocab_size() > 1 << 15:
        raise ValueError("streams hold 15-bit token ids")
    buckets: dict[str, list[np.ndarray]] = {}
    for document, ids, answer in encode_documents(tokenizer, read_documents(paths)):
        packed = np.array(ids, dtype=np.uint16) | (np.array(answer, dtype=np.uint16) << 15)
        buckets.setdefault(bucket_of(document["source"]), []).append(packed)
    out.mkdir(parents=True, exist_ok=True)
    sizes = {}
    for name, documents in buckets.items():
        order = np.random.default_rng(seed).permutation(len(documents))
        stream = np.concatenate([documents[i] for i in order])
        np.save(out / f"{name}.npy", stream)
        sizes[name] = len(stream)
    return sizes


class StreamSampler:
    """Windows of the streams, mixed by weight; the batch of a step depends on (seed, step) alone, so runs resume."""

    def __init__(self, folder: Path, weights: dict[str, float], seed: int = 0):
        self.streams = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in weights}
        self.names = list(weights)
        total = sum(weights.values())
        self.weights = [weights[name] / total for name in self.names]
        self.seed = seed

    def batch(self, step: int, rows: int, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (rows, length + 1) as int64 and the assistant marks, bool of the same shape."""
        rng = np.random.default_rng((self.seed, step))
        chosen = rng.choice(len(self.names), size=rows, p=self.weights)
        windows = np.empty((rows, length + 1), dtype=np.uint16)
        for row, index in enumerate(chosen):
            stream = self.streams[self.names[index]]
            start = rng.integers(0, len(stream) - length)
            windows[row] = stream[start : start + length + 1]
        return (windows & 0x7FFF).astype(np.int64), (windows >> 15).astype(bool)
