"""One scale for the whole clip, never one per frame: what turns a surface of unknown size into metres."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hd_core.errors import UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.person.regions import regions
from hd_core.types import Gauge, SurfaceMaps

ASSUMED_HEIGHT_M = 1.70
SPECK_SHARE = 0.01
TALL_PERCENTILE = 95
"""A dancer crouches; the tall frames show the body height."""


@dataclass(frozen=True, kw_only=True)
class ScaleLock:
    """Metres per unit of the surfaces' depth, and where that number comes from."""

    scale: float
    source: str
    measured_height: float


def lock_scale(surfaces: Iterable[SurfaceMaps], *, subject_height_m: float | None) -> ScaleLock:
    """Decide the clip's scale from the body height, or keep a metric predictor's own.

    Args:
        surfaces: All frames' surfaces; read once, one at a time.
        subject_height_m: The body height, if the user states it.

    Raises:
        UsageError: The stated height is not a person's.
    """
    if subject_height_m is not None and not 0.3 <= subject_height_m <= 3:
        raise UsageError(f"--subject-height-m {subject_height_m} is no body height.", "Give 0.3 to 3 metres.")
    heights, gauges = [], set()
    for surface in surfaces:
        if surface.mask.any():
            heights.append(visible_height(surface))
            gauges.add(surface.gauge)
    tall = float(np.percentile(heights, TALL_PERCENTILE)) if heights else 1.0
    if subject_height_m is not None:
        return ScaleLock(scale=subject_height_m / tall, source="--subject-height-m", measured_height=tall)
    if gauges <= {Gauge.METRIC}:
        return ScaleLock(scale=1.0, source="metric predictor", measured_height=tall)
    source = f"assumed body height {ASSUMED_HEIGHT_M:.2f} m; state it with --subject-height-m"
    return ScaleLock(scale=ASSUMED_HEIGHT_M / tall, source=source, measured_height=tall)


def visible_height(surface: SurfaceMaps) -> float:
    """Vertical extent of the visible surface, edge to edge of its pixels, in the unit of its depth.

    Specks do not count: only regions of at least a hundredth of the person do.
    """
    labels, areas = regions(surface.mask)
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= SPECK_SHARE * areas.sum()))
    y = (pixel_rays(surface.camera)[..., 1] * surface.depth)[kept]
    pixel = float(np.median(surface.depth[kept])) / surface.camera.intrinsics[1, 1]
    return float(y.max() - y.min() + pixel)
