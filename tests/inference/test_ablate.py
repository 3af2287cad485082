"""The ablations compare like with like: one change each, equal tokens, equal measure."""

import json
import math
import tomllib
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from inference.training import ablate
from inference.training.ablate import VARIANTS, Variant, answer_bits_per_byte, changed, main, small_recipe
from inference.training.corpus import BUCKETS, write_streams
from inference.training.train import make_model
from tests.tiny import TEXT, write_tiny_tokenizer

RECIPE = Path(ablate.__file__).with_name("recipe.toml")
TINY = {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48, "context": 64}
CHAT = [{"role": "user", "content": "What is a number?"}, {"role": "assistant", "content": "Numbers never lie."}]


@pytest.fixture
def recipe():
    return small_recipe(tomllib.loads(RECIPE.read_text(encoding="utf-8")), 600_000)


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    return write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: f"{variant.name}-{variant.seed}")
def test_every_variant_trains_on_as_many_tokens_and_differs_where_it_says(recipe, variant):
    """Steps, rows and lengths are balanced against one another, and each changed value is not the recipe's own."""
    other = changed(recipe, variant.changes)
    counts = [[phase["steps"] * phase["rows"] * phase["length"] for phase in each["phases"]] for each in (recipe, other)]
    assert counts[0] == counts[1]
    assert sum(counts[0]) == pytest.approx(600_000, rel=0.01)
    assert (other == recipe) == (not variant.changes)
    assert other["phases"][0]["name"] != other["phases"][1]["name"]


def test_a_change_leaves_the_recipe_alone(recipe):
    before = json.dumps(recipe, default=str)
    assert changed(recipe, {"phases.1.decay": False})["phases"][1]["decay"] is False
    assert json.dumps(recipe, default=str) == before


def test_answers_are_measured_by_their_own_bytes(tokenizer_file):
    """A model that knows nothing needs log2 of the vocabulary for each token of an answer and its end."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    model = make_model(TINY, 512)
    torch.nn.init.zeros_(model.embedding.weight)
    answer = tokenizer.encode(CHAT[1]["content"], add_special_tokens=False).ids
    expected = math.log2(512) * (len(answer) + 1) / len(CHAT[1]["content"])
    assert answer_bits_per_byte(model, tokenizer, [{"messages": CHAT}]) == pytest.approx(expected, rel=1e-4)


def test_the_command_writes_its_table_and_does_nothing_twice(tokenizer_file, tmp_path, monkeypatch, capsys):
    """Rows for the last weights and for the averaged ones; a second call trains only what is missing."""
    documents = [{"source": source, "text": TEXT[:600]} for source in [*BUCKETS, "story-request/grimm"]]
    documents += [{"source": source, "messages": CHAT * 9} for source in [*BUCKETS, "story-request/grimm"]]
    corpus = tmp_path / "documents.jsonl"
    corpus.write_text("".join(json.dumps(document) + "\n" for document in documents))
    write_streams(Tokenizer.from_file(str(tokenizer_file)), [corpus], tmp_path)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.read_text(encoding="utf-8").replace("8192", "512"))
    monkeypatch.setattr(ablate, "SIZE", TINY)
    monkeypatch.setattr(ablate, "STEP_TOKENS", 256)
    out = tmp_path / "out.json"
    command = ["ablate", str(out), "--recipe", str(recipe), "--tokenizer", str(tokenizer_file), "--streams", str(tmp_path)]
    monkeypatch.setattr("sys.argv", [*command, "--heldout", str(corpus), "--tokens", "1100", "--documents", "1"])
    monkeypatch.setattr(ablate, "VARIANTS", (Variant("baseline", averages_as="averaged"),))
    main()
    table = json.loads(out.read_text())
    assert [(row["name"], row["tokens"]) for row in table["rows"]] == [("baseline", 1024), ("averaged", 1024)]
    assert all(1 < row["bits_per_byte"] < 9 for row in table["rows"])
    more = Variant("answers only", {"phases.1.answers_only": True})
    monkeypatch.setattr(ablate, "VARIANTS", (*ablate.VARIANTS, more))
    monkeypatch.setattr(ablate, "train_variant", lambda variant, *_: [{"name": variant.name, "seed": variant.seed}])
    main()
    assert json.loads(out.read_text())["rows"] == [*table["rows"], {"name": "answers only", "seed": 1}]
    assert capsys.readouterr().out.count("trains in the way 'plain'") == 2
