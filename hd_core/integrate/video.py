"""Frames of a video, each begun from the surface of the one before; memory of one frame.

A frame that is the same as the one before gives the same surface, bit for bit, so that a still picture stands still.
The result depends on the frames before it; where that must not be, integrate every frame by itself. For live use: the
pipeline does the latter.
"""

import numpy as np
from jaxtyping import Float

from hd_core.integrate.bilateral import BilateralIntegrator
from hd_core.integrate.fuse import Extras
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import Integrated
from hd_core.types import Gauge, SurfaceMaps

ENERGY_JUMP = 4.0
"""A frame is begun anew if its energy per pixel comes out that much larger than that of the last one begun anew."""
LEAST_ENERGY = 1e-4
"""Energy per pixel that is as good as none, px^2: normals of real pictures leave more."""
LEAST_OVERLAP = 0.5
"""Share of the mask that has to have a depth to begin from."""


class VideoIntegrator:
    """Integrates one frame after the other.

    Args:
        options: As for a single frame.
    """

    def __init__(self, options: IntegrateOptions) -> None:
        self._integrator = BilateralIntegrator(options)
        self._seen: SurfaceMaps | None = None
        self._found: Integrated | None = None
        self._energy = np.inf

    def integrate(self, maps: SurfaceMaps, came_from: Float[np.ndarray, "h w 2"] | None = None) -> Integrated:
        """Integrate the next frame.

        Args:
            maps: Normals, depth prior and its confidence.
            came_from: x, y in the frame before of what every pixel shows, px, NaN where unknown; None where nothing
                is known about the motion, as if nothing had moved.

        Raises:
            InputError: As for a single frame.
        """
        if self._found is not None and self._seen is not None and _same(maps, self._seen):
            return self._found
        start = self._start(maps, came_from)
        found = None if start is None else self._integrator.integrate(maps, Extras(start=start))
        if found is None or _energy(found) > ENERGY_JUMP * self._energy:
            found = self._integrator.integrate(maps)
            self._energy = _energy(found)
        self._seen, self._found = maps, found
        return found

    def _start(
        self, maps: SurfaceMaps, came_from: Float[np.ndarray, "h w 2"] | None
    ) -> Float[np.ndarray, "h w"] | None:
        """Depth to begin from; None for a cold start."""
        if self._found is None or not maps.mask.any():
            return None
        depth = self._found.surface.depth
        fitted = maps.gauge is Gauge.AFFINE and self._found.measures["prior_used"]
        if fitted or depth.shape != maps.mask.shape or self._found.surface.gauge is not _gauge_of(maps):
            return None
        moved = depth if came_from is None else _fetched(depth, came_from)
        known = np.isfinite(moved) & maps.mask
        return moved if known.sum() >= LEAST_OVERLAP * maps.mask.sum() else None


def _gauge_of(maps: SurfaceMaps) -> Gauge:
    return Gauge.SCALE if maps.gauge is Gauge.AFFINE else maps.gauge


def _energy(found: Integrated) -> float:
    """Per pixel."""
    return max(found.measures["energy"] / max(int(found.surface.mask.sum()), 1), LEAST_ENERGY)


def _same(a: SurfaceMaps, b: SurfaceMaps) -> bool:
    if a is b:
        return True
    if a.gauge is not b.gauge or not np.array_equal(a.camera.intrinsics, b.camera.intrinsics):
        return False
    pairs = ((getattr(a, name), getattr(b, name)) for name in ("normal", "mask", "confidence", "depth"))
    return all(x.dtype == y.dtype and np.array_equal(_bits(x), _bits(y)) for x, y in pairs)


def _bits(values: np.ndarray) -> np.ndarray:
    """Numbers as integers, so that what is no number equals itself."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def _fetched(depth: Float[np.ndarray, "h w"], came_from: Float[np.ndarray, "h w 2"]) -> Float[np.ndarray, "h w"]:
    """The depth at the nearest pixel of where everything came from."""
    height, width = depth.shape
    column, row = np.floor(came_from[..., 0]), np.floor(came_from[..., 1])
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    there = np.where(inside, row, 0).astype(np.int64), np.where(inside, column, 0).astype(np.int64)
    fetched: Float[np.ndarray, "h w"] = np.where(inside, depth[there], np.nan)
    return fetched
