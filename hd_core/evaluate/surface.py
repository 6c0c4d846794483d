"""Integrated surfaces in millimetres, when nothing but the person's height is known.

One scale for a clip, as in `hd-core reconstruct`: that which gives the surfaces the height of what is truly seen
(the 95th percentile over the frames). An error of one part in a hundred in it moves a person 3.5 m away by 35 mm, so
the error proper leaves the place along the line of sight open: the frame's median offset is taken out. `placed` is
the error with it. Both are distances along the pixel's ray; `to plane` is the first measured across the true surface.
"""

from collections.abc import Sequence

import numpy as np

from hd_core.evaluate.frame import FrameTruth
from hd_core.geometry.camera import pixel_rays
from hd_core.pipeline.scale import TALL_PERCENTILE, visible_height
from hd_core.types import SurfaceMaps


def measure_surfaces(truths: Sequence[FrameTruth], surfaces: Sequence[SurfaceMaps]) -> list[dict[str, np.ndarray]]:
    """Sums of each frame: count, error, its square, error with its place, error across the surface; metres.

    Args:
        truths: Frames of one clip.
        surfaces: Integrated, one per frame.
    """
    seen = [truth.sample.truth for truth in truths]
    usable = [i for i, surface in enumerate(surfaces) if surface.mask.any() and seen[i].mask.any()]
    nothing = [{"surface": np.zeros(5)} for _ in truths]
    if not usable:
        return nothing
    scale = _tall([seen[i] for i in usable]) / _tall([surfaces[i] for i in usable])
    return [_sums(seen[i], surfaces[i], scale) if i in usable else nothing[i] for i in range(len(truths))]


def _tall(surfaces: Sequence[SurfaceMaps]) -> float:
    return float(np.percentile([visible_height(surface) for surface in surfaces], TALL_PERCENTILE))


def _sums(truth: SurfaceMaps, surface: SurfaceMaps, scale: float) -> dict[str, np.ndarray]:
    both = truth.mask & surface.mask
    if not both.any():
        return {"surface": np.zeros(5)}
    rays = pixel_rays(truth.camera)[both]
    off = surface.depth[both].astype(np.float64) * scale - truth.depth[both]
    slant = np.linalg.norm(rays, axis=-1)
    shape = off - np.median(off)
    error = np.abs(shape) * slant
    across = np.abs(shape * (rays * truth.normal[both]).sum(axis=-1))
    placed = np.abs(off) * slant
    return {"surface": np.array([both.sum(), error.sum(), (error**2).sum(), placed.sum(), across.sum()])}
