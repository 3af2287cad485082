"""The transformer, read from top to bottom: embed, add positions, attend and think in turn, read off logits.

Letters: B batch, T query tokens, S key tokens, H heads, D head width, C model width, V vocabulary.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference.cache import KVCache
from inference.config import ModelConfig
from inference.rope import apply_rope, rope_tables


class Transformer(nn.Module):
    """Decoder-only transformer of the GPT-2 or Llama kind, by the switches of its config."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.embedding = make_embedding(config.vocab_size, config.width)
        self.position_embedding = make_embedding(config.context_tokens, config.width) if config.positions == "learned" else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layers))
        self.final_norm = make_norm(config)
        self.unembedding = None if config.tied_embeddings else nn.Linear(config.width, config.vocab_size, bias=False)
        if config.positions == "rope":
            cos, sin = rope_tables(config)
            self.register_buffer("rope_cos", cos, persistent=False)
            self.register_buffer("rope_sin", sin, persistent=False)

    def forward(self, ids: Tensor, cache: KVCache | None = None, mask: Tensor | None = None) -> Tensor:
        """Final hidden vectors (B, T, C) of ids (B, T).

        With a cache the ids continue its `length` tokens, and the cache grows by T. `mask` (B, 1, T, T), True
        where attention is allowed, replaces the causal rule (training on packed documents) and needs no cache.
        """
        start = 0 if cache is None else cache.length
        end = start + ids.shape[1]
        if cache is not None:
            cache.reserve(ids.shape[1])
            mask = chunk_mask(start, end, ids.device)
        x = self.embedding(ids)  # token ids -> vectors (B, T, C)
        rope = None
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start:end]  # where each token stands, added to what it is
        else:
            rope = (self.rope_cos[start:end], self.rope_sin[start:end])  # ... or turned into queries and keys
        for block in self.blocks:
            x = block(x, rope, cache, mask)
        if cache is not None:
            cache.advance(ids.shape[1])
        return self.final_norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """One score per token of the vocabulary (..., V), from hidden vectors (..., C); float32 (float64 for such a model)."""
        weight = self.embedding.weight if self.unembedding is None else self.unembedding.weight
        scores = F.linear(hidden, weight)
        return scores.to(torch.promote_types(scores.dtype, torch.float32))


class Block(nn.Module):
    """One layer: vectors exchange meaning (attention), then each is worked on alone (MLP); both add to the stream."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.attention_norm = make_norm(config)
        self.attention = Attention(config, layer)
        self.mlp_norm = make_norm(config)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, cache: KVCache | None, mask: Tensor | None) -> Tensor:
        """Add both results to x (B, T, C)."""
        x = x + self.attention(self.attention_norm(x), rope, cache, mask)
        return x + self.mlp(self.mlp_norm(x))


class Attention(nn.Module):
    """Multi-head attention; several query heads may share one key/value head (https://arxiv.org/abs/2305.13245)."""

    def __init__(self, config: ModelConfig, layer: int):
        super().__init__()
        self.layer = layer
        self.n_heads, self.n_kv_heads, self.head_width = config.n_heads, config.n_kv_heads, config.head_width
        self.qkv = nn.Linear(config.width, (config.n_heads + 2 * config.n_kv_heads) * config.head_width, bias=config.qkv_bias)
        self.out = nn.Linear(config.n_heads * config.head_width, config.width, bias=config.attention_out_bias)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor] | None, cache: KVCache | None, mask: Tensor | None) -> Tensor:
        """What every position (B, T, C) gathers from those it may look at."""
        b, t, _ = x.shape
        heads = self.qkv(x).view(b, t, self.n_heads + 2 * self.n_kv_heads, self.head_width).transpose(1, 2)  # (B, H+2Hkv, T, D)
        q_and_k, v = heads.split((self.n_heads + self.n_kv_heads, self.n_kv_heads), dim=1)
        if rope is not None:
            # Tables in the activations' type: left in float32 they would promote q and k to a slower kernel.
            q_and_k = apply_rope(q_and_k, rope[0].to(v.dtype), rope[1].to(v.dtype))
        q, k = q_and_k.split((self.n_heads, self.n_kv_heads), dim=1)
        if cache is not None:
            k, v = cache.write(self.layer, k, v)  # (B, Hkv, S, D)
        # is_causal aligns the mask to the top left and is right only for T == S; see chunk_mask for the rest.
        y = self.attend(q, k, v, mask, mask is None and cache is None)
        return self.out(y.transpose(1, 2).reshape(b, t, self.n_heads * self.head_width))

    def attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool) -> Tensor:
        """Values (B, Hkv, S, D) weighed for each query (B, H, T, D) by how well the keys answer it."""
        grouped = self.n_heads != self.n_kv_heads
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal, enable_gqa=grouped)


class MLP(nn.Module):
    """Two linear maps with a bend between them, on each position alone; SwiGLU multiplies in a gate."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.kind = config.mlp
        inner = 2 * config.mlp_width if config.mlp == "swiglu" else config.mlp_width
        self.up = nn.Linear(config.width, inner, bias=config.mlp_bias)  # SwiGLU: gate, then up, side by side
        self.down = nn.Linear(config.mlp_width, config.width, bias=config.mlp_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, T, C) to (B, T, C)."""
        return self.down(activation(self.up(x), self.kind))


def activation(x: Tensor, kind: str) -> Tensor:
    """The bend of the MLP; "swiglu" halves the last dimension."""
    if kind == "swiglu":
        gate, up = x.chunk(2, dim=-1)
        return F.silu(gate) * up
    if kind == "relu":
        return F.relu(x)
    return F.gelu(x, approximate="tanh" if kind == "gelu_tanh" else "none")


def make_embedding(rows: int, width: int) -> nn.Embedding:
    """A table of `rows` random vectors, to be looked up by number."""
    weight = torch.empty(rows, width)
    if not weight.is_meta:  # there, nothing can be random, and nn.Embedding's attempt imports 80 MB of torch in a second
        nn.init.normal_(weight)
    return nn.Embedding.from_pretrained(weight, freeze=False)


def make_norm(config: ModelConfig) -> nn.Module:
    """The normalisation of this architecture, over the last dimension (C)."""
    kind = nn.LayerNorm if config.norm == "layernorm" else nn.RMSNorm
    return kind(config.width, eps=config.norm_eps)


def chunk_mask(start: int, end: int, device: torch.device) -> Tensor | None:
    """Which of the keys 0..end-1 the queries start..end-1 may see, bool (T, S); None when one query sees all."""
    if end - start == 1:
        return None
    queries = torch.arange(start, end, device=device).unsqueeze(1)
    return torch.arange(end, device=device) <= queries
