"""config.json of every supported family: what it means, and what is refused, by name and value."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference.config import ModelConfig, RopeScaling
from inference.errors import CheckpointError
from inference.families import FAMILIES, canonical_name, layout, translate_config
from inference.model import Transformer

GPT2 = {
    "model_type": "gpt2",
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-05,
    "n_ctx": 1024,
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 1024,
    "vocab_size": 50257,
}
LLAMA = {
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_attention_heads": 32,
    "num_hidden_layers": 16,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-05,
    "rope_theta": 500000.0,
    "rope_scaling": {
        "factor": 32.0,
        "high_freq_factor": 4.0,
        "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
    "tie_word_embeddings": True,
    "vocab_size": 128256,
}
MISTRAL = {
    "model_type": "mistral",
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 32768,
    "sliding_window": 4096,
    "tie_word_embeddings": False,
    "vocab_size": 32000,
}
QWEN2 = {
    "model_type": "qwen2",
    "hidden_act": "silu",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_attention_heads": 14,
    "num_hidden_layers": 24,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "sliding_window": 32768,
    "use_sliding_window": False,
    "tie_word_embeddings": True,
    "rope_theta": 1000000.0,
    "vocab_size": 151936,
}

# Published sizes of GPT-2 small, Llama 3.2 1B, Mistral 7B and Qwen2.5 0.5B.
PARAMETERS = [(GPT2, 124_439_808), (LLAMA, 1_235_814_400), (MISTRAL, 7_241_732_096), (QWEN2, 494_032_768)]


@pytest.mark.parametrize(("hf", "count"), PARAMETERS, ids=lambda value: str(value)[:24])
def test_known_models_have_their_published_number_of_parameters(hf, count):
    """The translation, `parameter_count` and the model itself agree with what the makers say."""
    family, config = translate_config(hf)
    assert family == hf["model_type"]
    assert config.parameter_count == count
    with torch.device("meta"):
        model = Transformer(config)
    assert sum(parameter.numel() for parameter in model.parameters()) == count
    assert sum(math.prod(part.shape) for parts in layout(family, model).values() for part in parts) == count


def test_gpt2_is_read_field_by_field():
    """Widths, biases and the tanh GELU; the inner width is four times the width unless given."""
    shape = {"vocab_size": 50257, "width": 768, "n_layers": 12, "n_heads": 12, "n_kv_heads": 12, "head_width": 64}
    switches = {"positions": "learned", "norm": "layernorm", "mlp": "gelu_tanh"}
    biases = {"qkv_bias": True, "attention_out_bias": True, "mlp_bias": True}
    expected = ModelConfig(**shape, mlp_width=3072, context_tokens=1024, **switches, **biases)
    assert translate_config(GPT2) == ("gpt2", expected)
    assert translate_config(GPT2 | {"n_inner": 100})[1].mlp_width == 100


def test_llama_is_read_field_by_field():
    """Grouped heads and the scaled rotary positions of Llama 3."""
    shape = {"vocab_size": 128256, "width": 2048, "n_layers": 16, "n_heads": 32, "n_kv_heads": 8, "head_width": 64}
    rope = {"rope_theta": 500000.0, "rope_scaling": RopeScaling(32.0, 1.0, 4.0, 8192)}
    assert translate_config(LLAMA) == ("llama", ModelConfig(**shape, mlp_width=8192, context_tokens=131072, **rope))


def test_transformers_5_writes_rotary_positions_elsewhere():
    """`rope_parameters` says the same as `rope_theta` with `rope_scaling`, and has precedence over them."""
    old = translate_config(LLAMA)
    new = {key: value for key, value in LLAMA.items() if not key.startswith("rope")}
    new["rope_parameters"] = LLAMA["rope_scaling"] | {"rope_theta": 500000.0}
    assert translate_config(new) == old
    assert translate_config(new | {"rope_theta": 1.0, "rope_scaling": {"type": "linear", "factor": 2.0}}) == old


def test_defaults_are_those_of_transformers():
    """What a Llama config.json leaves out means what it means there: untied, theta 10,000, one k/v head per head."""
    optional = (
        "num_key_value_heads",
        "head_dim",
        "rms_norm_eps",
        "rope_theta",
        "rope_scaling",
        "tie_word_embeddings",
        "hidden_act",
    )
    _, config = translate_config({key: value for key, value in LLAMA.items() if key not in optional})
    assert (config.n_kv_heads, config.head_width, config.norm_eps) == (32, 64, 1e-6)
    assert (config.rope_theta, config.rope_scaling, config.tied_embeddings, config.mlp) == (10000.0, None, False, "swiglu")


@pytest.mark.parametrize(
    ("window", "context"),
    [({}, 4096), ({"sliding_window": None}, 32768), ({"sliding_window": 100}, 100), ({"sliding_window": 1 << 20}, 32768)],
)
def test_mistral_sees_no_further_than_its_window(window, context):
    """The context is cut to the window, in which attention is exact; a missing field means 4,096, null none."""
    hf = {key: value for key, value in MISTRAL.items() if key != "sliding_window"}
    assert translate_config(hf | window)[1].context_tokens == context


def test_qwen2_has_biases_on_queries_keys_and_values_only():
    """And its window counts only where it is switched on."""
    _, config = translate_config(QWEN2)
    assert (config.qkv_bias, config.attention_out_bias, config.mlp_bias) == (True, False, False)
    assert config.context_tokens == 32768
    assert translate_config(QWEN2 | {"use_sliding_window": True, "sliding_window": 512})[1].context_tokens == 512


@pytest.mark.parametrize(
    ("hf", "change", "named"),
    [
        (GPT2, {"model_type": "bloom"}, "'bloom'.*gpt2, llama, mistral, qwen2"),
        (GPT2, {"model_type": None}, "model_type"),
        (GPT2, {"activation_function": "tanh"}, "activation_function.*'tanh'.*gelu_new"),
        (GPT2, {"scale_attn_weights": False}, "scale_attn_weights.*False"),
        (GPT2, {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        (GPT2, {"add_cross_attention": True}, "add_cross_attention"),
        (GPT2, {"n_head": 7}, "768.*7"),
        (GPT2, {"n_embd": "768"}, "n_embd as '768'"),
        (GPT2, {"tie_word_embeddings": 1}, "tie_word_embeddings as 1"),
        (LLAMA, {"hidden_act": "gelu"}, "hidden_act.*'gelu'"),
        (LLAMA, {"num_key_value_heads": 5}, "32.*5"),
        (LLAMA, {"head_dim": 63}, "63"),
        (LLAMA, {"head_dim": 1 << 24}, "16,777,216"),
        (LLAMA, {"num_hidden_layers": 1025}, "1,025"),
        (LLAMA, {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "'yarn'.*default.*llama3"),
        (LLAMA, {"rope_scaling": {"type": "linear", "factor": 4.0}}, "'linear'"),
        (LLAMA, {"rope_scaling": "llama3"}, "rope_scaling as 'llama3'"),
        (LLAMA, {"rope_scaling": {"rope_type": "llama3"}}, r"rope_scaling\.low_freq_factor"),
        (LLAMA, {"rope_scaling": LLAMA["rope_scaling"] | {"low_freq_factor": 4.0}}, "low_freq_factor 4"),
        (LLAMA, {"rope_scaling": LLAMA["rope_scaling"] | {"factor": 0.0}}, r"rope_scaling\.factor as 0.0"),
        (LLAMA, {"rope_parameters": {"rope_theta": -1.0}}, r"rope_parameters\.rope_theta as -1.0"),
        (LLAMA, {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}, "partial_rotary_factor as 0.5"),
        (LLAMA, {"partial_rotary_factor": 0.5}, "partial_rotary_factor as 0.5"),
        (LLAMA, {"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        (MISTRAL, {"sliding_window": 0}, "sliding_window as 0"),
        (QWEN2, {"use_sliding_window": "yes"}, "use_sliding_window as 'yes'"),
    ],
)
def test_what_is_not_supported_is_named(hf, change, named):
    """Each refusal says which field has which value and what would be accepted."""
    with pytest.raises(CheckpointError, match=named):
        translate_config(hf | change)


REQUIRED = [(GPT2, name) for name in ("n_embd", "n_head", "n_layer", "n_positions", "vocab_size")] + [
    (hf, name)
    for hf in (LLAMA, MISTRAL, QWEN2)
    for name in (
        "hidden_size",
        "intermediate_size",
        "num_attention_heads",
        "num_hidden_layers",
        "max_position_embeddings",
        "vocab_size",
    )
]


@pytest.mark.parametrize(("hf", "field"), REQUIRED, ids=[f"{hf['model_type']}-{field}" for hf, field in REQUIRED])
def test_every_size_is_checked(hf, field):
    """Missing, null, a fraction, a text, a truth value, a list, negative, nought, huge: the field is named each time."""
    without = {key: value for key, value in hf.items() if key != field}
    for config in (without, without | {field: None}):
        with pytest.raises(CheckpointError, match=f"does not say {field}"):
            translate_config(config)
    for bad in (1.5, 12.0, "12", True, [12], {}, -1, 0, (1 << 24) + 1, 10**400, math.nan, math.inf):
        with pytest.raises(CheckpointError, match=f"{field} as") as caught:
            translate_config(hf | {field: bad})
        assert len(str(caught.value)) < 250


@pytest.mark.parametrize("bad", ["1e-5", True, -1e-5, 0, 5.0, math.nan, math.inf, 10**400, []])
@pytest.mark.parametrize(("hf", "field"), [(GPT2, "layer_norm_epsilon"), (LLAMA, "rms_norm_eps")])
def test_every_number_is_checked(hf, field, bad):
    """The same for numbers that need not be whole."""
    with pytest.raises(CheckpointError, match=f"{field} as"):
        translate_config(hf | {field: bad})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
field_names = st.sampled_from(sorted({*GPT2, *LLAMA, *MISTRAL, *QWEN2, "rope_parameters", "quantization_config", "n_inner"}))


@given(st.sampled_from([GPT2, LLAMA, MISTRAL, QWEN2]), st.dictionaries(field_names, json_values, min_size=1, max_size=4))
def test_no_config_json_raises_anything_else(hf, changes):
    """Whatever JSON stands in the fields: a usable configuration or a CheckpointError, nothing else."""
    try:
        family, config = translate_config(hf | changes)
    except CheckpointError as error:
        assert len(str(error)) < 400
    else:
        assert family in FAMILIES
        assert config.parameter_count > 0


def test_names_with_and_without_prefix_are_the_same():
    """Both ways of writing GPT-2 and Llama names exist in published checkpoints; stored buffers are no weights."""
    assert canonical_name("gpt2", "transformer.h.0.attn.c_attn.weight") == "h.0.attn.c_attn.weight"
    assert canonical_name("gpt2", "h.0.attn.c_attn.weight") == "h.0.attn.c_attn.weight"
    assert canonical_name("gpt2", "lm_head.weight") == "lm_head.weight"
    assert canonical_name("gpt2", "h.11.attn.bias") == canonical_name("gpt2", "transformer.h.0.attn.masked_bias") == ""
    assert canonical_name("gpt2", "h.0.attn.c_attn.bias") != ""
    assert canonical_name("llama", "model.norm.weight") == "norm.weight"
    assert canonical_name("llama", "model.layers.0.self_attn.rotary_emb.inv_freq") == ""
