"""Bits per byte of a checkpoint on held-out text: `python3 -m inference.training.evaluate MODEL_DIR HELDOUT.jsonl.xz`.

What is counted: documents are laid out as in training (`encode_document`). Each token of the text itself, and the
token that ends each message of a chat, is predicted from at least half a context of what stands before it in its
document (all of it, where the document fits the context). The marks that open a message and the first token,
BOS, are given and not counted. Bits per byte is the sum of -log2 p over the counted tokens, divided by the UTF-8 bytes
of the texts without any marks; accuracy is the fraction of counted tokens that were the likeliest one.
"""

import argparse
import json
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from inference.device import choose_device, choose_dtype, use_threads
from inference.families import translate_config
from inference.model import Transformer
from inference.training.corpus import BOS, ROLE_TOKENS, document_bytes, encode_document, read_documents
from inference.weights import load_model, read_config

BATCH_TOKENS = 8192
LOGITS_ROWS = 512  # rows of logits held at a time


@dataclass(slots=True)
class Score:
    """Sums over the documents of one source."""

    documents: int = 0
    text_bytes: int = 0
    tokens: int = 0
    correct: int = 0
    bits: float = 0.0

    def add(self, other: "Score") -> None:
        """Count another one's sums in."""
        self.documents += other.documents
        self.text_bytes += other.text_bytes
        self.tokens += other.tokens
        self.correct += other.correct
        self.bits += other.bits

    def summary(self) -> dict[str, float]:
        """The sums and the rates made of them."""
        return {
            "documents": self.documents,
            "bytes": self.text_bytes,
            "tokens": self.tokens,
            "bits_per_byte": round(self.bits / max(1, self.text_bytes), 4),
            "bits_per_token": round(self.bits / max(1, self.tokens), 4),
            "accuracy": round(self.correct / max(1, self.tokens), 4),
        }


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one document that fits the context; only its targets from `first_target` on are counted."""

    source: str
    ids: list[int]
    first_target: int


def windows(source: str, ids: list[int], context_tokens: int) -> Iterator[Window]:
    """Cut a document so that each token after the first is a counted target once, after half a context at least."""
    counted = 1  # the first id is never a target
    while counted < len(ids):
        start = 0 if counted == 1 else counted - context_tokens // 2
        piece = ids[start : start + context_tokens + 1]  # the last id is a target only
        yield Window(source, piece, counted - start)
        counted = start + len(piece)


def evaluate(model: Transformer, tokenizer: Tokenizer, documents: Iterable[dict]) -> dict[str, Score]:
    """Scores by source."""
    scores: dict[str, Score] = {}
    pieces: list[Window] = []
    for document in documents:
        source = document["source"]
        ids, _ = encode_document(tokenizer, document)
        scores.setdefault(source, Score()).add(Score(documents=1, text_bytes=document_bytes(document)))
        pieces.extend(windows(source, ids, model.config.context_tokens))
    given = torch.tensor([tokenizer.token_to_id(token) for token in (BOS, *ROLE_TOKENS.values())])
    for batch in batches(pieces):
        for window, score in zip(batch, score_batch(model, batch, given), strict=True):
            scores[window.source].add(score)
    return scores


def batches(pieces: list[Window]) -> Iterator[list[Window]]:
    """Windows of like length together, about BATCH_TOKENS with their padding."""
    batch: list[Window] = []
    for window in sorted(pieces, key=lambda window: -len(window.ids)):
        if batch and (len(batch) + 1) * len(batch[0].ids) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


@torch.inference_mode()
def score_batch(model: Transformer, batch: list[Window], given: Tensor) -> list[Score]:
    """Tokens, bits and hits of each window. Padding stands at the end, where causal attention cannot see it."""
    device = model.embedding.weight.device
    length = max(len(window.ids) for window in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    is_counted = torch.zeros(len(batch), length - 1, dtype=torch.bool)
    for row, window in enumerate(batch):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
        is_counted[row, window.first_target - 1 : len(window.ids) - 1] = True
    is_counted &= ~torch.isin(ids[:, 1:], given)
    hidden = model(ids[:, :-1].to(device))[is_counted.to(device)]  # (N, C)
    bits, hits = token_bits(model, hidden, ids[:, 1:][is_counted].to(device))
    counts = is_counted.sum(dim=1).tolist()
    return [
        Score(tokens=count, bits=row_bits.sum().item(), correct=int(row_hits.sum()))
        for count, row_bits, row_hits in zip(counts, bits.split(counts), hits.split(counts), strict=True)
    ]


def token_bits(model: Transformer, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """-log2 p of targets (N,) after hidden (N, C), float64, and whether each was the likeliest."""
    bits, hits = [torch.empty(0, dtype=torch.float64)], [torch.empty(0, dtype=torch.bool)]
    for rows, wanted in zip(hidden.split(LOGITS_ROWS), targets.split(LOGITS_ROWS), strict=True):
        logits = model.logits(rows)
        losses = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
        bits.append(losses.double().cpu() / math.log(2))
        hits.append((logits.argmax(dim=1) == wanted).cpu())
    return torch.cat(bits), torch.cat(hits)


def report(scores: dict[str, Score]) -> tuple[str, dict]:
    """A table for people, and the same numbers as JSON values."""
    total = Score()
    for score in scores.values():
        total.add(score)
    summaries = {source: score.summary() for source, score in sorted(scores.items())} | {"overall": total.summary()}
    lines = [f"{'source':32} {'documents':>9} {'bytes':>10} {'tokens':>9} {'bits/byte':>9} {'bits/token':>10} {'accuracy':>8}"]
    for source, row in summaries.items():
        lines.append(
            f"{source:32} {row['documents']:9,} {row['bytes']:10,} {row['tokens']:9,} "
            f"{row['bits_per_byte']:9.4f} {row['bits_per_token']:10.4f} {row['accuracy']:8.1%}"
        )
    return "\n".join(lines), summaries


def main() -> None:
    """Command line; the last line is one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a checkpoint whose tokenizer has the chat marks of our training")
    parser.add_argument("heldout", type=Path, nargs="+", help="JSON lines, plain or .xz")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--limit", type=int, default=None, help="documents read of each source at most")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    family, config = translate_config(read_config(arguments.model))
    device = choose_device(arguments.device)
    dtype = choose_dtype(arguments.dtype, device, config.parameter_count)
    loaded = load_model(arguments.model, config, family, device=device, dtype=dtype)
    started = time.perf_counter()
    documents = limited(read_documents(arguments.heldout), arguments.limit)
    scores = evaluate(loaded.model, Tokenizer.from_file(str(arguments.model / "tokenizer.json")), documents)
    table, summaries = report(scores)
    print(table)
    meta = {"model": arguments.model.name, "weights_hash": loaded.weights_hash, "dtype": str(dtype).removeprefix("torch.")}
    print(json.dumps(meta | {"seconds": round(time.perf_counter() - started, 1), "scores": summaries}))


def limited(documents: Iterable[dict], limit: int | None) -> Iterator[dict]:
    """The first `limit` documents of each source; all for None."""
    seen: dict[str, int] = {}
    for document in documents:
        seen[document["source"]] = seen.get(document["source"], 0) + 1
        if limit is None or seen[document["source"]] <= limit:
            yield document


if __name__ == "__main__":
    main()
