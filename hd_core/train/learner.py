"""A network that learns: its weights, their average and the optimiser, one step at a time."""

import math
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from hd_core.predict.config import CONFIGS
from hd_core.predict.network import Backbone, HdNet, Network, Prediction, build_network
from hd_core.predict.planes import PICTURE_PLANES
from hd_core.predict.weights import start_from_photographs
from hd_core.train.average import MovingAverage
from hd_core.train.devices import Devices
from hd_core.train.objective import Batch, Pairs, Parts, supervised_losses, video_losses, weighted_sum
from hd_core.train.options import TrainOptions

Lesson = TypeVar("Lesson")

LAST_RATE = 0.02
"""Of the learning rate, at the end of the schedule."""
TRUNK_RATE = 0.3
"""Share of the learning rate at which the trunk learns, which starts from photographs."""


class Learning(ABC, Generic[Network, Lesson]):
    """A network that learns: weights, average and optimiser of a training.

    Args:
        network: As it begins.
        options: The training.
        devices: Where.
    """

    def __init__(self, network: Network, options: TrainOptions, devices: Devices) -> None:
        self.options, self.devices = options, devices
        self.network: Network = network.requires_grad_(requires_grad=True).train().to(devices.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = MovingAverage(self.network, options.ema)
        self.called = devices.spread(self.network)
        self._optimiser = _optimiser(self.network, options)
        self.step = 0

    @abstractmethod
    def losses(self, batch: Lesson, pairs: Pairs | None) -> Parts:
        """What is to become smaller, by the names in `LossWeights`; calls the network as `called`."""

    def learn(self, batch: Lesson, pairs: Pairs | None = None) -> dict[str, Tensor]:
        """One step; returns the losses, their weighted sum as "loss" and the gradient's norm.

        Args:
            batch: Samples with their truth.
            pairs: Pairs of frames without, for the stage `video`.
        """
        for group in self._optimiser.param_groups:
            group["lr"] = group["share"] * learning_rate(self.options, self.step)
        parts = self.losses(batch, pairs)
        total = weighted_sum(parts, self.options.loss)
        self._optimiser.zero_grad()
        torch.autograd.backward(total)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        if norm.isfinite():
            self._optimiser.step()
        self.step += 1
        self.average.update(self.network, self.step)
        found = {"loss": total, **parts, "gradient_norm": norm}
        return {name: value.detach() for name, value in found.items()}

    def state(self) -> dict[str, Any]:
        """All of it."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])


class Learner(Learning[HdNet, Batch]):
    """HDNet learns.

    Args:
        options: The training.
        devices: Where.
        begin_with: Weights to go on from, of a network of the same shape; None for fresh ones.
    """

    def __init__(self, options: TrainOptions, devices: Devices, begin_with: HdNet | None = None) -> None:
        super().__init__(begin_with or _fresh(options), options, devices)

    def losses(self, batch: Batch, pairs: Pairs | None) -> Parts:
        """Those of the stage."""
        picture = batch.picture if pairs is None else torch.cat([batch.picture, pairs.picture])
        known, body = len(batch.picture), batch.body
        if body is not None and pairs is not None:  # pairs are told nothing
            body = torch.cat([body, body.new_zeros(len(pairs.picture), *body.shape[1:])])
        with self.devices.autocast():
            prediction = self.called(picture, body)
        parts = supervised_losses(_part(prediction, slice(known)), batch, self.options.stage)
        if pairs is not None:
            of_video = video_losses(_part(prediction, slice(known, None)), pairs)
            of_video["consistency"] = of_video["consistency"] + parts["consistency"]
            parts |= of_video
        return parts


def _part(prediction: Prediction, samples: slice) -> Prediction:
    return Prediction(*(part[samples] for part in prediction))


@torch.no_grad()
def disregard_body(network: HdNet) -> None:
    """Let a network that was never told of a body begin by leaving it alone, not by what chance put in its filters."""
    network.stem.convolution.weight[:, 4 * len(PICTURE_PLANES) :] = 0


def learning_rate(options: TrainOptions, step: int) -> float:
    """Of a step: a straight rise, then a cosine (Loshchilov & Hutter, ICLR 2017) down to a fiftieth."""
    if step < options.warmup:
        return options.learning_rate * (step + 1) / options.warmup
    done = min((step - options.warmup) / max(options.steps - options.warmup, 1), 1.0)
    return options.learning_rate * (LAST_RATE + (1 - LAST_RATE) * (1 + math.cos(math.pi * done)) / 2)


def _fresh(options: TrainOptions) -> HdNet:
    network = build_network(CONFIGS[options.network], seed=options.seed)
    start_from_photographs(network)
    return network


def _optimiser(network: Backbone, options: TrainOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter, ICLR 2019).

    Filters and matrices decay, biases and scales do not; what the trunk knows already is changed with care.
    """
    trunk = set(network.trunk.parameters()) if network.trunk else set()
    groups: list[dict[str, Any]] = []
    for known, share in ((False, 1.0), (True, TRUNK_RATE)):
        mine = [p for p in network.parameters() if (p in trunk) == known]
        groups.append({"params": [p for p in mine if p.ndim > 1], "weight_decay": options.weight_decay, "share": share})
        groups.append({"params": [p for p in mine if p.ndim <= 1], "weight_decay": 0.0, "share": share})
    device = next(network.parameters()).device
    used = [group for group in groups if group["params"]]
    return torch.optim.AdamW(used, lr=options.learning_rate, fused=device.type != "mps")
