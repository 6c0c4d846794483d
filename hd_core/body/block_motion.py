"""Where the cells of one picture went in the next, by comparing blocks of colours: coarse, quick, whole cells only."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int
from scipy import ndimage

REACH = 4
"""Cells that are looked at in every direction: 8 px of a view of 256 px."""
BLOCK = 5
"""Side of the blocks that are compared, cells."""
STILL = 2e-4
"""What a cell of motion costs, squared, as a squared difference of colour: where all looks alike nothing moves."""
_STEPS = range(-REACH, REACH + 1)
_MOVES = sorted(((down, across) for down in _STEPS for across in _STEPS), key=lambda move: move[0] ** 2 + move[1] ** 2)


class Motion(NamedTuple):
    """Motion of the cells of a picture; zero where nothing was looked for.

    Args:
        down: Cells.
        right: Cells.
        difference: Mean over the block of the squared difference of colour, with what the motion costs.
    """

    down: Int[np.ndarray, "a d"]
    right: Int[np.ndarray, "a d"]
    difference: Float32[np.ndarray, "a d"]


def block_motion(
    picture: Float32[np.ndarray, "a d 3"], mask: Bool[np.ndarray, "a d"], other: Float32[np.ndarray, "a d 3"]
) -> Motion:
    """Motion from one picture to another; a cell never leaves the picture.

    Args:
        picture: Colours, 0..1; zero off the person.
        mask: The person in it; it shows somebody.
        other: The other picture, likewise.
    """
    height, width = mask.shape
    top, bottom, left, right = _bounds(mask)
    own, wide = picture[top:bottom, left:right], np.pad(other, ((REACH, REACH), (REACH, REACH), (0, 0)))
    rows, columns = np.mgrid[top:bottom, left:right]
    found = Motion(*(np.zeros(mask.shape, kind) for kind in (np.int64, np.int64, np.float32)))
    best, moves = np.full(own.shape[:2], np.inf, np.float32), np.zeros((2, *own.shape[:2]), np.int64)
    for down, across in _MOVES:
        y, x = REACH + down, REACH + across
        there = wide[top + y : bottom + y, left + x : right + x]
        apart = ndimage.uniform_filter(np.square(own - there).sum(axis=-1), BLOCK, mode="nearest")
        apart += STILL * (down**2 + across**2)
        inside = (rows + down >= 0) & (rows + down < height) & (columns + across >= 0) & (columns + across < width)
        better = (apart < best) & inside
        best[better], moves[0][better], moves[1][better] = apart[better], down, across
    for plane, values in zip(found, (*moves, best), strict=True):
        plane[top:bottom, left:right] = values
    return found


def _bounds(mask: Bool[np.ndarray, "a d"]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
