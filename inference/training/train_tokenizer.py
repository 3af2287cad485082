"""Train the bundled model's byte-level BPE: `python3 -m inference.training.train_tokenizer OUT FILES…`."""

import argparse
import itertools
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from inference.training.corpus import SPECIAL_TOKENS, read_documents

# One optional leading character with a word, single digits, runs of signs with their line breaks, then blanks.
PATTERN = r"'(?:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def train_tokenizer(texts: list[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE over the texts; ids: special tokens first, then the 256 bytes, then merges in order."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def document_texts(document: dict) -> list[str]:
    """The texts of one document, without role marks."""
    return [document["text"]] if "text" in document else [message["content"] for message in document["messages"]]


def main() -> None:
    """Read the files, keep what the cap allows per source, train and write tokenizer.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument("--source-cap-mb", type=float, default=12.0, help="text used from any one source")
    arguments = parser.parse_args()
    used: dict[str, int] = {}
    texts: list[str] = []
    for document in read_documents(arguments.files):
        if used.get(document["source"], 0) < arguments.source_cap_mb * 1e6:
            for text in document_texts(document):
                texts.append(text)
                used[document["source"]] = used.get(document["source"], 0) + len(text)
    tokenizer = train_tokenizer(texts, arguments.vocab_size)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(arguments.out))
    sample = "".join(itertools.islice(texts, 50))
    print(f"{tokenizer.get_vocab_size()} tokens; {len(sample.encode()) / len(tokenizer.encode(sample).ids):.2f} bytes per token")


if __name__ == "__main__":
    main()
