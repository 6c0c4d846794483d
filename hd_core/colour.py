"""The sRGB transfer curve, piecewise and both ways (IEC 61966-2-1); never a bare power."""

import numpy as np
from jaxtyping import Float, UInt8


def srgb_from_linear(linear: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Encode linear light; unclamped above, negative and missing light is 0."""
    light = np.maximum(np.nan_to_num(linear), 0)
    curve: np.ndarray = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return curve


def linear_from_srgb(colours: UInt8[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
    """Linear light 0..1 of sRGB bytes."""
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light: Float[np.ndarray, "v 3"] = linear[colours]
    return light
