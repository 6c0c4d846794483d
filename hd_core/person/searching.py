"""Looking for everybody in a picture, also where the mattes of several people are one region.

What the people found so far explain is taken out of the matte and of the picture, and the rest is looked at
again, until nobody new is seen. A region that is too wide for one person is looked at in windows, too.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8
from scipy import ndimage

from hd_core.person.looking import Find, Looker, candidates
from hd_core.person.pose import PoseReading
from hd_core.person.regions import overlap, square_around
from hd_core.person.taking import frame_mask, shared_mask, taken_away
from hd_core.types import Box

ROUNDS = 3
EXPLAINED_RIM = 0.03
"""A person explains the matte so far beyond the mask, in sides of the network's square."""
RIM_PX = 2
"""What is left of a matte counts only where it is thicker than twice this, px of the matte."""
MIN_SHARE = 0.5
"""Share of a new person's mask that nobody else explains."""
SAME_MASK = 0.6
"""Finds that share this much of the smaller mask are one person."""
WIDE = 0.9
"""Regions wider than this times their height may be people side by side."""


def search_everybody(looker: Looker, rgb: UInt8[np.ndarray, "h w 3"], known: Sequence[PoseReading] = ()) -> list[Find]:
    """The people in the picture beside those who are known.

    Args:
        looker: The networks.
        rgb: The whole frame.
        known: People who are seen in it already.

    Returns:
        Those whom both networks see once everybody else is taken away.
    """
    matte = looker.matte(rgb) > 0.5
    shape = (matte.shape[0], matte.shape[1])
    found: list[Find] = []
    for _ in range(ROUNDS):
        readings = [*known, *(find.reading for find in found)]
        rest = _unexplained(matte, readings)
        fresh: list[Find] = []
        for box in candidates(rest, rgb.shape[:2]):
            find = _look_at(looker, rgb, box, [*readings, *(f.reading for f in fresh)])
            if find is not None and _share(frame_mask(find.reading, shape), rest) > MIN_SHARE:
                fresh.append(find)
        if not fresh:
            break
        found += fresh
    return [find for find in found if _stands(looker, rgb, find, known, found)]


def _unexplained(matte: Bool[np.ndarray, "h w"], readings: Sequence[PoseReading]) -> Bool[np.ndarray, "h w"]:
    rest = matte.copy()
    for reading in readings:
        rest &= ~frame_mask(reading, (matte.shape[0], matte.shape[1]), grow=EXPLAINED_RIM)
    if not readings:
        return rest
    solid: np.ndarray = ndimage.binary_opening(rest, iterations=RIM_PX)
    return solid


def _look_at(looker: Looker, rgb: UInt8[np.ndarray, "h w 3"], box: Box, known: Sequence[PoseReading]) -> Find | None:
    """Somebody in a region whom nobody known explains."""
    reach = square_around(box, scale=3.0)
    picture = taken_away(rgb, [reading for reading in known if overlap(reading.crop.box, reach) > 0])
    for window in _windows(box):
        find = looker.first_look(picture, window)
        if find is not None and all(shared_mask(find.reading, other) <= SAME_MASK for other in known):
            return find
    return None


def _windows(box: Box) -> list[Box]:
    """The box, and its halves if it is too wide for one person."""
    if box.width < WIDE * box.height:
        return [box]
    half = box.width / 2
    return [box, *(Box(left=left, top=box.top, width=half, height=box.height) for left in (box.left, box.left + half))]


def _stands(
    looker: Looker, rgb: UInt8[np.ndarray, "h w 3"], find: Find, known: Sequence[PoseReading], found: Sequence[Find]
) -> bool:
    """Whether the matte network agrees when everybody else near is taken away."""
    others = [*known, *(other.reading for other in found if other is not find)]
    near = [other for other in others if overlap(other.crop.box, find.reading.crop.box) > 0]
    return looker.confirms(taken_away(rgb, near), find)


def _share(mask: Bool[np.ndarray, "h w"], rest: Bool[np.ndarray, "h w"]) -> float:
    grown = ndimage.binary_dilation(rest, iterations=2 * RIM_PX)
    return float((mask & grown).sum() / max(int(mask.sum()), 1))
