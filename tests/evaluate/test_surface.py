"""Surfaces in millimetres: the height sets one scale for the clip, the place along the view is left open."""

from dataclasses import replace

import numpy as np
import pytest
from evaluate_scenes import sphere_sample

from hd_core.evaluate.frame import FrameTruth
from hd_core.evaluate.sums import scores_of, total
from hd_core.evaluate.surface import measure_surfaces
from hd_core.geometry.camera import pixel_rays
from hd_core.types import Gauge

SAMPLE = sphere_sample()
TRUTH = FrameTruth(SAMPLE, 4.0)


def scaled(factor, shift=0.0):
    depth = (factor * SAMPLE.truth.depth + shift).astype(np.float32)
    return replace(SAMPLE.truth, depth=depth, gauge=Gauge.SCALE)


@pytest.mark.parametrize("factor", [0.4, 1.0, 7.0])
def test_a_true_surface_of_any_scale_has_no_error(factor):
    found = scores_of(total(measure_surfaces([TRUTH], [scaled(factor)])))
    assert found["surface_mae_mm"] < 0.01 and found["surface_placed_mae_mm"] < 0.01


def test_one_scale_is_fitted_to_the_clip_not_one_to_each_frame():
    found = [scores_of(sums) for sums in measure_surfaces([TRUTH] * 21, [scaled(1.0)] * 20 + [scaled(0.9)])]
    assert found[0]["surface_placed_mae_mm"] < 0.01
    expected = 0.1 * np.nanmean(SAMPLE.truth.depth * np.linalg.norm(pixel_rays(SAMPLE.truth.camera), axis=-1))
    assert found[-1]["surface_placed_mae_mm"] == pytest.approx(1000 * expected, rel=1e-3)


def test_errors_are_distances_along_the_ray_and_across_the_surface():
    mask, rays = SAMPLE.truth.mask, pixel_rays(SAMPLE.truth.camera)
    rows = np.nonzero(mask)[0]
    bump = np.zeros(mask.shape, np.float32)
    middle = slice(int(np.percentile(rows, 30)), int(np.percentile(rows, 70)))
    bump[middle, ::4] = 0.02  # less than half of the pixels, so that the median stays; the height is the rim's
    found = scores_of(total(measure_surfaces([TRUTH], [replace(SAMPLE.truth, depth=SAMPLE.truth.depth + bump)])))
    along = (bump * np.linalg.norm(rays, axis=-1))[mask]
    across = (bump * np.abs((rays * SAMPLE.truth.normal).sum(-1)))[mask]
    assert found["surface_mae_mm"] == pytest.approx(1000 * along.mean(), rel=1e-3)
    assert found["surface_rmse_mm"] == pytest.approx(1000 * np.sqrt((along**2).mean()), rel=1e-3)
    assert found["surface_to_plane_mae_mm"] == pytest.approx(1000 * across.mean(), rel=1e-3)


def test_frames_with_nobody_in_them_count_for_nothing():
    nobody = replace(
        SAMPLE.truth,
        mask=np.zeros_like(SAMPLE.truth.mask),
        depth=np.full_like(SAMPLE.truth.depth, np.nan),
        normal=np.zeros_like(SAMPLE.truth.normal),
    )
    assert scores_of(total(measure_surfaces([TRUTH], [nobody]))) == {}
    found = scores_of(total(measure_surfaces([TRUTH, TRUTH], [nobody, scaled(3.0)])))
    assert found["surface_mae_mm"] < 0.01
