"""What every synthetic scene hands back: a picture together with the exact geometry behind it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.colour import srgb_from_linear
from hd_core.errors import InputError
from hd_core.types import SurfaceMaps


@dataclass(frozen=True, kw_only=True)
class SynthFrame:
    """One picture of a scene and its ground truth, pixel for pixel.

    Args:
        rgb: The picture, sRGB bytes.
        alpha: Share of the pixel that the subject covers, 0..1.
        maps: Depth and normals at the pixel centres; metric, confidence 1. Its mask is "the ray through the
            centre hits the subject", so it can differ from `alpha > 0.5` on the outline.
    """

    rgb: UInt8[np.ndarray, "h w 3"]
    alpha: Float[np.ndarray, "h w"]
    maps: SurfaceMaps

    def __post_init__(self) -> None:
        shape = self.maps.camera.shape
        if self.rgb.shape[:2] != shape or self.alpha.shape != shape:
            raise InputError(
                f"Found rgb of {self.rgb.shape[:2]} and alpha of {self.alpha.shape}; expected both of {shape}."
            )


def srgb_bytes(linear: Float[np.ndarray, "*n 3"]) -> UInt8[np.ndarray, "*n 3"]:
    """Encode linear light, 0..1 and clipped, as sRGB bytes (IEC 61966-2-1)."""
    return np.asarray(np.rint(255 * srgb_from_linear(np.clip(linear, 0.0, 1.0))), dtype=np.uint8)
