"""The model card: `python3 -m inference.training.card MODEL_DIR --sources SOURCES.md --run RUN_FOLDER --evaluation EVAL …`.

Writes README.md into the model's folder from `data/card.md` and from what the other commands printed or wrote: those of
`evaluate` and `ngram` (their last line is JSON), of `sample`, the judgements of the facts (JSON lines with `question`,
`answer` and `right`, and with `set` "unseen" those of the second hundred), the table of `ablate`, and what was written about
training `before` the run. What is not given is left out of the card.
"""

import argparse
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from inference.families import translate_config
from inference.training.nearness import NEAR, nearest_shares, trained_questions
from inference.training.voice import read_exchanges, worded_exchanges
from inference.weights import read_config

TEMPLATE = Path(__file__).parent / "data" / "card.md"
SAMPLING_NAMES = {"temperature": "temperature", "top_k": "top-k", "top_p": "top-p", "repetition_penalty": "repetition penalty"}


def last_json(path: Path) -> dict:
    """The JSON document in the last line of a command's output, or the whole file where it is one document."""
    text = path.read_text(encoding="utf-8").strip()
    return json.loads(text if text.startswith("{\n") else text.splitlines()[-1])


def json_lines(path: Path) -> list[dict]:
    """One JSON document per line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def quoted(text: str) -> str:
    """The text as a Markdown quotation, line for line."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines() or [""])


def phase_rows(entries: Sequence[dict]) -> dict[str, dict[str, float]]:
    """From the log of a run, for each phase: tokens, hours, and the last loss."""
    phases: dict[str, dict[str, float]] = {}
    before = 0
    for entry in entries:
        row = phases.setdefault(entry["phase"], {"tokens": 0, "hours": 0.0, "loss": 0.0})
        tokens = entry["tokens"] - before
        row["tokens"] += tokens
        row["hours"] += tokens / max(1, entry["tokens_per_s"]) / 3600
        row["loss"] = entry["loss_nats"]
        before = entry["tokens"]
    return phases


def training_section(run: Path | None, recipe: dict) -> str:
    """What was trained on, phase by phase."""
    if run is None:
        return ""
    measured = phase_rows(json_lines(run / "log.jsonl"))
    rows = []
    for phase in recipe["phases"]:
        if phase["name"] not in measured:
            continue
        row = measured[phase["name"]]
        mix = ", ".join(f"{bucket} {weight:g}" for bucket, weight in sorted(phase["mix"].items(), key=lambda item: -item[1]))
        counted = "answers only" if phase.get("answers_only") else "all tokens"
        windows = f"{phase['rows']} x {phase['length']:,}"
        rate = "falling" if phase.get("decay") else "constant"
        cells = [f"{row['tokens'] / 1e6:.1f} million", windows, rate, counted, mix, f"{row['loss']:.2f}"]
        rows.append([phase["name"], *cells])
    tokens, hours = (sum(row[key] for row in measured.values()) for key in ("tokens", "hours"))
    head = ["phase", "tokens", "windows", "learning rate", "loss on", "mix of buckets (see `corpus.py`)", "last loss, nats"]
    return f"{table(head, rows)}\n\n{tokens / 1e6:.1f} million tokens in about {hours:.1f} hours."


def measured_section(evaluation: Path | None, ngram: Path | None) -> str:
    """Bits per byte by source, beside the yardsticks."""
    if evaluation is None:
        return ""
    scores = last_json(evaluation)["scores"]
    yardsticks = last_json(ngram)["scores"] if ngram else {}
    rows = []
    for source in [*sorted(set(scores) - {"overall"}), "overall"]:
        score, other = scores[source], yardsticks.get(source)
        mark = "**" if source == "overall" else ""
        others = [f"{other[key]:.3f}" if other else "" for key in ("ngram", "xz")]
        cells = [f"{mark}{source}{mark}", f"{score['documents']:,}", f"{mark}{score['bits_per_byte']:.3f}{mark}"]
        rows.append([*cells, *others, f"{100 * score['accuracy']:.1f} %"])
    return table(["source", "documents", "bits per byte", "5-gram", "xz -9", "next token right"], rows)


def previous_section(evaluation: Path | None, previous: Path | None) -> str:
    """The model before this one, by the same measure."""
    if evaluation is None or previous is None:
        return ""
    now, then = (last_json(path)["scores"]["overall"] for path in (evaluation, previous))
    return (
        f"The model bundled before it: {then['bits_per_byte']:.3f} bits per byte over all, "
        f"{100 * then['accuracy']:.1f} % next tokens right (now {now['bits_per_byte']:.3f} and {100 * now['accuracy']:.1f} %)."
    )


def answers_section(samples: dict | None) -> str:
    """How varied and how repetitive sampled answers are."""
    if samples is None:
        return ""
    figures = samples["sampled"]
    distinct = ", ".join(f"distinct-{n} {figures[f'distinct_{n}']:.3f}" for n in (1, 2, 3))
    return (
        f"{figures['answers']} sampled answers to the prompts below, {figures['words_mean']:.0f} words on average: {distinct}; "
        f"{100 * figures['repetition']:.1f} % of the runs of four words had stood in the same answer before."
    )


def facts_section(judged: Path | None) -> str:
    """How many questions about Glassbox and its terms were answered rightly."""
    if judged is None:
        return ""
    rows = json_lines(judged)
    unseen = [row for row in rows if row.get("set") == "unseen"]
    known = [row for row in rows if row.get("set") != "unseen"]
    text = f"Of {len(known)} questions about Glassbox and language models in words that were not in the training data, "
    text += f"{count_right(known)} were answered correctly (judged one by one, one sampled answer each)."
    if unseen:
        near = (nearest_shares([row["question"] for row in unseen], trained_questions()) >= NEAR).sum()
        text += (
            f" Of {len(unseen)} more, by someone who had seen none of the training data ({near} of them happen to share three "
        )
        text += f"quarters of their words with a question in it): {count_right(unseen)}."
    wrong = [f"- {row['question']} - {' '.join(row['answer'].split())}" for row in known + unseen if not row["right"]]
    return text + ("\n\nThe wrong ones, unedited:\n\n" + "\n".join(wrong) if wrong else "")


