"""What a model folder says of itself beside its weights, and that none of it is believed unchecked."""

import os
from pathlib import Path

import pytest

from inference.checkpoint import card_summary, recommended_params
from inference.types import (
    SamplingParams,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"temperature": 0.6, "top_k": 40, "do_sample": true}', SamplingParams(temperature=0.6, top_k=40)),
        ('{"temperature": null, "top_p": 0.9}', SamplingParams(top_p=0.9)),
        ('{"top_k": 50.0}', SamplingParams()),
        ('{"temperature": true}', SamplingParams()),
        ('{"temperature": "hot"}', SamplingParams()),
        ('{"temperature": NaN}', SamplingParams()),
        ("[1", SamplingParams()),
    ],
)
def test_recommended_sampling_is_checked(tmp_path: Path, text: str, expected: SamplingParams):
    """What a checkpoint recommends is used where it is sound; a broken recommendation costs only itself."""
    (tmp_path / "generation_config.json").write_text(text, encoding="utf-8")
    assert recommended_params(tmp_path) == expected


def test_the_card_is_summed_up_by_its_first_paragraph(tmp_path: Path):
    """Front matter, headings and badges are left out; a pipe or a folder in its place is no card."""
    card = tmp_path / "README.md"
    assert card_summary(tmp_path) == ""
    card.write_text("---\nlicense: mit\n---\n\n# Name\n\n![badge](x)\n\nA small\nmodel.\n\nMore.\n", encoding="utf-8")
    assert card_summary(tmp_path) == "A small model."
    card.unlink()
    os.mkfifo(card)
    assert card_summary(tmp_path) == ""
