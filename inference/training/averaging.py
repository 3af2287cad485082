"""The running average of the weights, which stands in for the decay of the learning rate where a run was cut short.

Each step enters with the weight 1 / (SPAN x steps so far), at most 1: an average over about the last SPAN of the run, however
long it has become (polynomial-decay averaging, https://arxiv.org/abs/1212.1824).
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SPAN = 0.1


class Average:
    """Averaged copies of all parameters, under their names."""

    def __init__(self, model: nn.Module):
        self.live = [parameter.data for parameter in model.parameters()]
        self.names = [name for name, _ in model.named_parameters()]
        self.tensors = [tensor.clone() for tensor in self.live]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step `step`, counted from 1."""
        torch._foreach_lerp_(self.tensors, self.live, min(1.0, 1.0 / (SPAN * step)))

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by parameter name."""
        return dict(zip(self.names, self.tensors, strict=True))

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue a saved average."""
        for name, tensor in zip(self.names, self.tensors, strict=True):
            tensor.copy_(state[name])


def last_weights(state: dict, names: Iterable[str]) -> dict[str, Tensor]:
    """The averaged weights of a saved run, or the plain ones of a run that kept no average."""
    chosen = state.get("average") or state["model"]
    return {name: chosen[name] for name in names}
