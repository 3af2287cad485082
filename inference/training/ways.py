"""Ways to run the same transformer in training, fastest first; what a machine cannot run is passed over.

"flex" compiles the model around an attention kernel that skips blocks which lie in different documents
(https://pytorch.org/blog/flexattention/), "compiled" compiles it with a plain mask, "plain" runs it as it stands.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from inference.model import Transformer
from inference.training.packing import document_mask, document_numbers

Forward = Callable[[Tensor], Tensor]  # token ids (B, T) -> final hidden vectors (B, T, C)
Gradients = Callable[[Forward], list[Tensor]]  # one step of training without its update
LARGEST_ERROR = 0.2  # bfloat16 rounds its way to a few per cent; a wrong mask is off by everything


def open_way(name: str, model: Transformer, bos: int | None) -> Forward:
    """The model's forward pass run in the named way, documents kept apart; with `bos` None they may see one another."""
    if name not in ("flex", "compiled", "plain"):
        raise ValueError(f"no way to train is called {name!r}")
    for block in model.blocks:
        vars(block.attention).pop("attend", None)
        if name == "flex":
            block.attention.attend = flex_attend
    run = model if name == "plain" else torch.compile(model, dynamic=False)
    make_mask = flex_mask if name == "flex" else plain_mask
    return lambda ids: run(ids, mask=make_mask(ids, bos))


def first_way(names: Sequence[str], model: Transformer, bos: int | None, gradients: Gradients) -> tuple[str, Forward]:
    """The first way that runs and whose gradients are those of "plain"; the last name is taken unasked.

    The comparison is of gradients, since blocks that start as the identity hide a wrong attention from the forward pass.
    """
    expected = gradients(open_way("plain", model, bos)) if len(names) > 1 else []
    for name in names[:-1]:
        try:
            way = open_way(name, model, bos)
            error = largest_error(gradients(way), expected)
        except Exception as problem:  # noqa: BLE001 - compilers fail in many ways, and every one of them has the same remedy
            print(f"cannot train in the way {name!r} here: {type(problem).__name__}: {str(problem)[:300]}", flush=True)
            continue
        if error < LARGEST_ERROR:
            return name, way
        print(f"the way {name!r} is wrong here: its gradients are off by {error:.0%}", flush=True)
    return names[-1], open_way(names[-1], model, bos)


def largest_error(gradients: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The largest relative distance, in norms, between two lists of gradients; those that are all zero must be so in both."""
    pairs = zip(gradients, expected, strict=True)
    errors = [((ours - theirs).norm() / theirs.norm().clamp(min=1e-12)).item() for ours, theirs in pairs]
    return max(error if math.isfinite(error) else math.inf for error in errors)


def plain_mask(ids: Tensor, bos: int | None) -> Tensor | None:
    """A mask of all pairs, or none, which leaves the causal rule."""
    return None if bos is None else document_mask(ids, bos)


def flex_mask(ids: Tensor, bos: int | None) -> BlockMask:
    """The same rule by blocks; those that are wholly forbidden are never computed."""
    documents = torch.zeros_like(ids) if bos is None else document_numbers(ids, bos)

    def is_allowed(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:  # noqa: ARG001
        return (query >= key) & (documents[row, query] == documents[row, key])

    rows, length = ids.shape
    return create_block_mask(is_allowed, rows, None, length, length, device=str(ids.device))


def flex_attend(q: Tensor, k: Tensor, v: Tensor, mask: BlockMask, is_causal: bool) -> Tensor:  # noqa: ARG001
    """What `Attention.attend` does, with a block mask."""
    # The parts of one fused matrix are strided views, which compiled kernels have been seen to misread in silence.
    q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
    return flex_attention(q, k, v, block_mask=mask, enable_gqa=q.shape[1] != k.shape[1])
