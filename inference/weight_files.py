"""The files of a checkpoint folder in Hugging Face layout: config.json, and which tensor lies where in which file.

Everything here is hostile input: sizes are bounded, names cannot leave the folder, and pickle files stay unread.
The file format: https://github.com/huggingface/safetensors#format. Symbolic links are followed, since the
download cache of Hugging Face is made of them.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from inference.config_fields import clip
from inference.errors import CheckpointError, UnsafeCheckpointError
from inference.side_files import read_json_object

CONFIG_LIMIT_BYTES = 1 << 20
INDEX_LIMIT_BYTES = 32 << 20
HEADER_LIMIT_BYTES = 16 << 20  # safetensors itself allows 100 MB; real headers are below 1 MB
PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
HASH_WHOLE_BYTES = 512 << 20
HASH_SAMPLE_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where one tensor lies: `size_bytes` from `offset` of a file, row by row; `dtype` in safetensors' terms ("BF16")."""

    path: Path
    offset: int
    size_bytes: int
    dtype: str
    shape: tuple[int, ...]


def read_config(folder: Path) -> dict:
    """The content of config.json; raises CheckpointError where it is missing, too large or no JSON object."""
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder; choose the folder that holds config.json and model.safetensors.")
    return read_json_object(folder / "config.json", CONFIG_LIMIT_BYTES)


def find_weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of the checkpoint in order of their names, each of them present.

    Raises UnsafeCheckpointError, reading nothing, where there are only pickle files.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return (single,)
    if index.is_file():
        return _shards(index)
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in PICKLE_SUFFIXES)
    if pickles:
        raise UnsafeCheckpointError(
            f"The weights in {folder} are pickle files ({listed(pickles)}), which can run code when loaded. "
            "Choose a version of the model with model.safetensors."
        )
    raise CheckpointError(f"{folder} has neither model.safetensors nor model.safetensors.index.json.")


def read_headers(paths: Sequence[Path]) -> dict[str, StoredTensor]:
    """Every tensor of the files by name, in the order of its bytes; raises CheckpointError for a damaged file."""
    tensors: dict[str, StoredTensor] = {}
    for path in paths:
        for tensor_name, tensor in _read_header(path):
            if tensor_name in tensors:
                raise CheckpointError(f"{tensors[tensor_name].path.name} and {path.name} both hold {clip(tensor_name)}.")
            tensors[tensor_name] = tensor
    return tensors


def hash_weights(paths: Sequence[Path], tensors: Sequence[StoredTensor]) -> str:
    """A name for the weights, hex: the sha256 of the files' bytes, one file after the other.

    Of files that have more than 512 MiB together, it covers each header, and the first, middle and last 256 KiB of
    every tensor: a changed training run changes those, a changed single number elsewhere stays unseen.
    """
    digest = hashlib.sha256()
    whole = sum(path.stat().st_size for path in paths) <= HASH_WHOLE_BYTES
    for path in paths:
        with path.open("rb") as file:
            size = path.stat().st_size
            inside = [tensor for tensor in tensors if tensor.path == path]
            for start, end in [(0, size)] if whole else _samples(inside, size):
                file.seek(start)
                while start < end and (block := file.read(min(1 << 20, end - start))):
                    digest.update(block)
                    start += len(block)
    return digest.hexdigest()


def _samples(tensors: Sequence[StoredTensor], file_bytes: int) -> list[tuple[int, int]]:
    spans = [(0, min((tensor.offset for tensor in tensors), default=file_bytes))]
    for tensor in tensors:
        last = tensor.offset + max(0, tensor.size_bytes - HASH_SAMPLE_BYTES)
        starts = sorted({tensor.offset, (tensor.offset + last) // 2, last})
        spans += [(start, min(start + HASH_SAMPLE_BYTES, tensor.offset + tensor.size_bytes)) for start in starts]
    return spans


def _shards(index: Path) -> tuple[Path, ...]:
    weight_map = read_json_object(index, INDEX_LIMIT_BYTES).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index.name} has no weight_map that says which file holds which tensor.")
    names = {name for name in weight_map.values() if isinstance(name, str)}
    wrong = [name for name in weight_map.values() if not isinstance(name, str) or not _is_plain_name(name)]
    if wrong:
        raise CheckpointError(
            f"{index.name} names {clip(repr(wrong[0]))} as a file of the checkpoint; only names like "
            "model-00001-of-00002.safetensors, inside the same folder, are accepted."
        )
    missing = sorted(name for name in names if not (index.parent / name).is_file())
    if missing:
        raise CheckpointError(f"{len(missing)} of {len(names)} weight files are missing in {index.parent}: {listed(missing)}.")
    return tuple(index.parent / name for name in sorted(names))


def _is_plain_name(name: str) -> bool:
    """A file name without any part that could lead out of the folder, on any system."""
    return re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\.safetensors", name) is not None


def _read_header(path: Path) -> Iterator[tuple[str, StoredTensor]]:
    """The tensors of one file by name, in the order of their bytes."""
    try:
        header_bytes = _check_beginning(path)
        with safe_open(path, framework="pt"):
            pass  # opening checks everything: names, types, shapes against sizes, gaps, overlaps, the length of the file
        with path.open("rb") as file:
            file.seek(8)
            header = json.loads(file.read(header_bytes))
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except (SafetensorError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is damaged or cut short ({clip(str(error), 200)}); download it again.") from error
    header.pop("__metadata__", None)
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, end = entry["data_offsets"]
        yield name, StoredTensor(path, 8 + header_bytes + start, end - start, entry["dtype"], tuple(entry["shape"]))


def _check_beginning(path: Path) -> int:
    """Size of the header in bytes, after a look at the first nine: a size that fits the file, then a brace."""
    with path.open("rb") as file:
        start = file.read(9)
    file_bytes = path.stat().st_size
    if len(start) < 9:
        raise CheckpointError(f"{path.name} has {file_bytes} bytes; it is cut short. Download it again.")
    if start[8:] != b"{":
        if start.startswith(b"PK\x03\x04") or (start[0] == 0x80 and start[1] in range(2, 6)):
            raise UnsafeCheckpointError(
                f"{path.name} is really a pickle or zip file, which can run code when loaded; it was refused."
            )
        raise CheckpointError(f"{path.name} is not a safetensors file.")
    header_bytes = int.from_bytes(start[:8], "little")
    if header_bytes > min(HEADER_LIMIT_BYTES, file_bytes - 8):
        raise CheckpointError(
            f"{path.name} announces a header of {header_bytes:,} bytes in a file of {file_bytes:,}; "
            f"at most {HEADER_LIMIT_BYTES:,} are accepted. The file is damaged or cut short."
        )
    return header_bytes


def listed(names: Sequence[str], limit: int = 8) -> str:
    """The first names, and how many more there are, for an error message."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(clip(name) for name in names[:limit]) + more
