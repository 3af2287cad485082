"""Larger models that Glassbox can load, for those who want more than the bundled one; figures from their model cards."""

from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One checkpoint. `parameters` and `weights_megabytes` are rounded; `kind` is a text of the context "models"."""

    name: str
    address: str
    parameters: str
    weights_megabytes: int
    context_tokens: int
    licence: str
    kind: str


KNOWN_MODELS = (
    KnownModel(
        "SmolLM2-135M-Instruct",
        "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        "135M",
        270,
        8_192,
        "Apache 2.0",
        QT_TRANSLATE_NOOP("models", "chats in English; the smallest that knows something of the world"),
    ),
    KnownModel(
        "SmolLM2-360M-Instruct",
        "https://huggingface.co/HuggingFaceTB/SmolLM2-360M-Instruct",
        "362M",
        720,
        8_192,
        "Apache 2.0",
        QT_TRANSLATE_NOOP("models", "chats in English, with more sense"),
    ),
    KnownModel(
        "Qwen2.5-0.5B-Instruct",
        "https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct",
        "494M",
        990,
        32_768,
        "Apache 2.0",
        QT_TRANSLATE_NOOP("models", "chats in many languages"),
    ),
    KnownModel(
        "GPT-2",
        "https://huggingface.co/openai-community/gpt2",
        "124M",
        550,
        1_024,
        "MIT",
        QT_TRANSLATE_NOOP("models", "no chat model: it continues texts, and chats only in a scene"),
    ),
)
