"""What turns surfaces of unknown size into metres: one number over the whole clip, never one per frame.

A metric predictor's metres hold for everybody, and a stated body height corrects them all by one factor. Where the
size is unknown it is unknown person by person, for every crop is predicted on its own: then each is made as tall as a
body, which also puts each at the distance that the camera's perspective asks for. One common number would put
everybody at one distance and make a dwarf of whoever stands farther away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hd_core.errors import InputError, UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.person.regions import regions
from hd_core.runfolder import RunFolder
from hd_core.types import Gauge, SurfaceMaps

ASSUMED_HEIGHT_M = 1.70
SPECK_SHARE = 0.01
TALL_PERCENTILE = 95
"""A dancer crouches; the tall frames show the body height."""
SCALES = "scale.json"


@dataclass(frozen=True, kw_only=True)
class ScaleLock:
    """Metres per unit of one person's depth over the clip, and where that number comes from."""

    scale: float
    source: str
    measured_height: float


def lock_scales(
    surfaces: Mapping[int, Iterable[SurfaceMaps]], *, subject_height_m: float | None
) -> dict[int, ScaleLock]:
    """Decide everybody's scale from body heights, or keep a metric predictor's own.

    Args:
        surfaces: All frames' surfaces by person; read once, one at a time.
        subject_height_m: Body height of the person with the lowest id, if the user states it.

    Raises:
        UsageError: The stated height is not a person's.
    """
    if subject_height_m is not None and not 0.3 <= subject_height_m <= 3:
        raise UsageError(f"--subject-height-m {subject_height_m} is no body height.", "Give 0.3 to 3 metres.")
    gauges, tall = set[Gauge](), dict[int, float]()
    for person, frames in surfaces.items():
        heights = []
        for surface in frames:
            if surface.mask.any():
                heights.append(visible_height(surface))
                gauges.add(surface.gauge)
        tall[person] = float(np.percentile(heights, TALL_PERCENTILE)) if heights else 1.0
    if gauges <= {Gauge.METRIC}:
        return _metric(tall, subject_height_m)
    return _by_height(tall, subject_height_m)


def write_scales(run: RunFolder, locks: Mapping[int, ScaleLock]) -> None:
    """Remember everybody's scale."""
    run.write_json(SCALES, scales_to_json(locks))


def scales_to_json(locks: Mapping[int, ScaleLock]) -> dict[str, Any]:
    """Everybody's scale as plain values."""
    return {"people": {str(person): asdict(lock) for person, lock in locks.items()}}


def read_scales(run: RunFolder) -> dict[int, ScaleLock]:
    """Everybody's scale.

    Raises:
        InputError: It is not known yet.
    """
    data = run.read_json(SCALES)
    people = data.get("people", {"1": data})  # one alone stood there before there were several
    return {int(person): ScaleLock(**lock) for person, lock in people.items()}


def read_scale(run: RunFolder, person_id: int) -> ScaleLock:
    """One person's scale.

    Raises:
        InputError: It is not known yet.
    """
    known = read_scales(run)
    if person_id not in known:
        raise InputError(
            f"{run.path / SCALES} does not know person{person_id:02d}.", "Run the mesh stage: hd-core mesh RUN."
        )
    return known[person_id]


def _metric(tall: Mapping[int, float], subject_height_m: float | None) -> dict[int, ScaleLock]:
    """One number for all: distances between people stay as the predictor saw them."""
    scale, source = 1.0, "metric predictor"
    if subject_height_m is not None and tall:
        first = min(tall)
        scale, source = subject_height_m / tall[first], _stated(first, alone=len(tall) == 1)
    return {person: ScaleLock(scale=scale, source=source, measured_height=height) for person, height in tall.items()}


def _by_height(tall: Mapping[int, float], subject_height_m: float | None) -> dict[int, ScaleLock]:
    """A number for each: the stated height for the first person, the usual one for the others."""
    locks = {}
    for person, height in tall.items():
        wanted, source = ASSUMED_HEIGHT_M, f"assumed body height {ASSUMED_HEIGHT_M:.2f} m"
        if subject_height_m is not None and person == min(tall):
            wanted, source = subject_height_m, _stated(person, alone=len(tall) == 1)
        elif subject_height_m is None:
            source += "; state it with --subject-height-m"
        locks[person] = ScaleLock(scale=wanted / height, source=source, measured_height=height)
    return locks


def _stated(person: int, *, alone: bool) -> str:
    return "--subject-height-m" + f" of person{person:02d}" * (not alone)


def visible_height(surface: SurfaceMaps) -> float:
    """Vertical extent of the visible surface, edge to edge of its pixels, in the unit of its depth.

    Specks do not count: only regions of at least a hundredth of the person do.
    """
    labels, areas = regions(surface.mask)
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= SPECK_SHARE * areas.sum()))
    y = (pixel_rays(surface.camera)[..., 1] * surface.depth)[kept]
    pixel = float(np.median(surface.depth[kept])) / surface.camera.intrinsics[1, 1]
    return float(y.max() - y.min() + pixel)
