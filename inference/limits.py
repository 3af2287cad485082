"""What any ids that go to a model must keep to: its vocabulary and its context."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference.errors import ContextFullError, RequestError


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes of a model that a request can exceed."""

    vocab_size: int
    context_tokens: int

    def check_ids(self, ids: Sequence[int]) -> None:
        """Raise RequestError for no ids or one outside the vocabulary, ContextFullError for more than the context holds."""
        if not ids:
            raise RequestError("There is no token to start from.")
        self.check_vocabulary(ids)
        self.check_fits(len(ids))

    def check_vocabulary(self, ids: Sequence[int]) -> None:
        """Raise RequestError for an id outside the vocabulary."""
        if ids and not 0 <= min(ids) <= max(ids) < self.vocab_size:
            raise RequestError(f"A token id is outside the vocabulary of {self.vocab_size:,} tokens.")

    def check_fits(self, tokens: int) -> None:
        """Raise ContextFullError for more tokens than the context holds."""
        if tokens > self.context_tokens:
            raise self.full(tokens)

    def full(self, tokens: int) -> ContextFullError:
        """The error for a need of so many tokens."""
        return ContextFullError(
            f"The context holds {self.context_tokens:,} tokens; this needs {tokens:,}. "
            "Shorten the message or the system prompt, or choose a model with a longer context."
        )
