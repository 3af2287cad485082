"""Cross-entropy of the next token without ever holding all logits: projection, softmax and gradient chunk by chunk.

Letters: N predicted positions, C model width, V vocabulary.
"""

import torch
from torch import Tensor

# 512 x 8192 float32 logits stay near the caches of a CPU's cores; a GPU wants few, large pieces.
CHUNK_ROWS = {"cpu": 512, "cuda": 16384}


class ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy, nats, of targets (N,) under softmax(hidden (N, C) @ weight (V, C).T).

    The gradients are formed in the forward pass, where each chunk's probabilities are at hand, in `compute_dtype`.
    """

    @staticmethod
    def forward(ctx, hidden: Tensor, weight: Tensor, targets: Tensor, compute_dtype: torch.dtype) -> Tensor:  # noqa: ANN001
        """Loss as a float32 scalar."""
        h, w = hidden.to(compute_dtype), weight.to(compute_dtype)
        grad_hidden, grad_weight = torch.empty_like(h), torch.zeros(w.shape, dtype=torch.float32, device=w.device)
        total = torch.zeros((), device=h.device)
        n = max(1, h.shape[0])
        size = CHUNK_ROWS.get(h.device.type, 512)
        for start in range(0, h.shape[0], size):
            rows, wanted = h[start : start + size], targets[start : start + size, None]
            logits = (rows @ w.T).float()
            log_sum = torch.logsumexp(logits, dim=-1, keepdim=True)
            total += (log_sum - logits.gather(1, wanted)).sum()
            gradient = logits.sub_(log_sum).exp_()  # softmax, in place since fresh memory is slow ...
            gradient.scatter_add_(1, wanted, torch.full_like(log_sum, -1.0))  # ... minus one-hot
            gradient = gradient.div_(n).to(compute_dtype)
            grad_hidden[start : start + size] = gradient @ w
            grad_weight += gradient.T @ rows
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.dtypes = hidden.dtype, weight.dtype
        return total / n

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:  # noqa: ANN001
        """Scale what forward formed."""
        grad_hidden, grad_weight = ctx.saved_tensors
        return (grad_hidden * grad).to(ctx.dtypes[0]), (grad_weight * grad).to(ctx.dtypes[1]), None, None
