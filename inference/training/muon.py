"""Muon: momentum whose update is orthogonalised, for the hidden matrices (https://kellerjordan.github.io/posts/muon/)."""

import torch
from torch import Tensor, nn


def orthogonalise(batch: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices of a batch (N, rows, columns), by a quintic Newton-Schulz iteration in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = batch.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay; parameters of one shape are updated in one batch.

    A fused matrix (queries, keys and values; gate and up) is split along its rows into `pieces` that are
    orthogonalised on their own, as separate matrices would be: pass groups with "pieces".
    """

    def __init__(self, groups: list[dict], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "pieces": 1})

    @torch.no_grad()
    def step(self) -> None:
        """Apply one update from the gradients."""
        for group in self.param_groups:
            parameters: list[nn.Parameter] = group["params"]
            directions = []
            for parameter in parameters:
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                directions.append(parameter.grad.lerp(state["momentum"], group["momentum"]))
            rows, columns = directions[0].shape
            pieces = torch.stack(directions).view(-1, rows // group["pieces"], columns)
            updates = orthogonalise(pieces).view(len(parameters), rows, columns)
            # Keeps the size of an update's elements alike for all shapes.
            scale = max(1.0, (rows / group["pieces"]) / columns) ** 0.5
            for parameter, update in zip(parameters, updates, strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update.to(parameter.dtype), alpha=-group["lr"] * scale)


def make_optimizers(model: nn.Module, matrix_lr: float, vector_lr: float, matrices: str = "muon") -> list[torch.optim.Optimizer]:
    """Muon (or "adamw") for the matrices inside the blocks, AdamW for embeddings, norms and biases; groups keep "base_lr"."""
    config = model.config
    groups = [
        {
            "params": [block.attention.qkv.weight for block in model.blocks],
            "pieces": 1 + 2 * (config.n_heads == config.n_kv_heads),
        },
        {"params": [block.attention.out.weight for block in model.blocks]},
        {"params": [block.mlp.up.weight for block in model.blocks], "pieces": 1 + (config.mlp == "swiglu")},
        {"params": [block.mlp.down.weight for block in model.blocks]},
    ]
    in_blocks = [parameter for group in groups for parameter in group["params"]]
    known = {id(parameter) for parameter in in_blocks}
    others = [parameter for parameter in model.parameters() if id(parameter) not in known]
    is_muon = matrices == "muon"
    first = Muon(groups, lr=matrix_lr, weight_decay=0.01) if is_muon else adamw(in_blocks, matrix_lr, weight_decay=0.1)
    optimizers = [first, adamw(others, vector_lr, weight_decay=0.0)]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def adamw(parameters: list[nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW with the usual betas of language models."""
    return torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.95), eps=1e-10, weight_decay=weight_decay, fused=True)
