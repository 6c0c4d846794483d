"""Smooth noise over space: values at the corners of a unit lattice, hashed from their indices, joined smoothly."""

import math

import numpy as np
from jaxtyping import Float

from hd_core.compiled import compiled


def layered_noise(points: Float[np.ndarray, "*n 3"], *, octaves: int = 1) -> Float[np.ndarray, "*n"]:
    """Noise of wavelength about 2 units plus finer layers, each half as strong; within -1..1, mean about 0."""
    flat = np.ascontiguousarray(points.reshape(-1, 3), np.float64)
    return np.asarray(_layers(flat, octaves).reshape(points.shape[:-1]))


@compiled
def _corner(x: int, y: int, z: int) -> float:
    """A number in -1..1 for a lattice point: a multiply-and-shift hash of its 32-bit indices."""
    word = (x * 73856093 + y * 19349663 + z * 83492791) & 0xFFFFFFFF
    for _ in range(2):
        word = ((word ^ (word >> 15)) * 739982445) & 0xFFFFFFFF
    word ^= word >> 16
    return 2.0 * word / 4294967295.0 - 1.0


@compiled
def _value(x: float, y: float, z: float) -> float:
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
                total += weight * _corner(i + a, j + b, k + c)
    return total


@compiled
def _layers(points: np.ndarray, octaves: int) -> np.ndarray:
    values = np.zeros(len(points))
    whole = 2.0 - 2.0 ** (1 - octaves)
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        for layer in range(octaves):
            scale, shift = 2.0**layer, 17.3 * layer
            values[n] += _value(x * scale + shift, y * scale + shift, z * scale + shift) / (scale * whole)
    return values
