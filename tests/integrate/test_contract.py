"""What holds for every registered integrator and every mask."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from integrate_scenes import blurred, masked, plane, sphere, wave, without_depth

from hd_core.errors import InputError, UsageError
from hd_core.integrate.protocol import INTEGRATORS, IntegrateOptions, load_integrator
from hd_core.types import Gauge

NAMES = INTEGRATORS.names()


def integrate(maps, name="bilateral", **options):
    return load_integrator(name, IntegrateOptions(**options)).integrate(maps)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_input_gives_the_same_bytes_and_stays_as_it_was(name):
    maps = blurred(sphere(0.3), 4)
    before = [maps.depth.copy(), maps.normal.copy(), maps.mask.copy(), maps.confidence.copy()]
    first, second = integrate(maps, name), integrate(maps, name)
    assert first.surface.depth.tobytes() == second.surface.depth.tobytes()
    assert first.discontinuity.tobytes() == second.discontinuity.tobytes()
    assert first.measures == second.measures
    for old, new in zip(before, (maps.depth, maps.normal, maps.mask, maps.confidence), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_a_surface_twice_as_far_is_twice_as_large(name):
    maps = blurred(sphere(0.3), 4)
    far = replace(maps, depth=2 * maps.depth)
    near_depth, far_depth = integrate(maps, name).surface.depth, integrate(far, name).surface.depth
    np.testing.assert_allclose(far_depth, 2 * near_depth, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_result_is_single_precision_on_the_mask_and_keeps_all_but_the_depth(name):
    maps = blurred(sphere(0.3), 4)
    found = integrate(maps, name)
    assert found.surface.depth.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(found.surface.depth), maps.mask)
    np.testing.assert_array_equal(found.surface.normal, maps.normal)
    assert found.discontinuity.dtype == np.float32
    assert (found.discontinuity[~maps.mask] == 0).all()
    assert found.discontinuity.min() >= 0
    assert found.discontinuity.max() <= 1
    assert {"iterations", "capped_steps", "residual", "energy", "sharpness", "prior_used"} == set(found.measures)
    assert all(np.isfinite(value) for value in found.measures.values())


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_mask_comes_back_empty(name):
    maps = masked(sphere(0.1), np.zeros((24, 20), bool))
    found = integrate(maps, name)
    assert np.isnan(found.surface.depth).all()
    assert integrate(without_depth(maps), name).surface.gauge is Gauge.SCALE
    assert set(found.measures) == set(integrate(sphere(0.1), name).measures)


@pytest.mark.parametrize("name", NAMES)
def test_one_pixel_keeps_its_depth_or_has_depth_one(name):
    mask = np.zeros((24, 20), bool)
    mask[23, 0] = True
    maps = masked(plane(0.1), mask)
    assert integrate(maps, name).surface.depth[23, 0] == pytest.approx(maps.depth[23, 0], rel=1e-6)
    assert integrate(without_depth(maps), name).surface.depth[23, 0] == 1


@pytest.mark.parametrize("name", NAMES)
def test_each_component_takes_its_place_from_the_prior(name):
    truth = plane(0.3)
    mask = np.ones(truth.mask.shape, bool)
    mask[:, 30] = False
    mask[40, :] = False
    truth = masked(truth, mask)
    factor = np.ones(mask.shape, np.float32)
    factor[:40, 31:] = 1.25
    maps = replace(truth, depth=truth.depth * factor)
    np.testing.assert_allclose(integrate(maps, name).surface.depth[mask], maps.depth[mask], rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_depth_every_component_has_the_median_depth_one(name):
    truth = wave(0.3)
    mask = np.ones(truth.mask.shape, bool)
    mask[:, 30] = False
    mask[40, :] = False
    depth = integrate(without_depth(masked(truth, mask)), name).surface.depth
    for part in (depth[:40, :30], depth[:40, 31:], depth[41:, :30], depth[41:, 31:]):
        assert np.median(part) == pytest.approx(1, abs=1e-6)


def test_a_depth_that_nobody_trusts_only_sets_the_distance():
    truth = sphere()
    rng = np.random.default_rng(0)
    noisy = truth.depth * np.exp(0.02 * rng.standard_normal(truth.depth.shape))
    trusted = replace(truth, depth=noisy.astype(np.float32))
    untrusted = replace(trusted, confidence=np.zeros_like(truth.confidence))
    assert np.abs(integrate(untrusted).surface.depth / truth.depth - 1)[truth.mask].max() < 1e-3
    half = replace(trusted, confidence=(0.5 * truth.confidence).astype(np.float32))
    energies = [integrate(maps).measures["energy"] for maps in (untrusted, half, trusted)]
    assert energies[0] < 0.1 * energies[1] < energies[2]
    assert energies[1] / energies[2] == pytest.approx(0.5, rel=0.1)


def test_a_constant_metric_depth_is_a_prior_and_a_constant_affine_one_is_none():
    truth = sphere(0.5)
    flat = replace(without_depth(truth), gauge=Gauge.METRIC)
    assert integrate(flat).measures["prior_used"] == 1
    assert integrate(without_depth(truth)).measures["prior_used"] == 0


def test_an_affine_depth_that_runs_against_the_normals_is_left_out():
    truth = sphere(0.5)
    upside_down = replace(truth, depth=-truth.depth, gauge=Gauge.AFFINE)
    found = integrate(upside_down)
    assert found.measures["prior_used"] == 0
    np.testing.assert_array_equal(found.surface.depth, integrate(without_depth(truth)).surface.depth)


@pytest.mark.parametrize("name", NAMES)
def test_normals_that_face_away_or_graze_neither_crash_nor_blow_up(name):
    truth = sphere(0.3)
    rng = np.random.default_rng(1)
    normal = truth.normal.copy()
    wrong = truth.mask & (rng.random(truth.mask.shape) < 0.05)
    normal[wrong] *= -1
    found = integrate(replace(truth, normal=normal), name)
    ratio = found.surface.depth[truth.mask] / truth.depth[truth.mask]
    assert np.abs(ratio - 1).max() < 0.2
    sideways = np.where(truth.mask[..., None], np.float32([1, 0, 0]), np.float32(0))
    assert np.isfinite(integrate(replace(truth, normal=sideways), name).surface.depth[truth.mask]).all()


def test_absurd_normals_end_at_a_finite_depth():
    truth = plane(1.0)
    k = truth.camera.intrinsics.copy()
    k[0, 0] = k[1, 1] = 8.0
    camera = replace(truth.camera, intrinsics=k)
    sideways = np.broadcast_to(np.float32([1, 0, 0]), truth.normal.shape)
    found = integrate(replace(without_depth(truth), camera=camera, normal=sideways))
    assert np.isfinite(found.surface.depth).all()


def test_an_affine_depth_counts_the_iterations_of_both_solves():
    """With the true depth the second solve of a plane has next to nothing to do."""
    truth = plane(0.5)
    alone, exact = integrate(without_depth(truth)), integrate(truth)
    both = integrate(replace(truth, gauge=Gauge.AFFINE)).measures["iterations"]
    assert exact.measures["iterations"] < alone.measures["iterations"] < both


@pytest.mark.parametrize(("value", "what"), [(0.0, "normal"), (np.nan, "normal"), (2.0, "normal")])
@pytest.mark.parametrize("name", NAMES)
def test_normals_that_are_not_unit_are_counted(name, value, what):
    maps = sphere(0.1)
    maps.normal[12, 8:10] = value
    with pytest.raises(InputError, match=f"2 of {maps.mask.sum()} pixels on the mask whose {what}"):
        integrate(maps, name)


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_confidences_outside_the_unit_range_are_counted(value):
    maps = sphere(0.1)
    maps.confidence[12, 8:11] = value
    with pytest.raises(InputError, match="3 confidences"):
        integrate(maps)


def test_a_depth_that_is_not_finite_on_the_mask_is_refused():
    maps = sphere(0.1)
    maps.depth[12, 8] = np.nan
    with pytest.raises(InputError, match="depth on the mask that is not finite"):
        integrate(maps)


@pytest.mark.parametrize(
    "wrong",
    [{"prior_weight": -1.0}, {"prior_weight": float("nan")}, {"sharpness": 1e5}, {"steps": 0}, {"max_inner": 0}],
)
def test_options_outside_their_range_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        IntegrateOptions(**wrong)


def test_a_caller_that_allows_one_iteration_is_told_how_often_it_did_not_do():
    found = integrate(blurred(sphere(0.5), 6), max_inner=1, steps=5)
    assert found.measures["capped_steps"] > 0
    assert found.measures["iterations"] <= 5


@settings(max_examples=25, deadline=None)
@given(arrays(bool, (24, 20)), st.sampled_from(["metric", "alone"]))
def test_any_mask_comes_out_as_the_reference_says(mask, gauge):
    maps = masked(wave(0.1), mask)
    maps = blurred(maps, 2) if gauge == "metric" else without_depth(maps)
    fast, slow = integrate(maps), integrate(maps, "reference")
    np.testing.assert_allclose(fast.surface.depth, slow.surface.depth, rtol=1e-4)
