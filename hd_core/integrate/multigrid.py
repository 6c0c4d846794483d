"""Multigrid on a picture whose edges may be cut: levels, interpolation that respects cuts, and the V-cycle.

A level is a graph: every pixel has a mass and edges to its eight neighbours, on the finest level to four. Coarse
pixels are every second fine pixel. A fine pixel between them is interpolated from those it hangs on, by its own edge
weights (black box multigrid: Dendy, J. Comput. Phys. 48, 1982), so nothing is carried across a cut. The coarse graph
is the Galerkin product, summed edge by edge; only masses are lumped. Arrays have a margin of one cell before and two
behind; rows are visited only where the mask is.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt
from numpy.typing import DTypeLike

from hd_core.integrate.kernels import galerkin, stages, sweeps

DAMPINGS = (0.5617, 1.389)
"""Two Jacobi sweeps with these shrink everything between 1/2 and 2 of D^-1 A to under 0.22 (Chebyshev)."""
COARSEST = 4
"""Levels are added until both sides are at most this long; the last is solved directly."""

_Spans = tuple[UInt[np.ndarray, " s"], UInt[np.ndarray, " s"]]


class Level:
    """One graph: `weights[i]` couples a pixel to its neighbour right, below, below right, below left.

    Args:
        first: First column in use of every row; with the margin.
        stop: One after the last, `first` where there is none.
        width: With the margin.
        planes: 2 on the finest level, which has no edges below right and below left.
        dtype: Of all arrays.
    """

    def __init__(
        self, first: UInt[np.ndarray, " r"], stop: UInt[np.ndarray, " r"], width: int, planes: int, dtype: DTypeLike
    ) -> None:
        shape = len(first), width
        self.weights = np.zeros((planes, *shape), dtype)
        self.mass = np.zeros(shape, dtype)
        self.inverse = np.zeros(shape, dtype)
        self.x, self.spare = np.zeros(shape, dtype), np.zeros(shape, dtype)
        coarse = coarse_shape(shape)
        self.across, self.down = np.zeros((*coarse, 2), dtype), np.zeros((*coarse, 2), dtype)
        self.centre = np.zeros((*coarse, 4), dtype)
        self.columns: _Spans = first, stop
        self.cells = _cell_spans(first, stop, coarse[0])
        self.width = np.uint64(width)
        used = np.flatnonzero(stop > first)
        start = (np.arange(shape[0]) * width).astype(np.uint64)
        self.spans: _Spans = (start + first)[used], (start + stop)[used]
        self._flat = self.weights.reshape(planes, -1)
        self._mass, self._inverse = self.mass.ravel(), self.inverse.ravel()
        self._x, self._spare = self.x.ravel(), self.spare.ravel()
        self._scalar: Any = np.dtype(dtype).type
        self._dampings = np.array(DAMPINGS, dtype)
        self._pictures = self._flat, self._mass, self._inverse

    def finish(self) -> None:
        """Derive the inverse diagonal from weights and mass."""
        weights = self._flat
        sweeps.diagonals(weights[0], weights[1], self._mass, self.width, *self.spans, self._inverse)
        if len(weights) > 2:
            sweeps.add_diagonals(weights[2], weights[3], self.width, *self.spans, self._inverse)
        sweeps.invert(self._scalar(1), self._scalar(galerkin.NEGLIGIBLE), *self.spans, self._inverse)

    def descend(self, b: Float[np.ndarray, " n"]) -> None:
        """Relax from nothing to `x`; what is left of `b` goes to `spare`."""
        stages.descend(*self._pictures, b, self._dampings, self.width, *self.spans, self._x, self._spare)

    def ascend(self, b: Float[np.ndarray, " n"]) -> None:
        """Relax `x` once more, the dampings in reverse."""
        stages.ascend(*self._pictures, b, self._dampings, self.width, *self.spans, self._x, self._spare)

    def relax(self, b: Float[np.ndarray, " n"], damping: float) -> None:
        """One sweep of damped Jacobi on `x`."""
        step = self._scalar(damping)
        stages.smooth(*self._pictures, b, step, self.width, *self.spans, self._x, self._spare)

    def multiply(self, x: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, " n"], float]:
        """A x, in `spare`, and x . A x; of the finest level."""
        weights, mass, _ = self._pictures
        return self._spare, stages.product_and_inner(weights, mass, x, self.width, *self.spans, self._spare)


def _cell_spans(first: UInt[np.ndarray, " r"], stop: UInt[np.ndarray, " r"], rows: int) -> _Spans:
    """Columns of the cells that hold the pixels of each two rows; none where first is not before stop."""
    used = stop > first
    begin = np.where(used, (first + 1) // 2, np.iinfo(np.int64).max).astype(np.int64)
    end = np.where(used, stop // 2 + 1, 0).astype(np.int64)
    cell_first = np.full(rows, np.iinfo(np.int64).max)
    cell_stop = np.zeros(rows, np.int64)
    for offset in (-1, 0):
        fine = 2 * np.arange(rows) + offset
        there = (fine >= 0) & (fine < len(first))
        cell_first[there] = np.minimum(cell_first[there], begin[fine[there]])
        cell_stop[there] = np.maximum(cell_stop[there], end[fine[there]])
    empty = cell_stop <= cell_first
    cell_first[empty] = cell_stop[empty] = 0
    return cell_first.astype(np.uint64), cell_stop.astype(np.uint64)


def _corner_spans(cells: _Spans, width: int) -> _Spans:
    """Columns of the coarse pixels that are corners of cells in use."""
    cell_first, cell_stop = (side.astype(np.int64) for side in cells)
    used = cell_stop > cell_first
    begin, end = np.where(used, cell_first, width), np.where(used, cell_stop + 1, 0)
    first, stop = begin.copy(), end.copy()
    first[1:] = np.minimum(first[1:], begin[:-1])
    stop[1:] = np.maximum(stop[1:], end[:-1])
    first, stop = np.maximum(first, 1), np.minimum(stop, width - 2)
    outside = np.ones(len(first), bool)
    outside[1:-2] = False
    empty = outside | (stop <= first)
    first[empty] = stop[empty] = 0
    return first.astype(np.uint64), stop.astype(np.uint64)


def coarse_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Shape of the next level, both with their margins."""
    return (shape[0] - 2) // 2 + 3, (shape[1] - 2) // 2 + 3


