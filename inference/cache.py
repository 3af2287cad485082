"""The key/value cache: what earlier tokens left for later ones to attend to, with an explicit length.

Letters: B batch, S cached tokens, H key/value heads, D head width.
"""

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
