"""Square crops that follow a person calmly: smoothed over time without lag, the person always inside.

Centre and side are smoothed by local weighted regression with robustness weights (Cleveland, "Robust Locally
Weighted Regression", JASA 1979). We differ in the kernel, a Gaussian in place of the tricube. A straight line
passes unchanged, at the ends too, so that steady motion has no lag. Then the square grows where the person would
leave it, by an envelope that is never below what is needed.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from hd_core.geometry.crop import make_crop
from hd_core.person.sighting import Sighting
from hd_core.types import Box, Camera, Crop

CENTRE_SECONDS = 0.3
"""Width (sigma) of the smoothing of the crop's centre."""
SIDE_SECONDS = 0.6
"""Width (sigma) of the smoothing of the crop's side: zooming is seen sooner than panning."""
MAX_GAP = 5
"""Frames without the person over which the crop's path runs on; a longer gap begins a new path."""
ROBUST_PASSES = 2

Edges = Float[np.ndarray, "n 4"]
"""Left, top, right, bottom of boxes, px; NaN without a person."""


def plan_crops(
    sightings: Sequence[Sighting | None],
    full: Camera,
    *,
    size: int,
    margin: float = 0.12,
    follow: bool = True,
) -> list[Crop | None]:
    """One square crop for every frame in which the person is seen.

    Args:
        sightings: One person over consecutive frames; None where the person is not seen.
        full: Camera of the full frame.
        size: Side of the crops, px.
        margin: Room on every side, as a share of the box's longer side.
        follow: Move with the person; else one square holds all boxes of the clip.

    Returns:
        A crop for every sighting and None for every None. Crops may leave the frame.
    """
    edges = np.array([_edges(s) for s in sightings], np.float64).reshape(-1, 4)
    squares = np.full((len(edges), 3), np.nan)
    if follow:
        step = _frame_seconds(sightings)
        for span in _paths(~np.isnan(edges[:, 0])):
            squares[span] = _follow(edges[span], margin, CENTRE_SECONDS / step, SIDE_SECONDS / step)
    elif len(edges) and not np.isnan(edges).all():
        squares[:] = _hold(edges, margin)
    return [
        None if s is None else _square_crop(full, square, size) for s, square in zip(sightings, squares, strict=True)
    ]


def _edges(sighting: Sighting | None) -> list[float]:
    if sighting is None:
        return [np.nan] * 4
    box = sighting.box
    return [box.left, box.top, box.left + box.width, box.top + box.height]


def _frame_seconds(sightings: Sequence[Sighting | None]) -> float:
    """Median time between frames; a 25th of a second if the sightings do not tell."""
    seen = [(place, s.time_seconds) for place, s in enumerate(sightings) if s is not None]
    steps = [(t1 - t0) / (p1 - p0) for (p0, t0), (p1, t1) in pairwise(seen)]
    step = float(np.median(steps)) if steps else 0.0
    return step if step > 0 else 1 / 25


def _paths(seen: Bool[np.ndarray, " n"]) -> list[slice]:
    """Stretches of the clip from first to last sighting, cut at gaps longer than `MAX_GAP`."""
    places = np.flatnonzero(seen)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > MAX_GAP + 1) + 1
    return [slice(int(part[0]), int(part[-1]) + 1) for part in np.split(places, cuts)]


def _follow(edges: Edges, margin: float, centre_frames: float, side_frames: float) -> Float[np.ndarray, "n 3"]:
    """Centre x, centre y and side of every frame's square, px."""
    sizes = edges[:, 2:] - edges[:, :2]
    wanted = sizes.max(axis=1) * (1 + 2 * margin)
    x = smooth((edges[:, 0] + edges[:, 2]) / 2, centre_frames)
    y = smooth((edges[:, 1] + edges[:, 3]) / 2, centre_frames)
    side = smooth(wanted, side_frames)
    centre = np.stack([x, y], axis=1)
    # Half the margin is kept even where the smooth square is too small.
    needed = 2 * np.fmax(centre - edges[:, :2], edges[:, 2:] - centre).max(axis=1) * (1 + margin)
    growth = envelope(np.nan_to_num(np.fmax(needed - side, 0)), radius=max(1, round(side_frames)))
    return np.column_stack([centre, side + growth])


def _hold(edges: Edges, margin: float) -> Float[np.ndarray, "3"]:
    low, high = np.nanmin(edges[:, :2], axis=0), np.nanmax(edges[:, 2:], axis=0)
    return np.append((low + high) / 2, (high - low).max() * (1 + 2 * margin))


def smooth(values: Float[np.ndarray, " n"], width: float) -> Float[np.ndarray, " n"]:
    """Robust local linear regression over the index; straight lines pass unchanged.

    Args:
        values: NaN where unknown; those are bridged.
        width: Sigma of the Gaussian weights, samples.
    """
    known = ~np.isnan(values)
    weights = known.astype(np.float64)
    filled = np.where(known, values, 0.0)
    fitted = _regress(filled, weights, width)
    for _ in range(ROBUST_PASSES):
        residual = np.abs(filled - fitted)
        spread = 6 * float(np.median(residual[known]))
        if spread <= 1e-9 * float(np.abs(filled).max(initial=1)):
            break
        weights = known * np.clip(1 - (residual / spread) ** 2, 0, None) ** 2  # Tukey's bisquare
        fitted = _regress(filled, weights, width)
    return fitted


def _regress(
    values: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"], width: float
) -> Float[np.ndarray, " n"]:
    """Weighted straight line around every sample, read off at that sample."""
    reach = min(int(np.ceil(4 * width)) + MAX_GAP, max(len(values) - 1, 1))
    offset = np.arange(-reach, reach + 1, dtype=np.float64)
    kernel = np.exp(-0.5 * (offset / max(width, 1e-6)) ** 2) + 1e-12  # the floor decides where all else is 0

    def moment(signal: Float[np.ndarray, " n"], power: int) -> Float[np.ndarray, " n"]:
        summed: np.ndarray = ndimage.correlate1d(signal, kernel * offset**power, mode="constant")
        return summed

    s0, s1, s2 = (moment(weights, power) for power in range(3))
    t0, t1 = (moment(weights * values, power) for power in range(2))
    spread = s0 * s2 - s1**2
    enough = spread > 1e-9 * s0**2
    line = (s2 * t0 - s1 * t1) / np.where(enough, spread, 1)
    fitted: np.ndarray = np.where(enough, line, t0 / np.maximum(s0, 1e-300))
    return fitted


def envelope(values: Float[np.ndarray, " n"], *, radius: int) -> Float[np.ndarray, " n"]:
    """A smooth curve that is nowhere below `values`: the running mean of the running maximum."""
    width = 2 * radius + 1
    highest = ndimage.maximum_filter1d(values, width, mode="nearest")
    mean: np.ndarray = ndimage.convolve1d(highest, np.full(width, 1 / width), mode="nearest")
    return mean


def _square_crop(full: Camera, square: Float[np.ndarray, "3"], size: int) -> Crop:
    x, y, side = map(float, square)
    return make_crop(full, Box(left=x - side / 2, top=y - side / 2, width=side, height=side), width=size, height=size)
