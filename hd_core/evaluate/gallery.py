"""The worst and the best frames of a predictor as one sheet, beside the truth and the others."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from hd_core.evaluate.frame import angles_deg
from hd_core.evaluate.samples import Dataset, Sample
from hd_core.predict.protocol import Predictor
from hd_core.report.raster import BACKGROUND
from hd_core.report.sheet import HEADER, TILE, normal_picture
from hd_core.types import SurfaceMaps

RED_DEG = 60.0
"""An error of this size is drawn in full red."""
Place = tuple[float, int, int]
"""A frame's mean angular error, its clip and its place in it."""


def pick(frames: Sequence[Place], count: int) -> tuple[list[Place], list[Place]]:
    """The worst and the best frames, one of a clip at most."""
    ordered = sorted(frames)
    return _one_per_clip(ordered[::-1], count), _one_per_clip(ordered, count)


def gallery(dataset: Dataset, predictors: Mapping[str, Predictor], rows: Sequence[tuple[str, Place]]) -> Image.Image:
    """Draw frames: picture, true normals, the first predictor's error, and everybody's normals.

    Args:
        dataset: Where they are.
        predictors: By name; the first is the one whose error is shown.
        rows: A caption and a frame, from top to bottom.
    """
    names = list(predictors)
    columns = ["picture", "truth", f"error of {names[0]}", *names]
    sheet = Image.new("RGB", (TILE * len(columns), HEADER + TILE * len(rows)), (20, 20, 20))
    draw = ImageDraw.Draw(sheet)
    for position, name in enumerate(columns):
        draw.text((position * TILE + 6, 5), name, fill=(235, 235, 235))
    for position, (caption, (error, clip, place)) in enumerate(rows):
        sample = dataset[clip].samples[place]
        found = {name: predictor.predict(sample.view) for name, predictor in predictors.items()}
        tiles = [sample.view.rgb, normal_picture(sample.truth), error_picture(sample, found[names[0]])]
        tiles += [normal_picture(found[name]) for name in names]
        for column, tile in enumerate(tiles):
            small = Image.fromarray(tile).resize((TILE, TILE), Image.Resampling.LANCZOS)
            sheet.paste(small, (column * TILE, HEADER + position * TILE))
        text = f"{caption}: clip {clip}, frame {place}, {error:.1f} deg"
        draw.text((6, HEADER + position * TILE + 5), text, fill=(255, 230, 120), stroke_width=2, stroke_fill=(0, 0, 0))
    return sheet


def error_picture(sample: Sample, maps: SurfaceMaps) -> UInt8[np.ndarray, "h w 3"]:
    """Angular error from white to red; dark where there is no truth or no prediction."""
    both = sample.truth.mask & maps.mask
    level = np.clip(angles_deg(maps.normal[both], sample.truth.normal[both]) / RED_DEG, 0, 1)
    picture = np.full((*both.shape, 3), BACKGROUND, np.uint8)
    picture[both] = np.stack([255 - 45 * level, 255 * (1 - level), 255 * (1 - level)], axis=-1).astype(np.uint8)
    return picture


def _one_per_clip(ordered: Sequence[Place], count: int) -> list[Place]:
    found: dict[int, Place] = {}
    for place in ordered:
        if len(found) == count:
            break
        found.setdefault(place[1], place)
    return list(found.values())
