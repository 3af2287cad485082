"""What a model says: `python3 -m inference.training.sample MODEL_DIR OUT.json`.

Answers the fixed sheet `data/prompts.jsonl` and the questions of `data/facts.jsonl` and `data/facts-unseen.jsonl` (written by
someone who knew none of the training data), each as the first message of a chat, with the sampling that the model recommends
and a fixed seed; the points that a right answer to a fact must contain go along for whoever judges it. Then 200 answers to
the prompts of the sheet, in turn and with another seed each round, are measured: distinct-n is the share of different runs
of n words among all of them, and repetition the share of 4-word runs that stood in the same answer before.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import inference
from inference.engine import Engine
from inference.errors import InferenceError
from inference.training.variety import distinct, ngrams, words_of
from inference.types import GenerateRequest, Message, RunFailed, RunFinished, SamplingParams, TokenEvent

DATA = Path(__file__).parent / "data"
SAMPLED_ANSWERS = 200
SHEET_SEED = 2


def read_lines(name: str) -> list[dict]:
    """The JSON lines of a file of the data folder."""
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def answer(engine: Engine, prompt: str, seed: int, max_new_tokens: int, params: SamplingParams | None = None) -> str:
    """What the model answers to the first message of a chat, with the sampling that it recommends unless told."""
    request = GenerateRequest(
        run_id=1,
        messages=(Message("user", prompt),),
        params=params or engine.spec.default_params,
        seed=seed,
        max_new_tokens=max_new_tokens,
        trace_rows=0,
    )
    parts = []
    for event in engine.generate(request):
        match event:
            case TokenEvent():
                parts.append(event.text)
            case RunFinished():
                parts.append(event.text_tail)
            case RunFailed():
                raise InferenceError(event.message)
    return "".join(parts)


def sampled(engine: Engine, prompts: Sequence[str], count: int, max_new_tokens: int) -> Iterator[str]:
    """So many answers, to the prompts in turn; each round has a seed of its own."""
    for number in range(count):
        round_number, place = divmod(number, len(prompts))
        yield answer(engine, prompts[place], 1000 + round_number, max_new_tokens)


def answered_facts(engine: Engine, name: str, max_new_tokens: int) -> list[dict]:
    """The questions of a file of the data folder with the model's answers."""
    return [fact | {"answer": answer(engine, fact["question"], SHEET_SEED, max_new_tokens)} for fact in read_lines(name)]


def repetition(texts: Sequence[str], length: int = 4) -> float:
    """Of all runs of so many words, the share that stood in the same text before."""
    total = repeated = 0
    for text in texts:
        grams = ngrams(words_of(text), length)
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / max(1, total)


def measures(texts: Sequence[str]) -> dict[str, float]:
    """The figures of some answers."""
    words = [len(words_of(text)) for text in texts]
    rates = {f"distinct_{n}": round(distinct(texts, n), 4) for n in (1, 2, 3)}
    return (
        {"answers": len(texts), "words_mean": round(sum(words) / max(1, len(words)), 1)}
        | rates
        | {"repetition": round(repetition(texts), 4)}
    )


def sample(engine: Engine, count: int, max_new_tokens: int) -> dict:
    """Everything that is written to the file."""
    prompts = [line["prompt"] for line in read_lines("prompts.jsonl")]
    return {
        "model": engine.spec.name,
        "weights_hash": engine.spec.weights_hash,
        "params": dataclasses.asdict(engine.spec.default_params),
        "seed": SHEET_SEED,
        "sheet": [{"prompt": prompt, "answer": answer(engine, prompt, SHEET_SEED, max_new_tokens)} for prompt in prompts],
        "facts": answered_facts(engine, "facts.jsonl", max_new_tokens),
        "unseen": answered_facts(engine, "facts-unseen.jsonl", max_new_tokens),
        "sampled": measures(list(sampled(engine, prompts, count, max_new_tokens))),
    }


def main() -> None:
    """Command line; prints the measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--answers", type=int, default=SAMPLED_ANSWERS, help="how many are measured")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    engine = inference.load(arguments.model, threads=arguments.threads)
    result = sample(engine, arguments.answers, arguments.max_new_tokens)
    arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["sampled"]))


if __name__ == "__main__":
    main()
