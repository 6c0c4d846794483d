"""Places behind the person: their planes are where they should be, and shadows fall on them."""

import numpy as np
import pytest

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.framing import look_at
from hd_core.synth.look.backdrop import CLEARANCE_M, Backdrop, Ground
from hd_core.synth.look.background import PLACE, PLACE_SHARE, draw_background_kind, sample_backdrop
from hd_core.synth.look.environment import radiance_along
from hd_core.synth.look.hall import sample_hall, sample_yard
from hd_core.synth.look.lighting import sample_lighting
from hd_core.synth.look.shade import Light
from hd_core.synth.look.shadow import cast_shadow
from hd_core.types import Camera

FLOOR = -0.8
FAR = np.array([[50.0, 50.0, 50.0]])


def camera(seed=0):
    rng = np.random.default_rng(seed)
    pose = look_at(
        np.zeros(3), yaw=rng.uniform(-3, 3), pitch=rng.normal(0, 0.1), roll=rng.normal(0, 0.05), distance=3.0
    )
    k = np.array([[60.0, 0, 24], [0, 60.0, 32], [0, 0, 1]])
    return Camera(width=48, height=64, intrinsics=k, cam_from_world=pose)


def sun(towards=(0.0, 0.0, 1.0)):
    unit = np.array(towards) / np.linalg.norm(towards)
    return Light(soft=Light.flat().soft, key_direction=unit, key_irradiance=np.full(3, np.pi))


def eye_and_rays(cam):
    rotation = cam.cam_from_world[:3, :3]
    rays = pixel_rays(cam) @ rotation
    return -rotation.T @ cam.cam_from_world[:3, 3], rays / np.linalg.norm(rays, axis=-1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_seen_lies_on_the_ray_before_the_camera_and_faces_it(seed):
    cam = camera(seed)
    hall = sample_hall(np.random.default_rng(seed), cam, sun(), floor_m=FLOOR)
    eye, rays = eye_and_rays(cam)
    away = hall.ground.points - eye
    distance = np.linalg.norm(away, axis=-1, keepdims=True)
    np.testing.assert_allclose(away / distance, rays, atol=1e-9)
    assert ((hall.ground.normals * rays).sum(axis=-1) < 0).all()
    np.testing.assert_allclose(np.linalg.norm(hall.ground.normals, axis=-1), 1, atol=1e-9)


@pytest.mark.parametrize("draw", ["hall", "yard"])
def test_the_floor_is_level_under_the_feet_and_reaches_the_bottom_of_the_picture(draw):
    cam = camera(1)
    if draw == "hall":
        place = sample_hall(np.random.default_rng(1), cam, sun(), floor_m=FLOOR)
    else:
        place = sample_yard(np.random.default_rng(1), cam, sun(), np.ones((64, 128, 3)), floor_m=FLOOR)
    level = (place.ground.normals[..., 2] > 0.999) & (place.ground.points[..., 2] < FLOOR + 1e-3)
    assert level[-3:].all()
    np.testing.assert_allclose(place.ground.points[level][:, 2], FLOOR, atol=1e-9)


def test_the_light_of_a_place_is_never_negative_and_more_than_its_key_light():
    for seed in range(6):
        hall = sample_hall(np.random.default_rng(seed), camera(seed), sun((1, 1, 2)), floor_m=FLOOR)
        assert hall.ground.key.min() >= 0
        assert (hall.radiance - hall.ground.key).min() >= -1e-12
        assert hall.radiance.max() < 5
        again = sample_hall(np.random.default_rng(seed), camera(seed), sun((1, 1, 2)), floor_m=FLOOR)
        assert hall.radiance.tobytes() == again.radiance.tobytes()


def test_above_the_horizon_is_the_sky():
    cam = camera(2)
    sky = np.random.default_rng(3).random((64, 128, 3))
    yard = sample_yard(np.random.default_rng(2), cam, sun(), sky, floor_m=FLOOR)
    _, rays = eye_and_rays(cam)
    up = rays[..., 2] > 0.01
    assert up.sum() > 100
    np.testing.assert_allclose(yard.radiance[up], radiance_along(sky, rays)[up], atol=1e-9)
    assert not yard.ground.key[up].any()


def plane(key=0.4, size=41):
    """A level plane seen from above, soft light 0.6 and a key light."""
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    points = np.stack([x, y, np.zeros_like(x)], axis=-1)
    normals = np.broadcast_to([0.0, 0.0, 1.0], points.shape)
    ground = Ground(points=points, normals=normals, key=np.full(points.shape, key))
    return Backdrop(radiance=np.full(points.shape, 0.6 + key), ground=ground)


def test_a_ball_takes_its_solid_angle_from_the_soft_light_below_and_none_from_far_away():
    for height in (0.15, 0.3, 0.6):
        found = plane(key=0.0).behind(np.array([[0.0, 0.0, height]]))
        assert found[20, 20, 0] == pytest.approx(0.6 * (1 - 0.9 * (CLEARANCE_M / height) ** 2), rel=1e-5)
        assert (found[20, 20] <= found[20, 30]).all()
    np.testing.assert_allclose(plane().behind(FAR), plane().radiance)
    below = plane().behind(np.array([[0.0, 0.0, -0.2]]))
    np.testing.assert_allclose(below, plane().radiance)


def test_the_key_light_is_missing_where_the_person_stands_in_it_and_only_there():
    square = np.array([[-0.3, -0.3, 0.5], [0.3, -0.3, 0.5], [0.3, 0.3, 0.5], [-0.3, 0.3, 0.5]])
    shadow = cast_shadow(square, np.array([[0, 1, 2], [0, 2, 3]]), np.array([1.0, 0.0, 1.0]))
    found = plane().behind(FAR, shadow)[..., 0]
    # Light from +X at 45 degrees moves the shadow by 0.5 to -X.
    x, y = plane().ground.points[..., 0], plane().ground.points[..., 1]
    inside = (np.abs(x + 0.5) < 0.25) & (np.abs(y) < 0.25)
    outside = (np.abs(x + 0.5) > 0.35) | (np.abs(y) > 0.35)
    np.testing.assert_allclose(found[inside], 0.6, atol=1e-6)
    np.testing.assert_allclose(found[outside], 1.0, atol=1e-6)


def test_every_kind_of_background_is_a_backdrop_and_places_come_as_often_as_stated():
    rng, cam = np.random.default_rng(5), camera(5)
    kinds = [draw_background_kind(rng) for _ in range(400)]
    assert kinds.count(PLACE) / 400 == pytest.approx(PLACE_SHARE, abs=0.1)
    lighting = sample_lighting(rng, cam, style="none")
    for kind in sorted(set(kinds)):
        found = sample_backdrop(rng, cam, lighting, kind=kind, floor_m=FLOOR)
        assert (found.ground is not None) == (kind == PLACE)
        assert found.radiance.shape == (64, 48, 3)
        assert found.behind(FAR).min() >= 0
