"""The multigrid against dense matrices and a direct solver."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import spsolve

from hd_core.integrate.gradients import conjugate_gradients
from hd_core.integrate.kernels import galerkin, sweeps
from hd_core.integrate.multigrid import DAMPINGS, Level, Multigrid, mask_spans


def full_grid(shape):
    """A multigrid of double precision over a mask that leaves nothing but the margin free."""
    mask = np.zeros(shape, bool)
    mask[1:-2, 1:-2] = True
    return Multigrid(mask, np.float64)


def load(grid, right, down, mass):
    grid.finest.weights[0], grid.finest.weights[1], grid.finest.mass[:] = right, down, mass
    grid.rebuild()


def dot(grid, a, b):
    return sweeps.inner(a.ravel(), b.ravel(), *grid.finest.spans)


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
    grid = full_grid(shape)
    load(grid, right, down, mass)
    return grid, matrix_of(grid.finest)


def full_level(shape, planes):
    mask = np.zeros(shape, bool)
    mask[1:-2, 1:-2] = True
    return Level(*mask_spans(mask), shape[1], planes, np.float64)


def shares_of(level):
    return level.across, level.down, level.centre


def matrix_of(level):
    """The graph's matrix over all cells, margin included, edge by edge."""
    cells = np.arange(level.mass.size).reshape(level.mass.shape)
    matrix = np.diag(level.mass.ravel())
    for weight, (dy, dx) in zip(level.weights, galerkin.NEIGHBOURS, strict=False):
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
            galerkin.prolong(fine.across, fine.down, fine.centre, *fine.cells, unit, np.ones_like(out), out)
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
    galerkin.restrict(fine.across, fine.down, fine.centre, *coarse.columns, values, out)
    np.testing.assert_allclose(out[1:-2, 1:-2].ravel(), p.T @ values.ravel(), atol=1e-12)


def test_interpolation_weighs_by_all_eight_neighbours(rng):
    """Between two corners by the columns or rows they stand for, in the middle by what its neighbours were given."""
    shape = (19, 23)
    coarse = full_grid(shape).levels[1]
    fine = full_level(shape, 4)
    fine.mass[1:-2, 1:-2] = 1e-9
    for i, (dy, dx) in enumerate(galerkin.NEIGHBOURS):
        fine.weights[i, 1 : shape[0] - 2 - dy, 1 + (dx < 0) : shape[1] - 2 - (dx > 0)] = 0.1 + rng.random(
            (shape[0] - 3 - dy, shape[1] - 3 - abs(dx))
        )
    galerkin.interpolation(fine.weights, fine.mass, fine.across, fine.down, fine.centre)
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
    grid = full_grid(shape)
    load(grid, right, down, mass)
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
    level.x[:] = x
    level.relax(b.ravel(), 0.8)
    expected = (b.ravel() - matrix @ x.ravel()).reshape(x.shape)
    np.testing.assert_allclose(level.spare, np.where(inner, expected, 0), atol=1e-12)
    jacobi = x[inner] + 0.8 * expected[inner] / np.diag(matrix)[inner.ravel()]
    np.testing.assert_allclose(level.x[inner], jacobi, rtol=1e-9, atol=1e-12)
    product, squared = level.multiply(x.ravel())
    np.testing.assert_allclose(product, matrix @ x.ravel(), atol=1e-12)
    assert squared == pytest.approx(x.ravel() @ matrix @ x.ravel(), rel=1e-12)


def test_two_dampings_shrink_the_rough_half_of_all_errors_to_less_than_a_quarter():
    rough = np.linspace(0.5, 2, 1000)
    assert np.abs((1 - DAMPINGS[0] * rough) * (1 - DAMPINGS[1] * rough)).max() < 0.22


