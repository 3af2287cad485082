"""Weights from safetensors files into a Transformer: every name and shape checked before the first number is read."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inference.config import ModelConfig
from inference.device import available_bytes, memory_errors
from inference.errors import CheckpointError, OutOfMemoryError
from inference.families import Part, canonical_name, layout
from inference.model import Transformer
from inference.rope import rope_tables_bytes
from inference.types import LoadProgress
from inference.weight_files import StoredTensor, find_weight_files, hash_weights, listed, read_config, read_headers

__all__ = ["LoadedWeights", "load_model", "read_config"]

STORED_TYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}

HEAD_NAME = "lm_head.weight"

Source = tuple[Part, StoredTensor]


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """A model ready to run, the memory its weights take, and a name for them (see `weight_files.hash_weights`)."""

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
    paths = find_weight_files(folder)
    headers = read_headers(paths)
    weights_bytes = config.parameter_count * dtype.itemsize
    _check_memory(config, weights_bytes, device, dtype)
    with torch.device("meta"):
        model = Transformer(config)
    stored = _by_canonical_name(family, headers)
    parts = layout(family, model)
    if config.tied_embeddings:
        stored = _resolve_tied(stored, parts["embedding.weight"][0])
    sources = _match(parts, stored)
    # All at once, so that the buffers that come and go do not leave gaps between them.
    state = {name: _allocate(parameter.shape, device, dtype) for name, parameter in model.named_parameters()}
    done, total = 0, sum(tensor.size_bytes for parts in sources.values() for _, tensor in parts)
    for name, parameter in state.items():
        _fill(parameter, sources[name])
        done += sum(tensor.size_bytes for _, tensor in sources[name])
        if progress is not None:
            progress(LoadProgress("weights", done / total))
    model.load_state_dict(state, assign=True)
    model.to(device).requires_grad_(False)  # the rotary tables are what is left to move
    return LoadedWeights(model.eval(), weights_bytes, hash_weights(paths, tuple(headers.values())))


def _by_canonical_name(family: str, tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    result: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        canonical = canonical_name(family, name)
        if canonical in result:
            raise CheckpointError(f"The checkpoint holds {canonical} twice, with and without a prefix.")
        if canonical:
            result[canonical] = tensor
    return result


def _resolve_tied(stored: Mapping[str, StoredTensor], embedding: Part) -> dict[str, StoredTensor]:
    """One matrix for embedding and lm_head, under the embedding's name, whichever of the two the files hold."""
    result = dict(stored)
    head = result.pop(HEAD_NAME, None)
    if head is None:
        return result
    tensor = result.setdefault(embedding.name, head)
    if tensor is not head and (tensor.dtype != head.dtype or not np.array_equal(_read_bytes(tensor), _read_bytes(head))):
        raise CheckpointError(
            f"config.json says that {HEAD_NAME} is the embedding (tie_word_embeddings), but the files hold two different "
            "matrices. Set tie_word_embeddings to false to use both."
        )
    return result


def _match(wanted: Mapping[str, Sequence[Part]], stored: Mapping[str, StoredTensor]) -> dict[str, list[Source]]:
    """Pair every part with its stored tensor, or name everything that does not fit."""
    parts = {part.name: part for pieces in wanted.values() for part in pieces}
    found = [(part, stored[name]) for name, part in parts.items() if name in stored]
    problems = {
        "missing": [name for name in parts if name not in stored],
        "not expected": [name for name in stored if name not in parts],
        "of another shape": [
            f"{part.name} {list(tensor.shape)} instead of {list(part.shape)}"
            for part, tensor in found
            if tensor.shape != part.shape
        ],
        "of a type that is not supported": [
            f"{part.name} {tensor.dtype}" for part, tensor in found if tensor.dtype not in STORED_TYPES
        ],
    }
    if any(problems.values()):
        text = "; ".join(f"{len(names):,} {kind}: {listed(names)}" for kind, names in problems.items() if names)
        raise CheckpointError(f"The weights do not fit config.json. Tensors {text}.")
    return {name: [(part, stored[part.name]) for part in pieces] for name, pieces in wanted.items()}


def _check_memory(config: ModelConfig, weights_bytes: int, device: torch.device, dtype: torch.dtype) -> None:
    tables = rope_tables_bytes(config) if config.positions == "rope" else 0
    needed, available = weights_bytes + tables, available_bytes(device)
    if available is not None and needed > available:
        advice = "load them as bfloat16, or " if dtype.itemsize > 2 else ""
        raise OutOfMemoryError(
            f"The weights need {needed / 1e9:.1f} GB of memory as {_name(dtype)}; {available / 1e9:.1f} GB are free. "
            f"Close other programs, {advice}choose a smaller model."
        )


def _allocate(shape: torch.Size, device: torch.device, dtype: torch.dtype) -> Tensor:
    with memory_errors(f"There is not enough memory on {device} for the weights; choose a smaller model."):
        return torch.empty(shape, device=device, dtype=dtype)


def _fill(parameter: Tensor, sources: Sequence[Source]) -> None:
    """Write the stacked parts into the parameter."""
    row = 0
    for part, tensor in sources:
        values = _read_tensor(tensor, part.name, parameter.dtype)
        values = values.T if part.is_transposed else values
        parameter[row : row + values.shape[0]].copy_(values)
        row += values.shape[0]


def _read_tensor(tensor: StoredTensor, name: str, dtype: torch.dtype) -> Tensor:
    """The tensor as stored, converted to `dtype`; raises CheckpointError where that is not finite."""
    stored = torch.from_numpy(_read_bytes(tensor)).view(STORED_TYPES[tensor.dtype]).view(tensor.shape)
    values = stored.to(dtype)
    if not _is_finite(values):
        if _is_finite(stored):
            raise CheckpointError(f"{name} has numbers too large for {_name(dtype)}; choose float32.")
        raise CheckpointError(f"{name} in {tensor.path.name} contains NaN or infinite numbers; the file is damaged.")
    return values


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _is_finite(values: Tensor) -> bool:
    low, high = torch.aminmax(values)  # one pass without a mask as large as the tensor; NaN passes through
    return math.isfinite(low.item()) and math.isfinite(high.item())


def _read_bytes(tensor: StoredTensor) -> np.ndarray:
    """Read, not mapped: a mapped file would count against memory twice, and kill the program where it shrinks."""
    data = np.fromfile(tensor.path, dtype=np.uint8, count=tensor.size_bytes, offset=tensor.offset)
    if data.size != tensor.size_bytes:
        raise CheckpointError(f"{tensor.path.name} became shorter while it was read; load it again.")
    return data
