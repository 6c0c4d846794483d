"""Surfaces whose depth is known in closed form come back; errors in mm at 2 m."""

from dataclasses import replace

import numpy as np
import pytest
from integrate_scenes import (
    arm_before_torso,
    blurred,
    mean_error_mm,
    plane,
    sphere,
    wave,
    with_noise,
    without_depth,
)

from hd_core.geometry.camera import pixel_centres, unproject
from hd_core.integrate.protocol import INTEGRATORS, IntegrateOptions, load_integrator
from hd_core.types import Gauge

SMOOTH = (plane, sphere, wave)


def integrate(maps, name="bilateral", **options):
    return load_integrator(name, IntegrateOptions(**options)).integrate(maps)


@pytest.mark.parametrize("name", INTEGRATORS.names())
@pytest.mark.parametrize("scene", [*SMOOTH, arm_before_torso])
def test_every_integrator_keeps_a_true_depth_within_a_fifth_of_a_millimetre(scene, name):
    truth = scene(0.5)
    found = integrate(truth, name)
    assert found.surface.gauge is Gauge.METRIC
    assert mean_error_mm(found.surface, truth) < 0.2


@pytest.mark.parametrize("scene", [*SMOOTH, arm_before_torso])
def test_a_true_depth_comes_back_to_a_twentieth_of_a_millimetre_at_full_size(scene):
    truth = scene()
    assert mean_error_mm(integrate(truth).surface, truth) < 0.05


@pytest.mark.parametrize("scene", SMOOTH)
def test_the_normals_alone_give_the_shape_up_to_its_scale(scene):
    truth = scene()
    found = integrate(without_depth(truth))
    assert found.surface.gauge is Gauge.SCALE
    assert np.median(found.surface.depth[truth.mask]) == pytest.approx(1, abs=1e-6)
    assert mean_error_mm(found.surface, truth, aligned=True) < 0.05


@pytest.mark.parametrize("scene", SMOOTH)
def test_normals_restore_what_a_blurred_depth_has_lost(scene):
    truth = scene()
    prior = blurred(truth, 12)
    found = integrate(prior).surface
    assert mean_error_mm(found, truth, aligned=True) < 0.2
    assert mean_error_mm(found, truth, aligned=True) < 0.1 * mean_error_mm(prior, truth, aligned=True)


@pytest.mark.parametrize(("scene", "bound"), [(plane, 0.6), (wave, 0.2), (sphere, 1.5)])
def test_only_the_distance_still_errs_with_a_blurred_depth(scene, bound):
    truth = scene()
    found = integrate(blurred(truth, 12)).surface
    assert mean_error_mm(found, truth) < bound
    ratio = (found.depth / truth.depth)[truth.mask]
    assert np.std(ratio) * 2000 < 0.3


def test_a_depth_smeared_over_the_arms_outline_still_places_arm_and_torso():
    """Blurred by 3 px the depth alone is off by 9 mm; most of each piece is out of the smear's reach."""
    truth = arm_before_torso()
    prior = blurred(truth, 3)
    assert mean_error_mm(prior, truth) > 8
    assert mean_error_mm(integrate(prior).surface, truth) < 4


def test_a_bump_of_the_depth_that_the_normals_deny_does_not_drag_the_rest():
    truth = sphere()
    x, y = pixel_centres(truth.camera)
    bump = 0.3 * np.exp(-((x - 100) ** 2 + (y - 110) ** 2) / 200)
    prior = replace(truth, depth=(truth.depth + bump).astype(np.float32))
    assert mean_error_mm(prior, truth) > 8
    assert mean_error_mm(integrate(prior).surface, truth) < 1


def test_a_sharp_step_of_the_depth_is_believed_as_it_might_be_a_hand():
    truth = plane(0.5)
    near = truth.depth.copy()
    near[40:60, 30:60] *= 0.9
    maps = replace(truth, depth=near)
    assert mean_error_mm(integrate(maps).surface, maps) < 0.5


def test_an_affine_depth_is_fitted_and_the_result_has_a_scale():
    truth = sphere()
    prior = blurred(truth, 6)
    affine = replace(prior, depth=(3 * prior.depth - 5).astype(np.float32), gauge=Gauge.AFFINE)
    found = integrate(affine)
    assert found.surface.gauge is Gauge.SCALE
    assert found.measures["prior_used"] == 1
    assert mean_error_mm(found.surface, truth, aligned=True) < 0.2


def test_an_affine_depth_places_the_arm_that_normals_cannot_place():
    truth = arm_before_torso()
    affine = replace(truth, depth=(0.2 * truth.depth - 7).astype(np.float32), gauge=Gauge.AFFINE)
    alone = mean_error_mm(integrate(without_depth(truth)).surface, truth, aligned=True)
    fused = mean_error_mm(integrate(affine).surface, truth, aligned=True)
    assert alone > 20
    assert fused < 0.5


def test_the_step_to_the_arm_stays_a_quarter_metre_from_one_pixel_to_the_next():
    truth = arm_before_torso()
    found = integrate(truth)
    step = np.abs(np.diff(found.surface.depth, axis=0))
    true_step = np.abs(np.diff(truth.depth, axis=0))
    cut = np.nan_to_num(true_step) > 0.2
    assert cut.sum() > 100
    np.testing.assert_allclose(step[cut], true_step[cut], atol=2e-3)
    marked = found.discontinuity > 0.9
    assert (marked[:-1] & marked[1:])[cut].all()


def test_a_smooth_surface_has_no_discontinuity():
    for scene in SMOOTH:
        assert integrate(blurred(scene(), 12)).discontinuity.max() < 0.1


def test_discontinuities_of_the_arm_lie_at_its_outline_only():
    truth = arm_before_torso()
    found = integrate(truth)
    jump = np.zeros(truth.mask.shape, bool)
    for axis in (0, 1):
        far = np.abs(np.diff(np.nan_to_num(truth.depth), axis=axis)) > 0.1
        first, second = np.moveaxis(jump, axis, 0)[:-1], np.moveaxis(jump, axis, 0)[1:]
        first |= np.moveaxis(far, axis, 0)
        second |= np.moveaxis(far, axis, 0)
    assert not (found.discontinuity > 0.5)[~jump].any()


def test_independent_noise_of_five_degrees_stays_small_and_lowers_the_sharpness(rng):
    truth = sphere()
    found = integrate(replace(with_noise(truth, 5, rng), depth=blurred(truth, 12).depth))
    assert mean_error_mm(found.surface, truth, aligned=True) < 2
    assert found.measures["sharpness"] < 20


def test_normals_stored_as_halves_cost_under_a_tenth_of_a_millimetre():
    truth = sphere()
    halves = replace(truth, normal=truth.normal.astype(np.float16).astype(np.float32))
    assert mean_error_mm(integrate(halves).surface, truth) < 0.1


def test_the_surface_agrees_with_its_normals():
    """Chords between neighbours stand upright on the mean normal, by the points themselves."""
    maps = blurred(wave(), 12)
    points = unproject(maps.camera, integrate(maps).surface.depth.astype(np.float64))
    for axis in (0, 1):
        chord = np.diff(points, axis=axis)
        first, second = np.moveaxis(maps.normal, axis, 0)[:-1], np.moveaxis(maps.normal, axis, 0)[1:]
        mean = np.moveaxis(first + second, 0, axis).astype(np.float64)
        off = np.sum(chord * mean, axis=-1) / np.linalg.norm(chord, axis=-1)
        assert np.abs(off).mean() < 2e-3


@pytest.fixture
def rng():
    return np.random.default_rng(5)
