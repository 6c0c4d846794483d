"""The multigrid against dense matrices and a direct solver."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

from hd_core.integrate import stencils
from hd_core.integrate.bilateral import conjugate_gradients
from hd_core.integrate.multigrid import DAMPING, Level, Multigrid
from hd_core.integrate.stencils import interpolation


def random_grid(rng, shape):
    """A multigrid over weights that span nine decades, and its matrix as scipy sees it."""
    right, down, mass = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    inner = (slice(1, -2), slice(1, -2))
    size = mass[inner].shape
    right[inner] = 10 ** rng.uniform(-9, 0, size)
    right[inner][:, -1] = 0
    down[inner] = np.where(rng.random(size) < 0.8, rng.random(size), 2e-9)
    down[inner][-1] = 0
    mass[inner] = 1e-5
    grid = Multigrid(shape)
    grid.rebuild(right, down, mass)
    return grid, matrix_of(grid.finest)


def matrix_of(level):
    """The graph's matrix over all cells, margin included, edge by edge."""
    cells = np.arange(level.mass.size).reshape(level.mass.shape)
    matrix = np.diag(level.mass.ravel())
    for weight, (dy, dx) in zip(level.weights, stencils.NEIGHBOURS, strict=True):
        for y, x in zip(*np.nonzero(weight), strict=True):
            i, j, w = cells[y, x], cells[y + dy, x + dx], weight[y, x]
            matrix[i, i] += w
            matrix[j, j] += w
            matrix[i, j] -= w
            matrix[j, i] -= w
    return matrix


def prolongation(fine: Level, coarse: Level):
    """P, column by column."""
    columns = []
    for y in range(1, coarse.mass.shape[0] - 2):
        for x in range(1, coarse.mass.shape[1] - 2):
            unit, out = np.zeros(coarse.mass.shape), np.zeros(fine.mass.shape)
            unit[y, x] = 1
            stencils.prolong(fine.across, fine.down, fine.centre, unit, out)
            columns.append(out.ravel())
    return np.array(columns).T


def test_coarse_graphs_are_the_galerkin_product_with_lumped_masses(rng):
    grid, _ = random_grid(rng, (22, 27))
    for fine, coarse in zip(grid.levels, grid.levels[1:], strict=False):
        p = prolongation(fine, coarse)
        laplacian = matrix_of(fine) - np.diag(fine.mass.ravel())
        expected = p.T @ laplacian @ p + np.diag(p.T @ fine.mass.ravel())
        inner = np.zeros(coarse.mass.shape, bool)
        inner[1:-2, 1:-2] = True
        found = matrix_of(coarse)[np.ix_(inner.ravel(), inner.ravel())]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_restriction_is_the_transpose_of_prolongation(rng):
    grid, _ = random_grid(rng, (22, 27))
    fine, coarse = grid.levels[:2]
    p = prolongation(fine, coarse)
    values = np.zeros(fine.mass.shape)
    values[1:-2, 1:-2] = rng.standard_normal(values[1:-2, 1:-2].shape)
    out = np.zeros(coarse.mass.shape)
    stencils.restrict(fine.across, fine.down, fine.centre, values, out)
    np.testing.assert_allclose(out[1:-2, 1:-2].ravel(), p.T @ values.ravel(), atol=1e-12)


def test_interpolation_weighs_by_all_eight_neighbours(rng):
    """Between two corners by the columns or rows they stand for, in the middle by what its neighbours were given."""
    shape = (19, 23)
    grid = Multigrid(shape)
    fine, coarse = grid.levels[:2]
    fine.mass[1:-2, 1:-2] = 1e-9
    for i, (dy, dx) in enumerate(stencils.NEIGHBOURS):
        fine.weights[i, 1 : shape[0] - 2 - dy, 1 + (dx < 0) : shape[1] - 2 - (dx > 0)] = 0.1 + rng.random(
            (shape[0] - 3 - dy, shape[1] - 3 - abs(dx))
        )
    stencils.interpolation(fine.weights, fine.mass, fine.across, fine.down, fine.centre)
    pull = -matrix_of(fine).reshape(*shape, *shape)
    p = prolongation(fine, coarse).reshape(*shape, -1)
    for y in range(3, 15, 2):
        for x in range(3, 19, 2):
            around = pull[y, x + 1, y - 1 : y + 2]
            left, right = around[:, x].sum(), around[:, x + 2].sum()
            expected = (left * p[y, x] + right * p[y, x + 2]) / (left + right)
            np.testing.assert_allclose(p[y, x + 1], expected, atol=1e-12)
            around = pull[y + 1, x, :, x - 1 : x + 2]
            upper, lower = around[y].sum(), around[y + 2].sum()
            expected = (upper * p[y, x] + lower * p[y + 2, x]) / (upper + lower)
            np.testing.assert_allclose(p[y + 1, x], expected, atol=1e-12)
            around = pull[y + 1, x + 1, y : y + 3, x : x + 3].copy()
            around[1, 1] = 0
            expected = np.einsum("ij,ijc->c", around, p[y : y + 3, x : x + 3]) / around.sum()
            np.testing.assert_allclose(p[y + 1, x + 1], expected, atol=1e-12)


