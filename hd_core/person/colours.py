"""The colours of a person's clothes, above and below the hips: told apart by them after a crossing.

Histograms of red, green and blue are compared by Bhattacharyya's coefficient (Comaniciu et al., "Kernel-Based
Object Tracking", PAMI 2003). We differ in that the kernel is BlazePose's mask, split at the hips.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from scipy import ndimage

from hd_core.geometry.crop import cut_rgb
from hd_core.person.pose import INPUT_SIZE, PoseReading
from hd_core.person.taking import mask_in

BINS = 8
"""Per channel."""
SOFTNESS = 0.7
"""Blur of the histogram, bins: light changes a little from place to place."""
MIN_PIXELS = 150
"""A part of which less is seen, px of the network's square, has no colours."""
OTHER_CLOTHES = 0.25
"""Share of the colours that people dressed alike from the hips down, and otherwise above, do not have in common; the
same person from frame to frame has 0.01 to 0.03."""
LEGS_END = 2.4
"""How far the legs reach, in lengths of the trunk from the shoulders."""

Colours = Float[np.ndarray, "2 512"]
"""Square roots of the shares of the bins, for the trunk and for the legs; all 0 for a part that is not seen."""


def clothes_colours(rgb: UInt8[np.ndarray, "h w 3"], reading: PoseReading, others: Sequence[PoseReading]) -> Colours:
    """The colours of a person's clothes; pixels that another person claims as well do not count."""
    mine = reading.mask > 0.7
    for other in others:
        mine &= mask_in(other, reading.crop) < 0.3
    along = _along_trunk(reading)
    picture = cut_rgb(rgb, reading.crop)
    parts = [mine & (along >= 0) & (along < 1), mine & (along >= 1) & (along < LEGS_END)]
    return np.stack([_histogram(picture[part]) for part in parts])


def colour_distance(a: Colours, b: Colours) -> float:
    """0 for the same colours, 1 for clearly others, on the mean of the parts that both show; 0.5 without any."""
    both = np.flatnonzero(np.logical_and(a.any(axis=1), b.any(axis=1)))
    if not len(both):
        return 0.5
    apart = float(np.mean([1 - min(float(a[part] @ b[part]), 1.0) for part in both]))
    return min(apart / OTHER_CLOTHES, 1.0)


def mean_colours(colours: Sequence[Colours]) -> Colours:
    """The colours of several looks together; of each part, over the looks that show it."""
    if not colours:
        return np.zeros((2, BINS**3), np.float32)
    shares = (np.stack(colours) ** 2).sum(axis=0)
    total = shares.sum(axis=1, keepdims=True)
    mean: np.ndarray = np.sqrt(shares / np.maximum(total, 1e-9)).astype(np.float32)
    return mean


def _along_trunk(reading: PoseReading) -> Float[np.ndarray, "256 256"]:
    """Every pixel's place along the trunk: 0 at the shoulders, 1 at the hips, more below."""
    box = reading.crop.box
    marks = (reading.landmarks[:, :2] - [box.left, box.top]) * INPUT_SIZE / box.width
    shoulders, hips = marks[[11, 12]].mean(axis=0), marks[[23, 24]].mean(axis=0)
    axis = hips - shoulders
    rows, columns = np.mgrid[:INPUT_SIZE, :INPUT_SIZE] + 0.5
    along = (columns - shoulders[0]) * axis[0] + (rows - shoulders[1]) * axis[1]
    share: np.ndarray = along / max(float(axis @ axis), 1.0)
    return share


def _histogram(pixels: UInt8[np.ndarray, "n 3"]) -> Float[np.ndarray, "512"]:
    if len(pixels) < MIN_PIXELS:
        return np.zeros(BINS**3, np.float32)
    counts, _ = np.histogramdd(pixels.astype(np.float32), bins=BINS, range=[(0, 256)] * 3)
    soft = ndimage.gaussian_filter(counts, SOFTNESS, mode="nearest").ravel()
    shares: np.ndarray = np.sqrt(soft / soft.sum()).astype(np.float32)
    return shares
