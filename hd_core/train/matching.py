"""Which pixels of two frames show the same point of the body, from their maps of body parts and coordinates.

Nearest neighbours in the chart of each part, as the authors of HDNet found theirs; equal coordinates alone would be
far too few.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8
from scipy.spatial import cKDTree

from hd_core.predict.planes import NUM_PARTS

REACH = 7.0
"""Neighbours farther away than this in u and v, of 255, are no match."""


class PixelMatches(NamedTuple):
    """Flat pixel places in two pictures, the part they lie on, and how close in its chart; filled up with zeros."""

    first: Int64[np.ndarray, " n"]
    second: Int64[np.ndarray, " n"]
    part: Int64[np.ndarray, " n"]
    weight: Float32[np.ndarray, " n"]


def match_pixels(
    first: UInt8[np.ndarray, "h w 3"],
    second: UInt8[np.ndarray, "h w 3"],
    masks: tuple[Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]],
    rng: np.random.Generator,
    *,
    count: int,
) -> PixelMatches:
    """At most `count` matches, drawn from all.

    Args:
        first: Part, u and v of one picture, bytes; part 0 is nobody.
        second: Of the other.
        masks: Where each picture shows the person.
        rng: Draws pixels.
        count: Length of the result.
    """
    flat = [iuv.reshape(-1, 3) for iuv in (first, second)]
    usable = [np.flatnonzero(mask.ravel() & (iuv[:, 0] > 0)) for mask, iuv in zip(masks, flat, strict=True)]
    drawn = rng.permutation(usable[0])[:count]
    found = PixelMatches(*(np.zeros(count, kind) for kind in (np.int64, np.int64, np.int64, np.float32)))
    filled = 0
    for part in range(1, NUM_PARTS):
        ours, theirs = drawn[flat[0][drawn, 0] == part], usable[1][flat[1][usable[1], 0] == part]
        if not len(ours) or not len(theirs):
            continue
        tree = cKDTree(flat[1][theirs, 1:].astype(np.float64))
        distance, nearest = tree.query(flat[0][ours, 1:].astype(np.float64))
        near = distance < REACH
        span = slice(filled, filled + int(near.sum()))
        found.first[span], found.second[span] = ours[near], theirs[nearest[near]]
        found.part[span], found.weight[span] = part, 1 - distance[near] / REACH
        filled = span.stop
    return found
