"""Two frames of a clip as a network sees a video: without truth, but with the pixels that show the same point."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8

from hd_core.train.matching import PixelMatches, match_pixels
from hd_core.train.options import AugmentOptions
from hd_core.train.pack import PackedFrame
from hd_core.train.placing import Placing, sample_placing
from hd_core.train.samples import sample_at

MATCHES = 4096


class Pair(NamedTuple):
    """Two frames: planes that the network reads, their cameras, and corresponding pixels."""

    picture: Float32[np.ndarray, "2 p h w"]
    intrinsics: Float32[np.ndarray, "2 3 3"]
    matches: PixelMatches


def make_pair(
    frames: tuple[PackedFrame, PackedFrame], *, size: int, augment: AugmentOptions, rng: np.random.Generator
) -> Pair:
    """Place and spoil two frames independently; neither is mirrored, since a mirrored body is another one."""
    samples, maps = [], []
    for frame in frames:
        upright = AugmentOptions(rotation_deg=augment.rotation_deg, close_up=augment.close_up, flip=0.0)
        placing = sample_placing(rng, frame.arrays["depth"] > 0, upright, size=size)
        samples.append(sample_at(frame, placing, size=size, rng=rng, strength=augment.strength))
        maps.append(_placed_iuv(frame, placing, size))
    first, second = (sample.picture[3] > 0.5 for sample in samples)
    return Pair(
        picture=np.stack([sample.picture for sample in samples]),
        intrinsics=np.stack([sample.intrinsics for sample in samples]),
        matches=match_pixels(maps[0], maps[1], (first, second), rng, count=MATCHES),
    )


def _placed_iuv(frame: PackedFrame, placing: Placing, size: int) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of the visible surface, from the nearest pixel."""
    back, source = placing.source_from_target, frame.arrays["iuv"]
    centres = np.arange(size) + 0.5
    x = back[0, 0] * centres[None] + back[0, 1] * centres[:, None] + back[0, 2]
    y = back[1, 0] * centres[None] + back[1, 1] * centres[:, None] + back[1, 2]
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < source.shape[1]) & (row < source.shape[0])
    found: np.ndarray = source[np.where(inside, row, 0), np.where(inside, column, 0)]
    return np.where(inside[..., None], found, np.uint8(0))
