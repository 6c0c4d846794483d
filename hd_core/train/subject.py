"""What a training teaches: which network, from which samples, measured how. Here HDNet: normals and depth."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch

from hd_core.predict.weights import WeightsCard, load_weights
from hd_core.train.devices import Devices
from hd_core.train.job import Job
from hd_core.train.learner import Learner, Learning, disregard_body
from hd_core.train.loader import Samples, load_batches, to_batch
from hd_core.train.objective import Batch, Pairs
from hd_core.train.options import TrainOptions
from hd_core.train.order import Order
from hd_core.train.samples import Ticket
from hd_core.train.validate import validate

Panels = tuple[tuple[str, ...], ...]


@runtime_checkable
class Subject(Protocol):
    """All that a sitting needs to know of what it teaches."""

    panels: Panels
    """Names of the curves that share a panel of the picture."""

    def begin(self, job: Job, devices: Devices, *, afresh: bool) -> tuple[Learning[Any, Any], WeightsCard | None]:
        """The network about to learn; if `afresh`, it begins with the job's weights, whose card comes along."""

    def batches(self, job: Job, order: Order, device: torch.device) -> Iterator[tuple[Any, Pairs | None]]:
        """What it learns from, without end."""

    def validate(
        self,
        job: Job,
        network: Any,  # noqa: ANN401 - its own kind
        tickets: Sequence[Ticket],
        device: torch.device,
    ) -> dict[str, float]:
        """Scores on held-out frames."""

    def body_share(self, options: TrainOptions, *, before: float) -> float:
        """Share of the samples that are told of the body; `before` is that of the weights it began with."""


class _Surface:
    panels: Panels = (
        ("loss", "normal", "fold"),
        ("depth", "gradient", "depth_normal"),
        ("normal_mean_deg", "normal_mean_deg_with_body", "depth_normal_mean_deg"),
    )

    def begin(self, job: Job, devices: Devices, *, afresh: bool) -> tuple[Learner, WeightsCard | None]:
        network, card = load_weights(job.begin_with) if job.begin_with and afresh else (None, None)
        if network and card and not card.body_share:
            disregard_body(network)
        return Learner(job.options, devices, network), card

    def batches(self, job: Job, order: Order, device: torch.device) -> Iterator[tuple[Batch, Pairs | None]]:
        return load_batches(_samples(job), order, stack=to_batch, workers=job.sitting.loader, device=device)

    def validate(
        self,
        job: Job,
        network: Any,  # noqa: ANN401 - its own kind
        tickets: Sequence[Ticket],
        device: torch.device,
    ) -> dict[str, float]:
        return validate(network, _samples(job), tickets, device)

    def body_share(self, options: TrainOptions, *, before: float) -> float:
        return options.augment.body or before


SURFACE = _Surface()
"""HDNet's normals and depth."""


def _samples(job: Job) -> Samples:
    options = job.options
    return Samples(job.data / "packed", size=options.size, augment=options.augment, gap=options.gap)
