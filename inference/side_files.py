"""The small files beside the weights: texts and JSON objects of bounded size, from folders that nobody vouches for."""

import json
from pathlib import Path

from inference.config_fields import clip
from inference.errors import CheckpointError


def read_text(path: Path, limit_bytes: int) -> str:
    """A UTF-8 file of at most `limit_bytes`. Raises CheckpointError saying what is wrong with it."""
    if not path.is_file():  # not only missing: a pipe would never end
        raise CheckpointError(f"{path.name} is missing in {path.parent}.")
    try:
        size = path.stat().st_size
        if size > limit_bytes:
            raise CheckpointError(f"{path.name} has {size:,} bytes; more than {limit_bytes:,} do not belong in such a file.")
        with path.open("rb") as file:
            return file.read(limit_bytes).decode("utf-8-sig")
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path.name} is not UTF-8 text: {error}.") from error


def read_json_object(path: Path, limit_bytes: int, *, is_optional: bool = False) -> dict:
    """The JSON object in such a file; {} where it is missing but optional. Raises CheckpointError as `read_text`."""
    if is_optional and not path.exists():
        return {}
    try:
        value = json.loads(read_text(path, limit_bytes))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name} is not valid JSON: {clip(str(error), 200)}.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path.name} holds {type(value).__name__}, not a JSON object.")
    return value
