"""The moving average of a network's weights, which predicts better than the last ones do."""

import copy
from typing import Generic

import torch
from torch import Tensor, nn

from hd_core.predict.network import Network


class MovingAverage(Generic[Network]):
    """Exponential moving average; young averages forget faster, so that the first weights leave no trace.

    Args:
        network: Whose weights are averaged; copied.
        decay: Of the old average, once it is old.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network: Network = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the weights after `step` steps."""
        share = 1 - min(self._decay, (1 + step) / (10 + step))
        ours: list[Tensor] = list(self.network.parameters())
        theirs = [p.detach() for p in network.parameters()]
        torch._foreach_lerp_(ours, theirs, share)