def mask_spans(mask: Bool[np.ndarray, "h w"]) -> _Spans:
    """First and one after the last column of every row of a mask; both 0 where a row is empty."""
    used = mask.any(axis=1)
    first = np.where(used, mask.argmax(axis=1), 0)
    stop = np.where(used, mask.shape[1] - mask[:, ::-1].argmax(axis=1), 0)
    return first.astype(np.uint64), stop.astype(np.uint64)


class Multigrid:
    """Levels over one picture; approximately inverts its finest graph.

    Set `finest.weights` and `finest.mass`, then call `rebuild`.

    Args:
        mask: Pixels in use, with the margin.
        dtype: Single or double precision.
    """

    def __init__(self, mask: Bool[np.ndarray, "h w"], dtype: DTypeLike) -> None:
        self.levels = [Level(*mask_spans(mask), mask.shape[1], 2, dtype)]
        while max(self.levels[-1].mass.shape) > COARSEST + 3:
            fine = self.levels[-1]
            width = coarse_shape(fine.mass.shape)[1]
            self.levels.append(Level(*_corner_spans(fine.cells, width), width, 4, dtype))
        self._right_sides = [level.x.copy() for level in self.levels[1:]]
        self._coarsest = _Coarsest(self.levels[-1])

    @property
    def finest(self) -> Level:
        """The picture's own graph."""
        return self.levels[0]

    def rebuild(self, *, coarse: bool = True) -> None:
        """Derive everything from the finest level's weights and mass, or nothing but that level itself."""
        self.finest.finish()
        if coarse:
            self._rebuild_coarse()

    def _rebuild_coarse(self) -> None:
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            coarse.weights[:] = 0
            coarse.mass[:] = 0
            shares = fine.across, fine.down, fine.centre
            if fine is self.finest:
                right, below = fine.weights
                galerkin.interpolation_of_rows_and_columns(right, below, fine.mass, *fine.cells, *shares)
            else:
                galerkin.interpolation(fine.weights, fine.mass, *shares)
            galerkin.coarsen(fine.weights, fine.mass, *fine.cells, *shares, coarse.weights, coarse.mass)
            np.maximum(coarse.mass, 0, out=coarse.mass)  # lumping and rounding leave a few below zero
            coarse.finish()
        self._coarsest.rebuild()

    def cycle(self, residual: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
        """One symmetric V-cycle from zero; the array returned is the level's own."""
        right_sides = [residual, *self._right_sides]
        for depth, (fine, coarse) in enumerate(zip(self.levels, self.levels[1:], strict=False)):
            b = right_sides[depth].ravel()
            fine.descend(b)
            galerkin.restrict(fine.across, fine.down, fine.centre, *coarse.columns, fine.spare, right_sides[depth + 1])
        self._coarsest.solve(right_sides[-1])
        for depth in range(len(self.levels) - 2, -1, -1):
            fine, coarse = self.levels[depth], self.levels[depth + 1]
            b = right_sides[depth].ravel()
            galerkin.prolong(fine.across, fine.down, fine.centre, *fine.cells, coarse.x, fine.inverse, fine.x)
            fine.ascend(b)
        return self.finest.x


class _Coarsest:
    """The last level's matrix and its inverse, in double precision."""

    def __init__(self, level: Level) -> None:
        self._level = level
        rows, columns = level.mass.shape
        cells = np.arange(rows * columns).reshape(rows, columns)
        pairs = []
        for plane, (dy, dx) in enumerate(galerkin.NEIGHBOURS):
            here = cells[1 : rows - 2, 1 : columns - 2].ravel()
            pairs.append(np.stack([np.full_like(here, plane), here, here + dy * columns + dx]))
        self._plane, self._here, self._there = np.concatenate(pairs, axis=1)
        self._inverse = np.zeros((rows * columns, rows * columns))

    def rebuild(self) -> None:
        """Invert; empty cells stay zero."""
        level, here, there = self._level, self._here, self._there
        weights = level.weights.reshape(len(level.weights), -1)
        w = np.zeros(len(here))
        usable = self._plane < len(weights)
        w[usable] = weights[self._plane[usable], here[usable]]
        matrix = np.zeros_like(self._inverse)
        matrix[here, there] = matrix[there, here] = -w
        np.fill_diagonal(matrix, level.mass.ravel() - matrix.sum(axis=1))
        used = np.flatnonzero(matrix.diagonal() > galerkin.NEGLIGIBLE)
        self._inverse[:] = 0
        self._inverse[np.ix_(used, used)] = np.linalg.inv(matrix[np.ix_(used, used)])

    def solve(self, right_side: Float[np.ndarray, "a b"]) -> None:
        """Put the solution into the level."""
        self._level.x[:] = (self._inverse @ right_side.ravel()).reshape(right_side.shape)
