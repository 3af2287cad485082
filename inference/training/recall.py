"""Whether a question in new words finds its answer: `python3 -m inference.training.recall MODEL_DIR --temperatures 0 0.5 0.7`.

Asks every question of `data/wordings-heldout.jsonl` (each a wording of an exchange of `data/wordings` that is kept out of the
training data) and counts the answers that come nearest, in words shared, to an answer of their own exchange rather than
of any other. This needs no judge, so it can choose between checkpoints and between ways of sampling without a look at the
judged questions; it is no measure of truth: an answer of a neighbouring exchange may be right as well, and counts as a miss.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import inference
from inference.engine import Engine
from inference.training.nearness import shares
from inference.training.sample import answer, read_lines
from inference.training.voice import worded_exchanges
from inference.types import SamplingParams


def found(answers: Sequence[str], own: Sequence[Sequence[str]], others: Sequence[str]) -> list[bool]:
    """For each answer whether it shares words with one of its `own`, and none of `others` shares more of them."""
    to_others = shares(answers, others).max(axis=0, initial=0.0)
    to_own = [shares([text], mine).max() for text, mine in zip(answers, own, strict=True)]
    return [bool(mine > 0 and mine >= other) for mine, other in zip(to_own, to_others, strict=True)]


def recall(engine: Engine, questions: Sequence[dict], known: Sequence[str], params: SamplingParams, seed: int) -> float:
    """The share of the questions whose answer is one of their own exchange; `known` are the answers of all exchanges."""
    answers = [answer(engine, line["question"], seed, 96, params) for line in questions]
    results = found(answers, [line["answers"] for line in questions], known)
    return sum(results) / len(results)


def main() -> None:
    """Command line; prints a line for each temperature."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--temperatures", type=float, nargs="+", help="instead of the one that the model recommends")
    parser.add_argument("--seeds", type=int, default=1, help="so many answers to each question")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    engine = inference.load(arguments.model, threads=arguments.threads)
    questions = read_lines("wordings-heldout.jsonl")
    known = [text for exchange in worded_exchanges() for text in exchange.answer]
    default = engine.spec.default_params
    for temperature in arguments.temperatures or [default.temperature]:
        params = dataclasses.replace(default, temperature=temperature)
        rates = [recall(engine, questions, known, params, seed) for seed in range(arguments.seeds)]
        print(json.dumps({"temperature": temperature, "questions": len(questions), "own_exchange": rates}), flush=True)


if __name__ == "__main__":
    main()
