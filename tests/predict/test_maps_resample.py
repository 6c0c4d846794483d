"""Maps in another pixel grid: exact on planes, the same bytes where grids coincide, and never between two surfaces."""

import numpy as np
import pytest
from predict_scenes import frame_camera, shifted, sphere

from hd_core.errors import InputError
from hd_core.geometry.camera import pixel_rays
from hd_core.predict.maps_decode import GridMaps
from hd_core.predict.maps_resample import resample
from hd_core.types import Camera

TILT = np.array([0.3, -0.2, -1]) / np.linalg.norm([0.3, -0.2, -1])
GRIDS = [(0.0, 0.0, 0.37), (3.3, -2.2, 0.5), (0.25, 0.5, 1.0), (-7.0, 4.6, 1.7), (0.0, 0.0, 3.0)]


def plane(camera, normal, distance):
    """Depth of the plane through (0, 0, distance) with that normal, in closed form."""
    return normal[2] * distance / (pixel_rays(camera) @ normal)


def grid(depth, normal, valid=None, confidence=None):
    shape = depth.shape
    valid = np.isfinite(depth) if valid is None else valid
    confidence = np.ones(shape, np.float32) if confidence is None else confidence.astype(np.float32)
    return GridMaps(valid=valid, normal=normal.astype(np.float32), depth=depth, confidence=confidence)


def flat(shape, normal):
    return np.broadcast_to(normal, (*shape, 3))


def inner(mask, rim=3):
    """The mask without a rim, by brute force."""
    found = mask.copy()
    for _ in range(rim):
        padded = np.pad(found, 1)
        found = found & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return found


@pytest.mark.parametrize("positive", [True, False])
def test_on_the_same_grid_every_bit_is_the_same(positive):
    camera = frame_camera()
    depth, normal = sphere(camera)
    maps = grid(depth, normal, confidence=np.random.default_rng(0).random(depth.shape))
    found = resample(maps, camera, camera, positive=positive)
    assert np.array_equal(found.depth[maps.valid], depth[maps.valid])
    assert np.array_equal(found.normal[maps.valid], maps.normal[maps.valid])
    assert np.array_equal(found.valid, maps.valid)
    assert np.array_equal(found.confidence[maps.valid], maps.confidence[maps.valid])


def test_a_shift_by_whole_pixels_moves_every_bit_and_brings_in_nothing():
    camera = frame_camera()
    depth, normal = sphere(camera)
    found = resample(grid(depth, normal), camera, shifted(camera, -30.0, 20.0), positive=True)
    assert np.array_equal(found.depth[20:, :-30], depth[:-20, 30:], equal_nan=True)
    assert not found.valid[:20].any() and not found.valid[:, -30:].any()


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("change", GRIDS)
def test_a_tilted_plane_stays_that_plane_at_every_scale(change, positive):
    source = frame_camera(120, 100)
    target = shifted(source, *change[:2], change[2])
    maps = grid(plane(source, TILT, 2.5), flat(source.shape, TILT))
    found = resample(maps, source, target, positive=positive)
    whole = inner(found.valid, 4 if change[2] > 1 else 2)
    error = np.abs(found.depth / plane(target, TILT, 2.5) - 1)[whole]
    assert whole.mean() > 0.5
    # Pillow's filter is not quite centred where it shrinks by a fraction: 0.2 mm a metre on this slope.
    exact = 1e-6 if change[2] in (0.5, 1.0, 1.7, 3.0) else 3e-4
    assert error.max() < (exact if positive else 3e-4)
    assert np.abs(found.normal[whole] - TILT).max() < 1e-6


@pytest.mark.parametrize("change", GRIDS)
def test_a_sphere_agrees_with_the_sphere_that_the_other_camera_sees(change):
    source = frame_camera(240, 180)
    target = shifted(source, *change[:2], change[2])
    found = resample(grid(*sphere(source)), source, target, positive=True)
    depth, normal = sphere(target)
    whole = inner(found.valid & np.isfinite(depth))
    assert whole.sum() > 300
    assert np.abs(found.depth - depth)[whole].mean() < 2e-3
    cosine = (found.normal * normal).sum(-1)[whole]
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 1


@pytest.mark.parametrize("change", GRIDS)
def test_no_point_hangs_between_an_arm_and_the_torso_behind_it(change):
    source = frame_camera(120, 100)
    depth = np.full(source.shape, 3.0)
    depth[30:71, 40:81] = 2.6
    aside, front = np.array([0.6, 0, -0.8]), np.array([0, 0, -1.0])
    normal = np.where((depth < 3)[..., None], aside, front)
    found = resample(grid(depth, normal), source, shifted(source, *change[:2], change[2]), positive=True)
    near = np.abs(found.depth - 2.6) < 0.005 * 2.6 + 1e-6
    far = np.abs(found.depth - 3.0) < 1e-6
    assert (near | far)[found.valid].all() and near.any() and far.any()
    assert np.allclose(found.normal[found.valid & near], aside, atol=1e-6)
    assert np.allclose(found.normal[found.valid & far], front, atol=1e-6)


