"""Projection, crops and normals against values known from outside the code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hd_core.geometry.camera import (
    BLENDER_FROM_CAM,
    YUP_FROM_CAM,
    camera_from_focal,
    focal_from_fov,
    pixel_centres,
    pixel_rays,
    project,
    rays_through,
    unproject,
)
from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb, make_crop, paste_plane, whole_frame
from hd_core.geometry.depth import normals_from_depth
from hd_core.types import Box, Camera

ODD = Camera(width=7, height=5, intrinsics=np.array([[11.0, 0.4, 3.2], [0, 12.5, 1.9], [0, 0, 1]]))


def test_the_first_pixel_centre_is_at_one_half():
    columns, rows = pixel_centres(ODD)
    assert (columns[0, 0], rows[0, 0]) == (0.5, 0.5)
    assert (columns[0, -1], rows[-1, 0]) == (6.5, 4.5)


def test_unproject_keeps_depth_and_project_undoes_it():
    depth = np.random.default_rng(0).uniform(1, 3, (5, 7))
    points = unproject(ODD, depth)
    np.testing.assert_array_equal(points[..., 2], depth)
    columns, rows = pixel_centres(ODD)
    np.testing.assert_allclose(project(ODD, points)[..., 0], np.broadcast_to(columns, (5, 7)), atol=1e-12)
    np.testing.assert_allclose(project(ODD, points)[..., 1], np.broadcast_to(rows, (5, 7)), atol=1e-12)


def test_a_point_one_metre_right_at_two_metres_lies_half_a_focal_length_right_of_the_middle():
    camera = camera_from_focal(100, 80, focal_px=60.0)
    np.testing.assert_allclose(project(camera, np.array([1.0, 0, 2])), [50 + 30, 40])


def test_rays_through_pixel_centres_are_the_pixel_rays():
    x, y = np.meshgrid(np.arange(7) + 0.5, np.arange(5) + 0.5)
    np.testing.assert_allclose(rays_through(ODD, x, y), pixel_rays(ODD))


def test_ninety_degrees_of_view_have_a_focal_length_of_half_the_width():
    assert focal_from_fov(640, fov_deg=90.0) == pytest.approx(320)


@pytest.mark.parametrize("axes", [BLENDER_FROM_CAM, YUP_FROM_CAM])
def test_target_axes_are_rotations_and_never_mirror(axes):
    np.testing.assert_array_equal(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == 1


def test_down_in_the_camera_is_minus_z_in_blender_and_minus_y_in_gltf():
    np.testing.assert_array_equal(BLENDER_FROM_CAM @ [0, 1, 0], [0, 0, -1])
    np.testing.assert_array_equal(BLENDER_FROM_CAM @ [0, 0, 1], [0, 1, 0])
    np.testing.assert_array_equal(YUP_FROM_CAM @ [0, 1, 0], [0, -1, 0])


@given(
    left=st.floats(-50, 80),
    top=st.floats(-50, 80),
    side=st.floats(5, 200),
    x=st.floats(-1, 1),
    y=st.floats(-1, 1),
)
def test_a_point_seen_by_the_crop_is_where_the_full_frame_says(left, top, side, x, y):
    full = camera_from_focal(120, 90, focal_px=100.0)
    crop = make_crop(full, Box(left=left, top=top, width=side, height=side), width=64, height=64)
    point = np.array([x, y, 2.5])
    in_full = np.append(project(full, point), 1)
    np.testing.assert_allclose((crop.crop_from_full @ in_full)[:2], project(crop.camera, point), atol=1e-6, rtol=1e-9)


def test_the_crop_that_is_the_frame_changes_no_pixel():
    rgb = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
    np.testing.assert_array_equal(cut_rgb(rgb, whole_frame(camera_from_focal(13, 9, focal_px=9.0))), rgb)


def test_a_whole_pixel_crop_is_a_slice_and_repeats_the_edge_beyond_the_frame():
    rgb = np.random.default_rng(1).integers(0, 256, (9, 13, 3), np.uint8)
    crop = make_crop(
        camera_from_focal(13, 9, focal_px=9.0),
        Box(left=-2.0, top=3.0, width=6.0, height=8.0),
        width=6,
        height=8,
    )
    cut = cut_rgb(rgb, crop)
    np.testing.assert_array_equal(cut[:6, 2:], rgb[3:9, :4])
    np.testing.assert_array_equal(cut[:6, 0], rgb[3:9, 0])
    np.testing.assert_array_equal(cut[6:, 2:], np.repeat(rgb[8:9, :4], 2, axis=0))


def test_beyond_the_frame_a_plane_is_zero():
    crop = make_crop(
        camera_from_focal(10, 10, focal_px=9.0),
        Box(left=-30.0, top=0.0, width=10.0, height=10.0),
        width=10,
        height=10,
    )
    assert not cut_plane(np.ones((10, 10), np.float32), crop).any()


def test_a_ramp_survives_a_sub_pixel_crop_because_bilinear_keeps_ramps():
    ramp = np.broadcast_to(np.arange(40, dtype=np.float32) + 0.5, (40, 40)).copy()
    crop = make_crop(
        camera_from_focal(40, 40, focal_px=30.0),
        Box(left=10.3, top=8.6, width=16.0, height=16.0),
        width=16,
        height=16,
    )
    expected = 10.3 + np.arange(16) + 0.5
    np.testing.assert_allclose(cut_plane(ramp, crop), np.broadcast_to(expected, (16, 16)), atol=1e-3)


def test_pasting_a_crop_back_puts_every_pixel_where_it_was():
    plane = np.random.default_rng(2).uniform(size=(20, 24)).astype(np.float32)
    full = camera_from_focal(24, 20, focal_px=20.0)
    crop = make_crop(full, Box(left=4.0, top=3.0, width=10.0, height=12.0), width=10, height=12)
    back = paste_plane(cut_plane(plane, crop), crop)
    np.testing.assert_allclose(back[4:14, 5:13], plane[4:14, 5:13], atol=1e-6)
    assert not back[:, :3].any()


def test_the_crop_between_two_cameras_is_the_one_they_were_made_with():
    full = camera_from_focal(120, 90, focal_px=100.0)
    crop = make_crop(full, Box(left=-7.0, top=11.0, width=50.0, height=40.0), width=100, height=80)
    found = crop_between(full, crop.camera)
    assert (found.box.left, found.box.top) == (pytest.approx(-7), pytest.approx(11))
    assert (found.box.width, found.box.height) == (pytest.approx(50), pytest.approx(40))


def test_normals_of_a_frontal_plane_point_at_the_camera_exactly():
    normal = normals_from_depth(ODD, np.full((5, 7), 2.0, np.float32))
    np.testing.assert_allclose(normal[1:-1, 1:-1], np.broadcast_to([0, 0, -1], (3, 5, 3)), atol=1e-7)
    assert not normal[0].any()


def test_normals_of_a_tilted_plane_are_its_own():
    camera = camera_from_focal(40, 30, focal_px=35.0)
    expected = np.array([0.3, -0.5, -1]) / np.linalg.norm([0.3, -0.5, -1])
    depth = (expected[2] * 2.0 / (pixel_rays(camera) @ expected)).astype(np.float64)
    normal = normals_from_depth(camera, depth)
    np.testing.assert_allclose(normal[1:-1, 1:-1], np.broadcast_to(expected, (28, 38, 3)), atol=1e-6)


def test_no_normal_is_made_across_a_jump_or_beside_the_background():
    depth = np.full((10, 12), 2.0, np.float32)
    depth[:, 6:] = 2.5
    depth[4, 2] = np.nan
    normal = normals_from_depth(camera_from_focal(12, 10, focal_px=10.0), depth)
    assert not normal[:, 5:7].any()
    assert not normal[3:6, 2].any()
    assert not normal[4, 1:4].any()
    assert normal[7, 2, 2] == -1
