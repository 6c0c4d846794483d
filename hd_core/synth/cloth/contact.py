"""Which point of the body each cloth vertex may touch: chosen once at rest, looked up again every frame."""

# ruff: noqa: PLR0917 - compiled code has no keywords

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from hd_core.compiled import compiled

NUM_CANDIDATES = 12
NUM_NEAR = 4
"""Of the candidates of a loose vertex; the others come from a thinned body, so that they reach farther."""
NUM_NEIGHBOURS = 8
THINNING_M = 0.07
LONGEST_WALK = 100


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Body vertices that a cloth vertex is tested against.

    Args:
        near: Candidates of every cloth vertex; -1 where there are fewer.
        walks: Whether a vertex may go on from its best candidate over the body. Those close to the skin may not:
            a sleeve must not end up on the chest that the arm is pressed against.
        neighbours: Nearest body vertices of every body vertex, at rest; -1 where there are fewer.
    """

    near: Int[np.ndarray, "g c"]
    walks: Bool[np.ndarray, " g"]
    neighbours: Int[np.ndarray, "b n"]


def find_candidates(
    rest: Float[np.ndarray, "g 3"], body: Float[np.ndarray, "b 3"], loose: Bool[np.ndarray, " g"]
) -> Candidates:
    """Preselect by distance, garment and body in the same pose (best the rest pose: limbs apart)."""
    tree = cKDTree(body)
    near = _nearest(tree, rest, NUM_CANDIDATES)
    if loose.any():
        thinned = _thinned(body)
        far = _nearest(cKDTree(body[thinned]), rest[loose], NUM_CANDIDATES - NUM_NEAR)
        near[loose, NUM_NEAR:] = np.where(far < 0, -1, thinned[far])
    return Candidates(near=near, walks=loose, neighbours=_nearest(tree, body, NUM_NEIGHBOURS + 1)[:, 1:])


def _nearest(tree: cKDTree, points: Float[np.ndarray, "p 3"], count: int) -> Int[np.ndarray, "p c"]:
    _, found = tree.query(points, k=list(range(1, count + 1)))
    return np.where(found < tree.n, found, -1).astype(np.int32)


def _thinned(body: Float[np.ndarray, "b 3"]) -> Int[np.ndarray, " s"]:
    """One vertex of every cell of a cubic lattice."""
    cells = np.floor(body / THINNING_M).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return np.asarray(np.sort(first))


@compiled
def look_up(
    x: np.ndarray, body: np.ndarray, near: np.ndarray, walks: np.ndarray, neighbours: np.ndarray, touched: np.ndarray
) -> None:
    """Nearest candidate of every cloth vertex; `touched`, that of the last frame, is replaced in place."""
    for i in range(x.shape[0]):
        best, least = -1, np.inf
        if walks[i] and touched[i] >= 0:
            best = touched[i]
            least = _square(x, i, body, best)
        for k in range(near.shape[1]):
            at = near[i, k]
            if at >= 0:
                square = _square(x, i, body, at)
                if square < least:
                    best, least = at, square
        if walks[i]:
            best = _walk(x, i, body, neighbours, best, least)
        touched[i] = best


@compiled
def _walk(x: np.ndarray, i: int, body: np.ndarray, neighbours: np.ndarray, best: int, least: float) -> int:
    """Go downhill over the body's own neighbours."""
    for _ in range(LONGEST_WALK):
        here = best
        for k in range(neighbours.shape[1]):
            at = neighbours[here, k]
            if at >= 0:
                square = _square(x, i, body, at)
                if square < least:
                    best, least = at, square
        if best == here:
            break
    return best


@compiled
def _square(x: np.ndarray, i: int, body: np.ndarray, at: int) -> float:
    dx, dy, dz = x[i, 0] - body[at, 0], x[i, 1] - body[at, 1], x[i, 2] - body[at, 2]
    return float(dx * dx + dy * dy + dz * dz)


@compiled
def surface_normals(x: np.ndarray, faces: np.ndarray, out: np.ndarray) -> None:
    """Area-weighted unit normals of a surface's vertices; zero where it has no area."""
    out[:] = 0.0
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = x[b, 0] - x[a, 0], x[b, 1] - x[a, 1], x[b, 2] - x[a, 2]
        wx, wy, wz = x[c, 0] - x[a, 0], x[c, 1] - x[a, 1], x[c, 2] - x[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for k in range(3):
            out[faces[f, k], 0] += nx
            out[faces[f, k], 1] += ny
            out[faces[f, k], 2] += nz
    for i in range(out.shape[0]):
        size = np.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if size > 0.0:
            for d in range(3):
                out[i, d] /= size
