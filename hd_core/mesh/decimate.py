"""Larger triangles where the surface is flat: right-triangulated irregular networks on the pixel grid.

After Evans, Kirkpatrick and Townsend, "Right-triangulated irregular networks" (Algorithmica 30, 2001). A vertex is
the middle of the hypotenuse of the two right triangles that it splits; it can go once the vertices that split
their halves are gone, so every stage is free of cracks. We differ in that only vertices between four full cells
that are not too steep may go (outlines, cuts and rims stay as they are), that the error is the distance across the
surface (depth error times the cosine to the normal) of an interpolation linear in 1/z, as planes are, and that the
number of faces is asked for, not the error.

A level has a square size s = N, N/2, .. 2. "Axial" vertices of s are the middles of the sides of s-squares,
"central" ones their centres; in the square (i, j) the hypotenuse through the centre is the main diagonal where
i + j is even.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from hd_core.geometry.camera import rays_through
from hd_core.mesh.cut import footprint
from hd_core.mesh.lattice import Lattice
from hd_core.mesh.options import MAX_STRETCH
from hd_core.types import SurfaceMaps

Grid = np.ndarray
Corners = tuple[tuple[np.ndarray, np.ndarray], ...]
"""Rows and columns of the corners of many triangles."""


@dataclass(frozen=True, kw_only=True)
class Thinned:
    """The full cells of a lattice with fewer faces.

    Args:
        quads: Cells that stay whole.
        triangles: Merged parts.
        max_error_m: Largest distance of a removed pixel from the new surface, metres.
        rms_error_m: Root mean square of that distance over all pixels.
    """

    quads: Int[np.ndarray, "q 4"]
    triangles: Int[np.ndarray, "t 3"]
    max_error_m: float
    rms_error_m: float


def thin(surface: SurfaceMaps, lattice: Lattice, full: Int[np.ndarray, "c 4"], *, num_faces_less: int) -> Thinned:
    """Triangulate the full cells anew with `num_faces_less` triangles fewer, or as many fewer as flat parts allow.

    Args:
        surface: Where the pixels lie.
        lattice: Their numbers.
        full: Cells whose sides are all links, top left corner first.
        num_faces_less: How many triangles to save; every removed vertex saves two.
    """
    size = 1 << int(np.ceil(np.log2(max(*surface.camera.shape, 3) - 1)))
    inverse, facing, number, cell = _grids(surface, lattice, full, size)
    gentle = np.zeros_like(cell)
    gentle[cell] = _is_gentle(surface, lattice, full)
    removable = np.zeros_like(number, bool)
    removable[1:-1, 1:-1] = gentle[1:, 1:] & gentle[1:, :-1] & gentle[:-1, 1:] & gentle[:-1, :-1]
    error, rank = _errors(inverse, facing, removable)
    candidates = np.flatnonzero(np.isfinite(error))
    order = np.lexsort((rank.reshape(-1)[candidates], error.reshape(-1)[candidates]))
    gone = np.zeros(number.shape, bool)
    gone.reshape(-1)[candidates[order[: (num_faces_less + 1) // 2]]] = True
    distance = _distances(inverse, facing, gone)
    quads, triangles = _leaves(gone, cell, number)
    return Thinned(
        quads=quads,
        triangles=triangles,
        max_error_m=float(distance.max(initial=0)),
        rms_error_m=float(np.sqrt((distance**2).sum() / max(len(lattice), 1))),
    )


def _grids(
    surface: SurfaceMaps, lattice: Lattice, full: Int[np.ndarray, "c 4"], size: int
) -> tuple[Grid, Grid, Grid, Grid]:
    """1/z, |n.d| and pixel numbers on a square grid with a side of 2^k cells, and which cells are full."""
    at = lattice.rows, lattice.columns
    inverse = np.full((size + 1, size + 1), np.nan)
    inverse[at] = 1 / surface.depth[at].astype(np.float64)
    facing = np.zeros_like(inverse)
    ray = rays_through(surface.camera, lattice.columns + 0.5, lattice.rows + 0.5)
    facing[at] = np.abs((surface.normal[at] * ray).sum(axis=1))
    number = np.full(inverse.shape, -1, np.int64)
    number[at] = np.arange(len(lattice))
    cell = np.zeros((size, size), bool)
    cell[lattice.rows[full[:, 0]], lattice.columns[full[:, 0]]] = True
    return inverse, facing, number, cell


def _is_gentle(surface: SurfaceMaps, lattice: Lattice, full: Int[np.ndarray, "c 4"]) -> Bool[np.ndarray, " c"]:
    """Full cells with neither diagonal stretched: edges along any number of them are not stretched either."""
    z = surface.depth[lattice.rows, lattice.columns].astype(np.float64)
    points = rays_through(surface.camera, lattice.columns + 0.5, lattice.rows + 0.5) * z[:, None]
    limit = MAX_STRETCH * footprint(surface.camera, z[full].min(axis=1))
    first = np.linalg.norm(points[full[:, 0]] - points[full[:, 2]], axis=1)
    second = np.linalg.norm(points[full[:, 1]] - points[full[:, 3]], axis=1)
    return np.asarray(np.maximum(first, second) <= limit)


def _levels(size: int) -> Iterator[int]:
    """Square sizes from fine to coarse."""
    step = 2
    while step <= size:
        yield step
        step *= 2


def _central_mean(values: Grid, s: int) -> Grid:
    """Mean of the ends of the hypotenuse through the centre of every s-square."""
    corner = values[::s, ::s]
    main, anti = corner[:-1, :-1] + corner[1:, 1:], corner[:-1, 1:] + corner[1:, :-1]
    return np.asarray(np.where(_is_main(len(main)), main, anti) / 2)


def _is_main(count: int) -> Bool[np.ndarray, "k k"]:
    squares = np.arange(count)
    return np.asarray((squares[:, None] + squares) % 2 == 0)


def _errors(inverse: Grid, facing: Grid, removable: Grid) -> tuple[Grid, Grid]:
    """Error of removing a vertex, never below that of what must go before it, and its place in that order."""
    error = np.full(inverse.shape, np.inf)
    rank = np.zeros(inverse.shape, np.int64)

    def own(at: tuple[slice, slice], mean: Grid) -> Grid:
        apart = np.abs(1 / mean - 1 / inverse[at]) * facing[at]
        return np.where(removable[at] & np.isfinite(apart), apart, np.inf)

    for s in _levels(len(inverse) - 1):
        h = s // 2
        for flip in (False, True):
            at = (np.s_[h::s], np.s_[::s]) if flip else (np.s_[::s], np.s_[h::s])
            ends = inverse[::s, ::s]
            mean = (ends[:-1] + ends[1:]) / 2 if flip else (ends[:, :-1] + ends[:, 1:]) / 2
            error[at] = own(at, mean)
            if s > 2:
                below = error[h // 2 :: h, h // 2 :: h]
                error[at] = np.maximum(error[at], _beside(below.T).T if flip else _beside(below))
            rank[at] = 2 * s
        centre = np.s_[h::s], np.s_[h::s]
        rows, columns = error[::s, h::s], error[h::s, ::s]
        children = np.maximum.reduce([rows[:-1], rows[1:], columns[:, :-1], columns[:, 1:]])
        error[centre] = np.maximum(own(centre, _central_mean(inverse, s)), children)
        rank[centre] = 2 * s + 1
    return error, rank


def _beside(central: Grid) -> Grid:
    """Largest error of the (up to) four half-size centres around every axial vertex of horizontal sides."""
    pairs = np.maximum(central[:, 0::2], central[:, 1::2])
    framed = np.pad(pairs, ((1, 1), (0, 0)), constant_values=-np.inf)
    return np.asarray(framed.reshape(-1, 2, pairs.shape[1]).max(axis=1))


def _distances(inverse: Grid, facing: Grid, gone: Grid) -> Grid:
    """Distance of every pixel from the thinned surface, metres; 0 where the pixel is still a vertex."""
    value = inverse.copy()

    def settle(at: tuple[slice, slice], mean: Grid) -> None:
        value[at] = np.where(gone[at], mean, value[at])

    for s in reversed(list(_levels(len(inverse) - 1))):
        h = s // 2
        settle((np.s_[h::s], np.s_[h::s]), _central_mean(value, s))
        ends = value[::s, ::s]
        settle((np.s_[::s], np.s_[h::s]), (ends[:, :-1] + ends[:, 1:]) / 2)
        settle((np.s_[h::s], np.s_[::s]), (ends[:-1] + ends[1:]) / 2)
    return np.where(gone, np.abs(1 / value - 1 / inverse) * facing, 0.0)


def _leaves(gone: Grid, cell: Grid, number: Grid) -> tuple[Int[np.ndarray, "q 4"], Int[np.ndarray, "t 3"]]:
    """Triangles whose apex stays and whose splitting vertex is gone; two halves of one cell as a quad."""
    size = len(cell)
    found = [np.zeros((0, 3), np.int64)]
    for s in _levels(size):
        leaves = (*_central_triangles(s, gone[s // 2 :: s, s // 2 :: s]), *_axial_triangles(s, gone))
        found.extend(_kept(corners, gone, number) for corners in leaves)
    halves = list(_central_triangles(1, cell))
    alive = [~gone[corners[2]] for corners in halves]
    both = alive[0] & alive[1]
    r, c = np.nonzero(cell)
    r, c = r[both], c[both]
    quads = np.stack([number[r, c], number[r + 1, c], number[r + 1, c + 1], number[r, c + 1]], axis=1)
    for corners in halves:
        lone = tuple((rows[~both], columns[~both]) for rows, columns in corners)
        found.append(_kept(lone, gone, number))
    return quads, np.concatenate(found)


def _central_triangles(s: int, chosen: Grid) -> Iterator[Corners]:
    """The two triangles on the hypotenuse of the chosen s-squares, the apex last."""
    i, j = np.nonzero(chosen)
    odd = (i + j) % 2
    start, end = (i * s, (j + odd) * s), ((i + 1) * s, (j + 1 - odd) * s)
    yield start, end, (i * s, (j + 1 - odd) * s)
    yield start, end, ((i + 1) * s, (j + odd) * s)


def _axial_triangles(s: int, gone: Grid) -> Iterator[Corners]:
    """The triangles on both sides of the axial vertices of s that are gone, the apex last.

    Such a vertex is inside the mask, hence inside the grid: both triangles exist.
    """
    h = s // 2
    i, j = np.nonzero(gone[::s, h::s])
    y, x = i * s, j * s + h
    for side in (-h, h):
        yield (y, x - h), (y, x + h), (y + side, x)
    i, j = np.nonzero(gone[h::s, ::s])
    y, x = i * s + h, j * s
    for side in (-h, h):
        yield (y - h, x), (y + h, x), (y, x + side)


def _kept(corners: Corners, gone: Grid, number: Grid) -> Int[np.ndarray, "t 3"]:
    """Pixel numbers of the triangles whose apex stays, counter-clockwise for the camera."""
    there = ~gone[corners[2]]
    (ya, xa), (yb, xb), (yc, xc) = ((rows[there], columns[there]) for rows, columns in corners)
    clockwise = (xb - xa) * (yc - ya) > (yb - ya) * (xc - xa)
    a, b, c = number[ya, xa], number[yb, xb], number[yc, xc]
    return np.stack([a, np.where(clockwise, c, b), np.where(clockwise, b, c)], axis=1)
