"""`python3 -m inference MODEL "prompt"`: the core alone, in a terminal."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import inference
from inference.__main__ import main
from inference.types import GenerateRequest, Message, RunFinished, SamplingParams
from tests.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--device", "cpu", "--threads", "1", "--seed", "5", "--max-new-tokens", "12"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model"), "llama")


def expected_answer(model: Path, **changes: object) -> str:
    """What the engine itself answers to the same request."""
    engine = inference.load(model, device="cpu", threads=1)
    values = {"run_id": 1, "seed": 5, "max_new_tokens": 12, "params": engine.spec.default_params}
    *_, finished = engine.generate(GenerateRequest(**(values | changes)))
    assert isinstance(finished, RunFinished)
    return engine.tokenizer.decode(finished.answer_ids)


def test_it_streams_the_answer_that_the_engine_gives(model: Path):
    """As a program: the answer alone on standard output, the figures beside it, sampling as the model recommends."""
    command = [sys.executable, "-m", "inference", str(model), "Hello", *OPTIONS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == expected_answer(model, messages=(Message("user", "Hello"),)) + "\n"
    assert b"tokens/s" in done.stderr


def test_options_reach_the_request(model: Path, capsys: pytest.CaptureFixture[str]):
    arguments = [str(model), "Hello", *OPTIONS, "--system", "Be kind.", "--temperature", "1.5", "--top-k", "7"]
    assert main(arguments) == 0
    messages = (Message("system", "Be kind."), Message("user", "Hello"))
    params = SamplingParams(temperature=1.5, top_k=7, top_p=0.95)
    assert capsys.readouterr().out == expected_answer(model, messages=messages, params=params) + "\n"


def test_a_plain_text_is_continued(model: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(model), "Once upon", *OPTIONS, "--raw"]) == 0
    assert "Once upon" + capsys.readouterr().out == expected_answer(model, text="Once upon") + "\n"


def test_every_step_shows_its_likeliest_tokens(model: Path, capsys: pytest.CaptureFixture[str]):
    """One line per token, with K tokens and their probabilities each."""
    assert main([str(model), "Hello", *OPTIONS, "--probabilities", "3"]) == 0
    steps = [line for line in capsys.readouterr().out.splitlines() if "rank" in line]
    assert 1 <= len(steps) <= 12
    assert all(line.partition("|")[2].count("%") == 3 for line in steps)


def test_lines_of_standard_input_are_a_conversation(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The second answer follows the first: its prompt holds both messages and the first answer."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("Hello\nAnd you?\n"))
    requests = []
    generate = inference.engine.Engine.generate
    monkeypatch.setattr(inference.engine.Engine, "generate", lambda self, r: requests.append(r) or generate(self, r))
    assert main([str(model), *OPTIONS]) == 0
    assert [(m.role, m.content) for m in requests[1].messages][::2] == [("user", "Hello"), ("user", "And you?")]
    assert requests[1].messages[1].content == capsys.readouterr().out[: len(requests[1].messages[1].content)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/no/such/model", "Hello"], "no model folder"),
        (["{model}", "Hello", "--temperature", "-1"], "temperature is -1.0"),
        (["{model}", "Hello", "--max-new-tokens", "-1"], "max_new_tokens is -1"),
        (["{model}", "dragon " * 400], "context holds 128 tokens"),
        (["{model}", "", "--raw"], "messages or prompt ids or a text"),
    ],
)
def test_what_is_wrong_is_one_sentence(model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str):
    """On standard error, with exit code 1, and no traceback."""
    assert main([argument.format(model=model) for argument in arguments] + ["--device", "cpu", "--threads", "1"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
