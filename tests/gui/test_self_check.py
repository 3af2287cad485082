"""`python3 -m gui --self-check`: the whole program in a process of its own, as a user is asked to run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]


def self_check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gui", "--self-check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_it_prints_one_json_document(tmp_path: Path):
    """Every figure is there and within reason, and nothing else is printed or left behind."""
    profile = tmp_path / "profile"
    done = self_check(
        "--model", str(tiny_checkpoint(tmp_path / "model", "llama", max_position_embeddings=256)), "--profile", str(profile)
    )
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert 0 < report["first_window_s"] < report["model_ready_s"] < 60
    assert 0 < report["time_to_first_token_s"] < 5
    assert report["tokens_per_s"] > 1
    assert 0 <= report["ui_pause_p99_ms"] <= report["ui_pause_max_ms"]
    assert -50 < report["panel_cost_percent"] < 50
    assert report["peak_rss_bytes"] > 50e6
    assert (report["model"], report["device"], report["dtype"]) == ("model", "cpu", "float32")
    assert {"python", "qt", "torch", "PySide6-Essentials"} <= set(report["versions"])
    assert not (profile / "config" / "settings.toml").exists()


def test_it_says_what_is_broken(tmp_path: Path):
    """A model that cannot be loaded: one sentence, exit code 1, no report."""
    model = tiny_checkpoint(tmp_path / "model", "llama")
    (model / "config.json").write_text("{", encoding="utf-8")
    done = self_check("--model", str(model))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("self-check failed: config.json is not valid JSON")
