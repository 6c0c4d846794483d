"""Motion blur: against the average of many instants drawn one by one."""

from dataclasses import dataclass

import numpy as np
import pytest

from hd_core.synth.look.shutter import exposed, picture_motion, with_velocity
from hd_core.types import Camera

SIZE = 96
Y, X = np.mgrid[:SIZE, :SIZE].astype(float)
TINT = np.array([1.0, 0.5, 0.25])


def disc(x, y, radius):
    """Coverage of a disc with a soft rim."""
    return np.clip(radius - np.hypot(X - x, Y - y) + 0.5, 0, 1)


def uniform(dx, dy):
    return np.broadcast_to([dx, dy], (SIZE, SIZE, 2)).astype(float)


def averaged(draw, count=400):
    return np.mean([draw((k + 0.5) / count - 0.5) for k in range(count)], axis=0)


@pytest.mark.parametrize(("dx", "dy"), [(10.0, 0.0), (-5.0, 7.0), (0.0, 1.5)])
def test_a_moving_disc_is_the_mean_of_the_discs_along_its_way(dx, dy):
    light, alpha = exposed(
        TINT * np.ones((SIZE, SIZE, 3)), disc(48, 48, 20), uniform(dx, dy), np.full((SIZE, SIZE), 2.0)
    )
    truth = averaged(lambda s: disc(48 + s * dx, 48 + s * dy, 20))
    assert np.abs(alpha - truth).max() < 0.13  # an instant in eleven, and half a pixel of softness
    assert np.abs(alpha - truth).mean() < 1e-3
    np.testing.assert_allclose(light, alpha[..., None] * TINT, atol=1e-5)


def test_an_arm_before_a_still_torso_blurs_on_it_without_a_hole():
    """A vertical bar moves over a plate of the same size as the background behind it: the plate stays covered."""
    plate, bar = (np.abs(X - 48) < 30) & (np.abs(Y - 48) < 30), np.abs(X - 48) < 5
    person = plate | bar
    colour = np.where(bar[..., None], TINT, 0.2 * np.ones(3))
    motion = np.where(bar[..., None], [8.0, 0.0], [0.0, 0.0])
    light, alpha = exposed(colour, person.astype(float), motion, np.where(bar, 1.0, 1.5))
    on_plate = plate & (np.abs(X - 48) < 28) & (np.abs(Y - 48) < 28)
    assert alpha[on_plate].min() > 0.999
    share = averaged(lambda s: (np.abs(X - 48 - 8 * s) < 5).astype(float))[on_plate]
    expected = 0.2 + share[:, None] * (TINT - 0.2)
    assert np.abs(light[on_plate] - expected).max() < 0.12
    above = (Y < 15) & (np.abs(X - 48) < 20)
    assert np.abs(alpha - averaged(lambda s: (np.abs(X - 48 - 8 * s) < 5).astype(float)))[above].max() < 0.12


def test_a_moving_part_behind_a_still_one_does_not_smear_over_it():
    front, back = np.abs(X - 48) < 10, np.abs(Y - 48) < 6
    colour = np.where(front[..., None], TINT, np.zeros(3))
    motion = np.where(front[..., None], [0.0, 0.0], [9.0, 0.0])
    light, _ = exposed(colour, (front | back).astype(float), motion, np.where(front, 1.0, 2.0))
    np.testing.assert_allclose(light[front], np.broadcast_to(TINT, light[front].shape), atol=1e-6)
    beside = (np.abs(Y - 48) < 40) & ~front & (np.abs(X - 48) > 11)
    assert light[beside].max() < 0.06  # nor does it take the colour of the still one along


def test_nothing_that_stands_still_changes():
    alpha = disc(48, 48, 20)
    light, found = exposed(TINT * np.ones((SIZE, SIZE, 3)), alpha, uniform(0.1, 0.2), np.ones((SIZE, SIZE)))
    np.testing.assert_array_equal(found, alpha.astype(np.float32))
    np.testing.assert_allclose(light, alpha[..., None] * TINT, atol=1e-6)


def test_motion_in_the_picture_is_that_of_the_projected_points():
    camera = Camera(
        width=64,
        height=48,
        intrinsics=np.array([[80.0, 0, 32], [0, 90.0, 24], [0, 0, 1]]),
        cam_from_world=np.eye(4),
    )
    positions = np.array([[0.1, 0.2, 2.0], [0.0, 0.0, 1.0]])
    velocity = np.array([[0.05, -0.1, 0.0], [0.1, 0.0, 0.2]])
    found = picture_motion(positions, velocity, camera, share=0.5)
    # fx dx / z = 80 * 0.025 / 2; the second goes from (-0.025, 0.95) to (0.025, 1.05).
    np.testing.assert_allclose(found[0], [1.0, -90 * 0.05 / 2], atol=1e-6)
    np.testing.assert_allclose(found[1], [80 * (0.025 / 1.05 + 0.025 / 0.95), 0.0], atol=1e-5)


@dataclass(frozen=True)
class Thing:
    vertices: np.ndarray


def test_velocity_is_half_of_the_way_between_the_neighbours():
    things = [Thing(np.full((2, 3), float(k**2), np.float32)) for k in range(4)]
    pairs = list(with_velocity(iter(things)))
    assert [pair[0] for pair in pairs] == things
    assert [float(pair[1][0, 0]) for pair in pairs] == [1.0, 2.0, 4.0, 5.0]
    ((_, alone),) = with_velocity([things[3]])
    assert not alone.any()
