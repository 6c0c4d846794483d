"""The report as lines for a terminal."""

from collections.abc import Mapping
from typing import Any

ROWS = (
    ("normals, mean deg", "normal_mean_deg", ".2f"),
    ("normals, median deg", "normal_median_deg", ".2f"),
    ("normals, % under 11.25 deg", "normal_under_11_25_percent", ".1f"),
    ("normals, % under 22.5 deg", "normal_under_22_5_percent", ".1f"),
    ("normals, % under 30 deg", "normal_under_30_percent", ".1f"),
    ("interior, mean deg", "interior_normal_mean_deg", ".2f"),
    ("silhouette, mean deg", "rim_normal_mean_deg", ".2f"),
    ("depth, scale and shift, MAE mm", "depth_affine_mae_mm", ".1f"),
    ("depth, scale and shift, RMSE mm", "depth_affine_rmse_mm", ".1f"),
    ("depth, scale and shift, AbsRel", "depth_affine_absrel", ".4f"),
    ("depth, scale alone, MAE mm", "depth_scale_mae_mm", ".1f"),
    ("depth, as it is, MAE mm", "depth_none_mae_mm", ".1f"),
    ("surface, known height, MAE mm", "surface_mae_mm", ".1f"),
    ("  with its place, MAE mm", "surface_placed_mae_mm", ".1f"),
    ("  across the surface, MAE mm", "surface_to_plane_mae_mm", ".1f"),
    ("folds, correlation", "folds_correlation", ".3f"),
    ("folds, ratio of energies", "folds_energy_ratio", ".3f"),
    ("folds inside, correlation", "interior_folds_correlation", ".3f"),
    ("folds inside, ratio of energies", "interior_folds_energy_ratio", ".3f"),
    ("in time, jitter of normals, deg", "time_normal_jitter_deg", ".2f"),
    ("  their change, deg", "time_normal_change_deg", ".2f"),
    ("  the truth's, deg", "time_normal_change_truth_deg", ".2f"),
    ("in time, jitter of depth, mm", "time_depth_jitter_mm", ".2f"),
    ("  its change, mm", "time_depth_change_mm", ".2f"),
    ("  the truth's, mm", "time_depth_change_truth_mm", ".2f"),
    ("mask, intersection over union", "mask_iou", ".3f"),
)


def table_lines(report: Mapping[str, Any]) -> list[str]:
    """All scores, a column per predictor."""
    entries = report["predictors"]
    rows = [["", *entries]]
    for title, name, form in ROWS:
        values = [entry["scores"].get(name) for entry in entries.values()]
        if any(value is not None for value in values):
            rows.append([title, *("-" if value is None else format(value, form) for value in values)])
    rows.append(["ms per frame", *(f"{entry['milliseconds_per_frame']:.1f}" for entry in entries.values())])
    return columns(rows)


def group_lines(report: Mapping[str, Any]) -> list[str]:
    """Mean angular error, degrees, of every group of frames, a column per predictor."""
    entries = report["predictors"]
    rows = [["mean deg of normals in", *entries]]
    first = next(iter(entries.values()))
    for kind, values in first["groups"].items():
        for value in values:
            found = [entry["groups"].get(kind, {}).get(value, {}).get("normal_mean_deg") for entry in entries.values()]
            rows.append([f"{kind} {value}", *("-" if deg is None else f"{deg:.2f}" for deg in found)])
    return columns(rows) if len(rows) > 1 else []


def columns(rows: list[list[str]]) -> list[str]:
    """Rows as lines: the first cell to the left, the others to the right of columns as wide as need be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