def test_without_a_gauge_a_jump_is_a_share_of_the_range():
    source = frame_camera(120, 100)
    depth = np.full(source.shape, -0.5)
    depth[30:71, 40:81] = 0.5
    target = shifted(source, 0.3, 0.6, 0.7)
    found = resample(grid(depth, flat(source.shape, [0, 0, -1.0])), source, target, positive=False)
    assert set(np.round(np.unique(found.depth[found.valid]), 6)) == {-0.5, 0.5}


@pytest.mark.parametrize("change", GRIDS)
def test_values_off_the_maps_mask_are_never_mixed_in(change):
    source = frame_camera(120, 100)
    valid = sphere(source)[0] > 0
    calm = grid(np.where(valid, 2.0, 1.99), flat(source.shape, [0, 0, -1.0]), valid)
    wild = grid(np.where(valid, 2.0, 1e9), np.where(valid[..., None], [0, 0, -1.0], [1.0, 0, 0]), valid)
    target = shifted(source, *change[:2], change[2])
    first, second = (resample(maps, source, target, positive=True) for maps in (calm, wild))
    assert np.array_equal(first.valid, second.valid) and first.valid.any()
    assert np.allclose(second.depth[second.valid], 2, atol=1e-6)
    assert np.array_equal(first.normal, second.normal)


@pytest.mark.parametrize("change", GRIDS)
def test_at_the_rim_a_plane_is_off_by_less_than_its_slope_over_a_pixel(change):
    source = frame_camera(120, 100)
    valid = sphere(source)[0] > 0
    depth = np.where(valid, plane(source, TILT, 2.5), np.nan)
    target = shifted(source, *change[:2], change[2])
    found = resample(grid(depth, flat(source.shape, TILT)), source, target, positive=True)
    error = np.abs(found.depth / plane(target, TILT, 2.5) - 1)[found.valid]
    slope = 0.36 / source.intrinsics[0, 0] / min(change[2], 1)
    assert error.max() < slope


def test_the_covered_area_is_that_of_the_maps():
    source = frame_camera(120, 100)
    valid = sphere(source)[0] > 0
    maps = grid(np.where(valid, 2.0, np.nan), flat(source.shape, [0, 0, -1.0]), valid)
    for scale in (0.5, 1.7, 3.0):
        found = resample(maps, source, shifted(source, 0.0, 0.0, scale), positive=True)
        assert found.valid.sum() / scale**2 == pytest.approx(valid.sum(), rel=0.03)
        assert np.isfinite(found.depth[found.valid]).all()


def test_confidence_is_averaged_over_the_surface_alone():
    source = frame_camera(120, 100)
    valid = sphere(source)[0] > 0
    maps = grid(np.full(source.shape, 2.0), flat(source.shape, [0, 0, -1.0]), valid, np.where(valid, 0.75, 0))
    found = resample(maps, source, shifted(source, 0.3, 0.0, 0.6), positive=True)
    assert np.allclose(found.confidence[found.valid], 0.75, atol=1e-6)


def test_a_view_beside_the_maps_gets_nothing():
    camera = frame_camera()
    depth, normal = sphere(camera)
    for scale in (1.0, 0.7):
        found = resample(grid(depth, normal), camera, shifted(camera, -500.0, 0.0, scale), positive=True)
        assert not found.valid.any()


def test_maps_without_depth_bring_their_normals():
    camera = frame_camera()
    depth, normal = sphere(camera)
    maps = GridMaps(
        valid=np.isfinite(depth), normal=normal.astype(np.float32), depth=None, confidence=np.ones(depth.shape)
    )
    found = resample(maps, camera, shifted(camera, 0.2, 0.4, 1.5), positive=False)
    assert found.depth is None
    assert np.abs(np.linalg.norm(found.normal[found.valid], axis=-1) - 1).max() < 1e-6


def test_a_camera_that_is_turned_is_refused():
    camera = frame_camera()
    cosine, sine = np.cos(0.01), np.sin(0.01)
    turn = np.eye(4)
    turn[:2, :2] = [[cosine, -sine], [sine, cosine]]
    turned = Camera(width=96, height=72, intrinsics=camera.intrinsics, cam_from_world=turn)
    depth, normal = sphere(camera)
    with pytest.raises(InputError, match="turned against"):
        resample(grid(depth, normal), camera, turned, positive=True)


def test_the_maps_given_are_left_as_they_were():
    camera = frame_camera()
    depth, normal = sphere(camera)
    maps = grid(depth, normal)
    before = [np.array(values) for values in (maps.valid, maps.normal, maps.depth, maps.confidence)]
    resample(maps, camera, shifted(camera, 0.3, 0.6, 0.7), positive=True)
    after = (maps.valid, maps.normal, maps.depth, maps.confidence)
    assert all(np.array_equal(b, a, equal_nan=True) for b, a in zip(before, after, strict=True))
