"""ModelConfig: the named architectural switches of one transformer."""

from dataclasses import dataclass
from typing import Literal

from inference.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """The frequency scaling of Llama 3.1 (https://arxiv.org/abs/2407.21783), in the terms of its config.json."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context_tokens: int


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything that decides the shape of the computation; no weights, no tokenizer.

    `width` is C, `head_width` is D, `mlp_width` the inner width of the MLP, all in elements.
    Raises CheckpointError when the numbers contradict each other.
    """

    vocab_size: int
    width: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_width: int
    mlp_width: int
    context_tokens: int
    positions: Literal["learned", "rope"] = "rope"
    norm: Literal["layernorm", "rmsnorm"] = "rmsnorm"
    norm_eps: float = 1e-5
    mlp: Literal["gelu", "gelu_tanh", "relu", "swiglu"] = "swiglu"
    qkv_bias: bool = False
    attention_out_bias: bool = False
    mlp_bias: bool = False
    tied_embeddings: bool = True
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None

    def __post_init__(self) -> None:
        for name in ("vocab_size", "width", "n_layers", "n_heads", "n_kv_heads", "head_width", "mlp_width", "context_tokens"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 24:
                raise CheckpointError(f"config.json gives {name} as {value!r}; a whole number from 1 to 16,777,216 is needed.")
        if self.n_layers > 1024:
            raise CheckpointError(f"config.json asks for {self.n_layers:,} layers; at most 1,024 are supported.")
        if self.n_heads % self.n_kv_heads:
            raise CheckpointError(
                f"config.json gives {self.n_heads} attention heads and {self.n_kv_heads} key/value heads; "
                "the first must be a multiple of the second."
            )
        if (self.n_heads + 2 * self.n_kv_heads) * self.head_width > 1 << 24:
            raise CheckpointError(
                f"config.json asks for {self.n_heads:,} heads of {self.head_width:,} elements; "
                "queries, keys and values together may have at most 16,777,216."
            )
        if self.positions == "rope" and self.head_width % 2:
            raise CheckpointError(f"Rotary positions need an even head width; config.json gives {self.head_width}.")

    @property
    def parameter_count(self) -> int:
        """Number of distinct weights (tied ones counted once)."""
        qkv_out = (self.n_heads + 2 * self.n_kv_heads) * self.head_width
        attention = self.width * qkv_out + qkv_out * self.qkv_bias
        attention += self.n_heads * self.head_width * self.width + self.width * self.attention_out_bias
        inner = self.mlp_width * (2 if self.mlp == "swiglu" else 1)
        mlp = self.width * inner + self.mlp_width * self.width + self.mlp_bias * (inner + self.width)
        norm = self.width * (2 if self.norm == "layernorm" else 1)
        embeddings = self.vocab_size * self.width * (1 if self.tied_embeddings else 2)
        if self.positions == "learned":
            embeddings += self.context_tokens * self.width
        return embeddings + self.n_layers * (attention + mlp + 2 * norm) + norm
