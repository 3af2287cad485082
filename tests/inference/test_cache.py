"""Reading with a cache, in any pieces and after any crop, gives what reading everything afresh gives."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.cache import KVCache
from inference.config import ModelConfig
from inference.errors import ContextFullError
from inference.model import Transformer, chunk_mask
from tests.tiny import randomise

SHAPE = {"vocab_size": 97, "width": 32, "n_layers": 3, "n_heads": 4, "head_width": 8, "mlp_width": 48, "context_tokens": 64}
CONFIGS = {
    "gpt2": ModelConfig(**SHAPE, n_kv_heads=4, positions="learned", norm="layernorm", mlp="gelu_tanh", qkv_bias=True),
    "llama": ModelConfig(**SHAPE, n_kv_heads=2),
}
MODELS = {name: randomise(Transformer(config)).double().eval() for name, config in CONFIGS.items()}
IDS = torch.randint(0, 97, (64,), generator=torch.Generator().manual_seed(7))


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def new_cache(model: Transformer, capacity: int = 64) -> KVCache:
    return KVCache(model.config, capacity, device=torch.device("cpu"), dtype=torch.float64)


@torch.inference_mode()
def fresh(model: Transformer, ids: torch.Tensor = IDS) -> torch.Tensor:
    """Logits (T, V) without any cache."""
    return model.logits(model(ids.unsqueeze(0)))[0]


@torch.inference_mode()
def read(model: Transformer, cache: KVCache, ids: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Logits (T, V) of ids read in pieces; the last size repeats."""
    pieces, start = [], 0
    while start < len(ids):
        size = sizes[min(len(pieces), len(sizes) - 1)]
        pieces.append(model.logits(model(ids[start : start + size].unsqueeze(0), cache))[0])
        start += size
    return torch.cat(pieces)


def assert_same(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("sizes", [[1], [2], [3], [7], [32], [64], [5, 1], [1, 63], [20, 20, 1]], ids=str)
def test_any_pieces_equal_fresh(model, sizes):
    """Decoding token by token and prefill in chunks of any size give the logits of one pass, at every position."""
    cache = new_cache(model)
    assert_same(read(model, cache, IDS, sizes), fresh(model))
    assert cache.length == 64


def test_crop_and_continue_equals_fresh(model):
    """After a crop the cache holds exactly the shorter text: what was beyond leaves no trace."""
    other = (IDS + 11) % 97
    cache = new_cache(model)
    read(model, cache, IDS, [9])
    cache.crop(23)
    branch = torch.cat((IDS[:23], other[23:50]))
    assert_same(read(model, cache, branch[23:], [4, 1]), fresh(model, branch)[23:])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_history_of_reads_and_crops_equals_fresh(data):
    """Whatever was read and forgotten before, the next logits are those of the text that is left."""
    model = MODELS[data.draw(st.sampled_from(sorted(MODELS)))]
    cache, text = new_cache(model), torch.empty(0, dtype=torch.long)
    for _ in range(data.draw(st.integers(1, 5))):
        keep = data.draw(st.integers(0, len(text)))
        cache.crop(keep)
        new = torch.tensor(data.draw(st.lists(st.integers(0, 96), min_size=1, max_size=12)))
        text = torch.cat((text[:keep], new))
        logits = read(model, cache, new, [data.draw(st.integers(1, 12))])
        assert cache.length == len(text)
        assert_same(logits, fresh(model, text)[keep:])


def test_a_batch_keeps_rows_apart(model):
    """Two rows in one cache do not see each other."""
    rows = torch.stack((IDS[:20], (IDS[:20] + 1) % 97))
    cache = KVCache(model.config, 64, batch=2, device=torch.device("cpu"), dtype=torch.float64)
    with torch.inference_mode():
        hidden = torch.cat((model(rows[:, :12], cache), model(rows[:, 12:], cache)), dim=1)
        logits = model.logits(hidden)
    for row in range(2):
        assert_same(logits[row], fresh(model, rows[row]))


def test_a_full_cache_refuses_and_stays_as_it_was(model):
    """One token too many raises before anything is written, and the cache can be used on."""
    cache = new_cache(model, capacity=10)
    read(model, cache, IDS[:8], [8])
    with pytest.raises(ContextFullError, match="10 tokens; this needs 11"):
        read(model, cache, IDS[8:11], [3])
    assert cache.length == 8
    assert_same(read(model, cache, IDS[8:10], [2]), fresh(model, IDS[:10])[8:])


@pytest.mark.parametrize("length", [-1, 9])
def test_a_crop_beyond_the_end_is_a_mistake(model, length):
    """Cropping never makes up tokens."""
    cache = new_cache(model)
    read(model, cache, IDS[:8], [8])
    with pytest.raises(ValueError, match="8 tokens"):
        cache.crop(length)


def test_canary_is_causal_aligns_to_the_top_left():
    """Why `chunk_mask` exists: with fewer queries than keys, torch's is_causal hides keys that must be seen.

    If this fails, torch has changed what it does, and `Attention.forward` may become simpler.
    """
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 1, n, 8, generator=generator) for n in (2, 5, 5))
    right = F.scaled_dot_product_attention(q, k, v, attn_mask=chunk_mask(3, 5, torch.device("cpu")))
    wrong = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert not torch.allclose(right, wrong)
    top_left = torch.ones(2, 5, dtype=torch.bool).tril()
    torch.testing.assert_close(wrong, F.scaled_dot_product_attention(q, k, v, attn_mask=top_left))


def test_chunk_mask_lets_each_query_see_its_past_and_itself():
    """Queries 3 and 4 of five keys see four and five of them; a single query needs no mask."""
    assert chunk_mask(3, 5, torch.device("cpu")).tolist() == [[True] * 4 + [False], [True] * 5]
    assert chunk_mask(4, 5, torch.device("cpu")) is None
