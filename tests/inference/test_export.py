"""A training run written as a Hugging Face checkpoint is the same model, tokenizer and chat layout in transformers and here."""

import json
import sys

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from inference.families import translate_config
from inference.training.corpus import encode_document
from inference.training.export import export_checkpoint, load_run, main
from inference.training.train import make_model
from inference.weights import read_config
from tests.tiny import load_tiny, randomise, write_tiny_tokenizer

SIZE = {"width": 64, "layers": 2, "heads": 4, "mlp_width": 96, "context": 128}
IDS = torch.arange(5, 45).unsqueeze(0)

CHATS = [
    [{"role": "user", "content": "Hello! How are you?"}],
    [
        {"role": "system", "content": "You tell stories.\n"},
        {"role": "user", "content": "  What is a number?  "},
        {"role": "assistant", "content": "\nNumbers never lie.\n\n- 1\n- 2 {{ 'not a template' }} {% endif %}"},
        {"role": "user", "content": "Thank you, \U0001f409!"},
    ],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": "<b>&amp;</b>\t'\""}],
]


@pytest.fixture(scope="module", params=[4, 2], ids=["all-heads", "grouped"])
def model(request):
    """Made as training makes it, with numbers that are not the nought training starts from."""
    return randomise(make_model(SIZE | {"kv_heads": request.param}, 512)).eval()


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory):
    return write_tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")) / "tokenizer.json"


@pytest.fixture(scope="module")
def exported(model, tokenizer_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "model"
    export_checkpoint(model, tokenizer_file, folder, name="Tiny", dtype=torch.float32, temperature=0.6, top_p=0.9)
    return folder


@torch.inference_mode()
def test_transformers_gives_the_same_logits(model, exported):
    """Names, split matrices, norms, rotary base and tying arrive as they were."""
    theirs, info = AutoModelForCausalLM.from_pretrained(exported, output_loading_info=True, dtype=torch.float32)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    expected = model.logits(model(IDS))
    assert expected.std() > 1
    assert (theirs(IDS).logits - expected).abs().max() < 1e-4


@torch.inference_mode()
def test_our_own_loader_gives_the_same_model(model, exported):
    """Config and weights survive the round trip bit for bit."""
    assert translate_config(read_config(exported)) == ("llama", model.config)
    ours = load_tiny(exported)
    for name, parameter in model.named_parameters():
        assert torch.equal(ours.get_parameter(name), parameter), name


def test_bfloat16_rounds_once(model, tokenizer_file, tmp_path):
    """The default halves the file and holds each number rounded to bfloat16."""
    export_checkpoint(model, tokenizer_file, tmp_path, name="Tiny")
    assert read_config(tmp_path)["dtype"] == "bfloat16"
    ours = load_tiny(tmp_path)
    for name, parameter in model.named_parameters():
        assert torch.equal(ours.get_parameter(name), parameter.bfloat16().float()), name


@pytest.mark.parametrize("messages", CHATS, ids=range(len(CHATS)))
def test_the_chat_template_is_the_layout_of_training(exported, messages):
    """`apply_chat_template` gives the ids `encode_document` trained on, then the mark that asks for an answer."""
    theirs = AutoTokenizer.from_pretrained(exported)
    trained, _ = encode_document(Tokenizer.from_file(str(exported / "tokenizer.json")), {"messages": messages})
    assert theirs.apply_chat_template(messages, return_dict=False) == trained
    asked = theirs.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert asked == [*trained, theirs.convert_tokens_to_ids("<|assistant|>")]


def test_the_chat_template_refuses_other_roles(exported):
    """A mark that was never trained is not made up."""
    with pytest.raises(Exception, match="unknown role: tool"):
        AutoTokenizer.from_pretrained(exported).apply_chat_template([{"role": "tool", "content": "x"}])


def test_special_tokens_and_generation_settings_are_written(exported):
    """Ends of an answer, beginning of a text, and the recommended sampling, where transformers looks for them."""
    theirs = AutoTokenizer.from_pretrained(exported)
    assert (theirs.bos_token, theirs.eos_token, theirs.pad_token) == ("<|endoftext|>", "<|end|>", "<|endoftext|>")
    assert theirs.model_max_length == 128
    generation = GenerationConfig.from_pretrained(exported)
    assert (generation.bos_token_id, generation.pad_token_id) == (0, 0)
    assert generation.eos_token_id[:2] == [4, 0]
    assert set(generation.eos_token_id) == set(range(5))  # every mark ends an answer
    assert (generation.do_sample, generation.temperature, generation.top_p) == (True, 0.6, 0.9)
    config = read_config(exported)
    assert (config["bos_token_id"], config["eos_token_id"], config["_name_or_path"]) == (0, 4, "Tiny")


def test_every_user_can_read_the_files(exported):
    """The model belongs to all users of a machine; safetensors by itself lets only the owner read it."""
    assert {file.name for file in exported.iterdir() if file.stat().st_mode & 0o444 != 0o444} == set()


def test_a_foreign_tokenizer_is_refused(model, tmp_path):
    """A vocabulary of another size would shift every token."""
    tokenizer_file = write_tiny_tokenizer(tmp_path, 400) / "tokenizer.json"
    with pytest.raises(ValueError, match="400 tokens, the model 512"):
        export_checkpoint(model, tokenizer_file, tmp_path / "out", name="Tiny")
    assert not (tmp_path / "out").exists()


def test_the_command_exports_a_saved_run(tokenizer_file, tmp_path, monkeypatch, capsys):
    """From state.pt and recipe to a folder that loads."""
    trained = randomise(make_model(SIZE, 512), seed=9)
    run = tmp_path / "run"
    run.mkdir()
    torch.save({"model": trained.state_dict(), "optimizers": [], "counters": [0]}, run / "state.pt")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("vocab_size = 512\n[model]\n" + "".join(f"{key} = {value}\n" for key, value in SIZE.items()))
    out = tmp_path / "out"
    arguments = [str(run), str(tokenizer_file), str(out), "--name", "Tiny", "--recipe", str(recipe), "--dtype", "float32"]
    monkeypatch.setattr(sys, "argv", ["export", *arguments])
    main()
    assert "parameters" in capsys.readouterr().out
    assert torch.equal(load_tiny(out).embedding.weight, trained.embedding.weight)
    generation = json.loads((out / "generation_config.json").read_text())
    assert (generation["temperature"], generation["top_p"]) == (0.7, 0.95)
    assert load_run(run, {"model": SIZE, "vocab_size": 512}).training is False
