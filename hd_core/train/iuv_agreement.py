"""Which pixels of found maps agree with what is found in the mirror image and in the frames beside: no truth is needed.

After DensePose's teacher (Gueler et al., CVPR 2018), whose labels come from one network's sparse ones; here what one
network says in several ways is kept where it says the same.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from hd_core.compiled import compiled
from hd_core.geometry.crop import whole_frame
from hd_core.synth.atlas.anny24 import flip_iuv, from_bytes, to_bytes
from hd_core.train.iuv_samples import template_points
from hd_core.types import View

NEAR_M = 0.05
"""Points of the template that are nearer to each other are the same."""
MOVES = 0.03
"""How far a point may move from one frame to the next, in sides of the picture."""

Map = UInt8[np.ndarray, "h w 3"]


def agreement(maps: Sequence[Map], in_mirror: Sequence[Map]) -> list[Bool[np.ndarray, "h w"]]:
    """Pixels of the frames of a clip of which the mirror image and all frames beside say the same.

    Args:
        maps: Part, u and v of every frame, as they were found.
        in_mirror: The same, as they were found in the mirror image and carried back (`mirrored_map`).
    """
    kept = [same_points(own, other) for own, other in zip(maps, in_mirror, strict=True)]
    for number, other in ((i, j) for i in range(len(maps)) for j in (i - 1, i + 1) if 0 <= j < len(maps)):
        kept[number] &= found_again(maps[number], maps[other])
    return kept


def same_points(first: Map, second: Map) -> Bool[np.ndarray, "h w"]:
    """Pixels at which two maps show the same part, and points of it within `NEAR_M`."""
    return _again(first, second, reach_px=0)


def found_again(first: Map, second: Map) -> Bool[np.ndarray, "h w"]:
    """Pixels of a frame whose points another frame shows as well, at most `MOVES` away in the picture."""
    return _again(first, second, reach_px=round(MOVES * max(first.shape[:2])))


def mirrored_view(view: View) -> View:
    """The view as a mirrored camera sees it."""
    camera = view.crop.camera
    intrinsics = camera.intrinsics.copy()
    intrinsics[0, 2] = camera.width - intrinsics[0, 2]
    crop = whole_frame(replace(camera, intrinsics=intrinsics))
    rgb, alpha = (np.ascontiguousarray(picture[:, ::-1]) for picture in (view.rgb, view.alpha))
    return View(rgb=rgb, alpha=alpha, crop=crop, frame_index=view.frame_index, time_seconds=view.time_seconds)


def mirrored_map(iuv: Map) -> Map:
    """The map of the mirror image: pixels turned round, left parts right ones, and their charts with them."""
    turned = iuv[:, ::-1].copy()
    on = turned[..., 0] > 0
    turned[on] = to_bytes(*flip_iuv(*from_bytes(turned[on])))
    return turned


def _again(first: Map, second: Map, *, reach_px: int) -> Bool[np.ndarray, "h w"]:
    points = np.moveaxis(template_points(np.stack([first, second])), 1, -1)
    found = np.zeros(first.shape[:2], np.bool_)
    _search(first[..., 0].copy(), second[..., 0].copy(), points[0].copy(), points[1].copy(), reach_px, found)
    return found


@compiled
def _search(  # noqa: PLR0917 - kernels take no keywords
    parts: UInt8[np.ndarray, "h w"],
    other_parts: UInt8[np.ndarray, "h w"],
    points: Float32[np.ndarray, "h w 3"],
    other_points: Float32[np.ndarray, "h w 3"],
    reach: int,
    found: Bool[np.ndarray, "h w"],
) -> None:
    """Set `found` where any pixel of the other map within a square of `reach` has the part and a near point."""
    rows, columns = parts.shape
    for i in range(rows):
        for j in range(columns):
            part = parts[i, j]
            if part == 0:
                continue
            for k in range((2 * reach + 1) ** 2):
                row, column = i - reach + k // (2 * reach + 1), j - reach + k % (2 * reach + 1)
                if not (0 <= row < rows and 0 <= column < columns) or other_parts[row, column] != part:
                    continue
                x = points[i, j, 0] - other_points[row, column, 0]
                y = points[i, j, 1] - other_points[row, column, 1]
                z = points[i, j, 2] - other_points[row, column, 2]
                if x * x + y * y + z * z < NEAR_M * NEAR_M:
                    found[i, j] = True
                    break
