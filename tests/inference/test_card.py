"""The model card says what the files say."""

import json

import pytest

from inference.training.card import last_json, main, phase_rows, quoted, sources_section, table
from tests.tiny import tiny_checkpoint

ABLATIONS = {
    "size": {"width": 128, "layers": 2},
    "tokens": 600_000,
    "step_tokens": 2048,
    "documents": 178,
    "rows": [
        {"name": "baseline", "seed": 1, "bits_per_byte": 2.0, "answers_bits_per_byte": 2.2},
        {"name": "baseline", "seed": 2, "bits_per_byte": 2.012, "answers_bits_per_byte": 2.25},
        {"name": "no mask", "seed": 2, "bits_per_byte": 2.1, "answers_bits_per_byte": 2.24},
    ],
}
SOURCES = """# Sources
## Aesop
- Repository: https://example.org/aesop
- Commit: 0123456789abcdef
- Licence: public domain
- Attribution: Aesop, somebody's translation.
- Kept: `aesop` (text) 0.187 MB, 268 / 3
- Kept: `story-request/aesop` (chat) 0.393 MB, 534 / 6

## Books used
Nothing here.
"""
RECIPE = """[[phases]]
name = "first"
rows = 16
length = 256
mix = {stories = 5, chat = 3.5}
[[phases]]
name = "last"
rows = 4
length = 1024
decay = true
answers_only = true
mix = {voice = 2}
"""
LOG = [
    {"phase": "first", "tokens": 3_600_000, "tokens_per_s": 1000, "loss_nats": 5.0},
    {"phase": "first", "tokens": 7_200_000, "tokens_per_s": 2000, "loss_nats": 4.0},
    {"phase": "last", "tokens": 9_000_000, "tokens_per_s": 1000, "loss_nats": 2.5},
]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """The card of a tiny model with every file given."""
    model = tiny_checkpoint(tmp_path / "model", "llama")
    (model / "generation_config.json").write_text(json.dumps({"temperature": 0.7, "top_p": 0.95}))
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in LOG))
    score = {"documents": 3, "bytes": 9, "tokens": 4, "bits_per_byte": 1.5, "bits_per_token": 5.0, "accuracy": 0.25}
    sampled = {"answers": 200, "words_mean": 30.4, "distinct_1": 0.1, "distinct_2": 0.4, "distinct_3": 0.7, "repetition": 0.051}
    sheet = [{"prompt": "Hello!", "answer": "Hi.\n\nHow are you?"}]
    files = {
        "evaluation": "a table\n" + json.dumps({"scores": {"aesop": score, "overall": score}}),
        "previous": json.dumps({"scores": {"overall": score | {"bits_per_byte": 1.75}}}),
        "ngram": json.dumps({"scores": {"aesop": {"ngram": 2.0, "xz": 3.0}, "overall": {"ngram": 2.1, "xz": 2.9}}}),
        "samples": json.dumps({"seed": 2, "sampled": sampled, "sheet": sheet}, indent=1),
        "judged": '{"question": "Q?", "answer": "A.", "right": true}\n{"question": "P?", "answer": "B\\nC.", "right": false}\n'
        '{"question": "U?", "answer": "D.", "right": false, "set": "unseen"}\n',
        "before": "It began from another model.",
        "ablations": json.dumps(ABLATIONS),
        "sources": SOURCES,
        "recipe": RECIPE,
    }
    command = ["card", str(model), "--name", "glassbox-test", "--run", str(run)]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        command += [f"--{name}", str(tmp_path / name)]
    monkeypatch.setattr("sys.argv", command)
    main()
    return (model / "README.md").read_text()


def test_every_figure_is_in_the_card(written):
    """Each file's numbers stand where a reader looks for them, and no field is left open."""
    for text in (
        "# glassbox-test\n",
        "temperature 0.7, top-p 0.95 (in",
        "| first | 7.2 million | 16 x 256 | constant | all tokens | stories 5, chat 3.5 | 4.00 |",
        "| last | 1.8 million | 4 x 1,024 | falling | answers only | voice 2 | 2.50 |",
        "9.0 million tokens in about 2.0 hours.",
        "| aesop | 3 | 1.500 | 2.000 | 3.000 | 25.0 % |",
        "| **overall** | 3 | **1.500** | 2.100 | 2.900 | 25.0 % |",
        "before it: 1.750 bits per byte",
        "200 sampled answers to the prompts below, 30 words on average: distinct-1 0.100",
        "5.1 % of the runs",
        "Of 2 questions about Glassbox and language models in words that were not in the training data, 1 were answered",
        "- P? - B C.",
        "Of 1 more, by someone who had seen none of the training data (0 of them",
        "with a question in it): 0.",
        "- U? - D.",
        "It began from another model.\n",
        "**Hello!**\n\n> Hi.\n>\n> How are you?",
        "128 wide, 2 layers, 0.6 million tokens each in steps of 2,048",
        "own seeds differ by 0.012",
        "| the recipe | 1 | 2.000 |  | 2.200 |  |",
        "| no mask | 2 | 2.100 | +0.088 | 2.240 | -0.010 |",
        "| Aesop | public domain | Aesop, somebody's translation. | https://example.org/aesop at 0123456789 | aesop 0.187 MB; ",
    ):
        assert text in written, text
    assert "{" not in written
    assert "\n\n\n" not in written


def test_the_first_paragraph_is_the_name_of_the_thing(written):
    """What the program shows of a card: a tiny model that chats and does not know."""
    assert "A tiny model trained for Glassbox: it chats" in written


def test_what_is_not_given_is_left_out(tmp_path, monkeypatch):
    model = tiny_checkpoint(tmp_path / "model", "llama")
    (model / "generation_config.json").write_text("{}")
    monkeypatch.setattr("sys.argv", ["card", str(model)])
    main()
    text = (model / "README.md").read_text()
    assert "How it sounds" not in text
    assert "{" not in text


def test_hours_come_from_the_rate_of_each_stretch():
    assert phase_rows(LOG)["first"] == {"tokens": 7_200_000, "hours": pytest.approx(1.5), "loss": 4.0}


def test_output_with_a_table_before_its_json_is_read(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text('source bits\naesop 1.5\n{"scores": {}}\n')
    assert last_json(path) == {"scores": {}}


def test_small_parts():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert quoted("x\n\ny") == "> x\n>\n> y"
    assert quoted("") == ">"
    assert sources_section(None) == ""
