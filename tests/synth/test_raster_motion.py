"""Dense correspondence: where surface points go, and which of them the other frame shows."""

import numpy as np
import pytest
from raster_scenes import ball, camera, hits
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from hd_core.errors import InputError
from hd_core.geometry.camera import project, unproject
from hd_core.synth.raster.interpolate import interpolate
from hd_core.synth.raster.motion import follow
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

TURN = Rotation.from_rotvec([0.1, 0.5, -0.15])
PIVOT = np.array([0.06, -0.04, 2.0])
SHIFT = np.array([0.12, 0.03, -0.2])


def two_balls():
    """A ball and a small one before it that hides a part of it."""
    big, faces, _ = ball(40)
    small, more, _ = ball(24, radius=0.1, centre=(0.2, -0.1, 1.5))
    return np.concatenate([big, small]), np.concatenate([faces, more + len(big)])


def moved(points):
    return (TURN.apply(points - PIVOT) + PIVOT + SHIFT).astype(np.float64)


@pytest.fixture(scope="module")
def pair():
    first_camera, other_camera = camera(), camera(110, 90, 140.0)
    positions, faces = two_balls()
    after = moved(positions)
    first, other = rasterise(positions, faces, first_camera), rasterise(after, faces, other_camera)
    return first_camera, other_camera, positions, faces, after, first, other


def test_a_rigid_motion_takes_every_pixel_to_its_analytic_place(pair):
    first_camera, other_camera, _, faces, after, first, other = pair
    found = follow(first, faces, after, other_camera, other)
    points = moved(unproject(first_camera, first.depth.astype(float))[first.mask])
    np.testing.assert_allclose(found.position[first.mask], project(other_camera, points), atol=2e-3)
    np.testing.assert_allclose(found.depth[first.mask], points[:, 2], atol=1e-5)
    assert np.isnan(found.position[~first.mask]).all()
    assert not found.visible[~first.mask].any()


def test_visible_points_are_those_that_no_triangle_hides(pair):
    _, other_camera, _, faces, after, first, other = pair
    found = follow(first, faces, after, other_camera, other)
    at = found.position[first.mask].astype(float)
    inside = (at >= 0).all(-1) & (at < [other_camera.width, other_camera.height]).all(-1)
    blocker = np.empty(len(at))
    for i, (x, y) in enumerate(at):  # a camera of one pixel whose centre is the point
        shift = np.array([[1.0, 0, 0.5 - x], [0, 1, 0.5 - y], [0, 0, 1]])
        ray = Camera(width=1, height=1, intrinsics=shift @ other_camera.intrinsics)
        blocker[i] = hits(ray, after, faces)[0].min()
    truth = inside & (blocker > found.depth[first.mask] - 1e-4)
    visible = found.visible[first.mask]
    outline = binary_dilation(jumps(other.depth))
    x, y = (np.clip(at[:, i], 0, size - 1).astype(int) for i, size in enumerate((110, 90)))
    away = ~outline[y, x]
    assert 0.1 < truth.mean() < 0.9
    assert (~truth & inside).mean() > 0.1
    assert away.mean() > 0.4
    np.testing.assert_array_equal(visible[away], truth[away])
    assert (visible != truth).mean() < 0.03


def jumps(depth):
    """Pixels beside a step of more than 2 cm or the end of the surface."""
    filled = np.nan_to_num(depth, nan=9.0)
    step = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        wide = np.abs(np.diff(filled, axis=axis)) > 0.02
        before, after = [[(0, 0), (0, 0)] for _ in range(2)]
        before[axis], after[axis] = (0, 1), (1, 0)
        step |= np.pad(wide, before) | np.pad(wide, after)
    return step


def test_a_texture_is_the_same_at_both_ends(pair):
    _, other_camera, positions, faces, after, first, other = pair
    found = follow(first, faces, after, other_camera, other)
    canonical = interpolate(first, faces, positions)
    there = interpolate(other, faces, positions)
    rows, columns = (np.floor(found.position[found.visible][:, axis]).astype(int) for axis in (1, 0))
    inner = ~jumps(other.depth)[rows, columns]
    off = np.linalg.norm(canonical[found.visible] - there[rows, columns], axis=-1)[inner]
    assert inner.sum() > 600
    assert np.median(off) < 0.014  # a pixel
    assert off.max() < 0.05  # one on a slope


def test_without_motion_every_pixel_stays_and_is_visible(pair):
    first_camera, _, positions, faces, _, first, _ = pair
    found = follow(first, faces, positions, first_camera, first)
    rows, columns = np.nonzero(first.mask)
    expected = np.stack([columns, rows], -1) + 0.5
    np.testing.assert_allclose(found.position[first.mask], expected, atol=1e-3)
    np.testing.assert_array_equal(found.visible, first.mask)


def test_points_that_leave_the_picture_or_go_behind_the_camera_are_not_visible(pair):
    first_camera, _, positions, faces, _, first, _ = pair
    for shift, finite in (([3.0, 0, 0], True), ([0, 0, -5.0], False)):
        after = positions + np.array(shift)
        found = follow(first, faces, after, first_camera, rasterise(after, faces, first_camera))
        assert not found.visible.any()
        assert np.isfinite(found.position[first.mask]).all() == finite


def test_a_wall_hides_what_is_closely_behind_it():
    quad = np.array([[-1.0, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    both = np.concatenate([faces, faces + 4])
    cam = camera()
    alone = rasterise(quad, faces, cam)
    for gap, hidden in ((0.002, False), (0.02, True)):
        positions = np.concatenate([quad, quad - [0, 0, gap]])
        found = follow(alone, both, positions, cam, rasterise(positions, both, cam))
        assert found.visible[alone.mask].any() != hidden


def test_frames_of_other_meshes_are_named(pair):
    _, other_camera, _, faces, after, first, other = pair
    with pytest.raises(InputError, match="of 3, and"):
        follow(first, faces[:3], after, other_camera, other)
    with pytest.raises(InputError, match="for a camera of"):
        follow(first, faces, after, other_camera, first)
