"""Maps of the body for the eye: parts in their colours, with bands of u and v, over the darkened picture."""

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from hd_core.body.decode import FoundBodies
from hd_core.synth.atlas.anny24 import part_colours

BAND = 16
"""Bytes of u or v from one band to the next."""
_DARK = 0.4
_BANDS = 0.45

Picture = UInt8[np.ndarray, "h w 3"]


def iuv_picture(iuv: Picture, rgb: Picture) -> Picture:
    """A map over the picture it belongs to."""
    bands = (iuv[..., 1] // BAND % 2) * 0.5 + (iuv[..., 2] // BAND % 2) * 0.5
    colours = part_colours()[iuv[..., 0]] * (1 - _BANDS + _BANDS * bands[..., None])
    return np.where(iuv[..., :1] > 0, colours, _DARK * rgb).astype(np.uint8)


def iuv_row(rgb: Picture, found: FoundBodies, *, side: int) -> UInt8[np.ndarray, "s t 3"]:
    """Picture, the surface that is seen, the body under the clothes, and how far to trust the first, side by side."""
    tiles = [rgb, *(iuv_picture(one.iuv, rgb) for one in found), _grey(found.clothed.confidence)]
    small = [Image.fromarray(tile).resize((side, side), Image.Resampling.LANCZOS) for tile in tiles]
    return np.concatenate([np.asarray(tile) for tile in small], axis=1)


def _grey(unit: Float32[np.ndarray, "h w"]) -> Picture:
    return np.repeat(np.rint(255 * unit)[..., None], 3, axis=-1).astype(np.uint8)
