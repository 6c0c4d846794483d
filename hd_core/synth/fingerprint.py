"""A clip's geometry in a few numbers, by which it is known again on another machine and at another size."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float32

CELLS = 8
"""Along each side of the picture."""
UNITS = 1000
"""Numbers are kept in thousandths: of the picture's area, of metres, of unit normals."""
CHANNELS = ("cover", "depth", "normal x", "normal y", "normal z")

Numbers = list[list[int]]
"""Per frame the cells of one channel after the other, row by row."""


def fingerprint(
    depth: Float[np.ndarray, "t h w"], normal: Float32[np.ndarray, "t h w 3"], frames: tuple[int, ...] = (0, -1)
) -> Numbers:
    """Means over 8 x 8 cells of cover, depth and normal, of the first and the last frame.

    Off the person all are zero, so that a cell which the person covers by a little counts for a little.

    Args:
        depth: Along +z, m; NaN off the person.
        normal: Unit; zero off the person.
        frames: Which frames.
    """
    return [_of_frame(depth[frame], normal[frame]).tolist() for frame in frames]


def differences(found: Numbers, expected: Numbers) -> Mapping[str, float]:
    """Largest difference of each channel over cells and frames, in its unit: area share, metres, unit normals."""
    off = np.abs(np.array(found) - np.array(expected)).reshape(-1, len(CHANNELS), CELLS**2) / UNITS
    return dict(zip(CHANNELS, off.max(axis=(0, 2)).tolist(), strict=True))


def _of_frame(depth: Float[np.ndarray, "h w"], normal: Float32[np.ndarray, "h w 3"]) -> np.ndarray:
    seen = np.isfinite(depth)
    planes = np.concatenate([[seen, np.nan_to_num(depth)], normal.transpose(2, 0, 1)]).astype(np.float64)
    rows, columns = (np.arange(CELLS) * side // CELLS for side in depth.shape)
    sums = np.add.reduceat(np.add.reduceat(planes, rows, axis=1), columns, axis=2)
    area = np.diff(rows, append=depth.shape[0])[:, None] * np.diff(columns, append=depth.shape[1])
    return np.asarray(np.rint(UNITS * sums / area), np.int64).ravel()
