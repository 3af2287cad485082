"""The key/value cache: what earlier tokens left for later ones to attend to, with an explicit length.

Letters: B batch, S cached tokens, H key/value heads, D head width.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from inference.config import ModelConfig
from inference.errors import ContextFullError


class KVCache:
    """Keys and values of every layer, allocated once for `capacity_tokens` positions.

    `length` is a plain integer (never read from a tensor): the number of positions that hold tokens.
    Cropping is setting it back; what lies beyond is overwritten by the next `write`.
    """

    def __init__(self, config: ModelConfig, capacity_tokens: int, *, batch: int = 1, device: torch.device, dtype: torch.dtype):
        shape = (config.n_layers, batch, config.n_kv_heads, capacity_tokens, config.head_width)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.capacity_tokens = capacity_tokens
        self.length = 0

    def reserve(self, new_tokens: int) -> None:
        """Raise ContextFullError unless `new_tokens` more positions fit."""
        if self.length + new_tokens > self.capacity_tokens:
            raise ContextFullError(
                f"The context holds {self.capacity_tokens:,} tokens; this needs {self.length + new_tokens:,}. "
                "Start a new chat or choose a model with a longer context."
            )

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store keys and values (B, H, T, D) after `length`; return all of the layer's, each (B, H, length + T, D).

        `length` itself moves only in `advance`, after the last layer has written.
        """
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, new_tokens: int) -> None:
        """Count `new_tokens` positions as filled."""
        self.reserve(new_tokens)
        self.length += new_tokens

    def crop(self, length: int) -> None:
        """Forget every position from `length` on."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot crop a cache of {self.length} tokens to {length}")
        self.length = length

    @contextmanager
    def put_back(self, start: int, end: int) -> Iterator[None]:
        """Forget every position from `start` on for a while; afterwards the cache is as before, also after an error.

        Positions from `start` to `end` are those that may be overwritten meanwhile and hold something.
        """
        length = self.length
        keys, values = (stored[:, :, :, start:end].clone() for stored in (self.keys, self.values))
        try:
            self.crop(start)
            yield
        finally:
            self.length = length
            self.keys[:, :, :, start:end], self.values[:, :, :, start:end] = keys, values

    def fill_from(self, other: "KVCache") -> None:
        """Hold what another cache of one row, or of as many, holds: in every row."""
        self.length = 0  # nothing, should the copy fail
        self.keys[:, :, :, : other.length] = other.keys[:, :, :, : other.length]
        self.values[:, :, :, : other.length] = other.values[:, :, :, : other.length]
        self.length = other.length

    @torch.inference_mode()
    def keep_rows(self, rows: Sequence[int]) -> None:
        """Drop every row of the batch but these."""
        index = torch.tensor(rows, device=self.keys.device)
        self.keys, self.values = self.keys.index_select(1, index), self.values.index_select(1, index)
