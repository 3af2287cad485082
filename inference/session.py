"""What the model has read so far: the ids behind the key/value cache, and reading on from them."""

import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from inference.cache import KVCache
from inference.config import ModelConfig
from inference.model import Transformer
from inference.types import CancelFlag

FIRST_CHUNK_TOKENS = 32
LARGEST_CHUNK_TOKENS = 512
CHUNK_TARGET_S = 0.1  # a stop during a long prompt takes effect within about this time
SMALLEST_CAPACITY_TOKENS = 1024


class Session:
    """One key/value cache and the exact ids it holds; reading a text that begins alike reads only the rest.

    The cache starts small and doubles up to `context_tokens`, so that a long context costs memory only when used.
    It never holds less than `ids`, also where an error or an interrupt ends a method halfway.
    """

    def __init__(self, model: Transformer, context_tokens: int, device: torch.device, dtype: torch.dtype):
        self.model = model
        self.context_tokens = context_tokens
        self.device, self.dtype = device, dtype
        self.ids: list[int] = []
        self.cache = self._allocate(0)
        self._chunk_tokens = FIRST_CHUNK_TOKENS

    def clear(self) -> None:
        """Forget everything and give the cache's memory back."""
        self.ids.clear()
        self.cache = self._allocate(0)

    def rewind(self, ids: Sequence[int]) -> int:
        """Keep what the cache shares with the beginning of `ids` and forget the rest; returns the tokens kept.

        At least the last id is left to read, since its logits are what comes next.
        """
        shared = common_prefix(self.ids, ids[:-1])
        del self.ids[shared:]  # first: see the class
        self.cache.crop(shared)
        return shared

    def read(self, ids: Sequence[int], cancel: CancelFlag) -> Iterator[Tensor]:
        """Read on in chunks; after each, the logits (V,) of its last position. Ends early when cancelled."""
        done = 0
        while done < len(ids) and not cancel.is_set:
            chunk = ids[done : done + self._chunk_tokens]
            started = time.perf_counter()
            logits = self.step(chunk)
            self._adapt_chunk(len(chunk), time.perf_counter() - started)
            done += len(chunk)
            yield logits

    @torch.inference_mode()
    def step(self, ids: Sequence[int]) -> Tensor:
        """Append ids in one pass; the logits (V,) after the last of them, float32."""
        self._make_room(len(self.ids) + len(ids))
        hidden = self.model(torch.tensor([ids], device=self.device), self.cache)
        self.ids.extend(ids)
        return self.model.logits(hidden[0, -1])

    @torch.inference_mode()
    def peek(self, ids: Sequence[int]) -> Tensor | None:
        """The logits (V,) after `ids` where the cache holds them all, leaving the cache as it is; None otherwise."""
        if not ids or common_prefix(self.ids, ids) < len(ids):
            return None
        length, last = self.cache.length, len(ids) - 1
        keys, values = (stored[:, :, :, last].clone() for stored in (self.cache.keys, self.cache.values))
        try:
            self.cache.crop(last)
            hidden = self.model(torch.tensor([ids[-1:]], device=self.device), self.cache)
        finally:  # what was read in a larger chunk differs from this by rounding
            self.cache.length = length
            self.cache.keys[:, :, :, last], self.cache.values[:, :, :, last] = keys, values
        return self.model.logits(hidden[0, -1])

    def _adapt_chunk(self, tokens: int, seconds: float) -> None:
        if tokens == self._chunk_tokens:
            factor = 2 if seconds < CHUNK_TARGET_S / 2 else 0.5 if seconds > 2 * CHUNK_TARGET_S else 1
            self._chunk_tokens = min(LARGEST_CHUNK_TOKENS, max(1, int(self._chunk_tokens * factor)))

    def _allocate(self, capacity_tokens: int) -> KVCache:
        return KVCache(self.model.config, capacity_tokens, device=self.device, dtype=self.dtype)

    def _make_room(self, tokens: int) -> None:
        old = self.cache
        if old.capacity_tokens < tokens <= self.context_tokens:
            capacity = max(tokens, 2 * old.capacity_tokens, SMALLEST_CAPACITY_TOKENS)
            larger = self._allocate(min(self.context_tokens, capacity))
            larger.keys[:, :, :, : old.length] = old.keys[:, :, :, : old.length]
            larger.values[:, :, :, : old.length] = old.values[:, :, :, : old.length]
            larger.advance(old.length)
            self.cache = larger


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two sequences share at their beginning."""
    length = min(len(a), len(b))
    for i in range(length):
        if a[i] != b[i]:
            return i
    return length


def kv_bytes_per_token(config: ModelConfig, dtype: torch.dtype) -> int:
    """Memory of one cached position over all layers."""
    return 2 * config.n_layers * config.n_kv_heads * config.head_width * dtype.itemsize
