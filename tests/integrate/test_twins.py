"""The fast solver against the slow one, piece by piece and as a whole."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from integrate_scenes import arm_before_torso, blurred, sphere, with_noise, without_depth

from hd_core.geometry.camera import pixel_rays
from hd_core.integrate.bilateral import System, solve_by_multigrid
from hd_core.integrate.energy import (
    MAX_SLOPE,
    Lens,
    Problem,
    continuation,
    steepness_for_noise,
)
from hd_core.integrate.kernels.reweight import NO_EDGE
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import load_integrator
from hd_core.integrate.reference import edge_target, flat_target, solve_directly

RELATIVE = 1e-4


SCENES = pytest.mark.parametrize(
    "make",
    [
        lambda: arm_before_torso(0.5),
        lambda: blurred(arm_before_torso(0.5), 6),
        lambda: without_depth(arm_before_torso(0.5)),
        lambda: blurred(with_noise(sphere(0.5), 5, np.random.default_rng(2)), 6),
    ],
    ids=["arm, true depth", "arm, blurred depth", "arm, no depth", "noisy sphere"],
)


def both(maps, options):
    return [load_integrator(name, options).integrate(maps) for name in ("bilateral", "reference")]


@SCENES
@pytest.mark.parametrize("sharpness", [32.0, 128.0])
def test_fast_and_slow_agree_on_depth_cuts_and_energy(make, sharpness):
    """With every linear system solved to the end, as the slow solver does."""
    fast, slow = both(make(), IntegrateOptions(sharpness=sharpness, solve_drop=0.0))
    np.testing.assert_allclose(fast.surface.depth, slow.surface.depth, rtol=RELATIVE)
    np.testing.assert_allclose(fast.discontinuity, slow.discontinuity, atol=0.05)
    assert fast.measures["energy"] == pytest.approx(slow.measures["energy"], rel=1e-3, abs=1e-6)
    assert fast.measures["sharpness"] == pytest.approx(slow.measures["sharpness"], rel=1e-3)


@SCENES
def test_quick_solves_stay_with_the_slow_solver(make):
    """As everybody runs it. A pixel or two at a cut may fall to its other side."""
    fast, slow = both(make(), IntegrateOptions())
    mask = slow.surface.mask
    off = np.abs(fast.surface.depth[mask] / slow.surface.depth[mask] - 1)
    assert np.quantile(off, 0.99) < RELATIVE
    assert off.max() < 1e-3
    np.testing.assert_allclose(fast.discontinuity, slow.discontinuity, atol=0.1)
    assert fast.measures["energy"] == pytest.approx(slow.measures["energy"], rel=5e-3)


def random_problem(rng, *, height=19, width=16, has_prior=True):
    mask = np.zeros((height, width), bool)
    mask[1:-2, 1:-2] = rng.random((height - 3, width - 3)) < 0.8
    normal = rng.standard_normal((height, width, 3)) * [1, 1, 0.3] - [0, 0, 1]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    rays = np.array([[1 / 300, 0, -0.02], [0, 1 / 250, -0.1], [0, 0, 1]])
    return Problem(
        normal=np.where(mask[..., None], normal, 0),
        lens=Lens(rays=rays, steps=300 * rays[:, :2].T.copy(), bend=1 / 300, aspect=250 / 300),
        mask=mask,
        prior=np.where(mask, 3 * rng.standard_normal((height, width)), 0),
        trust=np.where(mask, 1e-3 * rng.random((height, width)) + 1e-7, 0),
        has_prior=has_prior,
    )


def test_both_solvers_find_the_same_minimum_of_a_wild_problem(rng):
    options = IntegrateOptions(steps=4, max_inner=200, solve_drop=0.0)
    for has_prior in (True, False, True):
        problem = random_problem(rng, has_prior=has_prior)
        fast, slow = solve_by_multigrid(problem, options), solve_directly(problem, options)
        np.testing.assert_allclose(fast.u, slow.u, atol=1e-3)
        assert fast.measures["energy"] == pytest.approx(slow.measures["energy"], rel=1e-6)


def pairs_of(problem, axis):
    """Pixels that have a neighbour on that axis, with the neighbours, the rays of both, and the solver's targets."""
    y, x = np.nonzero(problem.mask)
    dy, dx = ((0, 1), (1, 0))[axis]
    inside = (y + dy < problem.mask.shape[0]) & (x + dx < problem.mask.shape[1])
    y, x = y[inside], x[inside]
    joined = problem.mask[y + dy, x + dx]
    y, x = y[joined], x[joined]
    rays = [np.stack([px, py, np.ones_like(px)], 1) @ problem.lens.rays.T for px, py in ((x, y), (x + dx, y + dy))]
    normals = problem.normal[y, x], problem.normal[y + dy, x + dx]
    return normals, rays, System(problem).targets[axis][y + 1, x + 1]


def test_targets_are_the_plain_formula_where_nothing_is_bounded(rng):
    problem = random_problem(rng)
    free = replace(problem, normal=np.where(problem.mask[..., None], [0.36, -0.48, -0.8], 0))
    for axis in (0, 1):
        (n, _), (at_a, at_b), found = pairs_of(free, axis)
        expected = 300 * np.log((n * at_a).sum(-1) / (n * at_b).sum(-1))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        loops = [edge_target(2 * n[i], at_a[i], at_b[i], 300.0) for i in range(len(n))]
        np.testing.assert_allclose(loops, expected, rtol=1e-9)


