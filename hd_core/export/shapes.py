"""What several formats need of an array: other axes, triangles only, linear colours."""

import numpy as np
from jaxtyping import Float, Int, UInt8


def turned(vectors: Float[np.ndarray, "v 3"], target_from_cam: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "v 3"]:
    """Positions or normals in other axes, single precision; exact for axes that only swap and flip."""
    there: Float[np.ndarray, "v 3"] = (vectors @ target_from_cam.T).astype(np.float32)
    return there


def triangles(faces: Int[np.ndarray, "f k"]) -> Int[np.ndarray, "t 3"]:
    """Faces with every quad a, b, c, d split into a, b, c and a, c, d; the order is kept."""
    if faces.shape[1] == 3:
        return faces
    halves = np.stack([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]], axis=1)
    present = np.stack([np.ones(len(faces), bool), faces[:, 3] >= 0], axis=1)
    split: Int[np.ndarray, "t 3"] = halves[present]
    return split


def linear_from_srgb(colours: UInt8[np.ndarray, "v 3"]) -> Float[np.ndarray, "v 3"]:
    """Linear light 0..1 of sRGB bytes (IEC 61966-2-1)."""
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    light: Float[np.ndarray, "v 3"] = linear[colours]
    return light
