"""Small kernels that every part of the figure is built of: distances, smooth unions, noise, axes."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

import numpy as np

from hd_core.compiled import compiled

CONE_WIDTH = 11
"""A cone row: start (3), unit axis (3), length, start radius, end radius, sine and cosine of the half-angle."""


@compiled
def cone_distance(cone: np.ndarray, x: float, y: float, z: float) -> float:
    """Distance to the hull of two balls of different radius, from the plane through the axis and the point.

    With t along and r from the axis, the flank is the line with normal (s, c), s = (r1 - r2) / length, which
    touches the first ball at tangent coordinate t c - r s = 0 and the second at length * c.
    """
    px, py, pz = x - cone[0], y - cone[1], z - cone[2]
    t = px * cone[3] + py * cone[4] + pz * cone[5]
    r = math.sqrt(max(px * px + py * py + pz * pz - t * t, 0.0))
    along = t * cone[10] - r * cone[9]
    if along < 0:
        return float(math.sqrt(t * t + r * r) - cone[7])
    if along > cone[6] * cone[10]:
        return float(math.sqrt((t - cone[6]) ** 2 + r * r) - cone[8])
    return float(t * cone[9] + r * cone[10] - cone[7])


@compiled
def blend_cones(cones: np.ndarray, first: int, last: int, softness: float, x: float, y: float, z: float) -> float:
    """Smooth union of the cone rows first..last-1."""
    near = cone_distance(cones[first], x, y, z)
    for row in range(first + 1, last):
        near = soft_min(near, cone_distance(cones[row], x, y, z), softness)
    return near


@compiled
def ball(x: float, y: float, z: float, radius: float) -> float:
    """Distance to a ball about the origin."""
    return math.sqrt(x * x + y * y + z * z) - radius


@compiled
def ellipsoid(x: float, y: float, z: float, a: float, b: float, c: float) -> float:
    """First-order distance to an ellipsoid about the origin: k (k - 1) / |grad| with k the scaled radius."""
    k = math.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    slope = math.sqrt((x / (a * a)) ** 2 + (y / (b * b)) ** 2 + (z / (c * c)) ** 2)
    if slope < 1e-9:
        return -min(a, b, c)
    return k * (k - 1.0) / slope


@compiled
def soft_min(a: float, b: float, softness: float) -> float:
    """Union that rounds the crease over `softness` metres; equals min outside."""
    reach = max(softness - abs(a - b), 0.0) / softness
    return min(a, b) - reach * reach * softness * 0.25


@compiled
def soft_max(a: float, b: float, softness: float) -> float:
    """Intersection that rounds the edge."""
    return -soft_min(-a, -b, softness)


@compiled
def ramp(low: float, high: float, x: float) -> float:
    """0 below `low`, 1 above `high`, cubic between; falls if low > high."""
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@compiled
def bump(x: float, middle: float, reach: float) -> float:
    """1 at `middle`, 0 from `reach` on, smooth."""
    t = min(abs(x - middle) / reach, 1.0)
    return (1.0 - t * t) ** 2


@compiled
def _lattice(i: int, j: int, k: int) -> float:
    h = (i * 73856093) ^ (j * 19349663) ^ (k * 83492791)
    h = ((h ^ (h >> 13)) * 1274126177) & 0x7FFFFFFF
    h = ((h ^ (h >> 15)) * 668265263) & 0x7FFFFFFF
    return h / 1073741823.5 - 1.0


@compiled
def noise(x: float, y: float, z: float) -> float:
    """Value noise in -1..1, twice differentiable, one lump per unit."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    i, j, k = int(fx), int(fy), int(fz)
    u, v, w = x - fx, y - fy, z - fz
    u = u * u * u * (u * (u * 6.0 - 15.0) + 10.0)
    v = v * v * v * (v * (v * 6.0 - 15.0) + 10.0)
    w = w * w * w * (w * (w * 6.0 - 15.0) + 10.0)
    total = 0.0
    for corner in range(8):
        di, dj, dk = corner & 1, (corner >> 1) & 1, corner >> 2
        weight = (u if di else 1.0 - u) * (v if dj else 1.0 - v) * (w if dk else 1.0 - w)
        total += weight * _lattice(i + di, j + dj, k + dk)
    return total


@compiled
def crease(value: float) -> float:
    """Turn noise into folds: round ridges along its zero lines, broad shallow valleys between; about -1..1."""
    return 1.0 - 2.6 * math.sqrt(value * value + 0.014)


@compiled
def to_local(frame: np.ndarray, x: float, y: float, z: float) -> tuple[float, float, float]:
    """A world point in the axes of a frame row: rotation (9, row-major, local to world), origin (3)."""
    dx, dy, dz = x - frame[9], y - frame[10], z - frame[11]
    return (
        frame[0] * dx + frame[3] * dy + frame[6] * dz,
        frame[1] * dx + frame[4] * dy + frame[7] * dz,
        frame[2] * dx + frame[5] * dy + frame[8] * dz,
    )