def count_right(rows: list[dict]) -> int:
    """How many of the judged answers are right."""
    return sum(row["right"] for row in rows)


def sheet_section(samples: dict | None) -> str:
    """All prompts of the sheet with the answers as they came."""
    if samples is None:
        return ""
    parts = [f"**{row['prompt']}**\n\n{quoted(row['answer'])}" for row in samples["sheet"]]
    intro = f"Unedited, each the first message of a chat, with the sampling above, seed {samples['seed']}."
    return "## How it sounds\n\n" + intro + "\n\n" + "\n\n".join(parts)


def ablations_section(ablations: Path | None) -> str:
    """What each ingredient was worth at small size."""
    if ablations is None:
        return ""
    data = json.loads(ablations.read_text(encoding="utf-8"))
    baseline = [row for row in data["rows"] if row["name"] == "baseline"]
    rows = []
    for row in data["rows"]:
        cells = [row["name"] if row["name"] != "baseline" else "the recipe", str(row["seed"])]
        for key in ("bits_per_byte", "answers_bits_per_byte"):
            same_seed = next(other for other in baseline if other["seed"] == row["seed"])
            cells += [f"{row[key]:.3f}", "" if row is same_seed else f"{row[key] - same_seed[key]:+.3f}"]
        rows.append(cells)
    spread = max(row["bits_per_byte"] for row in baseline) - min(row["bits_per_byte"] for row in baseline)
    size = data["size"]
    intro = (
        f"What the parts of the recipe are worth, measured at small size ({size['width']} wide, {size['layers']} layers, "
        f"{data['tokens'] / 1e6:g} million tokens each in steps of {data['step_tokens']:,}, the same batches): bits per byte of "
        f"{data['documents']} held-out documents, and of the answers in the chats among them, with the difference to the "
        f"recipe of the same seed. The recipe's own seeds differ by {spread:.3f}: take smaller differences for noise, and expect "
        "the larger ones to shrink in a longer run. Made by `inference/training/ablate.py`."
    )
    head = ["variant", "seed", "bits per byte", "difference", "answers", "difference"]
    return f"{intro}\n\n{table(head, rows)}"


def sources_section(sources: Path | None) -> str:
    """Every source of the corpus with its licence and the line to quote."""
    if sources is None:
        return ""
    rows = []
    for block in re.split(r"^## ", sources.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        fields = dict(re.findall(r"^- (Repository|Commit|Licence|Attribution): (.*)$", block, flags=re.MULTILINE))
        if "Repository" not in fields:
            continue
        kept = re.findall(r"^- Kept: `([^`]+)` \(\w+\) ([\d.]+) MB", block, flags=re.MULTILINE)
        origin = f"{fields['Repository']} at {fields['Commit'][:10]}"
        used = "; ".join(f"{name} {size} MB" for name, size in kept)
        rows.append([block.splitlines()[0].strip(), fields["Licence"], fields["Attribution"], origin, used])
    return table(["source", "licence", "attribution", "from", "used"], rows)


def sampling_text(generation: dict) -> str:
    """The recommended sampling in words."""
    return ", ".join(f"{name} {generation[key]:g}" for key, name in SAMPLING_NAMES.items() if key in generation)


def card(model: Path, arguments: argparse.Namespace) -> str:
    """The whole text."""
    _, config = translate_config(read_config(model))
    samples = json.loads(arguments.samples.read_text(encoding="utf-8")) if arguments.samples else None
    recipe = tomllib.loads(arguments.recipe.read_text(encoding="utf-8"))
    text = TEMPLATE.read_text(encoding="utf-8").format(
        name=arguments.name or model.name,
        parameters=f"{config.parameter_count:,}",
        layers=config.n_layers,
        width=config.width,
        heads=config.n_heads,
        vocabulary=f"{config.vocab_size:,}",
        context=f"{config.context_tokens:,}",
        machine=arguments.machine,
        recipe=arguments.recipe.name,
        sampling=sampling_text(json.loads((model / "generation_config.json").read_text(encoding="utf-8"))),
        training=training_section(arguments.run, recipe),
        before=arguments.before.read_text(encoding="utf-8") if arguments.before else "",
        ablations=ablations_section(arguments.ablations),
        measured=measured_section(arguments.evaluation, arguments.ngram),
        previous=previous_section(arguments.evaluation, arguments.previous),
        answers=answers_section(samples),
        facts=facts_section(arguments.judged),
        sheet=sheet_section(samples),
        exchanges=len(read_exchanges()),
        worded=len(worded := worded_exchanges()),
        patterns=f"{sum(len(exchange.ask) for exchange in worded):,}",
        sources=sources_section(arguments.sources),
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", default="", help="of the model; else that of its folder")
    parser.add_argument("--machine", default="a two-core CPU")
    parser.add_argument("--recipe", type=Path, default=Path(__file__).with_name("recipe.toml"))
    for option in ("run", "before", "evaluation", "ngram", "samples", "judged", "ablations", "previous", "sources"):
        parser.add_argument(f"--{option}", type=Path)
    arguments = parser.parse_args()
    (arguments.model / "README.md").write_text(card(arguments.model, arguments), encoding="utf-8")


if __name__ == "__main__":
    main()
