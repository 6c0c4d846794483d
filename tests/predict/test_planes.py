"""A view as planes, and relief as depth."""

from dataclasses import replace

import numpy as np
import pytest
from predict_scenes import crop_of, frame_camera, view_of

from hd_core.geometry.camera import camera_from_focal
from hd_core.predict.planes import (
    BODY_PLANES,
    KNOWN_PARTS,
    PICTURE_PLANES,
    body_planes,
    crop_extent,
    depth_from_relief,
    picture_planes,
    relief_from_depth,
)
from hd_core.types import BodyMaps


def test_planes_are_named():
    assert len(PICTURE_PLANES) == 6 and len(BODY_PLANES) == 8


def test_colours_and_rays_are_the_crops_own_and_zero_off_the_mask():
    camera = frame_camera(96, 72)
    crop = crop_of(camera, left=10.0, top=4.0, size=32.0, side=64)
    alpha = np.zeros((64, 64))
    alpha[20, 30], alpha[21, 31] = 0.75, 0.5
    view = view_of(camera, alpha, crop=crop)
    planes = picture_planes(view)
    assert planes.dtype == np.float32 and planes.shape == (6, 64, 64)
    assert np.allclose(planes[:3, 20, 30], view.rgb[20, 30] / 127.5 - 1)
    # Column 30 of the crop is at 10 + 30.5 / 2 px in a frame whose centre is 48 and focal length 105.6.
    assert planes[4, 20, 30] == pytest.approx((10 + 30.5 / 2 - 48) / 105.6)
    assert planes[5, 20, 30] == pytest.approx((4 + 20.5 / 2 - 36) / 105.6)
    assert planes[3, 21, 31] == 0.5
    assert np.count_nonzero(planes[[0, 1, 2, 4, 5]].any(axis=0)) == 1


def told_view(**known):
    """A view of 64 px with the person in its middle, whose body is known all over."""
    camera = frame_camera(64, 64)
    alpha = np.zeros((64, 64))
    alpha[10:50, 20:40] = 1
    iuv = np.random.default_rng(0).integers(0, 25, (64, 64, 3), np.uint8)
    return replace(view_of(camera, alpha), body=BodyMaps(iuv=iuv, **known))


def test_a_body_that_is_not_known_is_zeros():
    planes = body_planes(replace(told_view(), body=None))
    assert planes.shape == (8, 64, 64) and planes.dtype == np.float32 and not planes.any()


def test_parts_and_charts_stand_on_the_mask_and_say_that_they_are_all_there_is():
    view = told_view()
    planes, body = dict(zip(BODY_PLANES, body_planes(view), strict=True)), view.body
    on = view.mask & (body.iuv[..., 0] > 0)
    assert np.array_equal(planes["part"], np.where(on, body.iuv[..., 0], 0))
    assert np.allclose(planes["u"], np.where(on, body.iuv[..., 1] / 255, 0))
    assert np.allclose(planes["v"], np.where(on, body.iuv[..., 2] / 255, 0))
    assert np.array_equal(planes["known"], np.where(view.mask, KNOWN_PARTS, 0))
    assert not any(planes[name].any() for name in ("normal_x", "normal_y", "normal_z", "relief"))


def test_a_fitted_body_adds_its_normals_and_its_relief_where_it_is():
    depth = np.full((64, 64), np.nan, np.float32)
    depth[5:30, 25:60] = 3 + np.random.default_rng(1).random((25, 35))
    normal = np.where(np.isfinite(depth)[..., None], [0.6, 0, -0.8], 0).astype(np.float32)
    view = told_view(depth=depth, normal=normal)
    planes = dict(zip(BODY_PLANES, body_planes(view), strict=True))
    both = view.mask & np.isfinite(depth)
    expected = np.where(both, np.log(depth / np.median(depth[both])) / (1 / 1.1), 0)
    assert np.allclose(planes["relief"], expected, atol=1e-6)
    assert np.allclose(planes["normal_x"], 0.6 * both) and np.allclose(planes["normal_z"], -0.8 * both)
    assert np.array_equal(planes["known"], view.mask)
    alone = body_planes(replace(view, body=BodyMaps(iuv=view.body.iuv)))
    assert np.array_equal(alone[4:7], body_planes(view)[4:7])


def test_the_extent_is_the_crops_size_at_unit_distance():
    assert crop_extent(camera_from_focal(200, 200, focal_px=400.0)) == 0.5
    assert crop_extent(camera_from_focal(400, 100, focal_px=400.0)) == 0.5


def test_the_extent_does_not_depend_on_the_resolution():
    camera = frame_camera(96, 72)
    coarse, fine = (crop_of(camera, left=10.0, top=4.0, size=32.0, side=side) for side in (64, 256))
    assert crop_extent(coarse.camera) == pytest.approx(crop_extent(fine.camera), rel=1e-12)


def test_relief_is_depth_beyond_the_median_in_crop_sizes():
    """At 5 m a crop of extent 0.4 is 2 m wide; 0.1 m beyond the median is 0.05 of it."""
    depth = np.array([[4.9, 5.0, 5.1]])
    relief = relief_from_depth(depth, np.ones((1, 3), bool), extent=0.4)
    assert relief == pytest.approx(np.array([[-0.05, 0, 0.05]]), abs=6e-4)


def test_a_figure_has_the_same_relief_from_twice_as_far_with_twice_the_lens():
    rng = np.random.default_rng(0)
    near = 3 + 0.01 * rng.standard_normal((8, 8))
    mask = np.ones((8, 8), bool)
    far = near + 3
    assert np.allclose(relief_from_depth(near, mask, extent=0.5), relief_from_depth(far, mask, extent=0.25), atol=2e-4)


def test_depth_and_relief_undo_each_other_up_to_scale():
    rng = np.random.default_rng(0)
    depth = rng.uniform(2, 3, (9, 7))
    mask = rng.random((9, 7)) > 0.3
    relief = relief_from_depth(depth, mask, extent=0.7)
    again = depth_from_relief(relief + 11, mask, extent=0.7)
    assert np.median(again[mask]) == pytest.approx(1, rel=2e-3)
    assert np.ptp(np.log(again[mask] / depth[mask])) < 1e-5
    assert np.isnan(again[~mask]).all() and not relief[~mask].any()


def test_depth_is_positive_and_finite_whatever_the_relief():
    relief = np.array([[-1e6, 0.0, 1e6]], np.float32)
    depth = depth_from_relief(relief, np.ones((1, 3), bool), extent=3.0)
    assert np.allclose(depth, [[1 / 20, 1, 20]])


def test_nobody_has_no_relief():
    nobody = np.zeros((2, 2), bool)
    assert np.isnan(depth_from_relief(np.zeros((2, 2)), nobody, extent=1.0)).all()
    assert not relief_from_depth(np.full((2, 2), np.nan), nobody, extent=1.0).any()