def test_interpolation_keeps_constants_and_carries_nothing_across_a_cut():
    shape = (19, 19)
    right, down, mass = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    right[1:17, 1:16] = 1
    down[1:16, 1:17] = 1
    down[8, :] *= 1e-12
    mass[1:17, 1:17] = 1e-7
    grid = Multigrid(shape)
    grid.rebuild(right, down, mass)
    p = prolongation(*grid.levels[:2])
    ones = (p @ np.ones(p.shape[1])).reshape(shape)
    np.testing.assert_allclose(ones[1:17, 1:17], 1, atol=1e-12)
    coarse_y = np.repeat(np.arange(8), 8)
    below_only = (p @ (coarse_y >= 4).astype(float)).reshape(shape)
    np.testing.assert_allclose(below_only[1:9, 1:17], 0, atol=1e-9)
    np.testing.assert_allclose(below_only[9:17, 1:17], 1, atol=1e-9)


def test_one_relaxation_and_the_residual_are_the_matrix_formulas(rng):
    grid, matrix = random_grid(rng, (13, 12))
    level = grid.finest
    inner = np.zeros(level.mass.shape, bool)
    inner[1:-2, 1:-2] = True
    x, b = (np.where(inner, rng.standard_normal(inner.shape), 0) for _ in range(2))
    residual = np.zeros_like(x)
    stencils.residual(level.weights, level.diagonal, b, x, residual)
    expected = (b.ravel() - matrix @ x.ravel()).reshape(x.shape)
    np.testing.assert_allclose(residual, np.where(inner, expected, 0), atol=1e-12)
    level.x[:], level.right_side[:] = x, b
    level.relax(1)
    jacobi = x[inner] + DAMPING * expected[inner] / np.diag(matrix)[inner.ravel()]
    np.testing.assert_allclose(level.x[inner], jacobi, rtol=1e-9, atol=1e-12)


def test_the_cycle_is_symmetric_and_positive(rng):
    grid, _ = random_grid(rng, (22, 27))
    a, b = np.zeros((22, 27)), np.zeros((22, 27))
    a[1:-2, 1:-2], b[1:-2, 1:-2] = rng.standard_normal((2, 19, 24))
    of_a, of_b = grid.cycle(a).copy(), grid.cycle(b).copy()
    assert (b * of_a).sum() == pytest.approx((a * of_b).sum(), rel=1e-9)
    assert (a * of_a).sum() > 0


def test_conjugate_gradients_solve_what_a_direct_solver_solves(rng):
    grid, matrix = random_grid(rng, (22, 27))
    force = np.zeros((22, 27))
    force[1:-2, 1:-2] = 1e-5 * rng.standard_normal((19, 24))
    found, _, used = conjugate_gradients(grid, force, 1e-22, 200)
    inner = np.flatnonzero(grid.finest.mass.ravel())
    expected = spsolve(csr_array(matrix[np.ix_(inner, inner)]).tocsc(), force.ravel()[inner])
    np.testing.assert_allclose(found.ravel()[inner], expected, atol=1e-7)
    assert used < 200


def test_iterations_do_not_grow_with_the_picture():
    counts = []
    for side in (67, 131, 259):
        rng = np.random.default_rng(3)
        mass, right, down = (np.zeros((side, side)) for _ in range(3))
        mass[1:-2, 1:-2] = 1e-6
        right[1:-2, 1:-3] = down[1:-3, 1:-2] = 1
        grid = Multigrid((side, side))
        grid.rebuild(right, down, mass)
        force = np.zeros((side, side))
        force[1:-2, 1:-2] = rng.standard_normal((side - 3, side - 3))
        start = stencils.inner(force, grid.cycle(force))
        counts.append(conjugate_gradients(grid, force, 1e-12 * start, 100)[2])
    assert max(counts) <= 8
    assert max(counts) - min(counts) <= 1


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_shares_of_a_graph_with_cancelling_and_negative_weights_stay_finite_and_between_0_and_1():
    """Coarse graphs hold negative weights and pixels that hang on crumbs of cancellation or on nothing at all."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        weights = rng.normal(size=(4, 12, 14)) * 10.0 ** rng.integers(-18, 1, (4, 12, 14))
        weights[rng.random(weights.shape) < 0.4] = 0
        mass = rng.random((12, 14)) * 1e-6 * (rng.random((12, 14)) < 0.3)
        across, down, centre = np.zeros((8, 9, 2)), np.zeros((8, 9, 2)), np.zeros((8, 9, 4))
        interpolation(weights, mass, across, down, centre)
        for shares in (across, down, centre):
            assert np.isfinite(shares).all()
            assert shares.min() >= 0
            total = shares.sum(axis=-1)
            assert (np.isclose(total, 1) | (total == 0)).all()
            assert (total > 0).any()
