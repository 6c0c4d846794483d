"""How a disc of triangles is laid flat: Tutte's embedding first, then as rigid as possible, then untangled.

Used when an atlas is made; nothing here runs when one is read.
"""

import numpy as np
from jaxtyping import Float, Integer
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import splu

from hd_core.errors import InputError

Vertices = Float[np.ndarray, "v 3"]
Faces = Integer[np.ndarray, "f 3"]
Plane = Float[np.ndarray, "v 2"]

ARAP_ITERATIONS = 100
_MAX_RINGS = 12
_ROUNDS = 8


def flatten_disc(vertices: Vertices, faces: Faces, *, iterations: int = ARAP_ITERATIONS) -> Plane:
    """Lay a disc flat with little stretch; lengths stay those of the surface where it can be unrolled.

    Args:
        vertices: Points of the disc; every one belongs to a face.
        faces: Triangles of one orientation.
        iterations: Local and global steps of the as-rigid-as-possible stage.

    Raises:
        InputError: The triangles are no disc.
    """
    flat = tutte(vertices, faces)
    flat = arap(vertices, faces, flat, iterations=iterations)
    return untangle(vertices, faces, flat)


def boundary_loop(faces: Faces) -> Integer[np.ndarray, " b"]:
    """The vertices along the one border of a disc, in the order of the triangles' edges.

    Raises:
        InputError: Not a disc: another Euler number than 1, several borders, or a border that touches itself.
    """
    directed = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    known = {(int(a), int(b)) for a, b in directed}
    border = [(a, b) for a, b in known if (b, a) not in known]
    euler = len(np.unique(faces)) - (len(known) + len(border)) // 2 + len(faces)
    after = dict(border)
    start = min(after, default=-1)
    loop, vertex = [start], after.get(start, -1)
    while vertex not in (start, -1) and len(loop) <= len(border):
        loop.append(vertex)
        vertex = after.get(vertex, -1)
    if euler != 1 or len(loop) != len(border):
        raise InputError(
            f"Found a patch with Euler number {euler} and a first border of {len(loop)} of {len(border)} border edges; "
            "expected a disc. Cut the patch, or take its largest piece."
        )
    return np.array(loop)


def tutte(vertices: Vertices, faces: Faces) -> Plane:
    """Map a disc to the circle without a flipped triangle.

    Source: Tutte, "How to draw a graph", 1963, with the mean value weights of Floater, "Mean value coordinates", 2003,
    which are positive, so the map is one to one. The circle has the length of the border.
    """
    loop = boundary_loop(faces)
    count = len(vertices)
    steps = np.linalg.norm(vertices[np.roll(loop, -1)] - vertices[loop], axis=1)
    angle = 2 * np.pi * np.concatenate([[0.0], np.cumsum(steps)[:-1]]) / steps.sum()
    flat = np.zeros((count, 2))
    flat[loop] = steps.sum() / (2 * np.pi) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    inner = np.ones(count, dtype=bool)
    inner[loop] = False
    return _spread(mean_value_weights(vertices, faces), flat, inner)


def arap(vertices: Vertices, faces: Faces, flat: Plane, *, iterations: int = ARAP_ITERATIONS) -> Plane:
    """Move a flat disc towards one whose triangles are only turned, not stretched.

    Source: Liu et al., "A local/global approach to mesh parameterization", 2008, the ARAP energy: the best turn of
    every triangle (local), then a Poisson problem for the vertices (global). The first vertex stays put.
    """
    count = len(vertices)
    local = _unfolded(vertices, faces)
    cot = _cotangents(local)
    first, second = faces[:, [1, 2, 0]].ravel(), faces[:, [2, 0, 1]].ravel()
    edges = (local[:, [1, 2, 0]] - local[:, [2, 0, 1]]) * cot[..., None]
    weights = csr_array((cot.ravel(), (first, second)), shape=(count, count))
    weights = weights + weights.T
    laplacian = (diags_array(weights.sum(axis=1)) - weights).tocsc()[1:, 1:]
    solve = splu(laplacian).solve
    flat = flat.copy()
    for _ in range(iterations):
        now = flat[first].reshape(-1, 3, 2) - flat[second].reshape(-1, 3, 2)
        fit = np.einsum("tki,tkj->tij", now, edges)
        turn = np.arctan2(fit[:, 1, 0] - fit[:, 0, 1], fit[:, 0, 0] + fit[:, 1, 1])
        cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
        x, y = edges[..., 0], edges[..., 1]
        wanted = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1).reshape(-1, 2)
        right = np.zeros((count, 2))
        np.add.at(right, first, wanted)
        np.subtract.at(right, second, wanted)
        flat[1:] = solve(right[1:])
        flat[0] = 0.0
    return flat


