"""What each ingredient of the recipe is worth, at small size: `python3 -m inference.training.ablate OUT.json …`.

Every variant is the recipe at the SIZE below with one change, trained on the same number of tokens of the same
batches, and measured on the same held-out documents: bits per byte of all text, and of the assistant's answers alone. The
baseline runs with more than one seed, which shows how large a difference must be to mean something. Results are written
after every run, and what is in OUT already is not run again.
"""

import argparse
import copy
import json
import math
import tempfile
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from tokenizers import Tokenizer

from inference.model import Transformer
from inference.training.averaging import last_weights
from inference.training.corpus import encode_document, read_documents
from inference.training.evaluate import evaluate, limited, token_bits
from inference.training.train import Run, make_model

SIZE = {"width": 128, "layers": 2, "heads": 2, "mlp_width": 352, "context": 1024}
STABLE_PART = 0.7  # of the tokens, before the chat phase
STEP_TOKENS = 2048


@dataclass(frozen=True)
class Variant:
    """One run: changes of the recipe by dotted path; `also` names further measures of the same run."""

    name: str
    changes: dict[str, object] = field(default_factory=dict)
    seed: int = 1
    averages_as: str = ""  # the name under which the averaged weights are measured, too


BASELINE = "baseline"
VARIANTS = (
    Variant(BASELINE, averages_as="averaged weights, after the decay"),
    Variant(BASELINE, seed=2, averages_as="averaged weights, after the decay"),
    Variant("answers only in the chat phase", {"phases.1.answers_only": True}),
    Variant("no decay", {"phases.1.decay": False}, averages_as="averaged weights, no decay"),
    Variant("AdamW for the matrices, rate 0.004", {"optimizer.matrices": "adamw", "optimizer.matrix_lr": 0.004}),
    Variant("normal instead of zero outputs", {"model.zero_outputs": False}),
    Variant("no document mask", {"document_mask": False}),
    Variant("full windows from the start", {"phases.0.rows": 2, "phases.0.length": 1024}),
    Variant("AdamW for the matrices, rate 0.002", {"optimizer.matrices": "adamw", "optimizer.matrix_lr": 0.002}),
)


def small_recipe(recipe: dict, tokens: int) -> dict:
    """The recipe's last two phases at the small size, bounded by steps: short windows first, then full ones with the decay."""
    small = copy.deepcopy(recipe) | {"model": dict(SIZE), "save_every_s": math.inf, "log_every_s": math.inf}
    small["phases"] = small["phases"][-2:]
    steps = tokens // STEP_TOKENS
    stable = int(STABLE_PART * steps)
    lengths = (SIZE["context"] // 4, SIZE["context"])
    for phase, count, length in zip(small["phases"], (stable, steps - stable), lengths, strict=True):
        phase.pop("minutes", None)
        phase.update(steps=count, length=length, rows=STEP_TOKENS // length, lr_scale=1.0)
    return small


def changed(recipe: dict, changes: dict[str, object]) -> dict:
    """A copy with the values at dotted paths replaced; numbers in a path are places in a list."""
    result = copy.deepcopy(recipe)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = result
        for key in parents:
            place = place[int(key)] if isinstance(place, list) else place[key]
        place[last] = value
    return result


@torch.inference_mode()
def answer_bits_per_byte(model: Transformer, tokenizer: Tokenizer, chats: Iterable[dict]) -> float:
    """Bits per byte of the assistant's messages with their ends, after all that stands before; long chats are cut."""
    bits, size = 0.0, 0
    for chat in chats:
        ids, answers = (part[: model.config.context_tokens] for part in encode_document(tokenizer, chat))
        is_answer = torch.tensor(answers[1:])
        targets = torch.tensor(ids[1:])[is_answer]
        hidden = model(torch.tensor([ids[:-1]]))[0][is_answer]
        bits += token_bits(model, hidden, targets)[0].sum().item()
        size += len(tokenizer.decode(targets.tolist()).encode())
    return bits / max(1, size)


def measure(model: Transformer, tokenizer: Tokenizer, documents: list[dict]) -> dict[str, float]:
    """The figures of one set of weights."""
    scores = evaluate(model, tokenizer, documents).values()
    bits, size = sum(score.bits for score in scores), sum(score.text_bytes for score in scores)
    answers = answer_bits_per_byte(model, tokenizer, [document for document in documents if "messages" in document])
    return {"bits_per_byte": round(bits / size, 4), "answers_bits_per_byte": round(answers, 4)}


def train_variant(variant: Variant, recipe: dict, streams: Path, tokenizer: Tokenizer, documents: list[dict]) -> list[dict]:
    """Train one variant in a folder of its own; rows of the table."""
    recipe = changed(recipe, variant.changes) | {"seed": variant.seed}
    torch.manual_seed(variant.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(recipe, Path(folder), "cpu")
        run.train(streams)
        state = torch.load(run.state_path, weights_only=True)
    row = {"name": variant.name, "seed": variant.seed, "tokens": run.tokens, "seconds": round(time.monotonic() - started)}
    model = make_model(recipe["model"], recipe["vocab_size"]).eval()
    model.load_state_dict(state["model"])
    rows = [row | measure(model, tokenizer, documents)]
    if variant.averages_as:
        model.load_state_dict(last_weights(state, state["model"]))
        rows.append(row | {"name": variant.averages_as, "seconds": 0} | measure(model, tokenizer, documents))
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_name("recipe.toml"))
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--streams", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, nargs="+", required=True)
    parser.add_argument("--documents", type=int, default=8, help="held-out documents of each source")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="that each variant is trained on")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = small_recipe(tomllib.loads(arguments.recipe.read_text(encoding="utf-8")), arguments.tokens)
    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    documents = list(limited(read_documents(arguments.heldout), arguments.documents))
    table = {"size": SIZE, "tokens": arguments.tokens, "step_tokens": STEP_TOKENS, "documents": len(documents), "rows": []}
    if arguments.out.exists():
        table = json.loads(arguments.out.read_text(encoding="utf-8"))
    done = {(row["name"], row["seed"]) for row in table["rows"]}
    for variant in VARIANTS:
        if (variant.name, variant.seed) in done:
            continue
        rows = train_variant(variant, recipe, arguments.streams, tokenizer, documents)
        table["rows"] += rows
        arguments.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        for row in rows:
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
