"""The few kinds of failure the inference core reports; every message is fit to show to a user."""


class InferenceError(Exception):
    """Base of all errors raised on purpose by `inference`.

    `kind` is a short stable word the caller can map to a presentation; `str(error)` is a sentence that
    says what is wrong, with the numbers, and what to do next.
    """

    kind = "inference"


class CheckpointError(InferenceError):
    """The files of a model are missing, damaged, unsupported or contradict each other."""

    kind = "checkpoint"


class UnsafeCheckpointError(CheckpointError):
    """The files could run code when loaded (pickle); they are refused unread."""

    kind = "unsafe"


class TokenizerError(CheckpointError):
    """The tokenizer files cannot be used, or disagree with the model."""

    kind = "tokenizer"


class TemplateError(InferenceError):
    """The chat template is broken, or broke one of its limits."""

    kind = "template"


class RequestError(InferenceError):
    """A request contradicts itself or the model (an id outside the vocabulary, an empty prompt)."""

    kind = "request"


class ContextFullError(InferenceError):
    """What must be in the model's view does not fit into its context."""

    kind = "context"


class NumericsError(InferenceError):
    """The model produced NaN, or left no token that could be drawn."""

    kind = "numerics"


class OutOfMemoryError(InferenceError):
    """There is not enough memory for the weights, the cache or one step."""

    kind = "memory"
