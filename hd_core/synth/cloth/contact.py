"""Which point of the body each cloth vertex may touch: chosen once at rest, looked up again every frame."""

# ruff: noqa: PLR0917 - compiled code has no keywords

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from hd_core.compiled import compiled
from hd_core.synth.rows import unique_rows

NUM_CANDIDATES = 12
NUM_NEAR = 4
"""Of the candidates of a loose vertex; the others come from a thinned body, so that they reach farther."""
NUM_NEIGHBOURS = 8
THINNING_M = 0.07
STRANGE_M, FIRST_LEG = 0.3, 3
"""Limbs that a vertex does not belong to count as this much farther; legs and trunk are one."""
APART_M = 0.14
"""What is closer than this at rest is no other limb."""
LONGEST_WALK = 100
AWAY_M, SIDEWAYS = 0.12, 0.2
"""What faces away counts as this much farther, growing from the second, a cosine."""


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
        kept = thinned(body)
        far = _nearest(cKDTree(body[kept]), rest[loose], NUM_CANDIDATES - NUM_NEAR)
        near[loose, NUM_NEAR:] = np.where(far < 0, -1, kept[far])
    return Candidates(near=near, walks=loose, neighbours=_nearest(tree, body, NUM_NEIGHBOURS + 1)[:, 1:])


def _nearest(tree: cKDTree, points: Float[np.ndarray, "p 3"], count: int) -> Int[np.ndarray, "p c"]:
    _, found = tree.query(points, k=list(range(1, count + 1)))
    return np.where(found < tree.n, found, -1).astype(np.int32)


def thinned(body: Float[np.ndarray, "b 3"], spacing_m: float = THINNING_M) -> Int[np.ndarray, " s"]:
    """One vertex of every cell of a cubic lattice."""
    cells = np.floor(body / spacing_m).astype(np.int64)
    return np.asarray(np.sort(unique_rows(cells)[1]))


@compiled
def look_up(
    x: np.ndarray,
    outwards: np.ndarray,
    home: np.ndarray,
    place: np.ndarray,
    body: np.ndarray,
    normals: np.ndarray,
    limbs: np.ndarray,
    body_place: np.ndarray,
    near: np.ndarray,
    walks: np.ndarray,
    neighbours: np.ndarray,
    touched: np.ndarray,
) -> None:
    """Nearest candidate of every cloth vertex; `touched`, that of the last frame, is replaced in place.

    A vertex that walks shuns what faces away from it: a leg that has come through a skirt pushes it outwards again. It
    shuns arms unless it lies on one, and then everything else: cloth that an arm presses in must not end up over it.
    """
    for i in range(x.shape[0]):
        best, least = -1, np.inf
        if not walks[i]:
            for k in range(near.shape[1]):
                at = near[i, k]
                if at >= 0:
                    square = squared(x, i, body, at)
                    if square < least:
                        best, least = at, square
            touched[i] = best
            continue
        if touched[i] >= 0:
            best = touched[i]
            least = _cost(x, i, outwards, home, place, body, normals, limbs, body_place, best)
        for k in range(near.shape[1]):
            at = near[i, k]
            if at >= 0:
                cost = _cost(x, i, outwards, home, place, body, normals, limbs, body_place, at)
                if cost < least:
                    best, least = at, cost
        touched[i] = _walk(x, i, outwards, home, place, body, normals, limbs, body_place, neighbours, best, least)


@compiled
def apart(place: np.ndarray, i: int, body_place: np.ndarray, at: int) -> bool:
    """Whether a cloth vertex and a body vertex are no neighbours at rest, as they are at a shoulder or a hip."""
    return squared(place, i, body_place, at) > APART_M**2


@compiled
def _cost(
    x: np.ndarray,
    i: int,
    outwards: np.ndarray,
    home: np.ndarray,
    place: np.ndarray,
    body: np.ndarray,
    normals: np.ndarray,
    limbs: np.ndarray,
    body_place: np.ndarray,
    at: int,
) -> float:
    """Squared distance, and more for what faces away or is a strange limb."""
    cosine = 0.0
    for d in range(3):
        cosine += outwards[i, d] * normals[at, d]
    own = 0 if home[i] >= FIRST_LEG else home[i]
    other = 0 if limbs[at] >= FIRST_LEG else limbs[at]
    strange = STRANGE_M**2 if own != other and apart(place, i, body_place, at) else 0.0
    return float(squared(x, i, body, at) + AWAY_M**2 * max(SIDEWAYS - cosine, 0.0) + strange)


@compiled
def _walk(
    x: np.ndarray,
    i: int,
    outwards: np.ndarray,
    home: np.ndarray,
    place: np.ndarray,
    body: np.ndarray,
    normals: np.ndarray,
    limbs: np.ndarray,
    body_place: np.ndarray,
    neighbours: np.ndarray,
    best: int,
    least: float,
) -> int:
    """Go downhill over the body's own neighbours."""
    for _ in range(LONGEST_WALK):
        here = best
        for k in range(neighbours.shape[1]):
            at = neighbours[here, k]
            if at >= 0:
                cost = _cost(x, i, outwards, home, place, body, normals, limbs, body_place, at)
                if cost < least:
                    best, least = at, cost
        if best == here:
            break
    return best


@compiled
def squared(x: np.ndarray, i: int, body: np.ndarray, at: int) -> float:
    """Squared distance of a cloth vertex and a body vertex."""
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
