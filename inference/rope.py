"""Rotary position embedding: a position turns pairs of a query's or key's elements (https://arxiv.org/abs/2104.09864).

Letters: B batch, T query tokens, H heads, D head width.
"""

import math

import torch
from torch import Tensor

from inference.config import ModelConfig


def rope_frequencies(config: ModelConfig) -> Tensor:
    """Angle per position for each pair of elements, float32 (D/2,), in radians."""
    exponents = torch.arange(0, config.head_width, 2, dtype=torch.float32, device="cpu") / config.head_width
    frequencies = 1.0 / (config.rope_theta**exponents)
    scaling = config.rope_scaling
    if scaling is None:
        return frequencies
    # Llama 3.1: slow rotations are stretched by `factor`, fast ones kept, those between are blended.
    wavelengths = 2 * math.pi / frequencies
    turns = scaling.original_context_tokens / wavelengths
    blend = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor)
    blend = blend.clamp(0.0, 1.0)
    return frequencies * (blend + (1.0 - blend) / scaling.factor)


def rope_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of every position of the context, two float32 tensors (context, D), on the CPU.

    They are real there even where a model is laid out on `meta`, since no checkpoint holds them.
    """
    positions = torch.arange(config.context_tokens, dtype=torch.float32, device="cpu")
    angles = torch.outer(positions, rope_frequencies(config))
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rope_tables_bytes(config: ModelConfig) -> int:
    """Memory of both tables."""
    return 2 * config.context_tokens * config.head_width * torch.float32.itemsize


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn x (B, H, T, D) by its positions' angles; cos and sin are (T, D) or broadcast to x.

    Element i is paired with element i + D/2, the layout of Hugging Face Llama checkpoints.
    """
    half = x.shape[-1] // 2
    turned = torch.cat((-x[..., half:], x[..., :half]), dim=-1)
    return x * cos + turned * sin
