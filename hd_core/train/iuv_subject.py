"""The correspondence network as a subject of training; it begins with what HDNet knows of people."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from hd_core.body.iuv_network import IuvNet, build_iuv_network
from hd_core.errors import WeightsError
from hd_core.predict.config import CONFIGS
from hd_core.predict.weights import WeightsCard, load_network, load_weights, start_from_photographs
from hd_core.train.devices import Devices
from hd_core.train.iuv_losses import iuv_losses
from hd_core.train.iuv_samples import IuvBatch, IuvSamples, to_iuv_batch
from hd_core.train.iuv_twins import TwinSamples, to_twin_batch
from hd_core.train.iuv_validate import validate_iuv
from hd_core.train.job import Job
from hd_core.train.learner import Learning
from hd_core.train.loader import load_batches
from hd_core.train.objective import Pairs, Parts
from hd_core.train.options import TrainOptions
from hd_core.train.order import Order, frames_per_clip
from hd_core.train.samples import Ticket
from hd_core.train.subject import Panels


class IuvLearner(Learning[IuvNet, IuvBatch]):
    """The correspondence network learns; arguments as those of `Learning`."""

    def losses(self, batch: IuvBatch, pairs: Pairs | None) -> Parts:  # noqa: ARG002 - there are none in this stage
        """Part, place and spread, and of samples in twos how steady they are."""
        with self.devices.autocast():
            prediction = self.called(batch.picture)
        return iuv_losses(prediction, batch)


class _Correspondence:
    panels: Panels = (
        ("loss", "part", "place", "steady"),
        ("clothed_part_accuracy", "clothed_straight_auc10", "clothed_straight_auc30"),
        ("body_part_accuracy", "body_straight_auc10", "body_straight_auc30"),
    )

    def begin(self, job: Job, devices: Devices, *, afresh: bool) -> tuple[IuvLearner, WeightsCard | None]:
        network, card = _beginning(job) if afresh else (_fresh(job.options), None)
        return IuvLearner(network, job.options, devices), card

    def batches(self, job: Job, order: Order, device: torch.device) -> Iterator[tuple[IuvBatch, Pairs | None]]:
        workers = job.sitting.loader
        if not job.options.in_twos:
            return load_batches(_samples(job), order, stack=to_iuv_batch, workers=workers, device=device)
        gap = min(job.options.gap, frames_per_clip(job.data, "train") - 1)
        twins = TwinSamples(_samples(job), gap=gap)
        return load_batches(twins, order, stack=to_twin_batch, workers=workers, device=device)

    def validate(
        self,
        job: Job,
        network: Any,  # noqa: ANN401 - its own kind
        tickets: Sequence[Ticket],
        device: torch.device,
    ) -> dict[str, float]:
        return validate_iuv(network, _samples(job), tickets, device)

    def body_share(self, options: TrainOptions, *, before: float) -> float:  # noqa: ARG002 - a subject's signature
        """None is told of the body."""
        return 0.0


CORRESPONDENCE = _Correspondence()
"""Which point of the body every pixel shows."""


def _beginning(job: Job) -> tuple[IuvNet, WeightsCard | None]:
    """The job's weights if they are of this kind; else fresh read-outs on an HDNet."""
    if job.begin_with is not None:
        try:
            return load_network(IuvNet, job.begin_with)
        except WeightsError:
            return _on_backbone(job)
    return _on_backbone(job)


def _on_backbone(job: Job) -> tuple[IuvNet, WeightsCard | None]:
    """Fresh read-outs on the backbone of the job's HDNet, or else of the package's if that has the shape asked for."""
    known, card = load_weights(job.begin_with)
    if job.begin_with is None and known.config != CONFIGS[job.options.network]:
        return _fresh(job.options), None
    network = build_iuv_network(known.config, seed=job.options.seed)
    own = network.state_dict()
    shared = {name: tensor for name, tensor in known.state_dict().items() if name in own}
    network.load_state_dict({**own, **shared})
    return network, card


def _fresh(options: TrainOptions) -> IuvNet:
    network = build_iuv_network(CONFIGS[options.network], seed=options.seed)
    start_from_photographs(network)
    return network


def _samples(job: Job) -> IuvSamples:
    return IuvSamples(job.data / "packed", size=job.options.size, augment=job.options.augment)
