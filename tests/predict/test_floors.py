"""The predictors that know nothing: a plane, and a silhouette blown up to closed forms."""

import numpy as np
import pytest
from predict_scenes import view_of

from hd_core.geometry.camera import camera_from_focal, pixel_rays
from hd_core.predict.flat import FlatPredictor
from hd_core.predict.inflate import CURVATURE, InflatePredictor, inflation

FAR = camera_from_focal(128, 128, focal_px=20000.0)
"""So long a lens that rays are parallel."""


def centred(size):
    return np.meshgrid(np.arange(size) + 0.5 - size / 2, np.arange(size) + 0.5 - size / 2)


def test_flat_is_one_plane():
    maps = FlatPredictor().predict(view_of(FAR, np.ones(FAR.shape)))
    assert (maps.depth == 1).all() and (maps.normal == [0, 0, -1]).all()


def test_a_disc_swells_to_half_an_ellipsoid():
    x, y = centred(128)
    square = x**2 + y**2
    radius = 40.0
    swell = inflation(square < radius**2)
    expected = CURVATURE / 4 * (radius**2 - square)
    inside = square < (radius - 6) ** 2
    assert np.abs(swell - expected)[inside].max() < 0.05 * expected.max()
    assert not swell[square >= radius**2].any()


def test_a_strip_that_the_picture_cuts_off_swells_to_a_half_round_cylinder():
    x, _ = centred(128)
    half = 24
    mask = np.abs(x) < half
    swell = inflation(mask)
    expected = half**2 - x**2
    assert np.abs(swell - expected)[mask].max() < 0.04 * half**2
    assert np.abs(swell[0] - swell[64]).max() < 0.01 * half**2
    maps = InflatePredictor().predict(view_of(FAR, mask))
    cylinder = np.stack([x / half, np.zeros_like(x), -np.sqrt(np.maximum(1 - (x / half) ** 2, 0))], axis=-1)
    inner = np.abs(x) < half - 2
    off = np.degrees(np.arccos(np.clip((maps.normal * cylinder).sum(-1)[inner], -1, 1)))
    assert off.mean() < 2 and off.max() < 5


@pytest.mark.parametrize("focal", [150.0, 600.0])
def test_normals_on_the_outline_are_square_to_the_ray_and_the_relief_has_the_size_of_the_figure(focal):
    camera = camera_from_focal(128, 128, focal_px=focal)
    x, y = centred(128)
    mask = (x - 30) ** 2 + y**2 < 30**2
    maps = InflatePredictor().predict(view_of(camera, mask))
    rays = pixel_rays(camera)
    slant = -(maps.normal * rays).sum(-1) / np.linalg.norm(rays, axis=-1)
    rim = mask & (((x - 30) ** 2 + y**2) > 29**2)
    middle = ((x - 30) ** 2 + y**2) < 5**2
    assert slant[rim].mean() < 0.35 and slant[middle].mean() > 0.85
    assert slant[mask].min() > 0
    assert slant[rim & (x > 50)].mean() == pytest.approx(slant[rim & (x < 10)].mean(), abs=0.05)
    # At distance 1 a pixel is 1 / f wide, so the relief is the root of the swelling over f.
    peak = np.sqrt(CURVATURE / 4) * 30 / focal
    assert 1 - np.nanmin(maps.depth) == pytest.approx(peak, rel=0.03)


def test_colours_do_not_matter_and_holes_are_holes():
    x, y = centred(128)
    ring = (x**2 + y**2 < 50**2) & (x**2 + y**2 > 20**2)
    views = [view_of(FAR, ring, seed=seed) for seed in (1, 2)]
    first, second = (InflatePredictor().predict(view).normal for view in views)
    assert np.array_equal(first, second)
    inward = first[64, 64 + 21]
    assert inward[0] < -0.8  # the inner rim faces the hole


def test_a_figure_without_any_outline_is_flat():
    maps = InflatePredictor().predict(view_of(FAR, np.ones(FAR.shape)))
    assert (maps.normal == [0, 0, -1]).all() and np.ptp(maps.depth) == 0
