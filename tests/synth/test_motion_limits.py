"""Joint ranges against published tables (Merck Manual; neck and trunk as the docstring of `limits` says), degrees."""

import numpy as np
import pytest

from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.motion.limits import ELBOW_REST_DEG, RANGES

TWIST, FIRST, SECOND = range(3)


def widest(axis: int, *names: str) -> tuple[float, float]:
    """Lowest and highest angle of some bones together."""
    low, high = np.degrees(RANGES[[bone_index(name) for name in names], axis]).sum(axis=0)
    return float(low), float(high)


@pytest.mark.parametrize(
    ("names", "axis", "published", "slack"),
    [
        (("LeftUpLeg",), FIRST, (-125, 15), 15),  # flexion ahead, extension back
        (("LeftUpLeg",), SECOND, (-30, 45), 5),  # adduction, abduction
        (("LeftUpLeg",), TWIST, (-45, 45), 5),
        (("LeftLeg",), FIRST, (0, 130), 10),
        (("LeftFoot",), FIRST, (-20, 50), 16),  # up, down; loaded ankles bend up further than the table's
        (("LeftToeBase",), FIRST, (-80, 30), 15),
        (("LowerBack", "Spine", "Spine1"), FIRST, (-30, 75), 10),
        (("LowerBack", "Spine", "Spine1"), SECOND, (-35, 35), 10),
        (("Neck", "Neck1", "Head"), SECOND, (-45, 45), 10),
        (("Neck", "Neck1", "Head"), TWIST, (-70, 70), 10),
        (("LeftForeArm",), TWIST, (-90, 90), 10),
        (("LeftHand",), FIRST, (-70, 90), 15),
    ],
)
def test_ranges_are_those_of_published_tables(names, axis, published, slack):
    assert widest(axis, *names) == pytest.approx(published, abs=slack)


def test_elbows_bend_as_far_as_they_extend_counted_from_straight():
    low, high = widest(FIRST, "LeftForeArm")
    assert (low + ELBOW_REST_DEG, high + ELBOW_REST_DEG) == pytest.approx((0, 145), abs=6)


def test_both_sides_have_the_same_ranges():
    for name in ("UpLeg", "Leg", "Foot", "Arm", "ForeArm", "Hand"):
        np.testing.assert_array_equal(RANGES[bone_index(f"Left{name}")], RANGES[bone_index(f"Right{name}")])
