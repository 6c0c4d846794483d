"""Maps of the body moved between a crop and its whole frame: every pixel takes the nearest one, nothing is mixed."""

import numpy as np
from jaxtyping import Bool, Int, UInt8

from hd_core.types import Crop


def in_frame(iuv: UInt8[np.ndarray, "h w 3"], crop: Crop) -> UInt8[np.ndarray, "a b 3"]:
    """A crop's map in the pixels of the full frame; zero beyond the crop."""
    full = np.zeros((*crop.full.shape, 3), np.uint8)
    (rows, row_of), (columns, column_of) = (_nearest(crop, axis) for axis in (1, 0))
    full[np.ix_(rows, columns)] = iuv[np.ix_(row_of[rows], column_of[columns])]
    return full


def _nearest(crop: Crop, axis: int) -> tuple[Bool[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Rows or columns of the frame that the crop covers, and for every one the crop's at its middle."""
    width, height = crop.full.width, crop.full.height
    size = (crop.camera.width, crop.camera.height)[axis]
    middles = np.arange((width, height)[axis]) + 0.5
    place = np.floor(crop.crop_from_full[axis, axis] * middles + crop.crop_from_full[axis, 2]).astype(np.int64)
    return (place >= 0) & (place < size), place
