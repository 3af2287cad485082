"""Tokenise corpus files into training streams: `python3 -m inference.training.prepare TOKENIZER.json OUT FILES…`."""

import argparse
from pathlib import Path

from tokenizers import Tokenizer

from inference.training.corpus import write_streams


def main() -> None:
    """Command line; prints the tokens of every bucket."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    arguments = parser.parse_args()
    for name, size in write_streams(Tokenizer.from_file(str(arguments.tokenizer)), arguments.files, arguments.out).items():
        print(f"{name:20} {size:12,} tokens")


if __name__ == "__main__":
    main()