def test_targets_agree_edge_by_edge_when_normals_point_anywhere(rng):
    problem = random_problem(rng)
    normal = rng.standard_normal(problem.normal.shape) * [1, 1, 0.2]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    problem = replace(problem, normal=np.where(problem.mask[..., None], normal, 0))
    for axis in (0, 1):
        (n_a, n_b), (at_a, at_b), found = pairs_of(problem, axis)
        expected = np.array([edge_target(n_a[i] + n_b[i], at_a[i], at_b[i], 300.0) for i in range(len(n_a))])
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert np.abs(expected).max() == MAX_SLOPE


def test_targets_of_parallel_rays_are_the_slopes_of_a_plane(rng):
    """z = 0.3 x - 0.7 y has the normal (0.3, -0.7, -1) up to its length."""
    normal = np.array([0.3, -0.7, -1]) / np.linalg.norm([0.3, -0.7, -1])
    problem = replace(random_problem(rng), lens=Lens.orthographic())
    problem = replace(problem, normal=np.where(problem.mask[..., None], normal, 0))
    for axis, slope in ((0, 0.3), (1, -0.7)):
        (n_a, n_b), (at_a, _), found = pairs_of(problem, axis)
        np.testing.assert_allclose(found, slope, rtol=1e-12)
        assert flat_target(n_a[0] + n_b[0], at_a[0], problem.lens.steps[axis]) == pytest.approx(slope)


def test_pixels_of_different_parts_have_no_edge(rng):
    problem = random_problem(rng)
    parts = np.zeros(problem.mask.shape, np.int64)
    parts[:, 8:] = 7
    right, down = System(replace(problem, parts=parts)).targets
    whole_right, whole_down = System(problem).targets
    assert (right[1:-2, 8] == NO_EDGE).all()
    right[1:-2, 8] = whole_right[1:-2, 8]
    np.testing.assert_array_equal(right, whole_right)
    np.testing.assert_array_equal(down, whole_down)


@pytest.mark.parametrize("n_x", [0.9, -0.9])
def test_a_normal_that_faces_away_keeps_the_direction_of_its_slope_within_the_bound(n_x):
    ray_a, ray_b = np.array([-0.0005, 0, 1]), np.array([0.0005, 0, 1])
    grazing = np.array([n_x, 0, -0.01])
    away = np.array([n_x, 0, 0.3])
    for mean in (grazing, away):
        slope = edge_target(2 * mean, ray_a, ray_b, 1000.0)
        assert np.sign(slope) == np.sign(n_x)
        assert abs(slope) == MAX_SLOPE


def test_targets_of_a_sphere_are_its_log_depth_differences():
    truth = sphere()
    z = truth.depth.astype(np.float64)
    focal = truth.camera.intrinsics[0, 0]
    row = 110
    columns = np.flatnonzero(truth.mask[row])[5:-6]
    rays = pixel_rays(truth.camera)[row]
    n = truth.normal[row].astype(np.float64)
    found = [edge_target(n[c] + n[c + 1], rays[c], rays[c + 1], focal) for c in columns]
    np.testing.assert_allclose(found, focal * np.log(z[row, columns + 1] / z[row, columns]), atol=2e-3)


def test_weights_share_a_pixels_trust_by_its_slopes():
    """A row with a step of 5 px between pixels 3 and 4, flat elsewhere, seen frontally: w by hand."""
    mask = np.zeros((4, 9), bool)
    mask[1, 1:7] = True
    problem = Problem(
        normal=np.where(mask[..., None], [0, 0, -1.0], 0),
        lens=Lens.orthographic(),
        mask=mask,
        prior=np.zeros((4, 9)),
        trust=np.where(mask, 1e-5, 0),
        has_prior=True,
    )
    system = System(problem)
    system.u[2, 5:8] = 5
    system.reweight(0.1, 0.0)
    right, down = system.grid.finest.weights[:, 2, 1:10]
    keep = 1 / (1 + np.exp(-2.5))
    expected = [0, 0.5 + 0.5, 0.5 + keep, 2 * (1 - keep), keep + 0.5, 0.5 + 0.5, 0, 0, 0]
    np.testing.assert_allclose(right, expected)
    assert not down.any()
    system.reweight(1e4, 0.0)
    limit = 2 / (1 + np.exp(20))
    assert system.grid.finest.weights[0, 2, 4] == pytest.approx(limit)


def test_the_sharpness_grows_to_its_limit_and_noise_holds_it_down():
    options = IntegrateOptions(sharpness=64.0, steps=20)
    path = [continuation(step, options) for step in range(20)]
    assert path[0] == (1.0, 0.0)
    assert path[-4:-1] == [pytest.approx((64.0 ** (16 / 17), 0.7 * 16 / 17)), (64.0, 0.7), (64.0, 0.7)]
    assert all(a[0] <= b[0] for a, b in pairwise(path))
    residuals = np.abs(np.random.default_rng(0).normal(0, 0.1, 100_000))
    assert steepness_for_noise(residuals) == pytest.approx(2.0, rel=0.02)
    assert steepness_for_noise(np.zeros(5)) == np.inf
    assert steepness_for_noise(np.zeros(0)) == np.inf


@pytest.fixture
def rng():
    return np.random.default_rng(11)
