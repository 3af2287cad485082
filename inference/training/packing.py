"""Which token of a packed window may see which, and which count in the loss.

Letters: B rows, T tokens. A window is cut from a stream of documents, each BOS + tokens; it may begin inside one.
"""

import torch
from torch import Tensor

IGNORED = -100


def document_numbers(ids: Tensor, bos: int) -> Tensor:
    """For every token (B, T) the number of its document in the row; 0 for what is left of the first."""
    return (ids == bos).cumsum(dim=1)


def document_mask(ids: Tensor, bos: int) -> Tensor:
    """Causal mask (B, 1, T, T) that keeps every packed document to itself; True where attention is allowed."""
    documents = document_numbers(ids, bos)
    same = documents[:, :, None] == documents[:, None, :]
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
    return (same & causal).unsqueeze(1)


def answers_and_texts(ids: Tensor, answers: Tensor, bos: int, chat_marks: Tensor) -> Tensor:
    """True (B, T) for what the assistant wrote and for all of the documents that are no chats.

    A chat is known by its marks (`chat_marks`, the ids that open a message) or by an answer in it; the rest of a user's
    message at the beginning of a window, without either, passes as text.
    """
    documents = document_numbers(ids, bos)
    marks = (answers | torch.isin(ids, chat_marks)).long()
    in_document = marks.new_zeros(ids.shape[0], ids.shape[1] + 1).scatter_add_(1, documents, marks)
    is_chat = in_document.gather(1, documents) > 0
    return answers | ~is_chat


def next_tokens(ids: Tensor, counted: Tensor | None, bos: int) -> Tensor:
    """Targets (B, T - 1): the token after each but the last; IGNORED where none is `counted`, and where a document begins."""
    targets = ids[:, 1:].clone()
    targets[targets == bos] = IGNORED  # where one document ends, the next cannot be foreseen
    if counted is not None:
        targets[~counted[:, 1:]] = IGNORED
    return targets
