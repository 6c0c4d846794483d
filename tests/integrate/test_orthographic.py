"""Surfaces along parallel rays, known in closed form; errors in widths of a pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from hd_core.errors import InputError
from hd_core.integrate.options import IntegrateOptions
from hd_core.integrate.orthographic import integrate_orthographic
from hd_core.integrate.reference import solve_directly

OPTIONS = IntegrateOptions()


def grid(height=90, width=110):
    return np.meshgrid(np.arange(width) - 50.0, np.arange(height) - 42.0)


def normals(slope_x, slope_y):
    n = np.stack([*np.broadcast_arrays(slope_x, slope_y), -np.ones(np.broadcast_shapes(slope_x.shape))], axis=-1)
    return (n / np.linalg.norm(n, axis=-1, keepdims=True)).astype(np.float32)


def plane():
    x, y = grid()
    return 0.4 * x - 0.9 * y, normals(np.full_like(x, 0.4), np.full_like(y, -0.9)), np.ones(x.shape, bool)


def ball():
    x, y = grid()
    square = 40.0**2 - x**2 - y**2
    mask = square > 40
    z = -np.sqrt(np.where(mask, square, 1))
    return z, normals(np.where(mask, -x / z, 0), np.where(mask, -y / z, 0)), mask


def paraboloid():
    x, y = grid()
    return 0.01 * x**2 + 0.02 * y**2, normals(0.02 * x, 0.04 * y), np.ones(x.shape, bool)


def wave():
    x, y = grid()
    phase = 2 * np.pi * (x + y / 3) / 40
    slope = 2 * np.pi / 40 * 4 * np.cos(phase)
    return 4 * np.sin(phase), normals(slope, slope / 3), np.ones(x.shape, bool)


def off(found, z, mask):
    error = found.depth[mask] - z[mask]
    return float(np.abs(error - np.median(error)).mean())


@pytest.mark.parametrize(("scene", "bound"), [(plane, 1e-3), (ball, 1e-2), (paraboloid, 3e-3), (wave, 0.02)])
def test_smooth_surfaces_come_back_up_to_their_place(scene, bound):
    z, normal, mask = scene()
    found = integrate_orthographic(normal, mask, OPTIONS)
    assert off(found, z, mask) < bound
    assert np.median(found.depth[mask]) == pytest.approx(0, abs=1e-4)
    assert found.discontinuity.max() < 0.1


def test_a_step_between_tilted_planes_is_cut_and_a_depth_places_both_sides():
    """Left plane with slope 0.3, right one 25 px behind it with slope -0.2; no normal tells of the step."""
    x, y = grid()
    right = x >= 0
    z = np.where(right, 25 - 0.2 * x, 0.3 * x) + 0.1 * y
    normal = normals(np.where(right, -0.2, 0.3), np.full_like(y, 0.1))
    mask = np.ones(x.shape, bool)
    found = integrate_orthographic(normal, mask, OPTIONS, prior=z.astype(np.float32))
    assert np.abs(found.depth - z).mean() < 0.05
    assert (found.discontinuity[:, 49:51] > 0.9).all()
    assert found.discontinuity[:, :48].max() < 0.1


def test_components_without_a_prior_have_the_median_zero():
    _z, normal, mask = wave()
    mask = mask.copy()
    mask[:, 30] = mask[60] = False
    found = integrate_orthographic(normal, mask, OPTIONS)
    labels, count = ndimage.label(mask)
    assert count == 4
    for number in range(1, 5):
        assert np.median(found.depth[labels == number]) == pytest.approx(0, abs=1e-3)


def test_the_slow_solver_says_the_same():
    _z, normal, mask = ball()
    exact = IntegrateOptions(solve_drop=0.0)
    fast = integrate_orthographic(normal, mask, exact)
    slow = integrate_orthographic(normal, mask, exact, solve=solve_directly)
    np.testing.assert_allclose(fast.depth, slow.depth, atol=2e-3)


def test_what_cannot_be_integrated_is_refused_and_nothing_comes_back_as_nothing():
    _, normal, mask = plane()
    broken = normal.copy()
    broken[4, 5:8] = [np.nan, 0, 0]
    with pytest.raises(InputError, match="3 of 9900 pixels"):
        integrate_orthographic(broken, mask, OPTIONS)
    with pytest.raises(InputError, match="not finite"):
        integrate_orthographic(normal, mask, OPTIONS, prior=np.full(mask.shape, np.nan))
    assert np.isnan(integrate_orthographic(normal, ~mask, OPTIONS).depth).all()


@settings(max_examples=40, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20))), st.booleans(), st.integers(0, 3))
def test_any_mask_and_any_normals_give_a_finite_depth_exactly_on_the_mask(mask, has_prior, seed):
    """Normals that point anywhere, also away; masks of single pixels, bridges, holes and many components."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((*mask.shape, 3))
    normal = (normal / np.linalg.norm(normal, axis=-1, keepdims=True)).astype(np.float32)
    prior = rng.standard_normal(mask.shape).astype(np.float32) if has_prior else None
    found = integrate_orthographic(normal, mask, OPTIONS, prior=prior)
    np.testing.assert_array_equal(np.isfinite(found.depth), mask)
    assert (np.abs(found.depth[mask]) < 16.0 * mask.size + 10).all()
    assert ((found.discontinuity >= 0) & (found.discontinuity <= 1)).all()
    if mask.any():
        assert found.measures["iterations"] <= OPTIONS.steps * OPTIONS.max_inner


@settings(max_examples=25, deadline=None)
@given(arrays(bool, (18, 17)), st.floats(-3, 3), st.floats(-3, 3))
def test_a_plane_comes_back_on_any_mask(mask, a, b):
    """Every component by itself, as nothing but its place is open."""
    x, y = np.meshgrid(np.arange(17.0), np.arange(18.0))
    z = a * x + b * y
    found = integrate_orthographic(normals(np.full_like(x, a), np.full_like(y, b)), mask, OPTIONS)
    labels, count = ndimage.label(mask)
    for number in range(1, count + 1):
        inside = labels == number
        error = found.depth[inside] - z[inside]
        assert np.ptp(error) < 2e-3
