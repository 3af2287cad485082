"""The same weights give the same logits here and in transformers, for every switch of every supported family."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

from tests.tiny import load_tiny, make_transformers_model, save_checkpoint

LLAMA3_SCALING = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}

CASES = {
    "gpt2": ("gpt2", {}),
    "gpt2-exact-gelu": ("gpt2", {"activation_function": "gelu"}),
    "gpt2-relu": ("gpt2", {"activation_function": "relu"}),
    "gpt2-untied": ("gpt2", {"tie_word_embeddings": False}),
    "gpt2-inner-width": ("gpt2", {"n_inner": 80, "layer_norm_epsilon": 1e-3}),
    "llama-grouped": ("llama", {}),
    "llama-one-kv-head": ("llama", {"num_key_value_heads": 1}),
    "llama-every-head": ("llama", {"num_key_value_heads": 4, "rms_norm_eps": 1e-3}),
    "llama-untied": ("llama", {"tie_word_embeddings": False}),
    "llama-head-width": ("llama", {"head_dim": 24}),
    "llama-biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama-theta": ("llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}),
    "llama3-scaling": ("llama", {"rope_parameters": LLAMA3_SCALING}),
    "mistral": ("mistral", {"sliding_window": None}),
    "qwen2": ("qwen2", {}),
}


@pytest.fixture(params=CASES)
def pair(request, tmp_path):
    """A transformers model and the folder of its checkpoint."""
    kind, changes = CASES[request.param]
    theirs = make_transformers_model(kind, **changes)
    save_checkpoint(theirs, tmp_path)
    return theirs, tmp_path


def sequence() -> torch.Tensor:
    """A full context of ids (1, 128)."""
    return torch.randint(0, 512, (1, 128), generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def largest_difference(theirs, ours) -> float:
    """Between the logits of both at every position of a full context."""
    ids = sequence()
    expected = theirs(ids).logits
    assert expected.std() > 1  # so that 1e-4 means something
    return (ours.logits(ours(ids)) - expected).abs().max().item()


def test_float32_logits_equal_transformers(pair):
    """Pins names, transposes, fused matrices, biases, norms, activations and rotary positions of every family."""
    theirs, folder = pair
    assert largest_difference(theirs, load_tiny(folder)) < 1e-4


def test_float64_logits_equal_transformers_to_rounding(pair, monkeypatch):
    """What is left of the float32 difference is rounding: in float64 it is a billionth.

    transformers computes its RMSNorm in float32 whatever the weights are, so here it is given one that does not.
    """

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    for norm in (LlamaRMSNorm, MistralRMSNorm, Qwen2RMSNorm):
        monkeypatch.setattr(norm, "forward", forward)
    theirs, folder = pair
    is_scaled = getattr(theirs.config, "rope_parameters", None) == LLAMA3_SCALING
    # The blend of scaled frequencies is float32 on both sides but rounded in another order.
    assert largest_difference(theirs.double(), load_tiny(folder, torch.float64)) < (1e-4 if is_scaled else 1e-9)


@torch.inference_mode()
def test_a_sliding_window_becomes_the_context_and_stays_exact(tmp_path):
    """Pins the promise of `families`: within one window, the model equals the windowed original; beyond, it refuses."""
    theirs = make_transformers_model("mistral", sliding_window=40)
    save_checkpoint(theirs, tmp_path)
    ours = load_tiny(tmp_path)
    assert ours.config.context_tokens == 40
    ids = sequence()
    expected = theirs(ids).logits[:, :40]
    assert (ours.logits(ours(ids[:, :40])) - expected).abs().max() < 1e-4


@torch.inference_mode()
def test_bfloat16_stays_near_float32(tmp_path):
    """Half precision works end to end, with the rotary tables kept in float32 until they are used."""
    theirs = make_transformers_model("llama")
    save_checkpoint(theirs, tmp_path)
    ours = load_tiny(tmp_path, torch.bfloat16)
    assert ours.rope_cos.dtype == torch.float32
    ids = sequence()
    logits = ours.logits(ours(ids))
    assert logits.dtype == torch.float32
    exact = theirs(ids).logits
    # Judged by transformers' own bfloat16, not by a number that somebody once saw.
    limit = (theirs.bfloat16()(ids).logits.float() - exact).abs().mean()
    assert (logits - exact).abs().mean() < 1.5 * limit
