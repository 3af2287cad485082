"""What differs between model families, as data: the terms of their config.json, their tensor names, how tensors are stored.

To add a family: a function that reads its config.json, its names, and one entry in FAMILIES.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from inference.config import ModelConfig, RopeScaling
from inference.config_fields import ConfigFields, clip
from inference.errors import CheckpointError
from inference.model import Transformer


@dataclass(frozen=True, slots=True)
class Family:
    """How to read checkpoints of one `model_type`.

    `names` maps our parameter names ("N" for the layer) to theirs; several are stacked in ours, in order. A checkpoint's
    names may begin with `prefix`. `transposed` lists matrices stored as (in, out); `ignored` matches stored buffers
    that hold no weights.
    """

    read_config: Callable[[ConfigFields], ModelConfig]
    prefix: str
    names: Mapping[str, tuple[str, ...]]
    transposed: frozenset[str] = frozenset()
    ignored: str = r"(?!)"


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor of a checkpoint: its name without prefix, its shape there, and whether ours is its transpose."""

    name: str
    shape: tuple[int, ...]
    is_transposed: bool = False


def translate_config(hf: dict) -> tuple[str, ModelConfig]:
    """Family name and ModelConfig from the content of a Hugging Face config.json.

    Raises CheckpointError naming the field and value that is missing, wrong or asks for what is not supported.
    """
    fields = ConfigFields(hf)
    name = fields.word("model_type")
    if name not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise CheckpointError(f"This is a model of type {clip(name)!r}; the supported types are {known}.")
    if fields.section("quantization_config") is not None:
        raise CheckpointError(
            "The weights are quantised (quantization_config in config.json); choose a bf16, f16 or f32 version."
        )
    return name, FAMILIES[name].read_config(fields)


def layout(family: str, model: Transformer) -> dict[str, tuple[Part, ...]]:
    """For every parameter of the model, the checkpoint tensors stacked in it along its rows, in order."""
    rules = FAMILIES[family]
    result = {}
    for name, parameter in model.named_parameters():
        general, layer = _split_layer(name)
        rows = _stacked_rows(general, model.config)
        parts = []
        for theirs, count in zip(rules.names[general], rows or [parameter.shape[0]], strict=True):
            shape = (count, *parameter.shape[1:])
            is_transposed = general in rules.transposed
            parts.append(Part(theirs.replace("N", layer), shape[::-1] if is_transposed else shape, is_transposed))
        result[name] = tuple(parts)
    return result


def canonical_name(family: str, name: str) -> str:
    """A tensor name without the family's optional prefix; "" for a buffer that holds no weights."""
    rules = FAMILIES[family]
    name = name.removeprefix(rules.prefix)
    return "" if re.fullmatch(rules.ignored, name) else name


def _split_layer(name: str) -> tuple[str, str]:
    """`blocks.7.mlp.up.weight` -> (`blocks.N.mlp.up.weight`, `7`)."""
    match = re.match(r"blocks\.(\d+)\.", name)
    return (name, "") if match is None else (f"blocks.N.{name[match.end() :]}", match[1])


def _stacked_rows(name: str, config: ModelConfig) -> list[int]:
    """Rows of the pieces of a matrix that Llama checkpoints store in pieces; none for GPT-2, which stacks them too."""
    if config.positions == "learned":
        return []
    if ".attention.qkv." in name:
        return [heads * config.head_width for heads in (config.n_heads, config.n_kv_heads, config.n_kv_heads)]
    if ".mlp.up." in name:
        return [config.mlp_width, config.mlp_width]
    return []


