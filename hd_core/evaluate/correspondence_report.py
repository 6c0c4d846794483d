"""An evaluation of correspondence for people: tables, goals and a plot of RCP."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from hd_core.atomic import atomic_path, write_bytes
from hd_core.evaluate.correspondence_options import TARGETS, Target
from hd_core.evaluate.correspondence_scores import RCP_LIMITS_M
from hd_core.evaluate.correspondence_suite import CorrespondenceResult
from hd_core.evaluate.goals import Goal, lines_of
from hd_core.evaluate.plots import FAINT, INK, MARGIN, SIZE, WHITE, colour
from hd_core.evaluate.table import columns
from hd_core.synth.atlas.anny24 import PART_NAMES

ROWS = (
    ("AUC10", "auc10", ".3f"),
    ("AUC30", "auc30", ".3f"),
    ("distance, median mm", "median_mm", ".1f"),
    ("points missed, %", "missed_points_percent", ".1f"),
    ("GPS, kappa .255", "gps_kappa_255", ".3f"),
    ("GPSm, kappa .255", "gpsm_kappa_255", ".3f"),
    ("AP over GPS, kappa .255", "ap_gps_kappa_255", ".1f"),
    ("AP over GPSm, kappa .255", "ap_gpsm_kappa_255", ".1f"),
    ("  of 32 to 96 px squared", "ap_medium_gpsm_kappa_255", ".1f"),
    ("  larger", "ap_large_gpsm_kappa_255", ".1f"),
    ("AR over GPSm, kappa .255", "ar_gpsm_kappa_255", ".1f"),
    ("GPS, kappa by part", "gps_kappa_parts", ".3f"),
    ("GPSm, kappa by part", "gpsm_kappa_parts", ".3f"),
    ("AP over GPS, kappa by part", "ap_gps_kappa_parts", ".1f"),
    ("AP over GPSm, kappa by part", "ap_gpsm_kappa_parts", ".1f"),
    ("  of 32 to 96 px squared", "ap_medium_gpsm_kappa_parts", ".1f"),
    ("  larger", "ap_large_gpsm_kappa_parts", ".1f"),
    ("AR over GPSm, kappa by part", "ar_gpsm_kappa_parts", ".1f"),
    ("right part, % of pixels", "part_accuracy_percent", ".1f"),
    ("mask, intersection over union", "mask_iou", ".3f"),
    ("flicker, median mm", "flicker_median_mm", ".1f"),
    ("flicker, 90 % under mm", "flicker_90_percent_mm", ".1f"),
    ("followed points lost, %", "flicker_lost_percent", ".1f"),
)
GROUP_SCORES = (("AUC10", "auc10"), ("AUC30", "auc30"))
_TOP = float("inf")
GOALS: tuple[tuple[Goal, Target, str], ...] = (
    (Goal("AUC10, tight clothes", "auc10", (0.55, _TOP), (0.75, _TOP), ".3f"), "clothed", "tight"),
    (Goal("AUC30, tight clothes", "auc30", (0.80, _TOP), (0.90, _TOP), ".3f"), "clothed", "tight"),
    (Goal("AUC10, loose clothes, the body", "auc10", (0.45, _TOP), (0.65, _TOP), ".3f"), "body", "loose"),
    (Goal("AUC30, loose clothes, the body", "auc30", (0.72, _TOP), (0.85, _TOP), ".3f"), "body", "loose"),
    (Goal("AP over GPSm, kappa .255", "ap_gpsm_kappa_255", (66.0, _TOP), (85.0, _TOP)), "clothed", ""),
    (Goal("AP over GPSm, kappa by part", "ap_gpsm_kappa_parts", (66.0, _TOP), (85.0, _TOP)), "clothed", ""),
    (Goal("right part, % of pixels", "part_accuracy_percent", (80.0, _TOP), (93.0, _TOP)), "clothed", ""),
    (Goal("flicker, median mm", "flicker_median_mm", (0.0, 30.0), (0.0, 10.0)), "clothed", ""),
    (Goal("flicker of the body, median mm", "flicker_median_mm", (0.0, 30.0), (0.0, 10.0)), "body", ""),
)
"""What a shipped network has to reach, for which surface, and in which clothes."""
SPEED = Goal("frames per second, two threads", "frames_per_second", (8.0, _TOP), (20.0, _TOP))
MATTE = Goal("our own matte, intersection over union", "matte_iou", (0.95, _TOP), (0.98, _TOP), ".3f")


def result_lines(report: Mapping[str, Any]) -> list[str]:
    """All scores, a column per finder, both surfaces; then AUC by group."""
    lines: list[str] = []
    for target in TARGETS:
        entries = report["targets"][target]
        rows = [[f"{target}:", *entries]]
        for title, name, form in ROWS:
            rows.append([title, *(_cell(entry["scores"].get(name), form) for entry in entries.values())])
        groups = next(iter(entries.values()))["groups"]
        for kind, value in ((kind, value) for kind, values in groups.items() for value in values):
            for title, name in GROUP_SCORES:
                own = [entry["groups"][kind][value].get(name) for entry in entries.values()]
                rows.append([f"{title}, {kind} {value}", *(_cell(score, ".3f") for score in own)])
        lines += [*columns(rows), ""]
    lines += [*columns(_part_rows(report, next(iter(entries)))), ""]
    times, speeds = report["milliseconds_per_frame"], report["frames_per_second"]
    rows = [["", *entries], ["ms per frame and surface", *(f"{times.get(name, 0.0):.1f}" for name in entries)]]
    for threads in ("1", "2") if speeds else ():
        cells = [_cell(speeds.get(name, {}).get(threads), ".1f") for name in entries]
        rows.append([f"both surfaces, frames per second, threads: {threads}", *cells])
    return [*lines, *columns(rows)]


def goal_lines(report: Mapping[str, Any], name: str) -> list[str]:
    """The table of goals for one finder."""
    values: dict[Goal, float | None] = {}
    for goal, target, clothes in GOALS:
        entry = report["targets"][target][name]
        scores = entry["groups"].get("clothes", {}).get(clothes, {}) if clothes else entry["scores"]
        values[goal] = scores.get(goal.score)
    values[SPEED] = report["frames_per_second"].get(name, {}).get("2")
    values[MATTE] = report.get("matte_iou")
    return lines_of(values, name)


def _part_rows(report: Mapping[str, Any], name: str) -> list[list[str]]:
    """Part by part what one finder is worth."""
    own = [report["targets"][target][name]["scores"] for target in TARGETS]
    heads = [f"{word}, {target}" for word in ("right %", "AUC10") for target in TARGETS]
    rows = [[f"{name}, by true part:", *heads]]
    for part in PART_NAMES[1:]:
        shares = [_cell(scores.get("part_accuracy_by_part", {}).get(part), ".1f") for scores in own]
        rows.append([part, *shares, *(_cell(scores.get("auc10_by_part", {}).get(part), ".3f") for scores in own)])
    return rows


def write_correspondence(folder: Path, found: CorrespondenceResult) -> list[Path]:
    """Write correspondence.json and a plot of RCP for each surface; returns their paths.

    Raises:
        OutputError: The folder cannot be written.
    """
    curves: dict[str, Any] = {
        target: {name: own.tolist() for name, own in rows.items()} for target, rows in found.curves.items()
    }
    report = {**found.report, "rcp": {"limits_m": RCP_LIMITS_M.tolist(), **curves}}
    paths = [folder / "correspondence.json", *(folder / f"rcp_{target}.png" for target in TARGETS)]
    write_bytes(paths[0], (json.dumps(report, indent=1) + "\n").encode())
    for path, target in zip(paths[1:], TARGETS, strict=True):
        with atomic_path(path) as aside:
            rcp_plot(found.curves[target], title=target).save(aside)
    return paths


def rcp_plot(curves: Mapping[str, Float[np.ndarray, " t"]], *, title: str) -> Image.Image:
    """Share of points by their distance from the truth, a curve per finder; AUC is the area under it."""
    picture = Image.new("RGB", SIZE, WHITE)
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = MARGIN[0], MARGIN[1], SIZE[0] - MARGIN[2], SIZE[1] - MARGIN[3]
    draw.text((left, 10), f"{title}: share of points that are nearer to the truth", fill=INK)
    for share in range(0, 101, 20):
        y = bottom - share / 100 * (bottom - top)
        draw.line([(left, y), (right, y)], fill=FAINT)
        draw.text((12, y - 6), f"{share:3d} %", fill=INK)
    for centimetres in range(0, 31, 5):
        x = left + centimetres / 30 * (right - left)
        draw.line([(x, top), (x, bottom)], fill=FAINT)
        draw.text((x - 6, bottom + 6), str(centimetres), fill=INK)
    draw.text((right - 110, bottom + 22), "cm along the body", fill=INK)
    across = left + RCP_LIMITS_M / RCP_LIMITS_M[-1] * (right - left)
    for number, (name, curve) in enumerate(curves.items()):
        up = bottom - curve * (bottom - top)
        draw.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=colour(number), width=2)
        draw.text((right - 110, bottom - 18 * (len(curves) - number)), name[-18:], fill=colour(number))
    return picture


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
