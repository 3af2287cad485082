"""A run that begins from a checkpoint: the grown model computes what the small one did, and learns in its new layers."""

import pytest
import torch

from inference.errors import CheckpointError
from inference.training.export import export_checkpoint
from inference.training.growth import grow, sources, start_from
from inference.training.train import Run, make_model
from tests.tiny import write_tiny_tokenizer

SIZE = {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48, "context": 64, "zero_outputs": False}
RECIPE = {"vocab_size": 512, "bos_id": 0, "optimizer": {"matrix_lr": 0.02, "vector_lr": 0.004}, "phases": []}


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(3)
    return make_model(SIZE, 512)


@pytest.fixture(scope="module")
def checkpoint(small, tmp_path_factory):
    tokenizer_file = write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"
    folder = tmp_path_factory.mktemp("checkpoint")
    export_checkpoint(small, tokenizer_file, folder, name="small", dtype=torch.float32)
    return folder


@pytest.mark.parametrize(
    ("small_layers", "layers", "expected"),
    [
        (4, 6, [(0, False), (1, False), (1, True), (2, False), (3, False), (3, True)]),
        (2, 5, [(0, False), (0, True), (1, False), (1, True), (1, True)]),
        (3, 3, [(0, False), (1, False), (2, False)]),
        (3, 4, [(0, False), (1, False), (2, False), (2, True)]),
    ],
)
def test_new_blocks_are_spread_evenly_above_their_sources(small_layers, layers, expected):
    assert list(sources(small_layers, layers)) == expected


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_the_grown_model_computes_the_same(small, layers):
    """A block that adds exact zeros changes no bit of the result."""
    model = make_model(SIZE | {"layers": layers}, 512)
    grow(small, model)
    ids = torch.arange(40).view(2, 20) % 512
    assert len(model.blocks) == layers
    assert torch.equal(model(ids), small(ids))


def test_the_new_blocks_learn(small):
    """One step moves their outputs away from zero, and from the next on everything inside them has a gradient."""
    model = make_model(SIZE | {"layers": 3}, 512)
    grow(small, model)
    ids = torch.arange(40).view(2, 20)
    new = model.blocks[2]
    model.logits(model(ids)).logsumexp(dim=-1).sum().backward()
    assert new.attention.out.weight.grad.abs().max() > 0
    assert new.mlp.down.weight.grad.abs().max() > 0
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 * parameter.grad
    model.zero_grad()
    model.logits(model(ids)).logsumexp(dim=-1).sum().backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in new.parameters())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"layers": 1}, "2 layers, .* only 1"), ({"mlp_width": 64}, "more than"), ({"heads": 4}, "more than")],
)
def test_a_checkpoint_that_does_not_fit_is_refused(small, change, complaint):
    with pytest.raises(ValueError, match=complaint):
        grow(small, make_model(SIZE | change, 512))


def test_a_run_begins_from_a_checkpoint_once(checkpoint, small, tmp_path):
    """A fresh folder starts as the checkpoint; one with a state goes on from its own weights."""
    recipe = RECIPE | {"model": SIZE | {"layers": 3}}
    run = Run(recipe, tmp_path, "cpu", start=checkpoint)
    ids = torch.arange(20).view(1, 20)
    assert torch.equal(run.model(ids), small(ids))
    assert torch.equal(run.average.state_dict()["embedding.weight"], small.embedding.weight)
    with torch.no_grad():
        run.model.embedding.weight += 1.0
    run.save()
    again = Run(recipe, tmp_path, "cpu", start=checkpoint)
    assert torch.equal(again.model.embedding.weight, run.model.embedding.weight)


def test_a_folder_without_a_checkpoint_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="config.json"):
        start_from(tmp_path, make_model(SIZE, 512))
