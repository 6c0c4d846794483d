"""Numbers of a report from what was measured in single frames: AUC, GPS, AP, parts, masks and steadiness."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, UInt8

from hd_core.evaluate.correspondence import AUC_M, KAPPA_M, PART_KAPPAS_M, auc, gps, rcp
from hd_core.evaluate.correspondence_ap import LARGE, MEDIUM, average_precision, single
from hd_core.synth.atlas.anny24 import PART_NAMES

RCP_LIMITS_M = np.arange(0, 0.3025, 0.0025)
KAPPAS = {"kappa_255": None, "kappa_parts": PART_KAPPAS_M}
"""Of GPS: the paper's one, and those of the kinds of parts. Their numbers cannot be compared."""


@dataclass(frozen=True, kw_only=True)
class FrameMeasure:
    """A frame of one finder.

    Args:
        distances_m: Of the points from the truth; infinite where nothing was found.
        parts: True parts of the points.
        steps_m: How far the followed points wander to the next frame; infinite where they are lost.
        right: Pixels by true part whose part was found.
        pixels: Pixels by true part.
        overlap_px: Pixels found that show the person; found in all; of the person.
        score: How sure the finder is.
    """

    distances_m: Float[np.ndarray, " n"]
    parts: UInt8[np.ndarray, " n"]
    steps_m: Float[np.ndarray, " f"]
    right: Int64[np.ndarray, "25"]
    pixels: Int64[np.ndarray, "25"]
    overlap_px: Int64[np.ndarray, "3"]
    score: float

    @property
    def iou(self) -> float:
        """Of the masks."""
        both, found, true = self.overlap_px
        return float(both / max(found + true - both, 1))

    def gps(self, kappas_m: Float[np.ndarray, "25"] | None) -> float:
        """Geodesic point similarity, with one kappa for all or one by part."""
        return float(gps(self.distances_m, KAPPA_M if kappas_m is None else kappas_m[self.parts]))


def scores_of(frames: Sequence[FrameMeasure]) -> dict[str, Any]:
    """Scores over frames, ready for JSON; empty if there is none. What is not a number or infinite is None."""
    if not frames:
        return {}
    distances = np.concatenate([frame.distances_m for frame in frames])
    found: dict[str, Any] = {f"auc{round(100 * limit)}": auc(distances, limit) for limit in AUC_M}
    found["median_mm"] = 1000 * float(np.median(distances))
    found["missed_points_percent"] = 100 * float(np.isinf(distances).mean())
    for name, kappas in KAPPAS.items():
        found |= {f"{key}_{name}": value for key, value in _precisions(frames, kappas).items()}
    right, pixels = (sum(getattr(frame, name) for frame in frames) for name in ("right", "pixels"))
    found["part_accuracy_percent"] = 100 * float(right.sum() / max(pixels.sum(), 1))
    found["mask_iou"] = float(np.mean([frame.iou for frame in frames]))
    found |= _steadiness(np.concatenate([frame.steps_m for frame in frames]))
    scores = {name: _plain(value) for name, value in found.items()}
    shares = {PART_NAMES[part]: 100 * float(right[part] / pixels[part]) for part in range(1, 25) if pixels[part]}
    counts = {"points": len(distances), "frames": len(frames)}
    parts = np.concatenate([frame.parts for frame in frames])
    return {**scores, **counts, "part_accuracy_by_part": shares, "auc10_by_part": _auc_by_part(distances, parts)}


def curve_of(frames: Sequence[FrameMeasure]) -> Float[np.ndarray, " t"]:
    """RCP at `RCP_LIMITS_M`."""
    return rcp(np.concatenate([np.empty(0), *(frame.distances_m for frame in frames)]), RCP_LIMITS_M)


def _precisions(frames: Sequence[FrameMeasure], kappas_m: Float[np.ndarray, "25"] | None) -> dict[str, float]:
    similar = np.array([frame.gps(kappas_m) for frame in frames])
    masked = np.sqrt(similar * np.array([frame.iou for frame in frames]))
    found = {"gps": float(similar.mean()), "gpsm": float(masked.mean())}
    for name, overlaps in (("gps", similar), ("gpsm", masked)):
        pictures = [
            single(frame.score, float(frame.overlap_px[1]), float(overlap), float(frame.overlap_px[2]))
            for frame, overlap in zip(frames, overlaps, strict=True)
        ]
        whole = average_precision(pictures)
        found |= {f"ap_{name}": whole.ap, f"ar_{name}": whole.ar}
        found |= {f"ap50_{name}": float(whole.by_threshold[0]), f"ap75_{name}": float(whole.by_threshold[5])}
        for size, area in (("medium", MEDIUM), ("large", LARGE)):
            found[f"ap_{size}_{name}"] = average_precision(pictures, area_px=area).ap
    return {key: value if key in {"gps", "gpsm"} else 100 * value for key, value in found.items()}


def _auc_by_part(distances_m: Float[np.ndarray, " n"], parts: UInt8[np.ndarray, " n"]) -> dict[str, float]:
    return {PART_NAMES[part]: auc(distances_m[parts == part], AUC_M[0]) for part in np.unique(parts)}


def _steadiness(steps_m: Float[np.ndarray, " n"]) -> dict[str, float]:
    if not len(steps_m):
        return {}
    middle, high = np.percentile(steps_m, [50, 90], method="lower")
    return {
        "flicker_median_mm": 1000 * float(middle),
        "flicker_90_percent_mm": 1000 * float(high),
        "flicker_lost_percent": 100 * float(np.isinf(steps_m).mean()),
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
