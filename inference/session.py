"""What the model has read so far: the ids behind the key/value cache, and reading on from them."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from inference.cache import KVCache
from inference.config import ModelConfig
from inference.model import Transformer
from inference.types import CancelFlag, TokenNumbers

FIRST_CHUNK_TOKENS = 32
LARGEST_CHUNK_TOKENS = 512
CHUNK_TARGET_S = 0.1  # a stop during a long prompt takes effect within about this time
SMALLEST_CAPACITY_TOKENS = 1024
WORTH_KEEPING_TOKENS = 64  # what a question reads beyond all that is held is kept where it is more
PUT_ASIDE_PER_READ = 32  # so many positions at least are put aside and back in the time that reading one takes
LOGITS_AT_ONCE = 1 << 23  # 32 MB of float32


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
        self.numbers: dict[int, TokenNumbers] = {}  # by position, of the ids that a run has scored
        self.cache = self._allocate(0)
        self.is_in_use = False  # by a run, which counts on finding it as it left it
        self._chunk_tokens = FIRST_CHUNK_TOKENS

    def clear(self) -> None:
        """Forget everything and give the cache's memory back."""
        self.ids.clear()
        self.numbers.clear()
        self.cache = self._allocate(0)

    def rewind(self, ids: Sequence[int]) -> int:
        """Keep what the cache shares with the beginning of `ids` and forget the rest; returns the tokens kept.

        At least the last id is left to read, since its logits are what comes next.
        """
        shared = common_prefix(self.ids, ids[:-1])
        del self.ids[shared:]  # first: see the class
        self.numbers = {position: numbers for position, numbers in self.numbers.items() if position < shared}
        self.cache.crop(shared)
        return shared

    def read(self, ids: Sequence[int], cancel: CancelFlag) -> Iterator[Tensor]:
        """Read on in chunks; after each, the final vectors (T, C) of its positions. Ends early when cancelled."""
        done = 0
        while done < len(ids) and not cancel.is_set:
            self._make_room(len(self.ids) + min(self._chunk_tokens, len(ids) - done))
            hidden = self._read_chunk(ids[done:], self.cache)
            self.ids.extend(ids[done : done + len(hidden)])
            done += len(hidden)
            yield hidden

    @torch.inference_mode()
    def step(self, token_id: int) -> np.ndarray:
        """Append one id; the logits (V,) after it, float32."""
        self._make_room(len(self.ids) + 1)
        hidden = self.model(torch.tensor([[token_id]], device=self.device), self.cache)
        self.ids.append(token_id)
        return self.model.logits(hidden[0])[0].cpu().numpy()

    @torch.inference_mode()
    def step_rows(self, token_ids: Sequence[int], cache: KVCache) -> np.ndarray:
        """Append one id to every row of a forked cache; the logits (B, V) after them, float32."""
        hidden = self.model(torch.tensor(token_ids, device=self.device).unsqueeze(1), cache)
        return self.model.logits(hidden[:, 0]).cpu().numpy()

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Iterator[np.ndarray]:
        """The logits after some positions, from their final vectors (T, C), in pieces (<= T, V) that fit into memory."""
        rows = max(1, LOGITS_AT_ONCE // self.model.config.vocab_size)
        for start in range(0, len(hidden), rows):
            yield self.model.logits(hidden[start : start + rows]).cpu().numpy()

    @torch.inference_mode()
    def fork(self, batch: int, capacity_tokens: int) -> KVCache:
        """A cache of its own for `batch` rows, each of which begins with what the session holds."""
        fork = self._allocate(capacity_tokens, batch)
        fork.fill_from(self.cache)
        return fork

    @torch.inference_mode()
    def look(self, ids: Sequence[int], last: int = 1) -> Tensor:
        """Final vectors (last, C) of the last positions of any `ids`, read without changing what the session holds.

        What the cache shares with `ids` is used, the rest read on top of it and the cache put back as it was, bit for bit.
        Only where `ids` go on from all that is held, and far (a conversation that was just opened), what was read stays
        for the next question and the next answer, unless a run is going on.
        """
        kept = min(common_prefix(self.ids, ids), len(ids) - last)
        if kept == len(self.ids) and len(ids) - kept > WORTH_KEEPING_TOKENS and not self.is_in_use:
            return torch.cat(list(self.read(ids[kept:], CancelFlag())))[-last:]
        overwritten = max(0, min(len(self.ids), len(ids)) - kept)
        if kept * PUT_ASIDE_PER_READ < overwritten:
            return self._read_all(ids, self._allocate(len(ids)))[-last:]
        self._make_room(len(ids))
        with self.cache.put_back(kept, kept + overwritten):
            return self._read_all(ids[kept:], self.cache)[-last:]

    def _read_all(self, ids: Sequence[int], cache: KVCache) -> Tensor:
        """Final vectors (T, C) of ids read into a cache, in chunks."""
        chunks: list[Tensor] = []
        done = 0
        while done < len(ids):
            chunks.append(self._read_chunk(ids[done:], cache))
            done += len(chunks[-1])
        return torch.cat(chunks)

    @torch.inference_mode()
    def _read_chunk(self, ids: Sequence[int], cache: KVCache) -> Tensor:
        """Read the beginning of `ids`, as much as takes about CHUNK_TARGET_S; its final vectors (T, C)."""
        chunk = ids[: self._chunk_tokens]
        started = time.perf_counter()
        hidden = self.model(torch.tensor([chunk], device=self.device), cache)[0]
        self._adapt_chunk(len(chunk), time.perf_counter() - started)
        return hidden

    def _adapt_chunk(self, tokens: int, seconds: float) -> None:
        if tokens == self._chunk_tokens:
            factor = 2 if seconds < CHUNK_TARGET_S / 2 else 0.5 if seconds > 2 * CHUNK_TARGET_S else 1
            self._chunk_tokens = min(LARGEST_CHUNK_TOKENS, max(1, int(self._chunk_tokens * factor)))

    def _allocate(self, capacity_tokens: int, batch: int = 1) -> KVCache:
        return KVCache(self.model.config, capacity_tokens, batch=batch, device=self.device, dtype=self.dtype)

    @torch.inference_mode()
    def _make_room(self, tokens: int) -> None:
        old = self.cache
        if old.capacity_tokens < tokens <= self.context_tokens:
            capacity = max(tokens, 2 * old.capacity_tokens, SMALLEST_CAPACITY_TOKENS)
            larger = self._allocate(min(self.context_tokens, capacity))
            larger.fill_from(old)
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
