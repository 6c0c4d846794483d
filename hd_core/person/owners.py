"""Whose pixels they are where people overlap: each pixel goes to whoever has better evidence for it.

Evidence is BlazePose's probability, how near a limb runs, and how surely that limb is seen: BlazePose says of
the landmarks of a person behind that they are hidden, so the one in front wins.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

LIMBS = (
    *((11, 12), (11, 23), (12, 24), (23, 24), (23, 25), (24, 26), (25, 27), (26, 28), (27, 31), (28, 32)),
    *((11, 13), (12, 14), (13, 15), (14, 16), (15, 19), (16, 20), (0, 11), (0, 12), (7, 8), (11, 24), (12, 23)),
)
"""Pairs of landmarks between which a body is."""
LIMB_REACH = 0.35
"""A limb speaks for pixels up to this far from it, in lengths of the trunk."""
LIMB_WEIGHT = 0.7
"""What a limb that runs through a pixel and is seen counts, against BlazePose's probability of 1."""
SMOOTHING = 0.006
"""Blur of the difference of evidence, share of the side: borders between people are not ragged."""
COARSE = 128
"""Side of the picture on which distances to limbs are taken, px."""

Plane = Float[np.ndarray, "n n"]


def claim(mask: Plane, landmarks: Float[np.ndarray, "33 k"]) -> Plane:
    """Evidence that pixels are a person's.

    Args:
        mask: BlazePose's probability.
        landmarks: x, y in px of the mask, anything, visibility last.
    """
    side = len(mask)
    points, seen = landmarks[:, :2] * COARSE / side, landmarks[:, -1]
    trunk = float(np.linalg.norm(points[[11, 12]].mean(axis=0) - points[[23, 24]].mean(axis=0)))
    reach = max(LIMB_REACH * trunk, 1.0)
    best = np.zeros((COARSE, COARSE))
    for start, end in LIMBS:
        near = np.clip(1 - _distance(points[start], points[end]) / reach, 0, 1)
        best = np.maximum(best, near * min(seen[start], seen[end]))
    evidence: Plane = mask + LIMB_WEIGHT * ndimage.zoom(best, side / COARSE, order=1, mode="nearest", grid_mode=True)
    return evidence.astype(np.float32)


def theirs(mine: Plane, others: Sequence[tuple[Plane, Plane]]) -> Bool[np.ndarray, "n n"]:
    """Pixels of the other people.

    Args:
        mine: This person's evidence, from `claim`.
        others: Mask and evidence of everybody else.
    """
    taken = np.zeros(mine.shape, bool)
    for mask, evidence in others:
        ahead = ndimage.gaussian_filter(evidence - mine, SMOOTHING * len(mine))
        taken |= (mask > 0.5) & (ahead > 0)
    return taken


def nearer(mine: Bool[np.ndarray, "n n"], taken: Bool[np.ndarray, "n n"]) -> Bool[np.ndarray, "n n"]:
    """Pixels that are nearer to this person than to the others' pixels."""
    if not taken.any():
        return np.ones_like(mine)
    closer: np.ndarray = ndimage.distance_transform_edt(~mine) <= ndimage.distance_transform_edt(~taken)
    closer &= ~taken
    return closer


def _distance(start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"]) -> Float[np.ndarray, "128 128"]:
    """From every pixel's centre to a line segment, px."""
    rows, columns = np.mgrid[:COARSE, :COARSE] + 0.5
    along = end - start
    x, y = columns - start[0], rows - start[1]
    share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-9), 0, 1)
    distance: np.ndarray = np.hypot(x - share * along[0], y - share * along[1])
    return distance
