import numpy as np
import pytest

from hd_core.person.sighting import Sighting
from hd_core.person.still import is_still, liveliness
from hd_core.types import Box

BODY = np.random.default_rng(0).uniform(-1, 1, (33, 2)) * [60, 200]


def sightings(points, *, fps=10.0, seen=0.9):
    return [
        Sighting(
            frame_index=i,
            time_seconds=i / fps,
            person_id=1,
            box=Box(left=0.0, top=0.0, width=120.0, height=400.0),
            score=1.0,
            landmarks=np.column_stack([p, np.zeros(33), np.full(33, seen)]),
        )
        for i, p in enumerate(points)
    ]


def poster(frames=12, noise=0.3, *, moving=False):
    rng = np.random.default_rng(1)
    for i in range(frames):
        turn = np.array([[1 + 0.02 * i, 0.01 * i], [-0.01 * i, 1 + 0.01 * i]]) if moving else np.eye(2)
        yield BODY @ turn + ([3.0 * i, -2.0 * i] if moving else [0, 0]) + rng.normal(0, noise, BODY.shape)


def dancer(frames=12, swing=0.05):
    for i in range(frames):
        points = BODY.copy()
        points[15:23, 1] += swing * 400 * np.sin(i / 2)  # an arm
        yield points


@pytest.mark.parametrize("moving", [False, True])
def test_a_poster_is_still_also_for_a_camera_that_moves(moving):
    assert is_still(sightings(poster(moving=moving)))


def test_one_arm_that_swings_is_enough_to_live():
    assert not is_still(sightings(dancer()))


def test_a_second_and_eight_looks_are_needed_to_say_so():
    assert not is_still(sightings(poster(frames=7), fps=4.0))
    assert not is_still(sightings(poster(frames=20), fps=30.0))
    assert not is_still(sightings(poster(), seen=0.1))


def test_liveliness_is_what_no_affine_map_explains():
    """Of noise in 24 coordinates of 33 points a plane and its motion take 2 of 24 and 3 of 33 degrees of freedom."""
    marks = np.stack([s.landmarks for s in sightings(poster(noise=4.0))])
    height = float(np.median(np.ptp(marks[:, :, :2], axis=1).max(axis=1)))
    assert liveliness(marks) == pytest.approx(4.0 * np.sqrt(22 / 24 * 30 / 33) / height, rel=0.05)
    assert liveliness(marks[:, :, [0, 1, 2, 2]]) is None
