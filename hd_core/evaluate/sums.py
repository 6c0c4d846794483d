"""What is measured, as sums over pixels: sums of frames add up to those of clips, groups and the whole data."""

from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float

Sums = Mapping[str, Float[np.ndarray, "..."]]
"""By name; those that tell the silhouette from the rest have the interior first and the rim second."""
INTERIOR, RIM = 0, 1
REGIONS = {"": (INTERIOR, RIM), "interior_": (INTERIOR,), "rim_": (RIM,)}
"""Prefix of a score, and the parts of the figure that it is over."""
BINS_PER_DEG = 20
NUM_BINS = 180 * BINS_PER_DEG + 1
"""Angles are counted in twentieths of a degree: 11.25, 22.5 and 30 fall on edges."""
LIMITS_DEG = (11.25, 22.5, 30.0)


def total(parts: Iterable[Sums]) -> dict[str, Float[np.ndarray, "..."]]:
    """The sum of all, name by name."""
    found: dict[str, np.ndarray] = {}
    for part in parts:
        for name, values in part.items():
            found[name] = found[name] + values if name in found else values
    return found


def scores_of(sums: Sums) -> dict[str, float]:
    """Means, medians and shares of sums; what was not measured is left out."""
    scores: dict[str, float] = {}
    for prefix, parts in REGIONS.items():
        scores |= _angle_scores(sums, prefix, list(parts)) | _depth_scores(sums, prefix, list(parts))
        scores |= _fold_scores(sums, prefix, list(parts))
    return scores | _surface_scores(sums) | _time_scores(sums) | _mask_scores(sums)


def _angle_scores(sums: Sums, prefix: str, parts: list[int]) -> dict[str, float]:
    if "angle_bins" not in sums:
        return {}
    bins = sums["angle_bins"][parts].sum(axis=0)
    count = float(bins.sum())
    if not count:
        return {}
    below = {
        f"{prefix}normal_under_{_word(d)}_percent": 100 * float(bins[: round(d * BINS_PER_DEG)].sum()) / count
        for d in LIMITS_DEG
    }
    return {
        f"{prefix}normal_mean_deg": float(sums["angle_sum"][parts].sum()) / count,
        f"{prefix}normal_median_deg": _median(bins),
        **below,
    }


def _word(limit: float) -> str:
    return f"{limit:g}".replace(".", "_")


def _median(bins: Float[np.ndarray, " b"]) -> float:
    """Where half of the count lies below, linear within its bin, degrees."""
    cumulative = np.cumsum(bins)
    half = cumulative[-1] / 2
    at = int(np.searchsorted(cumulative, half))
    before = cumulative[at - 1] if at else 0.0
    return float((at + (half - before) / bins[at]) / BINS_PER_DEG)


def _depth_scores(sums: Sums, prefix: str, parts: list[int]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for kind in ("affine", "scale", "none"):
        if f"depth_{kind}" not in sums:
            continue
        count, absolute, square, relative = sums[f"depth_{kind}"][:, parts].sum(axis=1)
        if count:
            scores[f"{prefix}depth_{kind}_mae_mm"] = 1000 * float(absolute / count)
            scores[f"{prefix}depth_{kind}_rmse_mm"] = 1000 * float(np.sqrt(square / count))
            scores[f"{prefix}depth_{kind}_absrel"] = float(relative / count)
    return scores


def _fold_scores(sums: Sums, prefix: str, parts: list[int]) -> dict[str, float]:
    if "folds" not in sums:
        return {}
    both, own, true = sums["folds"][:, parts].sum(axis=1)
    if not true > 0:
        return {}
    correlation = float(both / np.sqrt(own * true)) if own > 0 else 0.0
    return {f"{prefix}folds_correlation": correlation, f"{prefix}folds_energy_ratio": float(own / true)}


def _surface_scores(sums: Sums) -> dict[str, float]:
    if "surface" not in sums or not sums["surface"][0]:
        return {}
    count, absolute, square, placed, plane = sums["surface"]
    return {
        "surface_mae_mm": 1000 * float(absolute / count),
        "surface_rmse_mm": 1000 * float(np.sqrt(square / count)),
        "surface_placed_mae_mm": 1000 * float(placed / count),
        "surface_to_plane_mae_mm": 1000 * float(plane / count),
    }


def _time_scores(sums: Sums) -> dict[str, float]:
    if "time" not in sums or not sums["time"][0]:
        return {}
    count, *rest = sums["time"]
    normal, change, true_change, depth, depth_change, true_depth_change = (float(value / count) for value in rest)
    return {
        "time_normal_jitter_deg": normal,
        "time_normal_change_deg": change,
        "time_normal_change_truth_deg": true_change,
        "time_depth_jitter_mm": 1000 * depth,
        "time_depth_change_mm": 1000 * depth_change,
        "time_depth_change_truth_mm": 1000 * true_depth_change,
    }


def _mask_scores(sums: Sums) -> dict[str, float]:
    if "mask" not in sums:
        return {}
    both, predicted, true = map(float, sums["mask"])
    either = predicted + true - both
    return {
        "mask_iou": both / either if either else 1.0,
        "mask_coverage_percent": 100 * both / true if true else 100.0,
    }
