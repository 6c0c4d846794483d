"""What vertices carry besides their position: place in the full frame, colour."""

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.types import Crop


def frame_uv(crop: Crop, x: Float[np.ndarray, " v"], y: Float[np.ndarray, " v"]) -> Float[np.ndarray, "v 2"]:
    """Texture coordinates of crop positions, px: 0..1 over the full frame, v upwards."""
    to_full = crop.full_from_crop
    u = (to_full[0, 0] * x + to_full[0, 2]) / crop.full.width
    v = 1 - (to_full[1, 1] * y + to_full[1, 2]) / crop.full.height
    return np.asarray(np.clip(np.stack([u, v], axis=1), 0, 1), np.float32)


def sample_rgb(
    rgb: UInt8[np.ndarray, "h w 3"], x: Float[np.ndarray, " v"], y: Float[np.ndarray, " v"]
) -> UInt8[np.ndarray, "v 3"]:
    """Colours at picture positions, px, bilinear between pixel centres; pixel centres give the pixel itself."""
    height, width = rgb.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[:, None], (y - top)[:, None]
    upper = rgb[top, left] * (1 - across) + rgb[top, right] * across
    lower = rgb[bottom, left] * (1 - across) + rgb[bottom, right] * across
    return np.asarray(np.rint(upper * (1 - down) + lower * down), np.uint8)