def _read_gpt2(fields: ConfigFields) -> ModelConfig:
    width, heads = fields.integer("n_embd"), fields.integer("n_head")
    fields.require("scale_attn_weights", True, "only scaled attention is supported")
    fields.require("scale_attn_by_inverse_layer_idx", False, "attention scaled by the layer is not supported")
    fields.require("add_cross_attention", False, "cross-attention is not supported")
    return ModelConfig(
        vocab_size=fields.integer("vocab_size"),
        width=width,
        n_layers=fields.integer("n_layer"),
        n_heads=heads,
        n_kv_heads=heads,
        head_width=_equal_share(width, heads),
        mlp_width=fields.integer("n_inner", 4 * width),
        context_tokens=fields.integer("n_positions"),
        positions="learned",
        norm="layernorm",
        norm_eps=fields.number("layer_norm_epsilon", 1e-5, high=0.1),
        mlp=_choose(fields, "activation_function", "gelu_new", GPT2_ACTIVATIONS),
        qkv_bias=True,
        attention_out_bias=True,
        mlp_bias=True,
        tied_embeddings=fields.switch("tie_word_embeddings", True),
    )


def _read_llama(
    fields: ConfigFields,
    *,
    qkv_bias: bool = False,
    out_bias: bool = False,
    mlp_bias: bool = False,
    window_tokens: int | None = None,
) -> ModelConfig:
    width, heads = fields.integer("hidden_size"), fields.integer("num_attention_heads")
    context = fields.integer("max_position_embeddings")
    theta, scaling = _read_rope(fields)
    return ModelConfig(
        vocab_size=fields.integer("vocab_size"),
        width=width,
        n_layers=fields.integer("num_hidden_layers"),
        n_heads=heads,
        n_kv_heads=fields.integer("num_key_value_heads", heads),
        head_width=fields.optional_integer("head_dim") or _equal_share(width, heads),
        mlp_width=fields.integer("intermediate_size"),
        # Within one window, sliding-window attention is plain attention: a context cut to it keeps the model exact.
        context_tokens=context if window_tokens is None else min(context, window_tokens),
        norm_eps=fields.number("rms_norm_eps", 1e-6, high=0.1),
        mlp=_choose(fields, "hidden_act", "silu", {"silu": "swiglu", "swish": "swiglu"}),
        qkv_bias=qkv_bias,
        attention_out_bias=out_bias,
        mlp_bias=mlp_bias,
        tied_embeddings=fields.switch("tie_word_embeddings", False),
        rope_theta=theta,
        rope_scaling=scaling,
    )


def _read_plain_llama(fields: ConfigFields) -> ModelConfig:
    attention_bias = fields.switch("attention_bias", False)
    return _read_llama(fields, qkv_bias=attention_bias, out_bias=attention_bias, mlp_bias=fields.switch("mlp_bias", False))


def _read_mistral(fields: ConfigFields) -> ModelConfig:
    # Left out, the field means 4,096 (transformers' default); null means no window.
    window = fields.optional_integer("sliding_window") if fields.has("sliding_window") else 4096
    return _read_llama(fields, window_tokens=window)


def _read_qwen2(fields: ConfigFields) -> ModelConfig:
    is_windowed = fields.switch("use_sliding_window", False)
    return _read_llama(fields, qkv_bias=True, window_tokens=fields.integer("sliding_window", 4096) if is_windowed else None)


def _read_rope(fields: ConfigFields) -> tuple[float, RopeScaling | None]:
    """Base and scaling of the rotary positions; `rope_parameters` (transformers 5) has precedence over the older fields."""
    rope = fields.section("rope_parameters") or fields.section("rope_scaling") or ConfigFields({})
    theta = rope.number("rope_theta", fields.number("rope_theta", 10000.0, high=1e15), high=1e15)
    for section in (fields, rope):
        section.require("partial_rotary_factor", 1.0, "only rotation of whole heads is supported")
    kind = rope.word("rope_type", rope.word("type", "default"))
    if kind == "default":
        return theta, None
    if kind != "llama3":
        raise CheckpointError(
            f"config.json asks for rotary positions of type {clip(kind)!r}; supported are 'default' and 'llama3'."
        )
    low, high = rope.number("low_freq_factor", high=1e6), rope.number("high_freq_factor", high=1e6)
    if low >= high:
        raise CheckpointError(
            f"config.json gives low_freq_factor {low:g} and high_freq_factor {high:g}; the first must be smaller."
        )
    original = rope.integer("original_max_position_embeddings")
    return theta, RopeScaling(rope.number("factor", high=1e6), low, high, original)


