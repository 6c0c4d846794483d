"""Connected regions of masks, and the rectangles around them."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from hd_core.types import Box

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


def regions(mask: Bool[np.ndarray, "h w"]) -> tuple[Int[np.ndarray, "h w"], Int[np.ndarray, " n"]]:
    """Label the connected regions (diagonals connect).

    Returns:
        Labels, 0 off the mask and 1..n by falling area; and the areas, px.
    """
    found, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    areas = np.bincount(found.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-areas, kind="stable")
    rank = np.zeros(count + 1, np.int64)
    rank[order + 1] = np.arange(1, count + 1)
    return rank[found], areas[order]


def largest_region(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The connected region with most pixels; empty if the mask is."""
    labels, _ = regions(mask)
    main: np.ndarray = labels == 1
    return main


def tight_box(mask: Bool[np.ndarray, "h w"]) -> Box | None:
    """The smallest box around the mask, px, edges not centres; None if the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    left, top = float(columns[0]), float(rows[0])
    return Box(left=left, top=top, width=float(columns[-1]) + 1 - left, height=float(rows[-1]) + 1 - top)


def square_around(box: Box, *, scale: float = 1.0) -> Box:
    """The square with the box's centre whose side is `scale` times its longer side."""
    side = max(box.width, box.height) * scale
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    return Box(left=left, top=top, width=side, height=side)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0..1."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a.width * a.height + b.width * b.height - shared)


def fill_pinholes(plane: Float[np.ndarray, "h w"], *, max_area_px: float) -> Float[np.ndarray, "h w"]:
    """Make holes of a matte opaque if they are smaller than `max_area_px`; larger ones are real gaps.

    A hole is a region under one half that does not reach the border of the picture.
    """
    labels, areas = regions(plane <= 0.5)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    small = np.flatnonzero(areas <= max_area_px) + 1
    holes = np.isin(labels, np.setdiff1d(small, border))
    return np.where(ndimage.binary_dilation(holes, _EIGHT_NEIGHBOURS), 1, plane).astype(plane.dtype)
