"""A run that begins from a trained checkpoint, made deeper where the recipe has more layers.

A new block is a copy of the one below it whose two output matrices are zero: it adds nothing at first, so that the grown
model computes what the small one did, and learns from there (block expansion, https://arxiv.org/abs/2401.02415).
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import torch

from inference.families import translate_config
from inference.model import Transformer
from inference.weights import load_model, read_config


def sources(small_layers: int, layers: int) -> Iterator[tuple[int, bool]]:
    """For every block of the grown model the block it is taken from, and whether it is new; the new ones are spread evenly."""
    added = layers - small_layers
    placed = 0
    for layer in range(small_layers):
        yield layer, False
        while placed < added * (layer + 1) // small_layers:
            placed += 1
            yield layer, True


@torch.no_grad()
def grow(small: Transformer, model: Transformer) -> None:
    """Give `model` the weights of `small`, block by block; ValueError where they differ in more than their number of layers."""
    if len(small.blocks) > len(model.blocks):
        raise ValueError(f"the checkpoint has {len(small.blocks)} layers, the recipe only {len(model.blocks)}")
    if dataclasses.replace(small.config, n_layers=model.config.n_layers) != model.config:
        raise ValueError(f"the checkpoint and the recipe differ in more than their layers: {small.config} and {model.config}")
    outside = {name: tensor for name, tensor in small.state_dict().items() if not name.startswith("blocks.")}
    model.load_state_dict(outside, strict=False)  # all but the blocks, which follow
    for block, (source, is_new) in zip(model.blocks, sources(len(small.blocks), len(model.blocks)), strict=True):
        block.load_state_dict(small.blocks[source].state_dict())
        if is_new:
            block.attention.out.weight.zero_()
            block.mlp.down.weight.zero_()


def start_from(folder: Path, model: Transformer) -> None:
    """Let `model`, on any device, begin as the checkpoint in `folder`."""
    family, config = translate_config(read_config(folder))
    small = load_model(folder, config, family, device=torch.device("cpu"), dtype=torch.float32).model
    grow(small, model)
