"""Depth maps of a mesh seen along parallel rays, as a distant light sees it: kernels shared by transfer and shadow.

A frame's rows are the map's right, its up and the direction towards the light. Along the last one a larger value
is nearer to the light. Map coordinates are texels; the centre of the first one is (0.5, 0.5).
"""

import math

import numpy as np
from jaxtyping import Float

from hd_core.compiled import compiled

SLOPE_CAP = 5.0
"""Largest tangent of the light's angle that the bias follows; beyond it the cosine leaves little light anyway."""


def frames_towards(directions: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "k 3 3"]:
    """Right, up and towards for every light direction; the map's up is as vertical as it can be."""
    vertical = np.abs(directions[:, 2:]) > 0.999
    reference = np.where(vertical, np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    right = np.cross(reference, directions)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(directions, right), directions], axis=1)


@compiled
def place_in_map(
    vertices: np.ndarray, frame: np.ndarray, size: int, placed: np.ndarray
) -> tuple[float, float, float, float]:
    """Write texel coordinates and nearness of all vertices; return scale and shift of both map axes.

    The mesh fills the map in both axes with a margin of one texel.
    """
    low_u, low_v, high_u, high_v = math.inf, math.inf, -math.inf, -math.inf
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z
        v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z
        placed[i, 0] = u
        placed[i, 1] = v
        placed[i, 2] = frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z
        low_u, high_u = min(low_u, u), max(high_u, u)
        low_v, high_v = min(low_v, v), max(high_v, v)
    scale_u = (size - 2.0) / max(high_u - low_u, 1e-6)
    scale_v = (size - 2.0) / max(high_v - low_v, 1e-6)
    shift_u, shift_v = 1.0 - low_u * scale_u, 1.0 - low_v * scale_v
    for i in range(len(vertices)):
        placed[i, 0] = placed[i, 0] * scale_u + shift_u
        placed[i, 1] = placed[i, 1] * scale_v + shift_v
    return scale_u, scale_v, shift_u, shift_v


@compiled
def fill_nearest(placed: np.ndarray, faces: np.ndarray, nearest: np.ndarray) -> None:
    """Keep, per texel centre, the nearness of the triangle nearest to the light; both sides of a face count."""
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by = placed[a, 0], placed[a, 1], placed[b, 0], placed[b, 1]
        cx, cy = placed[c, 0], placed[c, 1]
        left, right = math.ceil(min(ax, bx, cx) - 0.5), math.floor(max(ax, bx, cx) - 0.5)
        top, bottom = math.ceil(min(ay, by, cy) - 0.5), math.floor(max(ay, by, cy) - 0.5)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if (left > right) | (top > bottom) | (area == 0.0):  # one branch that is guessed wrong instead of three
            continue
        az, bz, cz = placed[a, 2], placed[b, 2], placed[c, 2]
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                share_b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                share_c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                inside = (share_b >= 0.0) & (share_c >= 0.0) & (share_b + share_c <= 1.0)
                z, before = az + share_b * (bz - az) + share_c * (cz - az), nearest[row, column]
                nearest[row, column] = z if inside & (z > before) else before


@compiled
def slope_bias(cosine: float, texel: float) -> float:
    """How far a surface may rise towards the light within a tap's reach without being its own shade."""
    slope = math.sqrt(max(1.0 - cosine * cosine, 0.0)) / max(cosine, 1e-3)
    return texel * (0.5 + min(slope, SLOPE_CAP))


@compiled
def seen_share(nearest: np.ndarray, u: float, v: float, z: float) -> float:
    """Share of light at a map position: four comparisons, weighted bilinearly; outside the map all of it."""
    size = nearest.shape[0]
    column, row = math.floor(u - 0.5), math.floor(v - 0.5)
    s, t = u - 0.5 - column, v - 0.5 - row
    share = 0.0
    for i in range(2):
        for j in range(2):
            weight = (t if i else 1.0 - t) * (s if j else 1.0 - s)
            y, x = row + i, column + j
            if y < 0 or x < 0 or y >= size or x >= size or nearest[y, x] <= z:
                share += weight
    return share
