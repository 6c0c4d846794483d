"""Multigrid on a picture whose edges may be cut: levels, interpolation that respects cuts, and the V-cycle.

A level is a graph: every pixel has a mass and edges to its eight neighbours. Coarse pixels are every second fine
pixel. A fine pixel between them is interpolated from those it hangs on, by its own edge weights (black box
multigrid: Dendy, J. Comput. Phys. 48, 1982), so nothing is carried across a cut. The coarse graph is the Galerkin
product, summed edge by edge; only masses are lumped. Arrays have a margin of one cell before and two behind.
"""

import numpy as np
from jaxtyping import Float

from hd_core.integrate import stencils

DAMPING = 0.8
SWEEPS = 2
COARSEST = 8
"""Levels are added until both sides are at most this long; the last is solved directly."""


class Level:
    """One graph: `weights[i]` couples a pixel to its neighbour right, below, below right, below left.

    Args:
        shape: With the margin.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.weights = np.zeros((4, *shape))
        self.mass = np.zeros(shape)
        self.diagonal = np.zeros(shape)
        self.damped_inverse = np.zeros(shape)
        self.x, self.spare, self.right_side = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        coarse = coarse_shape(shape)
        self.across, self.down = np.zeros((*coarse, 2)), np.zeros((*coarse, 2))
        self.centre = np.zeros((*coarse, 4))

    def relax(self, sweeps: int) -> None:
        """Damped Jacobi on `x`."""
        for _ in range(sweeps):
            stencils.relax(self.weights, self.diagonal, self.damped_inverse, self.right_side, self.x, self.spare)
            self.x, self.spare = self.spare, self.x

    def finish(self) -> None:
        """Derive the diagonal from weights and masses."""
        stencils.diagonals(self.weights, self.mass, self.diagonal)
        empty = self.diagonal <= stencils.NEGLIGIBLE
        self.damped_inverse[:] = np.where(empty, 0, DAMPING / np.where(empty, 1, self.diagonal))


def coarse_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Shape of the next level, both with their margins."""
    return (shape[0] - 2) // 2 + 3, (shape[1] - 2) // 2 + 3


class Multigrid:
    """Levels over one picture; approximately inverts its finest graph.

    Args:
        shape: Of the picture, with the margin.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.levels = [Level(shape)]
        while max(self.levels[-1].mass.shape) > COARSEST + 3:
            self.levels.append(Level(coarse_shape(self.levels[-1].mass.shape)))
        self._coarsest_inverse = np.zeros((0, 0))

    @property
    def finest(self) -> Level:
        """The picture's own graph."""
        return self.levels[0]

    def rebuild(
        self, right: Float[np.ndarray, "h w"], down: Float[np.ndarray, "h w"], mass: Float[np.ndarray, "h w"]
    ) -> None:
        """Take the picture's edge weights and lambda, and derive all coarser levels."""
        self.finest.mass[:] = mass
        self.finest.weights[0] = right
        self.finest.weights[1] = down
        self.finest.finish()
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            stencils.interpolation(fine.weights, fine.mass, fine.across, fine.down, fine.centre)
            coarse.weights[:] = 0
            coarse.mass[:] = 0
            stencils.coarsen(fine.weights, fine.mass, fine.across, fine.down, fine.centre, coarse.weights, coarse.mass)
            np.maximum(coarse.mass, 0, out=coarse.mass)  # lumping and rounding leave a few below zero
            coarse.finish()
        self._coarsest_inverse = _inverse(self.levels[-1])

    def cycle(self, residual: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
        """One symmetric V-cycle from zero; the array returned is the level's own."""
        self.finest.right_side[:] = residual
        for fine, coarse in zip(self.levels, self.levels[1:], strict=False):
            np.multiply(fine.damped_inverse, fine.right_side, out=fine.x)
            fine.relax(SWEEPS - 1)
            stencils.residual(fine.weights, fine.diagonal, fine.right_side, fine.x, fine.spare)
            coarse.right_side[:] = 0
            stencils.restrict(fine.across, fine.down, fine.centre, fine.spare, coarse.right_side)
        last = self.levels[-1]
        last.x[:] = (self._coarsest_inverse @ last.right_side.ravel()).reshape(last.x.shape)
        for fine, coarse in zip(self.levels[-2::-1], self.levels[:0:-1], strict=True):
            stencils.prolong(fine.across, fine.down, fine.centre, coarse.x, fine.x)
            fine.relax(SWEEPS)
        return self.finest.x


def _inverse(level: Level) -> Float[np.ndarray, "n n"]:
    """The inverse of a small graph's matrix; empty cells stay zero."""
    height, width = level.mass.shape
    cells = np.arange(height * width).reshape(height, width)
    matrix = np.diag(level.diagonal.ravel())
    for weight, (dy, dx) in zip(level.weights, stencils.NEIGHBOURS, strict=True):
        y, x = np.nonzero(weight)
        here, there = cells[y, x], cells[y + dy, x + dx]
        matrix[here, there] -= weight[y, x]
        matrix[there, here] -= weight[y, x]
    used = np.flatnonzero(level.diagonal.ravel() > stencils.NEGLIGIBLE)
    inverse = np.zeros_like(matrix)
    inverse[np.ix_(used, used)] = np.linalg.inv(matrix[np.ix_(used, used)])
    return inverse
