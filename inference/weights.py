"""Weights from safetensors files into a Transformer: every name and shape checked before the first number is read."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inference.checkpoint import StoredTensor, hash_weights, listed, read_config, read_headers, weight_files
from inference.config import ModelConfig
from inference.device import available_bytes
from inference.errors import CheckpointError, OutOfMemoryError
from inference.families import Part, canonical_name, layout
from inference.model import Transformer
from inference.rope import rope_tables
from inference.types import LoadProgress

__all__ = ["LoadedWeights", "load_model", "read_config"]

STORED_TYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}

Source = tuple[Part, StoredTensor]


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """A model ready to run, the memory its weights take, and a name for them (see `checkpoint.hash_weights`)."""

    model: Transformer
    weights_bytes: int
    weights_hash: str


def load_model(
    folder: Path,
    config: ModelConfig,
    family: str,
    *,
    device: torch.device,
    dtype: torch.dtype,
    progress: Callable[[LoadProgress], None] | None = None,
) -> LoadedWeights:
    """Read the folder's weights into a new model, in eval mode and without gradients.

    The model is laid out without memory first, then filled tensor by tensor: the peak is its weights and one tensor.
    Raises CheckpointError (all missing, unexpected and mis-shaped tensors at once), UnsafeCheckpointError, OutOfMemoryError.
    """
    with torch.device("meta"):
        model = Transformer(config)
    paths = weight_files(folder)
    stored = _by_canonical_name(family, read_headers(paths))
    sources = _match(layout(family, model), stored, config)
    weights_bytes = sum(parameter.numel() for parameter in model.parameters()) * dtype.itemsize
    _check_memory(model, weights_bytes, device, dtype)
    state = {}
    done, total = 0, sum(tensor.size_bytes for parts in sources.values() for _, tensor in parts)
    for name, parameter in model.named_parameters():
        state[name] = _read_parameter(parameter.shape, sources[name], device, dtype)
        done += sum(tensor.size_bytes for _, tensor in sources[name])
        if progress is not None:
            progress(LoadProgress("Reading weights", done / total))
    model.load_state_dict(state, assign=True)
    if config.positions == "rope":
        model.rope_cos, model.rope_sin = (table.to(device) for table in rope_tables(config))
    model.requires_grad_(False)
    return LoadedWeights(model.eval(), weights_bytes, hash_weights(paths, tuple(stored.values())))


def _by_canonical_name(family: str, tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    result: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        canonical = canonical_name(family, name)
        if canonical in result:
            raise CheckpointError(f"The checkpoint holds {canonical} twice, with and without a prefix.")
        if canonical:
            result[canonical] = tensor
    return result


def _match(wanted: Mapping[str, Sequence[Part]], stored: Mapping[str, StoredTensor], config: ModelConfig) -> dict[str, list[Source]]:
    """Pair every part with its stored tensor, or name everything that does not fit."""
    parts = {part.name: part for pieces in wanted.values() for part in pieces}
    unexpected = [name for name in stored if name not in parts]
    if config.tied_embeddings and "lm_head.weight" in unexpected:
        unexpected.remove("lm_head.weight")
        _check_tied(stored, next(iter(wanted["embedding.weight"])))
    problems = {
        "missing": [name for name in parts if name not in stored],
        "not expected": unexpected,
        "of another shape": [
            f"{name} {list(stored[name].shape)} instead of {list(part.shape)}"
            for name, part in parts.items()
            if name in stored and stored[name].shape != part.shape
        ],
        "of a type that is not supported": [
            f"{name} {stored[name].dtype}" for name in parts if name in stored and stored[name].dtype not in STORED_TYPES
        ],
    }
    if any(problems.values()):
        found = "; ".join(f"{len(names):,} {kind}: {listed(names)}" for kind, names in problems.items() if names)
        raise CheckpointError(f"The weights do not fit config.json. Tensors {found}.")
    return {name: [(part, stored[part.name]) for part in pieces] for name, pieces in wanted.items()}
