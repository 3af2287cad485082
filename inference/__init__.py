"""The transformer inference core of Glassbox: `engine = inference.load(path)`.

Importing this package is cheap; torch is imported by `load` (and by the modules that need it), so that
`inference.types` can be shared with programs that must not wait for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from inference.engine import Engine
    from inference.types import LoadProgress

__all__ = ["load"]


def load(
    path: "str | PathLike[str]",
    device: str = "auto",
    dtype: str = "auto",
    *,
    threads: int = 0,
    progress: "Callable[[LoadProgress], None] | None" = None,
) -> "Engine":
    """Load a safetensors directory in Hugging Face layout and return the engine that runs it.

    `device` is "auto", "cpu", "cuda", "cuda:1" or "mps"; `dtype` is "auto", "float32", "bfloat16" or "float16";
    `threads` is the number of CPU threads, 0 for a sensible one. `progress` is called on this thread while the
    weights are read. Raises InferenceError (see `inference.errors`) with a message fit to show.
    """
    from inference.engine import Engine

    return Engine.load(path, device=device, dtype=dtype, threads=threads, progress=progress)