def test_stages_that_follow_row_by_row_are_whole_sweeps(rng):
    """Down: from nothing with both dampings, then the residual. Up: with both in reverse."""
    for level in random_grid(rng, (22, 27))[0].levels[:2]:
        b = np.zeros(level.mass.shape)
        b[1:-2, 1:-2] = rng.standard_normal(b[1:-2, 1:-2].shape)
        twin = {}
        for name in ("whole", "by rows"):
            level.x[:] = 0
            if name == "whole":
                for damping in DAMPINGS:
                    level.relax(b.ravel(), damping)
                kept = level.x.copy()
                level.relax(b.ravel(), 0.0)
                twin[name] = [kept, level.spare.copy()]
                for damping in DAMPINGS[::-1]:
                    level.relax(b.ravel(), damping)
            else:
                level.descend(b.ravel())
                twin[name] = [level.x.copy(), level.spare.copy()]
                level.ascend(b.ravel())
            twin[name].append(level.x.copy())
        for found, expected in zip(twin["by rows"], twin["whole"], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_levels_with_diagonal_edges_relax_and_multiply_by_all_eight_neighbours(rng):
    grid, _ = random_grid(rng, (22, 27))
    level = grid.levels[1]
    matrix = matrix_of(level)
    inner = np.zeros(level.mass.shape, bool)
    inner[1:-2, 1:-2] = True
    x, b = (np.where(inner, rng.standard_normal(inner.shape), 0) for _ in range(2))
    level.x[:] = x
    level.relax(b.ravel(), 0.8)
    expected = np.where(inner, (b.ravel() - matrix @ x.ravel()).reshape(x.shape), 0)
    np.testing.assert_allclose(level.spare, expected, atol=1e-12)
    np.testing.assert_allclose(level.x[inner], x[inner] + 0.8 * expected[inner] / np.diag(matrix)[inner.ravel()])


def test_the_first_level_is_interpolated_as_one_without_diagonal_edges(rng):
    grid, _ = random_grid(rng, (22, 27))
    four = full_level((22, 27), 4)
    four.weights[:2] = grid.finest.weights
    galerkin.interpolation(four.weights, grid.finest.mass, four.across, four.down, four.centre)
    for found, expected in zip(shares_of(grid.finest), shares_of(four), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-15)


def test_rows_outside_a_mask_are_not_visited_and_nothing_is_lost(rng):
    """On a slanted band the narrow spans give what whole rows give."""
    shape = (35, 40)
    band = np.abs(np.subtract.outer(np.arange(35), np.arange(40)) + 3) < 6
    band[[0, -1, -2]] = False
    band[:, [0, -1, -2]] = False
    narrow, wide = Multigrid(band, np.float64), full_grid(shape)
    both = band[:, :-1] & band[:, 1:], band[:-1] & band[1:]
    right, down = (np.zeros(shape) for _ in range(2))
    right[:, :-1][both[0]], down[:-1][both[1]] = rng.random(both[0].sum()), rng.random(both[1].sum())
    for grid in (narrow, wide):
        load(grid, right, down, 1e-3 * band)
    force = np.where(band, rng.standard_normal(shape), 0)
    np.testing.assert_allclose(narrow.cycle(force), wide.cycle(force), atol=1e-12)
    assert sum(len(range(int(a), int(b))) for a, b in zip(*narrow.finest.spans, strict=True)) < 1.01 * band.sum()


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
    found, left = np.zeros_like(force), force.copy()
    used = conjugate_gradients(grid, left, found, np.zeros_like(force), tolerance=1e-22, drop=0.0, max_iterations=200)
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
        grid = full_grid((side, side))
        load(grid, right, down, mass)
        force = np.zeros((side, side))
        force[1:-2, 1:-2] = rng.standard_normal((side - 3, side - 3))
        start = dot(grid, force, grid.cycle(force))
        room = np.zeros_like(force), np.zeros_like(force)
        counts.append(conjugate_gradients(grid, force, *room, tolerance=1e-12 * start, drop=0.0, max_iterations=100))
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
        galerkin.interpolation(weights, mass, across, down, centre)
        for shares in (across, down, centre):
            assert np.isfinite(shares).all()
            assert shares.min() >= 0
            total = shares.sum(axis=-1)
            assert (np.isclose(total, 1) | (total == 0)).all()
            assert (total > 0).any()
