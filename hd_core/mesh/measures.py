"""What the manifest says of a mesh, measured on the finished triangles."""

from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from hd_core.mesh.cut import footprint
from hd_core.mesh.lattice import Lattice
from hd_core.mesh.options import MAX_STRETCH
from hd_core.types import Camera


def stretched_rate(
    camera: Camera,
    points: Float[np.ndarray, "v 3"],
    triangles: Int[np.ndarray, "t 3"],
    x: Float[np.ndarray, " v"],
    y: Float[np.ndarray, " v"],
) -> float:
    """Share of triangles with a 3D edge beyond `MAX_STRETCH` pixel footprints at its nearer end.

    Where decimation made an edge span several pixels, the limit grows with their number along the longer axis;
    edges of the full grid span at most one.
    """
    if not len(triangles):
        return 0.0
    stretched = np.zeros(len(triangles), bool)
    for k in range(3):
        a, b = triangles[:, k], triangles[:, (k + 1) % 3]
        edge = points[a] - points[b]
        span = np.maximum(np.maximum(np.abs(x[a] - x[b]), np.abs(y[a] - y[b])), 1)
        limit = MAX_STRETCH * span * footprint(camera, np.minimum(points[a, 2], points[b, 2]))
        stretched |= np.einsum("ti,ti->t", edge, edge) > limit**2
    return float(stretched.mean())


def bridging(lattice: Lattice, owner: Int[np.ndarray, "v 4"], triangles: Int[np.ndarray, "t 3"]) -> int:
    """Triangles with two corners that continue different surfaces: pixels without a way round their cell.

    Args:
        lattice: Pixels and links.
        owner: The pixels that each vertex continues.
        triangles: Faces within single cells (before decimation).
    """
    bad = np.zeros(len(triangles), bool)
    for k in range(3):
        ends = np.stack([triangles[:, k], triangles[:, (k + 1) % 3]])
        unrelated = np.arange(len(triangles))
        for i, j in product(range(4), repeat=2):
            one, other = ends[:, unrelated]
            unrelated = unrelated[~_related(lattice, owner[one, i], owner[other, j])]
        bad[unrelated] = True
    return int(bad.sum())


def _related(lattice: Lattice, one: Int[np.ndarray, " t"], other: Int[np.ndarray, " t"]) -> Bool[np.ndarray, " t"]:
    """Whether pixels are the same, joined, or across a cell with two joins between them."""
    dx = lattice.columns[other] - lattice.columns[one]
    dy = lattice.rows[other] - lattice.rows[one]
    sideways = np.where(dx == 0, -1, 1 - np.sign(dx))
    vertical = np.where(dy == 0, -1, 2 - np.sign(dy))
    near = (np.abs(dx) <= 1) & (np.abs(dy) <= 1)
    ways = [_walk(lattice, one, *order) == other for order in ((sideways, vertical), (vertical, sideways))]
    return np.asarray(near & (ways[0] | ways[1]))


def _walk(lattice: Lattice, pixel: Int[np.ndarray, " t"], *directions: Int[np.ndarray, " t"]) -> Int[np.ndarray, " t"]:
    """Where joins lead in these directions, -1 for a stay; a missing join stays too."""
    joined = lattice.linked | lattice.steep
    for direction in directions:
        moves = (direction >= 0) & joined[pixel, direction]
        pixel = np.where(moves, lattice.neighbour[pixel, direction], pixel)
    return pixel


def picture_area(x: Float[np.ndarray, " v"], y: Float[np.ndarray, " v"], triangles: Int[np.ndarray, "t 3"]) -> float:
    """Area of the triangles in the picture, px²; they face the camera and overlap nowhere."""
    a, b, c = triangles.T
    return float(((x[b] - x[a]) * (y[a] - y[c]) - (x[c] - x[a]) * (y[a] - y[b])).sum() / 2)
