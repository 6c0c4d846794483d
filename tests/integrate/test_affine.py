"""Scale and offset of an affine depth against the ones it was made with."""

import numpy as np
import pytest
from integrate_scenes import arm_before_torso, plane, sphere

from hd_core.integrate.affine import fit_affine


def fitted(prior, truth, depth=None, cut=None):
    depth = truth.depth if depth is None else depth
    cut = np.zeros(truth.mask.shape) if cut is None else cut
    return fit_affine(prior.astype(np.float64), depth.astype(np.float64), cut, truth.confidence)


@pytest.mark.parametrize(("scale", "offset"), [(0.02, -7.0), (300.0, 1e4)])
def test_an_exact_affine_depth_comes_back_in_metres(scale, offset):
    truth = sphere(0.5)
    found = fitted(scale * truth.depth.astype(np.float64) + offset, truth)
    np.testing.assert_allclose(found[truth.mask], truth.depth[truth.mask], rtol=1e-5)
    assert np.isnan(found[~truth.mask]).all()


def test_a_fifth_of_wild_pixels_does_not_move_the_fit():
    truth = sphere(0.5)
    rng = np.random.default_rng(4)
    wild = rng.random(truth.mask.shape) < 0.2
    prior = 0.5 * truth.depth.astype(np.float64) + 3
    found = fitted(np.where(wild, prior + rng.uniform(0.5, 2, prior.shape), prior), truth)
    right = truth.mask & ~wild
    np.testing.assert_allclose(found[right], truth.depth[right], rtol=1e-3)


def test_noise_of_the_prior_does_not_flatten_it():
    """Regression of the depth on a noisy prior would: here by 1 / (1 + noise / relief) squared, a fifth."""
    truth = sphere(0.5)
    noise = 0.5 * truth.depth[truth.mask].std() * np.random.default_rng(4).standard_normal(truth.mask.shape)
    found = fitted(truth.depth + noise, truth)
    relief = np.polyfit(truth.depth[truth.mask], found[truth.mask], 1)[0]
    assert relief == pytest.approx(1, abs=0.03)


def test_an_arm_at_the_wrong_place_does_not_turn_the_fit():
    truth = arm_before_torso()
    arm = truth.mask & (truth.depth < 1.9)
    glued = np.where(arm, 1.14 * truth.depth, truth.depth)
    outline = np.zeros(truth.mask.shape)
    for axis in (0, 1):
        change = np.diff(arm.astype(int), axis=axis) != 0
        np.moveaxis(outline, axis, 0)[1:][np.moveaxis(change, axis, 0)] = 1
    found = fitted(0.2 * truth.depth - 7, truth, glued, outline)
    np.testing.assert_allclose(found[truth.mask], truth.depth[truth.mask], atol=2e-3)


@pytest.mark.parametrize("prior", ["constant", "upside down"])
def test_a_prior_without_use_is_none(prior):
    truth = sphere(0.5)
    values = np.where(truth.mask, 3.0, np.nan) if prior == "constant" else -truth.depth
    assert fitted(values, truth) is None


def test_a_flat_surface_fits_nothing():
    truth = plane(0.2)
    flat = np.ones(truth.mask.shape)
    assert fitted(truth.depth, truth, flat) is None


def test_the_largest_component_sets_the_scale():
    truth = plane(0.5)
    depth = truth.depth.copy()
    depth[:, 30] = np.nan
    depth[:, :30] *= 2
    prior = np.where(np.isnan(depth), np.nan, 0.3 * truth.depth + 5)
    found = fitted(prior, truth, depth)
    np.testing.assert_allclose(found[:, 31:], truth.depth[:, 31:], rtol=1e-5)
