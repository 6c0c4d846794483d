"""Samples on their way from tickets to the device: prepared in another process while the network learns."""

import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from hd_core.train.objective import Batch, Pairs
from hd_core.train.options import AugmentOptions
from hd_core.train.order import Order
from hd_core.train.pack import read_frame
from hd_core.train.pairs import Pair, make_pair
from hd_core.train.samples import Sample, Ticket, make_sample, told_sample
from hd_core.train.warp_loss import Matches

AHEAD = 3
"""Batches that wait."""

Single = TypeVar("Single")
Made_co = TypeVar("Made_co", covariant=True)
Lesson = TypeVar("Lesson")


@runtime_checkable
class Source(Protocol[Made_co]):
    """Makes samples and pairs from tickets, in any process."""

    def sample(self, ticket: Ticket) -> Made_co:
        """Of a ticket without a key as the program itself would cut it."""

    def pair(self, ticket: Ticket) -> Pair:
        """Two frames of a clip."""


class Samples:
    """Makes samples and pairs from tickets.

    Args:
        packed: Folder of packed clips.
        size: Side of the samples, px.
        augment: How wild.
        gap: Frames that the two of a pair are apart at most.
    """

    def __init__(self, packed: Path, *, size: int, augment: AugmentOptions, gap: int = 1) -> None:
        self._packed, self._size, self._augment, self._gap = packed, size, augment, gap
        self.tells_body = augment.body > 0

    def sample(self, ticket: Ticket) -> Sample:
        """A frame with its truth; of a ticket without a key as the program itself would cut it."""
        frame = read_frame(ticket.shard, self._packed, ticket.frame)
        if not ticket.key:
            return make_sample(frame, size=self._size)
        return make_sample(frame, size=self._size, augment=self._augment, rng=np.random.default_rng(ticket.key))

    def told(self, ticket: Ticket) -> Sample:
        """A frame as the program itself would cut it, told of the body."""
        frame = read_frame(ticket.shard, self._packed, ticket.frame)
        return told_sample(frame, size=self._size, rng=np.random.default_rng(crc32(ticket.shard.stem.encode())))

    def pair(self, ticket: Ticket) -> Pair:
        """A frame and a later one, or in a clip with given matches the first and another."""
        rng = np.random.default_rng(ticket.key)
        first = read_frame(ticket.shard, self._packed, ticket.frame)
        partners = first.header.get("partners", 0)
        if partners:
            first, other = read_frame(ticket.shard, self._packed, 0), int(rng.integers(1, partners + 1))
        else:
            other = ticket.frame + int(rng.integers(1, self._gap + 1))
        second = read_frame(ticket.shard, self._packed, other)
        return make_pair((first, second), size=self._size, augment=self._augment, rng=rng)


def load_batches(
    samples: Source[Single],
    order: Order,
    *,
    stack: Callable[[Sequence[Single], torch.device], Lesson],
    workers: int,
    device: torch.device,
) -> Iterator[tuple[Lesson, Pairs | None]]:
    """Batches in the order's sequence, without end, whatever the number of workers.

    Args:
        samples: Makes them.
        order: Which.
        stack: Makes a batch of samples.
        workers: Processes that prepare samples.
        device: Where batches go.
    """
    loader = DataLoader(
        _Batches(samples),
        batch_size=None,
        sampler=_Tickets(order),
        collate_fn=_as_they_are,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        multiprocessing_context="spawn" if workers else None,
        worker_init_fn=_outlive_signals,
    )
    for singles, pairs in loader:
        yield stack(singles, device), to_pairs(pairs, device) if pairs else None


def to_batch(samples: Sequence[Sample], device: torch.device) -> Batch:
    """Stack samples on a device."""
    *parts, bodies = zip(*samples, strict=True)
    picture, normal, relief, truth, intrinsics = (stack_arrays(part, device) for part in parts)
    picture = picture.contiguous(memory_format=torch.channels_last)
    return Batch(picture, normal, relief, truth, intrinsics, _stack_bodies(bodies, device))


def to_pairs(pairs: Sequence[Pair], device: torch.device) -> Pairs:
    """Stack pairs on a device, the firsts before the seconds."""
    pictures, intrinsics = (
        torch.cat(list(stack_arrays([getattr(pair, name) for pair in pairs], device).unbind(1)))
        for name in ("picture", "intrinsics")
    )
    matches = Matches(*(stack_arrays(part, device) for part in zip(*(pair.matches for pair in pairs), strict=True)))
    return Pairs(pictures.contiguous(memory_format=torch.channels_last), intrinsics, matches)


class _Batches(Dataset[tuple[list[Any], list[Pair]]]):
    """Asked for a list of tickets at once, so that a whole batch is one item."""

    def __init__(self, samples: Source[Any]) -> None:
        self._samples = samples

    def __getitem__(self, tickets: list[Ticket]) -> tuple[list[Any], list[Pair]]:
        singles = [self._samples.sample(ticket) for ticket in tickets if not ticket.pair]
        return singles, [self._samples.pair(ticket) for ticket in tickets if ticket.pair]


class _Tickets(Sampler[list[Ticket]]):
    def __init__(self, order: Order) -> None:
        self._order = order

    def __iter__(self) -> Iterator[list[Ticket]]:
        return self._order.batches()


def _stack_bodies(bodies: Sequence[np.ndarray | None], device: torch.device) -> Tensor | None:
    """Zeros for the samples without one; None if no sample has one."""
    known = next((body for body in bodies if body is not None), None)
    if known is None:
        return None
    nothing = np.zeros_like(known)
    return stack_arrays([nothing if body is None else body for body in bodies], device)


def stack_arrays(arrays: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Arrays of one shape as one tensor on a device."""
    return torch.from_numpy(np.stack(arrays)).to(device)


def _as_they_are(batch: Any) -> Any:  # noqa: ANN401 - as torch declares it
    return batch


def _outlive_signals(_: int) -> None:
    """Whoever asks a whole group of processes to end asks the training too, and that still needs its last samples."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