def untangle(vertices: Vertices, faces: Faces, flat: Plane) -> Plane:
    """Turn flipped triangles back: spread the vertices around them evenly between their neighbours.

    The ring of vertices that may move grows until no triangle is flipped, or the limit is reached: then what is
    left is left.
    """
    weights = mean_value_weights(vertices, faces)
    border = np.zeros(len(vertices), dtype=bool)
    border[boundary_loop(faces)] = True
    best = flat
    for rings in range(1, _MAX_RINGS + 1):
        flat = best
        for _ in range(_ROUNDS):
            flipped = signed_areas(flat, faces) <= 0
            if not flipped.any():
                return flat
            moving = np.zeros(len(vertices), dtype=bool)
            moving[faces[flipped]] = True
            for _ in range(rings - 1):
                moving[faces[moving[faces].any(axis=1)]] = True
            flat = _spread(weights, flat, moving & ~border)
        if (signed_areas(flat, faces) <= 0).sum() < (signed_areas(best, faces) <= 0).sum():
            best = flat
    return best


def signed_areas(flat: Plane, faces: Faces) -> Float[np.ndarray, " f"]:
    """Area of every triangle in the plane; below 0 where it is flipped."""
    a, b, c = (flat[faces[:, k]] for k in range(3))
    p, q = b - a, c - a
    areas: np.ndarray = 0.5 * (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
    return areas


def singular_values(vertices: Vertices, faces: Faces, flat: Plane) -> Float[np.ndarray, "f 2"]:
    """Largest and smallest stretch of every triangle from the surface to the plane; (1, 1) is isometric."""
    local = _unfolded(vertices, faces)
    source = np.stack([local[:, 1] - local[:, 0], local[:, 2] - local[:, 0]], axis=-1)
    target = np.stack([flat[faces[:, 1]] - flat[faces[:, 0]], flat[faces[:, 2]] - flat[faces[:, 0]]], axis=-1)
    values: np.ndarray = np.linalg.svd(target @ np.linalg.inv(source), compute_uv=False)
    return values


def mean_value_weights(vertices: Vertices, faces: Faces) -> csr_array:
    """Sparse (v, v): tan of the half angles at i on both sides of edge i-j, over its length (Floater 2003)."""
    rows, columns, values = [], [], []
    for k in range(3):
        i, j, m = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        p, q = vertices[j] - vertices[i], vertices[m] - vertices[i]
        lengths = np.linalg.norm(p, axis=1), np.linalg.norm(q, axis=1)
        cosine = (p * q).sum(axis=1) / (lengths[0] * lengths[1])
        half = np.sqrt((1 - cosine) / np.maximum(1 + cosine, 1e-12))
        for other, length in zip((j, m), lengths, strict=True):
            rows.append(i)
            columns.append(other)
            values.append(half / length)
    shape = (len(vertices), len(vertices))
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def _spread(weights: csr_array, flat: Plane, moving: np.ndarray) -> Plane:
    """Put the moving vertices at the weighted mean of their neighbours, all at once; the others stay."""
    flat = flat.copy()
    if moving.any():
        rows = weights[moving]
        system = diags_array(rows.sum(axis=1)) - rows[:, moving]
        flat[moving] = splu(system.tocsc()).solve(rows[:, ~moving] @ flat[~moving])
    return flat


def _unfolded(vertices: Vertices, faces: Faces) -> Float[np.ndarray, "f 3 2"]:
    """Every triangle by itself in the plane, first corner at the origin, second on the x axis."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    along = np.linalg.norm(b - a, axis=1)
    x = ((c - a) * (b - a)).sum(axis=1) / along
    y = np.linalg.norm(np.cross(b - a, c - a), axis=1) / along
    zero = np.zeros_like(x)
    return np.stack([zero, zero, along, zero, x, y], axis=1).reshape(-1, 3, 2)


def _cotangents(local: Float[np.ndarray, "f 3 2"]) -> Float[np.ndarray, "f 3"]:
    """Cotangent of the angle at every corner, halved: the weight of the edge opposite to it."""
    result = np.empty(local.shape[:2])
    for k in range(3):
        p, q = local[:, (k + 1) % 3] - local[:, k], local[:, (k + 2) % 3] - local[:, k]
        result[:, k] = 0.5 * (p * q).sum(axis=1) / (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
    return result
