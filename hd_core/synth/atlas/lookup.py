"""How a place in a chart finds its triangle: a grid of cells per part, and the nearest triangle outside of all."""

import numpy as np
from jaxtyping import Float, Int32, UInt8

from hd_core.compiled import compiled

CELLS = 64
"""Cells along each side of a chart."""
PARTS = 24

_NEARLY_INSIDE = -1e-9


def chart_grids(
    part: UInt8[np.ndarray, " f"], uv: Float[np.ndarray, "f 3 2"]
) -> tuple[Int32[np.ndarray, " cells"], Int32[np.ndarray, " entries"]]:
    """List for every cell of every part the triangles whose bounding box touches it.

    Returns:
        Where the cells' lists start, and the lists one after the other.
    """
    faces = np.flatnonzero(part)
    low = np.clip(np.floor(uv[faces].min(axis=1) * CELLS).astype(np.int64), 0, CELLS - 1)
    high = np.clip(np.floor(uv[faces].max(axis=1) * CELLS).astype(np.int64), 0, CELLS - 1)
    size = high - low + 1
    copies = size.prod(axis=1)
    owner = np.repeat(np.arange(len(faces)), copies)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(copies) - copies, copies)
    column = low[owner, 0] + rank % size[owner, 0]
    row = low[owner, 1] + rank // size[owner, 0]
    cell = (part[faces][owner].astype(np.int64) - 1) * CELLS**2 + row * CELLS + column
    order = np.argsort(cell, kind="stable")
    starts = np.zeros(PARTS * CELLS**2 + 1, dtype=np.int32)
    starts[1:] = np.cumsum(np.bincount(cell, minlength=PARTS * CELLS**2))
    return starts, faces[owner[order]].astype(np.int32)


@compiled
def find_in_charts(  # noqa: PLR0917 - a compiled kernel has no keywords
    part: np.ndarray,
    place: np.ndarray,
    uv: np.ndarray,
    cell_start: np.ndarray,
    cell_faces: np.ndarray,
    face: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Fill `face` (n) and `weights` (n, 3) for parts (n) and places (n, 2): rings of cells around every place."""
    for n in range(part.shape[0]):
        face[n] = -1
        weights[n] = 0.0
        if part[n] == 0:
            continue
        x, y = place[n, 0], place[n, 1]
        column = min(max(int(np.floor(x * CELLS)), 0), CELLS - 1)
        row = min(max(int(np.floor(y * CELLS)), 0), CELLS - 1)
        outside = max(-x, x - 1.0, -y, y - 1.0, 0.0)
        best = np.inf
        for ring in range(CELLS):
            if best <= max((ring - 1) / CELLS, outside):
                break
            for r in range(max(row - ring, 0), min(row + ring, CELLS - 1) + 1):
                step = 1 if abs(r - row) == ring else max(2 * ring, 1)
                for c in range(column - ring, column + ring + 1, step):
                    if c < 0 or c >= CELLS:
                        continue
                    cell = (part[n] - 1) * CELLS * CELLS + r * CELLS + c
                    for entry in range(cell_start[cell], cell_start[cell + 1]):
                        f = cell_faces[entry]
                        distance, a, b = _nearest_in_triangle(x, y, uv[f])
                        if distance < best:
                            best = distance
                            face[n] = f
                            weights[n, 0], weights[n, 1], weights[n, 2] = a, b, 1.0 - a - b


@compiled
def _nearest_in_triangle(x: float, y: float, corners: np.ndarray) -> tuple[float, float, float]:
    """Distance to a triangle in the plane, and the first two weights of its point nearest to (x, y)."""
    ax, ay = float(corners[0, 0]), float(corners[0, 1])
    bx, by = float(corners[1, 0]), float(corners[1, 1])
    cx, cy = float(corners[2, 0]), float(corners[2, 1])
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area != 0.0:
        a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
        b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
        if a >= _NEARLY_INSIDE and b >= _NEARLY_INSIDE and 1.0 - a - b >= _NEARLY_INSIDE:
            return 0.0, a, b
    best, best_a, best_b = np.inf, 0.0, 0.0
    for k in range(3):
        if k == 0:
            px, py, qx, qy = ax, ay, bx, by
        elif k == 1:
            px, py, qx, qy = bx, by, cx, cy
        else:
            px, py, qx, qy = cx, cy, ax, ay
        square = (qx - px) ** 2 + (qy - py) ** 2
        t = ((x - px) * (qx - px) + (y - py) * (qy - py)) / square if square > 0.0 else 0.0
        t = min(max(t, 0.0), 1.0)
        distance = np.hypot(x - px - t * (qx - px), y - py - t * (qy - py))
        if distance < best:
            best = distance
            if k == 0:
                best_a, best_b = 1.0 - t, t
            elif k == 1:
                best_a, best_b = 0.0, 1.0 - t
            else:
                best_a, best_b = t, 0.0
    return best, best_a, best_b
