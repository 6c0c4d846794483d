"""Closed-form scenes against their own equations, by a camera that is off-centre, skewed and has fx != fy."""

import numpy as np
import pytest

from hd_core.errors import InputError
from hd_core.synth.shapes import SHAPES
from hd_core.types import Camera, Gauge

K = np.array([[330.0, 3.0, 100.3], [0.0, 290.0, 70.9], [0.0, 0.0, 1.0]])
CAMERA = Camera(width=190, height=170, intrinsics=K)
TIME = 0.3


def points_of(frame):
    """Lift a frame's depth by the inverse of K, written out anew."""
    rows, columns = np.nonzero(frame.maps.mask)
    pixels = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1)
    return (pixels @ np.linalg.inv(K).T) * frame.maps.depth[rows, columns][:, None]


def on_plane(p):
    normal = np.array([0.30, -0.20, -0.93])
    return (p - [0.05, -0.03, 2.0]) @ (normal / np.linalg.norm(normal))


def on_sphere(p):
    return np.linalg.norm(p - [0.06, -0.04, 2.0], axis=-1) - 0.4


def on_wave(p):
    phase = p[..., 0] * 2 * np.pi / 0.35 + p[..., 1] * 2 * np.pi / 0.9 + 2 * np.pi * TIME
    return 2.0 + 0.03 * np.sin(phase) - p[..., 2]


def arm_and_torso(p):
    torso = np.linalg.norm((p - [0, 0, 2.1]) / [0.20, 0.40, 0.12], axis=-1) - 1
    angle = 0.35 + 0.25 * np.sin(np.pi * TIME)
    half = 0.21 * np.array([np.cos(angle), np.sin(angle), 0])
    t = np.clip((p - [-0.16, 0.02, 1.685]) @ half / 0.21**2, -1, 1)
    arm = np.linalg.norm(p - [-0.16, 0.02, 1.685] - t[..., None] * half, axis=-1) - 0.045
    return np.where(np.abs(arm) < np.abs(torso), arm, torso)


EQUATIONS = {"plane": on_plane, "sphere": on_sphere, "wave": on_wave, "arm_before_torso": arm_and_torso}


@pytest.fixture(scope="module")
def frames():
    return {name: scene(CAMERA, time_seconds=TIME) for name, scene in SHAPES.items()}


def test_every_scene_has_its_equation():
    assert set(SHAPES) == set(EQUATIONS)


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_points_satisfy_the_equation_to_a_nanometre(frames, name):
    points = points_of(frames[name])
    assert len(points) > 5000
    assert np.abs(EQUATIONS[name](points)).max() < 1e-9
    assert frames[name].maps.gauge is Gauge.METRIC


@pytest.mark.parametrize("name", sorted(EQUATIONS))
def test_normals_are_the_gradient_of_the_equation_and_face_the_camera(frames, name):
    points, step = points_of(frames[name]), 1e-6
    equation = EQUATIONS[name]
    steps = step * np.eye(3)
    gradient = np.stack([equation(points + e) - equation(points - e) for e in steps], axis=-1)
    gradient /= np.linalg.norm(gradient, axis=-1, keepdims=True)
    normal = frames[name].maps.normal[frames[name].maps.mask]
    assert np.abs(normal - gradient).max() < 1e-5
    assert ((normal * points).sum(-1) < 0).all()
    assert not frames[name].maps.normal[~frames[name].maps.mask].any()


def test_no_ray_that_the_sphere_blocks_is_missed(frames):
    """The nearest approach of every ray to the centre decides, without any root."""
    columns, rows = np.meshgrid(np.arange(190) + 0.5, np.arange(170) + 0.5)
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(K).T
    centre = np.array([0.06, -0.04, 2.0])
    miss = np.linalg.norm(np.cross(rays, centre), axis=-1) / np.linalg.norm(rays, axis=-1)
    assert np.array_equal(frames["sphere"].maps.mask, miss < 0.4)


def test_alpha_of_the_sphere_covers_the_area_of_its_ellipse(frames):
    """Outline: r (c c^T - (|c|^2 - R^2) I) r = 0; a conic A has area pi |det A| / det(A_2x2)^(3/2)."""
    centre = np.array([0.06, -0.04, 2.0])
    cone = np.outer(centre, centre) - (centre @ centre - 0.16) * np.eye(3)
    conic = np.linalg.inv(K).T @ cone @ np.linalg.inv(K)
    area = np.pi * abs(np.linalg.det(conic)) / np.linalg.det(conic[:2, :2]) ** 1.5
    assert frames["sphere"].alpha.sum() == pytest.approx(area, rel=1e-3)
    assert abs(frames["sphere"].alpha - frames["sphere"].maps.mask).max() < 1


def test_the_arm_hangs_25_cm_before_the_torso_and_leaves_its_outline(frames):
    depth, mask = frames["arm_before_torso"].maps.depth, frames["arm_before_torso"].maps.mask
    arm = mask & (np.nan_to_num(depth) < 1.75)
    assert depth[arm].min() == pytest.approx(1.98 - 0.25 - 0.09, abs=2e-3)
    torso = mask & ~arm
    assert depth[torso].min() == pytest.approx(1.98, abs=2e-3)
    left_of_torso = np.nonzero(torso.any(0))[0][0]
    assert arm[:, : left_of_torso - 10].any()
    before = arm[:, :-1] & torso[:, 1:]
    jumps = (depth[:, 1:] - depth[:, :-1])[before]
    assert len(jumps) > 5
    assert jumps.min() > 0.25


@pytest.mark.parametrize(("name", "period"), [("wave", 1.0), ("arm_before_torso", 2.0)])
def test_moving_scenes_move_and_come_back(frames, name, period):
    again = SHAPES[name](CAMERA, time_seconds=TIME + period)
    between = SHAPES[name](CAMERA, time_seconds=TIME + 0.3 * period)
    depth = frames[name].maps.depth
    assert np.nanmax(np.abs(again.maps.depth - depth)) < 1e-9
    assert np.nanmax(np.abs(between.maps.depth - depth)) > 0.01


def test_pictures_are_shaded_and_the_same_twice(frames):
    for name, scene in SHAPES.items():
        again = scene(CAMERA, time_seconds=TIME)
        assert again.rgb.tobytes() == frames[name].rgb.tobytes()
        assert frames[name].rgb[frames[name].maps.mask].std() > 10


def test_frames_of_unequal_size_are_refused(frames):
    frame = frames["plane"]
    with pytest.raises(InputError, match="expected both of"):
        type(frame)(rgb=frame.rgb[1:], alpha=frame.alpha[1:], maps=frame.maps)
