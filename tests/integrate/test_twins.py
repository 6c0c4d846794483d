"""The fast solver against the slow one, piece by piece and as a whole."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from integrate_scenes import arm_before_torso, blurred, sphere, with_noise, without_depth

from hd_core.geometry.camera import pixel_rays
from hd_core.integrate.bilateral import solve_by_multigrid
from hd_core.integrate.edges import edges_of
from hd_core.integrate.energy import (
    MAX_SLOPE,
    Problem,
    continuation,
    steepness_for_noise,
)
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.protocol import load_integrator
from hd_core.integrate.reference import edge_target, solve_directly
from hd_core.integrate.weights import edge_weights

RELATIVE = 1e-4


def integrate(maps, name):
    return load_integrator(name, IntegrateOptions()).integrate(maps)


@pytest.mark.parametrize(
    "make",
    [
        lambda: arm_before_torso(0.5),
        lambda: blurred(arm_before_torso(0.5), 6),
        lambda: without_depth(arm_before_torso(0.5)),
        lambda: blurred(with_noise(sphere(0.5), 5, np.random.default_rng(2)), 6),
    ],
    ids=["arm, true depth", "arm, blurred depth", "arm, no depth", "noisy sphere"],
)
def test_fast_and_slow_agree_on_depth_cuts_and_energy(make):
    maps = make()
    fast, slow = integrate(maps, "bilateral"), integrate(maps, "reference")
    np.testing.assert_allclose(fast.surface.depth, slow.surface.depth, rtol=RELATIVE)
    np.testing.assert_allclose(fast.discontinuity, slow.discontinuity, atol=0.05)
    assert fast.measures["energy"] == pytest.approx(slow.measures["energy"], rel=1e-3, abs=1e-6)
    assert fast.measures["sharpness"] == pytest.approx(slow.measures["sharpness"], rel=1e-3)


def random_problem(rng, *, height=19, width=16, has_prior=True):
    mask = np.zeros((height, width), bool)
    mask[1:-2, 1:-2] = rng.random((height - 3, width - 3)) < 0.8
    normal = rng.standard_normal((height, width, 3)) * [1, 1, 0.3] - [0, 0, 1]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    rays = np.dstack(
        [*np.meshgrid(np.arange(width) / 300 - 0.02, np.arange(height) / 250 - 0.1), np.ones((height, width))]
    )
    return Problem(
        normal=np.where(mask[..., None], normal, 0),
        rays=rays,
        mask=mask,
        focal_px=300.0,
        aspect=250 / 300,
        prior=np.where(mask, 3 * rng.standard_normal((height, width)), 0),
        trust=np.where(mask, 1e-3 * rng.random((height, width)) + 1e-7, 0),
        has_prior=has_prior,
    )


def test_both_solvers_find_the_same_minimum_of_a_wild_problem(rng):
    options = IntegrateOptions(steps=4, max_inner=200)
    for has_prior in (True, False, True):
        problem = random_problem(rng, has_prior=has_prior)
        fast, slow = solve_by_multigrid(problem, options), solve_directly(problem, options)
        np.testing.assert_allclose(fast.u, slow.u, atol=1e-3)
        assert fast.measures["energy"] == pytest.approx(slow.measures["energy"], rel=1e-6)


def test_targets_are_the_plain_formula_where_nothing_is_bounded(rng):
    problem = random_problem(rng)
    free = replace(problem, normal=np.where(problem.mask[..., None], [0.36, -0.48, -0.8], 0))
    right, down = edges_of(free)
    for edges in (right, down):
        n, rays = free.normal.reshape(-1, 3), free.rays.reshape(-1, 3)
        a, b = edges.first, edges.first + edges.stride
        expected = 300 * np.log((n[a] * rays[a]).sum(-1) / (n[b] * rays[b]).sum(-1))
        np.testing.assert_allclose(edges.target[a], expected, rtol=1e-9)
        loops = [edge_target(2 * n[i], rays[i], rays[j], 300.0) for i, j in zip(a, b, strict=True)]
        np.testing.assert_allclose(loops, expected, rtol=1e-9)


def test_targets_agree_edge_by_edge_when_normals_point_anywhere(rng):
    problem = random_problem(rng)
    normal = rng.standard_normal(problem.normal.shape) * [1, 1, 0.2]
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    problem = replace(problem, normal=np.where(problem.mask[..., None], normal, 0))
    n, rays = problem.normal.reshape(-1, 3), problem.rays.reshape(-1, 3)
    for edges in edges_of(problem):
        pairs = zip(edges.first, edges.first + edges.stride, strict=True)
        expected = np.array([edge_target(n[a] + n[b], rays[a], rays[b], problem.focal_px) for a, b in pairs])
        np.testing.assert_allclose(edges.target[edges.first], expected, rtol=1e-9, atol=1e-12)
        assert np.abs(expected).max() == MAX_SLOPE


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
        rays=np.broadcast_to([0, 0, 1.0], (4, 9, 3)),
        mask=mask,
        focal_px=100.0,
        aspect=1.0,
        prior=np.zeros((4, 9)),
        trust=np.where(mask, 1e-5, 0),
        has_prior=True,
    )
    u = np.zeros((4, 9))
    u[1, 4:] = 5
    right, down = edges_of(problem)
    weights = edge_weights(right, u.ravel(), k=0.1, rho=0.0, limit=12.0).reshape(4, 9)
    keep = 1 / (1 + np.exp(-2.5))
    expected = [0, 0.5 + 0.5, 0.5 + keep, 2 * (1 - keep), keep + 0.5, 0.5 + 0.5, 0, 0, 0]
    np.testing.assert_allclose(weights[1], expected)
    assert not edge_weights(down, u.ravel(), k=0.1, rho=0.0, limit=12.0).any()
    sharp = edge_weights(right, u.ravel(), k=1e4, rho=0.0, limit=12.0).reshape(4, 9)
    assert sharp[1, 3] == pytest.approx(2 / (1 + np.exp(12)))


def test_the_sharpness_grows_to_its_limit_and_noise_holds_it_down():
    options = IntegrateOptions(sharpness=64.0, steps=20)
    path = [continuation(step, options) for step in range(20)]
    assert path[0] == (1.0, 0.0)
    assert path[-4:-1] == [pytest.approx((64.0 ** (16 / 17), 0.5 * 16 / 17)), (64.0, 0.5), (64.0, 0.5)]
    assert all(a[0] <= b[0] for a, b in pairwise(path))
    residuals = np.abs(np.random.default_rng(0).normal(0, 0.1, 100_000))
    assert steepness_for_noise(residuals) == pytest.approx(2.0, rel=0.02)
    assert steepness_for_noise(np.zeros(5)) == np.inf
    assert steepness_for_noise(np.zeros(0)) == np.inf


@pytest.fixture
def rng():
    return np.random.default_rng(11)
