"""A training sample of the correspondence network: what a camera sees of a frame, and which points of the body."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor

from hd_core.errors import InputError
from hd_core.evaluate.predicted_body import MAPS
from hd_core.predict.planes import picture_planes
from hd_core.synth.atlas.anny24 import IUV_CONVENTION, from_bytes, load_atlas
from hd_core.train.body import placed_iuv
from hd_core.train.loader import Samples, stack_arrays
from hd_core.train.options import AugmentOptions
from hd_core.train.pack import PackedFrame, read_frame
from hd_core.train.pairs import Pair
from hd_core.train.placing import Placing, sample_placing, usual_placing
from hd_core.train.samples import Ticket, placed_view


class IuvSample(NamedTuple):
    """The planes that the network reads, and what it should find of the seen surface and of the body alone.

    That is at half the size: the part of every pixel, 0 for none, and the point of the template, m, zero there.
    """

    picture: Float32[np.ndarray, "p h w"]
    parts: UInt8[np.ndarray, "2 a d"]
    places: Float32[np.ndarray, "2 3 a d"]


class SamePoints(NamedTuple):
    """Flat cells of the frames of `p` pairs that show the same point, by surface; a weight of 0 fills up."""

    first: Int[Tensor, "p 2 n"]
    second: Int[Tensor, "p 2 n"]
    weight: Float[Tensor, "p 2 n"]


class IuvBatch(NamedTuple):
    """Samples stacked, on the training's device; `mask` is 1 where the network sees the person.

    With `matches`, the first half of the samples are first frames, the second half their partners in the same order.
    """

    picture: Float[Tensor, "b p h w"]
    parts: UInt8[Tensor, "b 2 a d"]
    places: Float[Tensor, "b 2 3 a d"]
    mask: Float[Tensor, "b a d"]
    matches: SamePoints | None = None


class IuvSamples:
    """Makes samples from tickets.

    Args:
        packed: Folder of packed clips.
        size: Side of the samples, px.
        augment: How wild.
    """

    def __init__(self, packed: Path, *, size: int, augment: AugmentOptions) -> None:
        self._packed, self._size, self._augment = packed, size, augment
        self._plain = Samples(packed, size=size, augment=augment)

    def sample(self, ticket: Ticket) -> IuvSample:
        """Of a ticket without a key as the program itself would cut it.

        Raises:
            InputError: The clip's charts are others.
        """
        frame = self._frame(ticket.shard, ticket.frame)
        if not ticket.key:
            return iuv_sample_at(frame, usual_placing(frame.arrays["depth"] > 0, size=self._size), size=self._size)
        return self._drawn(frame, self._augment, np.random.default_rng(ticket.key))

    def twins(self, ticket: Ticket, *, gap: int) -> tuple[IuvSample, IuvSample]:
        """A frame and a later one, placed and spoiled each by its own draws, but mirrored together.

        Args:
            ticket: With a key.
            gap: Frames that they are apart at most; 0 shows the same frame twice.

        Raises:
            InputError: The clip's charts are others.
        """
        rng = np.random.default_rng(ticket.key)
        later = ticket.frame + (int(rng.integers(1, gap + 1)) if gap else 0)
        # A mirrored body is another one: its left hand's pixels show the right hand's points.
        augment = replace(self._augment, flip=float(rng.random() < self._augment.flip))
        frames = [self._frame(ticket.shard, number) for number in (ticket.frame, later)]
        rngs = [np.random.default_rng([*ticket.key, number]) for number in (1, 2)]
        first, second = (self._drawn(frame, augment, own) for frame, own in zip(frames, rngs, strict=True))
        return first, second

    def pair(self, ticket: Ticket) -> Pair:
        """Two frames of a clip."""
        return self._plain.pair(ticket)

    def _frame(self, shard: Path, number: int) -> PackedFrame:
        frame = read_frame(shard, self._packed, number)
        convention = frame.header.get("iuv_convention")
        if convention != IUV_CONVENTION:
            raise InputError(
                f"{shard} holds charts of convention {convention!r}; expected {IUV_CONVENTION!r}.",
                "Train correspondences on clips of hd-core synth.",
            )
        return frame

    def _drawn(self, frame: PackedFrame, augment: AugmentOptions, rng: np.random.Generator) -> IuvSample:
        placing = sample_placing(rng, frame.arrays["depth"] > 0, augment, size=self._size)
        return iuv_sample_at(frame, placing, size=self._size, rng=rng, strength=augment.strength)


def iuv_sample_at(
    frame: PackedFrame, placing: Placing, *, size: int, rng: np.random.Generator | None = None, strength: float = 0.0
) -> IuvSample:
    """The sample that a placing cuts out; arguments as those of `train.samples.sample_at`."""
    view = placed_view(frame, placing, size=size, rng=rng, strength=strength)
    coarse = replace(placing, scale=placing.scale / 2, shift=placing.shift / 2)
    maps = np.stack([placed_iuv(frame.arrays[name], coarse, size // 2) for name in MAPS])
    return IuvSample(picture=picture_planes(view), parts=maps[..., 0], places=template_points(maps))


def template_points(iuv: UInt8[np.ndarray, "n a d 3"]) -> Float32[np.ndarray, "n 3 a d"]:
    """The points of the template that maps show, m; zero where there is no part."""
    atlas, on = load_atlas(), iuv[..., 0] > 0
    points = np.zeros(iuv.shape, np.float32)
    points[on] = atlas.canonical_points(*atlas.decode(*from_bytes(iuv[on])))
    return np.ascontiguousarray(np.moveaxis(points, -1, 1))


def to_iuv_batch(samples: Sequence[IuvSample], device: torch.device) -> IuvBatch:
    """Stack samples on a device."""
    picture, parts, places = (stack_arrays(part, device) for part in zip(*samples, strict=True))
    seen = torch.nn.functional.max_pool2d((picture[:, 3:4] > 0.5).float(), 2)[:, 0]
    return IuvBatch(picture.contiguous(memory_format=torch.channels_last), parts, places, seen)
