"""Opening a model folder: configuration, tokenizer, chat format and weights, checked against each other."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from inference.chat import ChatFormat
from inference.config import ModelConfig
from inference.device import available_bytes, choose_device, choose_dtype, use_threads
from inference.errors import CheckpointError, RequestError, TokenizerError
from inference.families import translate_config
from inference.model import Transformer
from inference.session import kv_bytes_per_token
from inference.side_files import read_json_object, read_text
from inference.tokenizer import Tokenizer
from inference.types import LoadProgress, ModelSpec, SamplingParams
from inference.weights import LoadedWeights, load_model, read_config

Progress = Callable[[LoadProgress], None]
LARGEST_SIDE_FILE_BYTES = 1 << 20
DESCRIPTION_CHARACTERS = 300
LEAST_CONTEXT_TOKENS = 512
RECOMMENDATIONS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An opened model folder."""

    spec: ModelSpec
    model: Transformer
    tokenizer: Tokenizer
    chat: ChatFormat
    device: torch.device
    dtype: torch.dtype


def open_checkpoint(folder: Path, device: str, dtype: str, threads: int, progress: Progress) -> Checkpoint:
    """Read everything a folder holds; nothing in it is ever run. Raises InferenceError: CheckpointError, TemplateError, …"""
    started = time.perf_counter()
    if not folder.is_dir():
        raise CheckpointError(f"There is no model folder at {folder}.")
    use_threads(threads)
    on_device = choose_device(device)
    progress(LoadProgress("config", 0.0))
    family, config = translate_config(read_config(folder))
    progress(LoadProgress("tokenizer", 0.0))
    tokenizer = Tokenizer.from_folder(folder)
    if tokenizer.vocab_size > config.vocab_size:
        raise TokenizerError(
            f"The tokenizer has {tokenizer.vocab_size:,} tokens but the model only {config.vocab_size:,}: "
            "the two do not belong together."
        )
    chat = ChatFormat.from_folder(folder, tokenizer)
    in_dtype = choose_dtype(dtype, on_device, config.parameter_count)
    weights = load_model(folder, config, family, device=on_device, dtype=in_dtype, progress=progress)
    spec = make_spec(folder, family, config, weights, chat, on_device, in_dtype, time.perf_counter() - started)
    return Checkpoint(spec, weights.model, tokenizer, chat, on_device, in_dtype)


def make_spec(
    folder: Path,
    family: str,
    config: ModelConfig,
    weights: LoadedWeights,
    chat: ChatFormat,
    device: torch.device,
    dtype: torch.dtype,
    load_s: float,
) -> ModelSpec:
    """The facts about a loaded model that its callers show."""
    return ModelSpec(
        name=folder.resolve().name,
        path=str(folder),
        family=family,
        parameter_count=config.parameter_count,
        vocab_size=config.vocab_size,
        context_tokens=affordable_context(config, device, dtype),
        n_layers=config.n_layers,
        n_heads=config.n_heads,
        width=config.width,
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        weights_bytes=weights.weights_bytes,
        weights_hash=weights.weights_hash,
        has_chat_template=chat.has_template,
        load_s=load_s,
        default_params=recommended_params(folder),
        default_scene=chat.default_scene,
        description=card_summary(folder),
    )


def affordable_context(config: ModelConfig, device: torch.device, dtype: torch.dtype) -> int:
    """The model's context, or as much of it as half of the free memory can cache."""
    free = available_bytes(device)
    if free is None:
        return config.context_tokens
    affordable = free // 2 // kv_bytes_per_token(config, dtype)
    return min(config.context_tokens, max(LEAST_CONTEXT_TOKENS, affordable))


def recommended_params(folder: Path) -> SamplingParams:
    """What generation_config.json says of our settings, ours for the rest; all ours where it cannot be used."""
    try:
        data = read_json_object(folder / "generation_config.json", LARGEST_SIDE_FILE_BYTES)
        given = {name: data[name] for name in RECOMMENDATIONS if data.get(name) is not None}
        return SamplingParams(**given)
    except (CheckpointError, RequestError):
        return SamplingParams()


def card_summary(folder: Path) -> str:
    """The first paragraph of the model card (README.md), shortened; "" where there is none."""
    try:
        text = read_text(folder / "README.md", LARGEST_SIDE_FILE_BYTES)
    except CheckpointError:
        return ""
    if text.startswith("---\n"):  # YAML front matter
        text = text.partition("\n---\n")[2]
    for paragraph in text.split("\n\n"):
        line = " ".join(paragraph.split())
        if line and not line.startswith(("#", "<", "|", "!", "[")):
            return line[:DESCRIPTION_CHARACTERS]
    return ""
