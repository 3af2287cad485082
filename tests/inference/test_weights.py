"""Loading weights: every layout and number type that exists gives the same model; what is damaged or hostile is named."""

import shutil
import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference import weight_files, weights
from inference.errors import CheckpointError, OutOfMemoryError
from inference.families import translate_config
from inference.weights import load_model, read_config
from tests.tiny import load_tiny, make_transformers_model, save_checkpoint, tiny_checkpoint, write_json

IDS = torch.arange(5, 25).unsqueeze(0)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """One untouched checkpoint of each kind."""
    return {kind: tiny_checkpoint(tmp_path_factory.mktemp(kind), kind) for kind in ("gpt2", "llama")}


@pytest.fixture(params=["gpt2", "llama"])
def folder(request, originals, tmp_path):
    """A copy to spoil."""
    return shutil.copytree(originals[request.param], tmp_path / "model")


@pytest.fixture
def llama(originals, tmp_path):
    return shutil.copytree(originals["llama"], tmp_path / "model")


@torch.inference_mode()
def logits(model) -> torch.Tensor:
    return model.logits(model(IDS))


def tensors_of(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def write_tensors(folder, tensors) -> None:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")


def assert_same_model(a, b) -> None:
    state = b.state_dict()
    for name, tensor in a.state_dict().items():
        assert torch.equal(tensor, state[name]), name


# --- what must load ---


def test_the_model_is_ready_to_run(folder):
    """Eval mode, no gradients, no memory still on `meta`, the rotary tables built in float32."""
    model = load_tiny(folder, torch.bfloat16)
    assert not model.training
    assert all(not parameter.requires_grad and parameter.dtype == torch.bfloat16 for parameter in model.parameters())
    assert all(buffer.dtype == torch.float32 and buffer.device == CPU for buffer in model.buffers())


def test_sharded_equals_unsharded(folder, tmp_path):
    """An index and several files hold the same model."""
    kind = read_config(folder)["model_type"]
    save_checkpoint(make_transformers_model(kind), tmp_path / "shards", max_shard_size="100KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 2
    assert_same_model(load_tiny(tmp_path / "shards"), load_tiny(folder))


@pytest.mark.parametrize("stored", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_any_stored_type_is_converted(folder, stored, wanted):
    """The numbers are those of the file, rounded once to the wanted type."""
    rounded = {name: tensor.to(stored) for name, tensor in tensors_of(folder).items()}
    write_tensors(folder, rounded)
    model = load_tiny(folder, wanted)
    name = "transformer.wte.weight" if "transformer.wte.weight" in rounded else "model.embed_tokens.weight"
    assert torch.equal(model.embedding.weight, rounded[name].to(wanted))


def test_names_without_prefix_load(folder):
    """As OpenAI's own GPT-2 repository has them, with the causal masks it stores beside."""
    before = load_tiny(folder)
    tensors = {name.removeprefix("transformer.").removeprefix("model."): t for name, t in tensors_of(folder).items()}
    if "wte.weight" in tensors:
        tensors |= {"h.0.attn.bias": torch.ones(1, 1, 128, 128), "h.1.attn.masked_bias": torch.tensor(-1e4)}
    else:
        tensors["layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    write_tensors(folder, tensors)
    assert_same_model(load_tiny(folder), before)


def test_a_tied_head_may_be_stored_once_or_twice_under_either_name(llama):
    """Embedding only, both, or lm_head only: one matrix in memory each time."""
    before = load_tiny(llama)
    tensors = tensors_of(llama)
    embedding = tensors["model.embed_tokens.weight"]
    write_tensors(llama, tensors | {"lm_head.weight": embedding.clone()})
    assert_same_model(load_tiny(llama), before)
    del tensors["model.embed_tokens.weight"]
    write_tensors(llama, tensors | {"lm_head.weight": embedding})
    assert_same_model(load_tiny(llama), before)


@pytest.mark.parametrize(
    "other", [lambda t: t + 1, lambda t: t.clone().view(torch.float16)], ids=["numbers", "same-bytes-of-another-type"]
)
def test_a_tied_head_that_differs_contradicts_the_config(llama, other):
    """Neither of two different matrices is dropped silently."""
    tensors = {name: tensor.bfloat16() for name, tensor in tensors_of(llama).items()}
    write_tensors(llama, tensors | {"lm_head.weight": other(tensors["model.embed_tokens.weight"])})
    with pytest.raises(CheckpointError, match="lm_head.weight.*two different"):
        load_tiny(llama)


def test_memory_and_progress_are_reported(folder):
    """`weights_bytes` is what the parameters take; progress rises to exactly 1."""
    family, config = translate_config(read_config(folder))
    seen = []
    loaded = load_model(folder, config, family, device=CPU, dtype=torch.bfloat16, progress=seen.append)
    assert loaded.weights_bytes == sum(parameter.nbytes for parameter in loaded.model.parameters()) == 2 * config.parameter_count
    fractions = [report.fraction for report in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] > 0
    assert fractions[-1] == 1.0


def test_a_link_into_a_download_cache_is_followed(folder, tmp_path):
    """Snapshots of the Hugging Face cache are folders of symbolic links."""
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).symlink_to(folder / name)
    assert_same_model(load_tiny(snapshot), load_tiny(folder))


# --- the hash ---


def load_hash(folder) -> str:
    family, config = translate_config(read_config(folder))
    return load_model(folder, config, family, device=CPU, dtype=torch.float32).weights_hash


def test_the_hash_is_that_of_the_file(folder):
    """Anyone can check it with sha256sum."""
    assert load_hash(folder) == sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_the_hash_of_a_large_checkpoint_sees_header_and_every_tensor(llama, monkeypatch):
    """Beyond the limit it reads samples: another number in any tensor's first or last row changes it."""
    monkeypatch.setattr(weight_files, "HASH_WHOLE_BYTES", 1000)
    monkeypatch.setattr(weight_files, "HASH_SAMPLE_BYTES", 64)
    tensors = tensors_of(llama)
    hashes = {load_hash(llama)}
    assert hashes != {sha256((llama / "model.safetensors").read_bytes()).hexdigest()}
    for name in tensors:
        for place in (0, -1):
            changed = tensors[name].clone()
            changed.view(-1)[place] += 1
            write_tensors(llama, tensors | {name: changed})
            hashes.add(load_hash(llama))
    assert len(hashes) == 1 + 2 * len(tensors)


# --- what does not fit ---


def test_everything_that_does_not_fit_is_named_at_once(llama):
    """One error lists what is missing, not expected, mis-shaped and of a type nobody can read."""
    tensors = tensors_of(llama)
    del tensors["model.norm.weight"], tensors["model.layers.1.mlp.up_proj.weight"]
    tensors["score.weight"] = torch.zeros(2, 2)
    tensors["model.layers.0.self_attn.k_proj.weight"] = torch.zeros(16, 64)
    tensors["model.layers.2.mlp.down_proj.weight"] = torch.zeros(64, 96, dtype=torch.int8)
    write_tensors(llama, tensors)
    with pytest.raises(CheckpointError) as caught:
        load_tiny(llama)
    message = str(caught.value)
    assert "2 missing: " in message
    for name in ("norm.weight", "layers.1.mlp.up_proj.weight"):
        assert name in message
    assert "1 not expected: score.weight" in message
    assert "1 of another shape: layers.0.self_attn.k_proj.weight [16, 64] instead of [32, 64]" in message
    assert "1 of a type that is not supported: layers.2.mlp.down_proj.weight I8" in message


def test_a_long_list_is_cut(llama):
    """Eight names and the number of the rest, however many there are."""
    write_tensors(llama, {"x" * 5000 + str(i): torch.zeros(1) for i in range(20)})
    with pytest.raises(CheckpointError, match=r"and 12 more") as caught:
        load_tiny(llama)
    assert len(str(caught.value)) < 2500


def test_untied_needs_its_head(llama):
    """Without tying, a checkpoint without lm_head is not filled with noise."""
    write_json(llama / "config.json", read_config(llama) | {"tie_word_embeddings": False})
    with pytest.raises(CheckpointError, match="1 missing: lm_head.weight"):
        load_tiny(llama)


def test_transposed_gpt2_matrices_are_noticed(originals, tmp_path):
    """A Conv1D matrix stored the other way round has another shape, and is not silently read."""
    folder = shutil.copytree(originals["gpt2"], tmp_path / "model")
    tensors = tensors_of(folder)
    name = "transformer.h.0.mlp.c_fc.weight"
    write_tensors(folder, tensors | {name: tensors[name].T})
    with pytest.raises(CheckpointError, match=r"h.0.mlp.c_fc.weight \[192, 48\] instead of \[48, 192\]"):
        load_tiny(folder)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
def test_numbers_that_are_none_are_named(llama, bad, stored):
    """NaN or infinity anywhere: the tensor is named."""
    tensors = {name: tensor.to(stored) for name, tensor in tensors_of(llama).items()}
    tensors["model.layers.1.mlp.up_proj.weight"][95, 63] = bad
    write_tensors(llama, tensors)
    with pytest.raises(CheckpointError, match="layers.1.mlp.up_proj.weight.*NaN or infinite"):
        load_tiny(llama)


def test_too_large_for_float16_is_named(llama):
    """A float32 number beyond float16 is not turned into infinity."""
    tensors = tensors_of(llama)
    tensors["model.norm.weight"][3] = 1e6
    write_tensors(llama, tensors)
    with pytest.raises(CheckpointError, match="norm.weight.*too large for float16"):
        load_tiny(llama, torch.float16)
    load_tiny(llama, torch.bfloat16)


def test_memory_is_looked_at_first(folder, monkeypatch):
    """Too little free memory: an error with both numbers before anything is read. Unknown: no check."""
    monkeypatch.setattr(weights, "available_bytes", lambda device: 100_000)
    monkeypatch.setattr(weights, "_read_tensor", lambda *_: pytest.fail("read although it does not fit"))
    with pytest.raises(OutOfMemoryError, match=r"0\.\d GB of memory as float32; 0\.\d GB are free.*bfloat16"):
        load_tiny(folder)
    monkeypatch.undo()
    monkeypatch.setattr(weights, "available_bytes", lambda device: None)
    load_tiny(folder)


def test_a_hostile_config_costs_no_memory(llama, monkeypatch):
    """Sizes far beyond the file are refused before anything of that size is made, also where free memory is unknown."""
    huge = {"vocab_size": 1 << 24, "hidden_size": 1 << 16, "intermediate_size": 1 << 24, "head_dim": 16}
    write_json(llama / "config.json", read_config(llama) | huge)
    with pytest.raises(OutOfMemoryError, match="GB of memory"):
        load_tiny(llama)
    monkeypatch.setattr(weights, "available_bytes", lambda device: None)
    with pytest.raises(CheckpointError, match="of another shape"):
        load_tiny(llama)


def test_laying_out_a_model_imports_nothing_more():
    """Random numbers on `meta` would import a second's and 80 MB worth of torch, in front of a waiting reader."""
    code = """
import sys, torch
from inference.config import ModelConfig
from inference.model import Transformer
shape = dict(vocab_size=9, width=8, n_layers=1, n_heads=2, n_kv_heads=2, head_width=4, mlp_width=8, context_tokens=9)
before = set(sys.modules)
with torch.device("meta"):
    Transformer(ModelConfig(**shape))
    Transformer(ModelConfig(**shape, positions="learned", norm="layernorm"))
print(len(set(sys.modules) - before))
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(process.stdout) < 10


def test_a_hostile_context_is_refused(llama, monkeypatch):
    """The rotary tables of an absurd context length count as memory, although no tensor shows their size."""
    monkeypatch.setattr(weights, "available_bytes", lambda device: 1 << 30)
    write_json(llama / "config.json", read_config(llama) | {"max_position_embeddings": 1 << 24})
    with pytest.raises(OutOfMemoryError, match="2.1 GB"):
        load_tiny(llama)


def test_a_tensor_with_and_without_prefix_is_refused(llama):
    """The same weight under two names."""
    tensors = tensors_of(llama)
    write_tensors(llama, tensors | {"norm.weight": tensors["model.norm.weight"].clone()})
    with pytest.raises(CheckpointError, match="norm.weight twice"):
        load_tiny(llama)


# --- memory ---

PEAK = """
import sys, torch
from pathlib import Path
from inference.families import translate_config
from inference.weights import load_model, read_config
def status(name):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))
folder = Path(sys.argv[1])
family, config = translate_config(read_config(folder))
torch.zeros(1).to(torch.bfloat16).aminmax()
before = status("VmRSS")
loaded = load_model(folder, config, family, device=torch.device("cpu"), dtype=getattr(torch, sys.argv[2]))
print(status("VmHWM") - before, loaded.weights_bytes)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_peak_of_memory_is_the_weights_and_one_tensor(tmp_path, dtype):
    """A checkpoint is never in memory twice: about 200 MB of float32, the largest tensor 17 MB."""
    shape = {"hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 16, "vocab_size": 8192}
    save_checkpoint(make_transformers_model("llama", **shape), tmp_path)
    process = subprocess.run([sys.executable, "-c", PEAK, tmp_path, dtype], capture_output=True, text=True, check=True)
    peak, weights_bytes = map(int, process.stdout.split())
    largest = 8192 * 512 * 4
    assert weights_bytes > 90e6
    assert peak < weights_bytes + 2 * largest  # one as stored, one converted
