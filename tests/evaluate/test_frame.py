"""One frame: angles, depths, regions and folds against closed forms and slow twins."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_scenes import sphere_sample, truth_maps, turned
from predict_scenes import CENTRE, RADIUS, frame_camera
from scipy import ndimage

from hd_core.evaluate.frame import FrameTruth, angles_deg, fine_part, measure_frame
from hd_core.evaluate.sums import scores_of, total
from hd_core.geometry.camera import camera_from_focal, pixel_rays
from hd_core.types import Gauge

ALL = (Gauge.AFFINE, Gauge.SCALE, Gauge.METRIC)


def scores(sample, maps, gauges=ALL, rim_px=4.0):
    return scores_of(measure_frame(FrameTruth(sample, rim_px), maps, gauges))


def test_the_truth_scores_full_marks():
    sample = sphere_sample(cloth=truth_maps().mask)
    found = scores(sample, sample.truth)
    assert found["normal_mean_deg"] < 1e-4
    assert found["normal_under_11_25_percent"] == 100
    assert max(found[f"depth_{kind}_mae_mm"] for kind in ("affine", "scale", "none")) < 1e-3
    assert found["folds_correlation"] == pytest.approx(1) and found["folds_energy_ratio"] == pytest.approx(1)
    assert found["mask_iou"] == 1 and found["mask_coverage_percent"] == 100


@pytest.mark.parametrize("degrees", [0.01, 8.0, 45.0, 120.0])
def test_angles_are_exact_from_near_nothing_to_far_beyond_square(degrees):
    first = np.array([[0.0, 0, -1]])
    second = 3 * np.array([[0, np.sin(np.radians(degrees)), -np.cos(np.radians(degrees))]])
    assert angles_deg(first, second)[0] == pytest.approx(degrees, rel=1e-9)


@pytest.mark.parametrize("degrees", [3.0, 20.0])
def test_turning_normals_about_the_axis_errs_by_the_closed_form(degrees):
    sample = sphere_sample()
    normal = sample.truth.normal[sample.truth.mask].astype(np.float64)
    # A direction at polar angle p, turned by a about the pole, moves by 2 asin(sin p sin(a / 2)).
    polar = np.hypot(normal[:, 0], normal[:, 1])
    expected = np.degrees(2 * np.arcsin(np.minimum(polar * np.sin(np.radians(degrees) / 2), 1)))
    found = scores(sample, turned(sample.truth, degrees))
    assert found["normal_mean_deg"] == pytest.approx(expected.mean(), rel=1e-4)
    assert found["normal_median_deg"] == pytest.approx(np.median(expected), abs=0.05)
    for limit, name in ((11.25, "11_25"), (22.5, "22_5"), (30, "30")):
        share = 100 * (expected < limit).mean()
        assert found[f"normal_under_{name}_percent"] == pytest.approx(share, abs=0.1)


def test_depth_errors_are_those_of_the_definition():
    sample = sphere_sample()
    mask, rng = sample.truth.mask, np.random.default_rng(2)
    off = rng.normal(0, 0.05, mask.shape).astype(np.float32)
    found = scores(sample, replace(sample.truth, depth=sample.truth.depth + off))
    true, noise = sample.truth.depth[mask].astype(np.float64), off[mask].astype(np.float64)
    assert found["depth_none_mae_mm"] == pytest.approx(1000 * np.abs(noise).mean(), rel=1e-4)
    assert found["depth_none_rmse_mm"] == pytest.approx(1000 * np.sqrt((noise**2).mean()), rel=1e-4)
    assert found["depth_none_absrel"] == pytest.approx((np.abs(noise) / true).mean(), rel=1e-4)


def test_what_a_gauge_leaves_open_costs_nothing_and_what_it_does_not_costs():
    sample = sphere_sample()
    moved = replace(sample.truth, depth=(2 * sample.truth.depth + 3).astype(np.float32))
    found = scores(sample, moved)
    assert found["depth_affine_mae_mm"] < 1e-2
    assert found["depth_scale_mae_mm"] > 20
    assert found["depth_none_mae_mm"] == pytest.approx(1000 * (np.nanmean(sample.truth.depth) + 3), rel=1e-5)


def test_the_rim_is_the_band_inside_the_outline_and_scales_with_the_picture():
    for size in (128, 256):
        camera = camera_from_focal(size, size, focal_px=1.5 * size)
        sample = sphere_sample(camera)
        rim = FrameTruth(sample, 4.0).region[sample.truth.mask].mean()
        # The outline is nearly a circle of radius f R / sqrt(Z^2 - R^2).
        radius = 1.5 * size * RADIUS / np.sqrt(CENTRE[2] ** 2 - RADIUS**2)
        width = 4.0 * size / 256
        expected = 1 - (1 - width / radius) ** 2
        assert rim == pytest.approx(expected, rel=0.12)


def test_the_edge_of_the_picture_is_no_outline():
    camera = camera_from_focal(96, 96, focal_px=700.0)  # the sphere fills more than the picture
    sample = sphere_sample(camera)
    truth = FrameTruth(sample, 4.0)
    assert sample.truth.mask[40:56, :].any()
    inside = sample.truth.mask & (
        ndimage.distance_transform_edt(np.pad(sample.truth.mask, 9, mode="edge"))[9:-9, 9:-9] > 9
    )
    assert inside[:, 0].any() or inside[0].any() or inside[-1].any() or inside[:, -1].any()
    assert not truth.region[inside].any()


def test_errors_of_the_silhouette_and_the_interior_are_told_apart():
    sample = sphere_sample()
    truth = FrameTruth(sample, 4.0)
    worse = turned(sample.truth, 30.0, axis=(1, 0, 0)).normal
    rim = (truth.region == 1)[..., None]
    spoiled = replace(sample.truth, normal=np.where(rim & sample.truth.mask[..., None], worse, sample.truth.normal))
    found = scores(sample, spoiled)
    assert found["interior_normal_mean_deg"] < 1e-4 < 5 < found["rim_normal_mean_deg"]


def test_only_pixels_that_both_have_count_and_coverage_says_how_many():
    sample = sphere_sample()
    half = sample.truth.mask.copy()
    half[:, : half.shape[1] // 2] = False
    less = replace(
        sample.truth,
        mask=half,
        depth=np.where(half, sample.truth.depth, np.nan),
        normal=np.where(half[..., None], sample.truth.normal, 0),
    )
    found = scores(sample, less)
    assert found["normal_mean_deg"] < 1e-4
    assert found["mask_coverage_percent"] == pytest.approx(100 * half.sum() / sample.truth.mask.sum())
    assert found["mask_iou"] == pytest.approx(half.sum() / sample.truth.mask.sum())


def slow_fine_part(normal, mask, sigma):
    """Every pixel by its own sum."""
    rows, columns = np.nonzero(mask)
    found = np.zeros(normal.shape)
    for row, column in zip(rows, columns, strict=True):
        near = (np.abs(rows - row) <= int(3 * sigma + 0.5)) & (np.abs(columns - column) <= int(3 * sigma + 0.5))
        weight = np.exp(-((rows[near] - row) ** 2 + (columns[near] - column) ** 2) / (2 * sigma**2))
        found[row, column] = normal[row, column] - weight @ normal[rows[near], columns[near]] / weight.sum()
    return found


def test_the_fine_part_agrees_with_the_slow_twin_and_nothing_leaks_in_from_off_the_mask():
    rng = np.random.default_rng(8)
    normal = rng.normal(size=(40, 36, 3)).astype(np.float32)
    mask = ndimage.gaussian_filter(rng.normal(size=(40, 36)), 3) > 0
    expected = slow_fine_part(normal, mask, 3.0)
    assert np.abs(fine_part(normal, mask, 3.0) - expected).max() < 1e-4
    normal[~mask] = 99
    assert np.abs(fine_part(normal, mask, 3.0) - expected).max() < 1e-4


def wavy(amplitude, *, phase=0.0, period=12.0):
    """A plane with folds down the picture: normals tilted about y by amplitude * sin."""
    camera = camera_from_focal(256, 256, focal_px=400.0)
    x = pixel_rays(camera)[..., 0] * 400
    tilt = amplitude * np.sin(2 * np.pi * x / period + phase)
    normal = np.stack([np.sin(tilt), np.zeros_like(tilt), -np.cos(tilt)], axis=-1).astype(np.float32)
    mask = np.ones(camera.shape, bool)
    depth = np.full(camera.shape, 2.0, np.float32)
    return replace(
        truth_maps(frame_camera()), camera=camera, normal=normal, mask=mask, depth=depth, confidence=mask.astype("f4")
    )


def fold_scores(true, found):
    sample = sphere_sample(true.camera, cloth=np.ones(true.camera.shape, bool))
    return scores(replace(sample, truth=true, motion=None), found)


def test_weaker_folds_keep_their_correlation_and_lose_energy_with_the_square():
    found = fold_scores(wavy(0.1), wavy(0.05))
    assert found["folds_correlation"] == pytest.approx(1, abs=2e-3)
    assert found["folds_energy_ratio"] == pytest.approx(0.25, rel=5e-3)


@pytest.mark.parametrize("phase", [np.pi / 3, np.pi / 2, np.pi])
def test_shifted_folds_correlate_as_the_cosine_of_their_shift(phase):
    assert fold_scores(wavy(0.1), wavy(0.1, phase=phase))["folds_correlation"] == pytest.approx(np.cos(phase), abs=0.03)


def test_folds_of_a_pure_wave_are_damped_as_the_gaussian_says():
    # 1 - exp(-2 pi^2 sigma^2 / period^2) of the amplitude is left, away from the edges of the picture.
    maps = wavy(0.05, period=40.0)
    left = fine_part(maps.normal, maps.mask, 8.0)[100:150, 60:196, 0]
    expected = maps.normal[100:150, 60:196, 0] * (1 - np.exp(-2 * (np.pi * 8 / 40) ** 2))
    assert np.abs(left - expected).max() < 0.02 * 0.05


def test_the_gaussian_is_8_px_wide_in_a_picture_of_256_px_and_grows_with_it():
    for size in (64, 256):
        camera = camera_from_focal(size, size, focal_px=1.5 * size)
        assert FrameTruth(sphere_sample(camera), 4.0).sigma_px == 8 * size / 256


def test_smooth_errors_are_no_errors_of_folds_and_skin_does_not_count():
    true = wavy(0.1)
    bent = turned(true, 15.0, axis=(1, 0, 0))
    assert fold_scores(true, bent)["folds_correlation"] > 0.96
    sample = replace(sphere_sample(true.camera, still=False), truth=true)
    cloth = np.zeros(true.mask.shape, bool)
    cloth[:, :128] = True
    spoiled = replace(true, normal=np.where(cloth[..., None], true.normal, wavy(0.1, phase=np.pi).normal))
    assert scores(replace(sample, cloth=cloth), spoiled)["folds_correlation"] == pytest.approx(1, abs=1e-6)
    assert "folds_correlation" not in scores(sample, spoiled)


def test_sums_of_frames_are_the_sums_of_all_their_pixels():
    sample = sphere_sample()
    truth = FrameTruth(sample, 4.0)
    parts = [measure_frame(truth, turned(sample.truth, degrees), ALL) for degrees in (0, 10, 40)]
    means = [scores_of(part)["normal_mean_deg"] for part in parts]
    assert scores_of(total(parts))["normal_mean_deg"] == pytest.approx(np.mean(means))
    assert parts[0]["angle_sum"].sum() < 1  # adding up leaves the parts as they were
