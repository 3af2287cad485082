"""`python3 -m inference.bench MODEL`: figures that hold together, for models of any context."""

import json
from pathlib import Path

import pytest

from inference.bench import main
from tests.tiny import tiny_checkpoint

FAST = ["--rounds", "1", "--threads", "1", "--device", "cpu"]


@pytest.mark.parametrize(("kind", "changes"), [("llama", {}), ("gpt2", {"n_positions": 16}), ("gpt2", {"vocab_size": 300})])
def test_the_last_line_is_one_json_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, changes: dict[str, int]
):
    """Also where the context holds less than the tokens asked for, or the vocabulary is small."""
    assert main([str(tiny_checkpoint(tmp_path, kind, **changes)), *FAST]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["device"] == "cpu"
    assert figures["threads"] == 1
    assert figures["prefill_tokens_per_s"] > 0
    assert figures["bandwidth_gb_per_s"] > 0
    for kind in ("trace", "numbers"):
        cost = 100 * (1 - figures[f"decode_tokens_per_s_with_{kind}"] / figures["decode_tokens_per_s"])
        assert figures[f"{kind}_cost_percent"] == pytest.approx(cost, abs=0.2)


def test_what_is_wrong_is_one_sentence(capsys: pytest.CaptureFixture[str]):
    assert main(["/no/such/model", *FAST]) == 1
    assert capsys.readouterr().err == "error: There is no model folder at /no/such/model.\n"
