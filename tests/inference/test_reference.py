"""The fast path against its slow, obvious twin, and the twin against what must be true of any causal model."""

import pytest
import torch

from inference.config import ModelConfig, RopeScaling
from inference.errors import RequestError
from inference.model import Transformer
from inference.reference import reference_logits
from tests.tiny import randomise

SHAPE = {"vocab_size": 97, "width": 32, "n_layers": 2, "n_heads": 4, "head_width": 8, "mlp_width": 48, "context_tokens": 40}
GPT2 = {"n_kv_heads": 4, "positions": "learned", "norm": "layernorm", "mlp": "gelu_tanh"}
BIASES = {"qkv_bias": True, "attention_out_bias": True, "mlp_bias": True}

CONFIGS = {
    "gpt2": GPT2 | BIASES,
    "gpt2-exact": GPT2 | BIASES | {"mlp": "gelu"},
    "gpt2-relu": GPT2 | {"mlp": "relu", "tied_embeddings": False},
    "llama": {"n_kv_heads": 2},
    "llama-biases": {"n_kv_heads": 1, "tied_embeddings": False, "head_width": 12} | BIASES,
    "llama3": {"n_kv_heads": 4, "rope_theta": 500.0, "rope_scaling": RopeScaling(4.0, 1.0, 4.0, 16)},
}


@pytest.fixture(params=CONFIGS)
def model(request):
    return randomise(Transformer(ModelConfig(**(SHAPE | CONFIGS[request.param])))).double().eval()


def sequence(length: int = 40) -> torch.Tensor:
    return torch.randint(0, 97, (length,), generator=torch.Generator().manual_seed(5))


@torch.inference_mode()
def test_fast_path_equals_reference(model):
    """Fused q, k, v and gate, torch's attention, norm and rotation compute what the obvious formulas say."""
    ids = sequence()
    fast = model.logits(model(ids.unsqueeze(0)))[0]
    assert fast.std() > 0.5
    torch.testing.assert_close(fast, reference_logits(model, ids), rtol=0, atol=1e-10)


@torch.inference_mode()
def test_fast_path_equals_reference_in_float32(model):
    """The same in the number type that runs."""
    ids = sequence()
    model = model.float()
    torch.testing.assert_close(model.logits(model(ids.unsqueeze(0)))[0], reference_logits(model, ids), rtol=0, atol=1e-4)


def test_the_future_does_not_reach_the_past(model):
    """Another last token leaves all earlier logits as they were, bit for bit."""
    ids = sequence(12)
    other = ids.clone()
    other[-1] = (other[-1] + 1) % 97
    before, after = reference_logits(model, ids), reference_logits(model, other)
    assert torch.equal(before[:-1], after[:-1])
    assert not torch.allclose(before[-1], after[-1])


def test_positions_count(model):
    """The same tokens in another order give other logits at the end: positions are seen at all."""
    ids = sequence(8)
    swapped = ids[[1, 0, *range(2, 8)]]
    assert not torch.allclose(reference_logits(model, ids)[-1], reference_logits(model, swapped)[-1])


def test_list_and_tensor_are_the_same(model):
    """Ids may come as a plain list."""
    ids = sequence(5)
    assert torch.equal(reference_logits(model, ids.tolist()), reference_logits(model, ids))


@pytest.mark.parametrize("length", [0, 41])
def test_what_does_not_fit_is_refused(model, length):
    """No silent slicing of positions that do not exist."""
    with pytest.raises(RequestError, match=f"{length} tokens"):
        reference_logits(model, [1] * length)
