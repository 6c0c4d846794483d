"""Two frames of a clip as a network sees a video: without truth, but with the pixels that show the same point."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from hd_core.train.body import placed_iuv
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
    samples, placings = [], []
    for frame in frames:
        upright = AugmentOptions(rotation_deg=augment.rotation_deg, close_up=augment.close_up, flip=0.0)
        placing = sample_placing(rng, _seen(frame), upright, size=size)
        samples.append(sample_at(frame, placing, size=size, rng=rng, strength=augment.strength))
        placings.append(placing)
    masks = samples[0].picture[3] > 0.5, samples[1].picture[3] > 0.5
    if "matches" in frames[1].arrays:
        matches = _placed_matches(frames, placings, masks, rng)
    else:
        maps = [placed_iuv(frame.arrays["iuv"], p, size) for frame, p in zip(frames, placings, strict=True)]
        matches = match_pixels(maps[0], maps[1], masks, rng, count=MATCHES)
    return Pair(
        picture=np.stack([sample.picture for sample in samples]),
        intrinsics=np.stack([sample.intrinsics for sample in samples]),
        matches=matches,
    )


def _seen(frame: PackedFrame) -> Bool[np.ndarray, "h w"]:
    """Where the person is: by the truth, or without one by the matte."""
    if "depth" in frame.header.get("missing", ()):
        return np.asarray(frame.arrays["alpha"] > 127)
    return np.asarray(frame.arrays["depth"] > 0)


def _placed_matches(
    frames: Sequence[PackedFrame],
    placings: Sequence[Placing],
    masks: Sequence[Bool[np.ndarray, "h w"]],
    rng: np.random.Generator,
) -> PixelMatches:
    """Matches that came with the second frame, where both samples show them."""
    rows = frames[1].arrays["matches"]
    rows = rng.permutation(rows[rows[:, 0] > 0].astype(np.int64))
    size, places, shown = masks[0].shape[0], [], np.ones(len(rows), bool)
    for frame, placing, mask, columns in zip(frames, placings, masks, ((2, 1), (4, 3)), strict=True):
        centres = rows[:, columns] + 0.5 - [frame.left, frame.top]
        x, y = np.floor(placing.scale * centres @ placing.turn.T + placing.shift).astype(np.int64).T
        inside = (x >= 0) & (y >= 0) & (x < size) & (y < size)
        place = np.where(inside, y * size + x, 0)
        shown &= inside & mask.ravel()[place]
        places.append(place)
    kept = np.flatnonzero(shown)[:MATCHES]
    found = PixelMatches(*(np.zeros(MATCHES, kind) for kind in (np.int64, np.int64, np.int64, np.float32)))
    span = slice(len(kept))
    found.first[span], found.second[span], found.part[span] = places[0][kept], places[1][kept], rows[kept, 0]
    found.weight[span] = 1
    return found
