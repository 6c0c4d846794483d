"""Steadiness: how far along the body the found place of one and the same surface point wanders from frame to frame.

The point is followed by the true motion of the surface. Between pixels a map is interpolated, but only between those
of the same part whose charts are near; where the clothes slide over the body, the truth of the body wanders, too.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from hd_core.evaluate.correspondence import Places

NEAR = 24
"""Bytes of u and v by which pixels may differ that are interpolated: more is another island or another limb."""


class Followed(NamedTuple):
    """Points of a frame that the next one shows.

    Args:
        here: Their pixels, as flat indices.
        place: x, y in the next frame, px; a pixel's centre is at .5.
    """

    here: Int[np.ndarray, " n"]
    place: Float[np.ndarray, "n 2"]


def follow(
    points: Int[np.ndarray, " n"],
    position: Float[np.ndarray, "h w 2"],
    visible: Bool[np.ndarray, "h w"],
    next_part: UInt8[np.ndarray, "h w"],
) -> Followed:
    """Those of a frame's points that the next frame shows, with truth there.

    Args:
        points: Pixels, as flat indices.
        position: Where every pixel's surface point is in the next frame, px.
        visible: Whether it is seen there.
        next_part: Of the next frame's truth.
    """
    height, width = next_part.shape
    place = position.reshape(-1, 2)[points].astype(np.float64)
    seen = visible.ravel()[points] & np.isfinite(place).all(axis=1)
    column, row = np.floor(np.where(seen[:, None], place, 0)).astype(np.int64).T
    seen &= (column >= 0) & (column < width) & (row >= 0) & (row < height)
    seen &= next_part[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] > 0
    return Followed(points[seen], place[seen])


def places_at(iuv: UInt8[np.ndarray, "h w 3"], place: Float[np.ndarray, "n 2"]) -> Places:
    """What a map says between its pixels: the part of the nearest pixel; u and v interpolated with its like.

    Args:
        iuv: Part, u and v, bytes.
        place: x, y, px.
    """
    height, width = iuv.shape[:2]
    x, y = place.T - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, down = x - left, y - top
    taps, weights = [], []
    for step_down, weight_down in ((0, 1 - down), (1, down)):
        for step_right, weight_right in ((0, 1 - right), (1, right)):
            row, column = np.clip(top + step_down, 0, height - 1), np.clip(left + step_right, 0, width - 1)
            taps.append(iuv[row, column].astype(np.float64))
            weights.append(weight_down * weight_right)
    values, shares = np.stack(taps, axis=1), np.stack(weights, axis=1)
    nearest = np.take_along_axis(values, shares.argmax(axis=1)[:, None, None], axis=1)
    alike = (values[..., 0] == nearest[..., 0]) & (np.abs(values - nearest)[..., 1:] <= NEAR).all(axis=-1)
    shares = np.where(alike, shares, 0)
    mean = (shares[..., None] * values).sum(axis=1) / shares.sum(axis=1)[:, None]
    return nearest[:, 0, 0].astype(np.int64), mean[:, 1] / 255, mean[:, 2] / 255
