"""The slow, obvious twin of `inference.model`: the same weights, one head at a time, in plain matrix operations.

No cache, no fused operation, no mask tricks. Tests hold the fast path against it; it is also the place to read
what a transformer computes. Letters: T tokens, D head width, C model width, V vocabulary.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inference.config import ModelConfig
from inference.errors import RequestError
from inference.model import MLP, Attention, Transformer
from inference.rope import rope_frequencies


@torch.inference_mode()
def reference_logits(model: Transformer, ids: Sequence[int] | Tensor) -> Tensor:
    """Logits (T, V) after each of the ids (T,), in the number type of the model."""
    config = model.config
    ids = torch.as_tensor(ids, device=model.embedding.weight.device)
    if not 1 <= len(ids) <= config.context_tokens:
        raise RequestError(f"{len(ids):,} tokens were given; the context holds 1 to {config.context_tokens:,}.")
    x = model.embedding.weight[ids]  # (T, C): one row per token
    if model.position_embedding is not None:
        x = x + model.position_embedding.weight[: len(ids)]
    for block in model.blocks:
        x = x + attention(block.attention, normalise(block.attention_norm, x, config), config)
        x = x + mlp(block.mlp, normalise(block.mlp_norm, x, config), config)
    x = normalise(model.final_norm, x, config)
    output = model.embedding if model.unembedding is None else model.unembedding
    return x @ output.weight.T


def attention(layer: Attention, x: Tensor, config: ModelConfig) -> Tensor:
    """What every position of x (T, C) gathers from itself and those before it."""
    q_width, kv_width = config.n_heads * config.head_width, config.n_kv_heads * config.head_width
    queries, keys, values = linear(layer.qkv, x).split((q_width, kv_width, kv_width), dim=1)
    results = []
    for head in range(config.n_heads):
        kv_head = head // (config.n_heads // config.n_kv_heads)  # neighbouring heads share keys and values
        q, k, v = (columns(m, i, config.head_width) for m, i in ((queries, head), (keys, kv_head), (values, kv_head)))
        if config.positions == "rope":
            q, k = rotate(q, config), rotate(k, config)
        results.append(attend(q, k, v))
    return linear(layer.out, torch.cat(results, dim=1))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head: every position's mix (T, D) of the values, weighed by how well its query fits the keys."""
    scores = q @ k.T / math.sqrt(q.shape[1])  # (T, T)
    for position in range(len(scores)):
        scores[position, position + 1 :] = -math.inf  # the future is not known
    weights = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return (weights / weights.sum(dim=1, keepdim=True)) @ v


def rotate(x: Tensor, config: ModelConfig) -> Tensor:
    """Turn each pair (i, i + D/2) of x (T, D) by position times the pair's frequency."""
    angles = torch.outer(torch.arange(len(x), dtype=torch.float32), rope_frequencies(config)).to(x.device)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)  # (T, D/2)
    first, second = x.chunk(2, dim=1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=1)


def mlp(layer: MLP, x: Tensor, config: ModelConfig) -> Tensor:
    """Each position of x (T, C) on its own: widen, bend, narrow."""
    x = linear(layer.up, x)
    if config.mlp == "swiglu":
        gate, up = x.chunk(2, dim=1)
        x = gate / (1 + (-gate).exp()) * up
    elif config.mlp == "gelu_tanh":
        x = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    elif config.mlp == "gelu":
        x = 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))
    else:
        x = x.clamp(min=0)
    return linear(layer.down, x)


def normalise(layer: nn.Module, x: Tensor, config: ModelConfig) -> Tensor:
    """Scale each row of x (T, C) to unit size; LayerNorm also centres it."""
    if config.norm == "layernorm":
        x = x - x.mean(dim=1, keepdim=True)
    x = x / torch.sqrt((x * x).mean(dim=1, keepdim=True) + config.norm_eps) * layer.weight
    return x + layer.bias if config.norm == "layernorm" else x


def linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """x times the matrix, plus the bias where there is one."""
    y = x @ layer.weight.T
    return y if layer.bias is None else y + layer.bias


def columns(x: Tensor, head: int, width: int) -> Tensor:
    """The part of x (T, heads * width) that belongs to one head, (T, width)."""
    return x[:, head * width : (head + 1) * width]