def _equal_share(width: int, heads: int) -> int:
    if width % heads:
        raise CheckpointError(f"config.json gives width {width:,} and {heads:,} attention heads; the first must be a multiple.")
    return width // heads


def _choose(fields: ConfigFields, name: str, default: str, choices: Mapping[str, str]) -> str:
    value = fields.word(name, default)
    if value not in choices:
        raise CheckpointError(f"config.json gives {name} as {clip(value)!r}; supported are {', '.join(choices)}.")
    return choices[value]


GPT2_ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "relu": "relu",
}

GPT2_NAMES = {
    "embedding.weight": ("wte.weight",),
    "position_embedding.weight": ("wpe.weight",),
    "blocks.N.attention_norm.weight": ("h.N.ln_1.weight",),
    "blocks.N.attention_norm.bias": ("h.N.ln_1.bias",),
    "blocks.N.attention.qkv.weight": ("h.N.attn.c_attn.weight",),
    "blocks.N.attention.qkv.bias": ("h.N.attn.c_attn.bias",),
    "blocks.N.attention.out.weight": ("h.N.attn.c_proj.weight",),
    "blocks.N.attention.out.bias": ("h.N.attn.c_proj.bias",),
    "blocks.N.mlp_norm.weight": ("h.N.ln_2.weight",),
    "blocks.N.mlp_norm.bias": ("h.N.ln_2.bias",),
    "blocks.N.mlp.up.weight": ("h.N.mlp.c_fc.weight",),
    "blocks.N.mlp.up.bias": ("h.N.mlp.c_fc.bias",),
    "blocks.N.mlp.down.weight": ("h.N.mlp.c_proj.weight",),
    "blocks.N.mlp.down.bias": ("h.N.mlp.c_proj.bias",),
    "final_norm.weight": ("ln_f.weight",),
    "final_norm.bias": ("ln_f.bias",),
    "unembedding.weight": ("lm_head.weight",),
}

# OpenAI's Conv1D multiplies from the other side.
GPT2_TRANSPOSED = frozenset(
    f"blocks.N.{name}.weight" for name in ("attention.qkv", "attention.out", "mlp.up", "mlp.down")
)  # fmt: skip

LLAMA_NAMES = {
    "embedding.weight": ("embed_tokens.weight",),
    "blocks.N.attention_norm.weight": ("layers.N.input_layernorm.weight",),
    **{
        f"blocks.N.attention.qkv.{kind}": tuple(f"layers.N.self_attn.{one}_proj.{kind}" for one in "qkv")
        for kind in ("weight", "bias")
    },
    "blocks.N.attention.out.weight": ("layers.N.self_attn.o_proj.weight",),
    "blocks.N.attention.out.bias": ("layers.N.self_attn.o_proj.bias",),
    "blocks.N.mlp_norm.weight": ("layers.N.post_attention_layernorm.weight",),
    "blocks.N.mlp.up.weight": ("layers.N.mlp.gate_proj.weight", "layers.N.mlp.up_proj.weight"),
    "blocks.N.mlp.up.bias": ("layers.N.mlp.gate_proj.bias", "layers.N.mlp.up_proj.bias"),
    "blocks.N.mlp.down.weight": ("layers.N.mlp.down_proj.weight",),
    "blocks.N.mlp.down.bias": ("layers.N.mlp.down_proj.bias",),
    "final_norm.weight": ("norm.weight",),
    "unembedding.weight": ("lm_head.weight",),
}

LLAMA_IGNORED = r".*\.rotary_emb\.inv_freq"

FAMILIES: Mapping[str, Family] = {
    "gpt2": Family(_read_gpt2, "transformer.", GPT2_NAMES, GPT2_TRANSPOSED, r"h\.\d+\.attn\.(masked_)?bias"),
    "llama": Family(_read_plain_llama, "model.", LLAMA_NAMES, ignored=LLAMA_IGNORED),
    "mistral": Family(_read_mistral, "model.", LLAMA_NAMES, ignored=LLAMA_IGNORED),
    "qwen2": Family(_read_qwen2, "model.", LLAMA_NAMES, ignored=LLAMA_IGNORED),
}
