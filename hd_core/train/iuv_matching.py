"""Which cells of two samples of the correspondence network show the same point of the body, from their true maps.

A visible surface carries its points with it: the map of the clothes gives each of their points the same place on the
template in every frame. So the true maps alone say what shows the same point, however far frames are apart.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8
from scipy.spatial import cKDTree

REACH_M = 0.03
"""Points of the template farther apart than this are no match; a cell of a 128 px sample is about as wide."""
CELLS = 2048
"""Matches of a pair that are kept, of each surface."""
_PART_M = 10.0
"""What keeps parts apart where places are compared."""


class CellMatches(NamedTuple):
    """Flat cells of two samples, for the seen surface and the body; filled up with cells of weight 0."""

    first: Int64[np.ndarray, "2 n"]
    second: Int64[np.ndarray, "2 n"]
    weight: Float32[np.ndarray, "2 n"]


def match_cells(
    parts: Sequence[UInt8[np.ndarray, "2 a d"]],
    places: Sequence[Float32[np.ndarray, "2 3 a d"]],
    seen: Sequence[Bool[np.ndarray, "a d"]],
    rng: np.random.Generator,
) -> CellMatches:
    """For cells of the first sample, drawn from all, the nearest of the same part in the second.

    Args:
        parts: Of both samples, for the seen surface and the body.
        places: Points of the template, m.
        seen: Where the network sees the person.
        rng: Draws cells, where there are more than `CELLS`.
    """
    found = CellMatches(*(np.zeros((2, CELLS), kind) for kind in (np.int64, np.int64, np.float32)))
    for surface in range(2):
        usable = [
            np.flatnonzero(on.ravel() & (part[surface].ravel() > 0)) for on, part in zip(seen, parts, strict=True)
        ]
        if not len(usable[0]) or not len(usable[1]):
            continue
        ours, theirs = (
            np.column_stack([_PART_M * part[surface].ravel()[rows], place[surface].reshape(3, -1)[:, rows].T])
            for part, place, rows in zip(parts, places, usable, strict=True)
        )
        drawn = rng.permutation(len(ours))[:CELLS]
        distance, nearest = cKDTree(theirs).query(ours[drawn], distance_upper_bound=REACH_M)
        near = np.isfinite(distance)
        span = slice(int(near.sum()))
        found.first[surface, span] = usable[0][drawn[near]]
        found.second[surface, span] = usable[1][nearest[near]]
        found.weight[surface, span] = 1
    return found
