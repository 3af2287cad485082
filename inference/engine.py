"""The engine: load a model, then answer, score and explain; a generator of events that knows no threads and no Qt."""

from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import torch

from inference import checkpoint
from inference.chat import ChatFormat
from inference.comparison import Comparison
from inference.device import memory_errors
from inference.errors import InferenceError, OutOfMemoryError
from inference.generation import Generation
from inference.limits import Limits
from inference.model import Transformer
from inference.prompt_making import PromptMaker
from inference.questions import Questions
from inference.session import Session
from inference.tokenizer import Tokenizer
from inference.trace import trace_given
from inference.types import (
    AskAnswered,
    AskRequest,
    CompareRequest,
    DescribeRequest,
    DraftExplained,
    DraftRequest,
    Event,
    ExplainRequest,
    GenerateRequest,
    LoadProgress,
    ModelSpec,
    RunFailed,
    ScoreRequest,
    StepExplained,
    StepTrace,
    TokensDescribed,
)

SCORE_CHUNK_TOKENS = 256
NO_MEMORY = "There was not enough memory to go on. Close other programs, start a new chat or choose a smaller model."


class Engine:
    """One loaded model with its tokenizer, chat format and cache. Not thread-safe: one caller at a time."""

    def __init__(self, spec: ModelSpec, model: Transformer, tokenizer: Tokenizer, chat: ChatFormat, session: Session):
        self.spec = spec
        self.model = model
        self.tokenizer = tokenizer
        self.chat = chat
        self.session = session
        self.limits = Limits(spec.vocab_size, spec.context_tokens)
        self.prompts = PromptMaker(tokenizer, chat, self.limits)
        self.questions = Questions(session, tokenizer, self.prompts, self.limits)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        device: str = "auto",
        dtype: str = "auto",
        threads: int = 0,
        progress: Callable[[LoadProgress], None] | None = None,
    ) -> "Engine":
        """See `inference.load`."""
        with memory_errors("There is not enough memory for this model. Close other programs or choose a smaller model."):
            loaded = checkpoint.open_checkpoint(Path(path), device, dtype, threads, progress or (lambda _: None))
            session = Session(loaded.model, loaded.spec.context_tokens, loaded.device, loaded.dtype)
            session.step(0)  # the first pass through torch's kernels is slow; not in front of a reader
        session.rewind([0])
        return cls(loaded.spec, loaded.model, loaded.tokenizer, loaded.chat, session)

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` is, alone."""
        return len(self.tokenizer.encode(text))

    def describe(self, request: DescribeRequest) -> TokensDescribed:
        """What ids are. Raises RequestError for one that cannot be a token."""
        token_bytes = tuple(map(self.tokenizer.token_bytes, request.ids))
        return TokensDescribed(request.run_id, request.ids, token_bytes, tuple(map(self.tokenizer.is_special, request.ids)))

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Logits after every position of `ids`, float32 (T, V), computed afresh; the conversation's cache is left alone.

        Raises RequestError for ids outside the vocabulary and ContextFullError for more than the context holds.
        """
        return self._logits_of(self._hidden(ids))

    def generate(self, request: GenerateRequest) -> Iterator[Event]:
        """Answer a request; last comes exactly one RunFinished or RunFailed.

        Before it: PromptTokens, a PrefillProgress with PromptNumbers and given TokenEvents for what is read at a time, and
        the new TokenEvents.
        """
        return self._run(request, lambda: Generation(request, self.session, self.tokenizer, self.chat, self.prompts).events())

    def compare(self, request: CompareRequest) -> Iterator[Event]:
        """Continue one beginning at several temperatures; last comes exactly one RunFinished or RunFailed.

        Before it: PrefillProgress…, then a ColumnToken for every column that goes on, step by step, and a ColumnEnded each.
        """
        return self._run(request, lambda: Comparison(request, self.session, self.tokenizer, self.chat, self.prompts).events())

    def score(self, request: ScoreRequest) -> Iterator[StepTrace]:
        """The trace of every id after the first, in order; ends early when cancelled."""
        ids = np.asarray(request.ids)
        hidden = self._hidden(request.ids)
        token_bytes = self.tokenizer.token_bytes
        for start in range(0, len(ids) - 1, SCORE_CHUNK_TOKENS):  # all logits of a long text would not fit into memory
            logits = self._logits_of(hidden[start : start + SCORE_CHUNK_TOKENS])
            for position in range(start + 1, min(start + SCORE_CHUNK_TOKENS + 1, len(ids))):
                if request.cancel.is_set:
                    return
                row, token_id = logits[position - start - 1], int(ids[position])
                yield trace_given(row, token_id, ids[:position], request.params, request.trace_rows, token_bytes)

    def explain(self, request: ExplainRequest) -> StepExplained:
        """The full trace of one position, equal to the one seen live, and how its choice was made or could be made.

        The conversation's cache is used and left as it is, as in the next two. Raises InferenceError.
        """
        with memory_errors(NO_MEMORY):
            return self.questions.explain(request)

    def ask(self, request: AskRequest) -> AskAnswered:
        """How likely a text is at some position, token by token. Raises InferenceError."""
        with memory_errors(NO_MEMORY):
            return self.questions.ask(request)

    def explain_draft(self, request: DraftRequest) -> DraftExplained:
        """What would follow a draft. Raises InferenceError."""
        with memory_errors(NO_MEMORY):
            return self.questions.explain_draft(request)

    def _run(self, request: GenerateRequest | CompareRequest, begin: Callable[[], Iterator[Event]]) -> Iterator[Event]:
        """The events of a run, ending with RunFailed where something went wrong that can be told."""
        self.session.is_in_use = True
        try:
            with memory_errors(NO_MEMORY):
                yield from begin()
        except InferenceError as error:
            if isinstance(error, OutOfMemoryError):
                self.session.clear()
                self.questions.forget()
            yield RunFailed(request.run_id, error.kind, str(error))
        finally:
            self.session.is_in_use = False

    @torch.inference_mode()
    def _hidden(self, ids: Sequence[int]) -> torch.Tensor:
        """Final vectors (T, C) of a text read afresh, without the conversation's cache."""
        self.limits.check_ids(ids)
        return self.model(torch.tensor([list(ids)], device=self.session.device))[0]

    @torch.inference_mode()
    def _logits_of(self, hidden: torch.Tensor) -> np.ndarray:
        return self.model.logits(hidden).cpu().numpy()
