"""Samples by twos: a person in two frames, with the cells that show the same point, for the loss that steadies."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool

from hd_core.train.iuv_matching import CellMatches, match_cells
from hd_core.train.iuv_samples import IuvBatch, IuvSample, IuvSamples, SamePoints, to_iuv_batch
from hd_core.train.loader import stack_arrays
from hd_core.train.pairs import Pair
from hd_core.train.samples import Ticket


class Twins(NamedTuple):
    """Two samples of a clip, and which of their cells show the same point."""

    first: IuvSample
    second: IuvSample
    matches: CellMatches


class TwinSamples:
    """Makes two samples of every ticket.

    Args:
        samples: Makes one.
        gap: Frames that the two are apart at most; 0 shows the same frame twice, in two crops.
    """

    def __init__(self, samples: IuvSamples, *, gap: int) -> None:
        self._samples, self._gap = samples, gap

    def sample(self, ticket: Ticket) -> Twins:
        """Of a ticket with a key."""
        both = self._samples.twins(ticket, gap=self._gap)
        rng = np.random.default_rng([*ticket.key, 3])
        matches = match_cells(
            [one.parts for one in both], [one.places for one in both], [cells_seen(one) for one in both], rng
        )
        return Twins(*both, matches)

    def pair(self, ticket: Ticket) -> Pair:
        """Two frames of a clip without their truth."""
        return self._samples.pair(ticket)


def cells_seen(sample: IuvSample) -> Bool[np.ndarray, "a d"]:
    """Cells of which the network sees any pixel."""
    alpha = sample.picture[3] > 0.5
    height, width = alpha.shape
    return np.asarray(alpha.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3)))


def to_twin_batch(twins: Sequence[Twins], device: torch.device) -> IuvBatch:
    """Stack twins on a device, the firsts before the seconds."""
    batch = to_iuv_batch([one.first for one in twins] + [one.second for one in twins], device)
    matches = SamePoints(*(stack_arrays(part, device) for part in zip(*(one.matches for one in twins), strict=True)))
    return batch._replace(matches=matches)
