"""Plots of an evaluation: how many pixels are how good, and which kinds of frames are hard; drawn with Pillow."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from hd_core.evaluate.sums import BINS_PER_DEG, LIMITS_DEG

SIZE = (640, 420)
MARGIN = (56, 40, 20, 44)
"""Left, top, right and bottom, px."""
MAX_DEG = 60.0
WHITE, INK, FAINT = (255, 255, 255), (40, 40, 40), (222, 222, 222)
COLOURS = ((31, 91, 173), (214, 108, 32), (52, 140, 74), (160, 50, 60), (118, 82, 160), (90, 90, 90))
ROW, BAR = 36, 8
"""Height of a group of bars, and of a bar, px; groups grow with more predictors."""


def curve_plot(curves: Mapping[str, np.ndarray]) -> Image.Image:
    """Share of pixels below an angular error, a curve per predictor.

    Args:
        curves: Cumulative share by angle bin.
    """
    picture = Image.new("RGB", SIZE, WHITE)
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = MARGIN[0], MARGIN[1], SIZE[0] - MARGIN[2], SIZE[1] - MARGIN[3]
    draw.text((left, 10), "share of pixels whose normal is off by less", fill=INK)
    for share in range(0, 101, 20):
        y = bottom - share / 100 * (bottom - top)
        draw.line([(left, y), (right, y)], fill=FAINT)
        draw.text((12, y - 6), f"{share:3d} %", fill=INK)
    for degrees in (0.0, *LIMITS_DEG, 45.0, MAX_DEG):
        x = left + degrees / MAX_DEG * (right - left)
        draw.line([(x, top), (x, bottom)], fill=FAINT)
        draw.text((x - 10, bottom + 6), f"{degrees:g}", fill=INK)
    draw.text((right - 50, bottom + 22), "degrees", fill=INK)
    for number, (name, curve) in enumerate(curves.items()):
        steps = np.arange(round(MAX_DEG * BINS_PER_DEG))
        shares = curve[np.minimum(steps, len(curve) - 1)]
        across = left + (steps + 1) / BINS_PER_DEG / MAX_DEG * (right - left)
        up = bottom - shares * (bottom - top)
        draw.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=colour(number), width=2)
        draw.text((right - 110, bottom - 18 * (len(curves) - number)), name, fill=colour(number))
    return picture


def group_plot(report: Mapping[str, Any]) -> Image.Image:
    """Mean angular error by group of frames, bars per predictor."""
    entries = report["predictors"]
    first = next(iter(entries.values()))
    groups = [("", "all frames")] + [(kind, value) for kind, values in first["groups"].items() for value in values]
    height = max(ROW, BAR * len(entries) + 12)
    picture = Image.new("RGB", (SIZE[0], 44 + height * len(groups)), WHITE)
    draw = ImageDraw.Draw(picture)
    draw.text((12, 10), "mean angular error of normals, degrees:", fill=INK)
    for number, name in enumerate(entries):
        draw.text((260 + 110 * number, 10), name, fill=colour(number))
    values = [[_mean(entry, *group) for entry in entries.values()] for group in groups]
    longest = max((value for row in values for value in row if value is not None), default=1.0)
    for place, ((kind, value), row) in enumerate(zip(groups, values, strict=True)):
        y = 40 + place * height
        draw.text((12, y + 4), f"{kind} {value}".strip(), fill=INK)
        for number, degrees in enumerate(row):
            if degrees is not None:
                end = 170 + degrees / longest * (SIZE[0] - 230)
                draw.rectangle([(170, y + BAR * number), (end, y + BAR * (number + 1) - 2)], fill=colour(number))
                draw.text((end + 4, y + BAR * number - 3), f"{degrees:.1f}", fill=INK, font_size=9)
    return picture


def colour(number: int) -> tuple[int, int, int]:
    """Of a predictor; after six they repeat."""
    return COLOURS[number % len(COLOURS)]


def _mean(entry: Mapping[str, Any], kind: str, value: str) -> float | None:
    scores = entry["groups"].get(kind, {}).get(value, {}) if kind else entry["scores"]
    found = scores.get("normal_mean_deg")
    return None if found is None else float(found)
