"""Tiny random checkpoints in Hugging Face layout, made by transformers itself, for tests of everything that loads one."""

import json
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.utils import logging as transformers_logging

from inference.families import translate_config
from inference.model import Transformer
from inference.training.export import CHAT_TEMPLATE
from inference.training.train_tokenizer import PATTERN
from inference.weights import load_model, read_config

torch.set_num_threads(1)  # the models are tiny, and threads that wait for each other cost more than they bring
transformers_logging.disable_progress_bar()

SPECIAL_TOKENS = ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>")  # ids 0 to 4
BOS_ID, END_ID = 0, 4

CLASSES = {
    "gpt2": (GPT2Config, GPT2LMHeadModel),
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mistral": (MistralConfig, MistralForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
}

TEXT = """Once upon a time there was a small dragon who lived on a green hill above a quiet village. Every morning it
flew down to the river, and every evening it came back with a story. The children of the village were not afraid: they
brought bread and honey, sat in the grass and asked questions. "Where does the river go?" said a girl called Mina.
"It goes to the sea," said the dragon, "and the sea goes to the sky, and the sky comes back as rain." Nobody believed it
at first. Then the winter of 1893 came, the snow stood 12 feet high, and the dragon kept the whole village warm. It didn't
sleep for 40 days; it couldn't, because somebody had to tell the stories. What shall we do when you're gone? they asked.
You'll tell them yourselves, it answered, and that's what they have done ever since. Here is how one of them begins:
Dear reader, the king of the mountains had three daughters. The eldest could read the stars, the second could speak with
birds, and the youngest could count: 1, 2, 3, 5, 7, 11, 13. "Numbers," she said, "never lie, but people who use them do!"
What is a number? How many are there? Who was the first to write one down? Please explain it to me in simple words.
Thank you, that was very helpful. Hello! How are you today? I am fine, and I would like to hear another story, please.
"""


def tiny_checkpoint(folder: Path, kind: str, **changes: object) -> Path:
    """Write a seeded random float32 checkpoint ("gpt2", "llama", "mistral" or "qwen2") with its tokenizer; returns the folder.

    `changes` override fields of transformers' own config. Norm weights and biases are far from their initial ones and
    zeros, so that forgetting one of them shows. Logits spread over several units.
    """
    save_checkpoint(make_transformers_model(kind, **changes), folder)
    vocab_size = int(changes.get("vocab_size", 512))
    write_tiny_tokenizer(folder, min(512, vocab_size), has_chat=kind != "gpt2")
    return folder


def load_tiny(folder: Path, dtype: torch.dtype = torch.float32) -> Transformer:
    """Our model from a checkpoint folder, on the CPU."""
    family, config = translate_config(read_config(folder))
    return load_model(folder, config, family, device=torch.device("cpu"), dtype=dtype).model


def make_transformers_model(kind: str, seed: int = 1, **changes: object) -> PreTrainedModel:
    """A tiny transformers model ("gpt2", "llama", "mistral" or "qwen2") with every parameter drawn from `seed`, in eval mode."""
    if kind == "gpt2":
        shape = {"n_embd": 48, "n_layer": 2, "n_head": 4, "n_positions": 128, "bos_token_id": BOS_ID, "eos_token_id": BOS_ID}
    else:
        shape = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
        shape |= {"intermediate_size": 96, "max_position_embeddings": 128, "tie_word_embeddings": True}
        shape |= {"bos_token_id": BOS_ID, "eos_token_id": END_ID}
    if kind == "mistral":
        shape["head_dim"] = 16
    config_class, model_class = CLASSES[kind]
    with torch.random.fork_rng():
        model = model_class(config_class(**({"vocab_size": 512} | shape | changes)))
    return randomise(model, seed).eval()


@torch.no_grad()
def randomise(model: torch.nn.Module, seed: int = 1) -> torch.nn.Module:
    """Draw every parameter: matrices at a working scale, norm weights around 1, biases around 0."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            center = 1.0 if name.endswith("weight") else 0.0
            parameter.copy_(center + 0.2 * noise)
        elif "embed" in name or "wte" in name or "wpe" in name or "lm_head" in name:
            parameter.copy_(0.4 * noise)
        else:
            parameter.copy_(noise * min(parameter.shape) ** -0.5)
    return model


def save_checkpoint(model: PreTrainedModel, folder: Path, **options: object) -> None:
    """What `save_pretrained` writes, with a generation_config.json as published checkpoints have it."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, **options)
    eos = model.config.eos_token_id
    generation = {"bos_token_id": model.config.bos_token_id, "eos_token_id": eos}
    if model.config.model_type != "gpt2":
        generation = {"bos_token_id": BOS_ID, "eos_token_id": [END_ID, BOS_ID], "temperature": 0.7, "top_p": 0.95}
    write_json(folder / "generation_config.json", generation)


def write_tiny_tokenizer(folder: Path, vocab_size: int = 512, *, has_chat: bool = True) -> Path:
    """Write tokenizer.json, tokenizer_config.json and, with chat, chat_template.jinja; returns the folder.

    With chat the pre-tokenizer is Split(regex) + ByteLevel, as Llama 3 has it; without, the plain ByteLevel of GPT-2.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if has_chat:
        split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
        pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = _train(vocab_size, pre_tokenizer)
    assert tokenizer.get_vocab_size() == vocab_size, "the built-in text is too short for this vocabulary"
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|endoftext|>",
            "eos_token": "<|end|>",
            "model_max_length": 128,
            "clean_up_tokenization_spaces": False,
        },
    )
    if has_chat:
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    return folder


def write_json(path: Path, value: object) -> None:
    """One JSON document, UTF-8."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _train(vocab_size: int, pre_tokenizer: pre_tokenizers.PreTokenizer) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT.splitlines(keepends=True), trainer)
    return tokenizer
