"""How far each joint turns: ranges from clinical goniometry, and bringing a pose back into them.

Every turn is parted as R = swing twist: the twist about the bone itself first, then a swing across it. Angles count
from the rest pose (arms about 42 degrees out, elbows bent by about 43), so clinical ranges are shifted by what the rest
pose already holds.

Ranges were held against "Normal Values for Range of Motion of Joints" of the Merck Manual, and for neck and trunk,
which it leaves out, against ExRx "Joint ROM" (neck: 45 aside, 60 to 80 round) and the usual figures for the lumbar
spine (75 forward, 30 back, 35 aside), shared out over three bones each; for the twist of the trunk, 46, no table was
found.
Those of limbs agree within 15 degrees but for these: the ankle bends up by 35 degrees instead of 20, which tables
measure without the weight of the body; the wrist bends less to its sides; the arm has its own part and that of the
collar bone, which add up to more than the 180 degrees that key poses ask of them.
"""

from typing import cast

import numpy as np
from jaxtyping import Bool, Float

from hd_core.synth.body.skeleton import BONES, bone_index
from hd_core.synth.motion.rig import REFERENCE_HEADS, bone_ends, other_side
from hd_core.synth.motion.rotations import about, from_vector, split_twist, to_vector

_X, _Y = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
_PALM = (0.26, 0.39, -0.88)  # the left hand and its fingers close about it
_Range = tuple[float, float]
_STILL: _Range = (0.0, 0.0)


def _rest_elbow() -> tuple[Float[np.ndarray, "3"], float]:
    """The left elbow's hinge, and by how much it is bent at rest, degrees."""
    shoulder, elbow, wrist = (REFERENCE_HEADS[bone_index(n)] for n in ("LeftArm", "LeftForeArm", "LeftHand"))
    axis = np.cross(elbow - shoulder, wrist - elbow)
    bend = np.arctan2(np.linalg.norm(axis), np.dot(elbow - shoulder, wrist - elbow))
    return axis / np.linalg.norm(axis), float(np.degrees(bend))


ELBOW_AXIS, ELBOW_REST_DEG = _rest_elbow()
"""Hinge of the left elbow at rest (bending is positive), and the bend that the rest pose has."""
HINGES: tuple[str, ...] = ("LeftLeg", "LeftForeArm", "RightLeg", "RightForeArm")

# Left side and middle: (first swing axis, twist, first swing, second swing), degrees; the second axis is the bone's
# direction cross the first. About x a positive swing leans forward what points up, takes back what hangs down and
# points the foot down; the second of the thigh spreads. About y a negative swing raises arm and collar bone, the second
# of the arm takes it forward where negative.
_TABLE: dict[str, tuple[tuple[float, float, float], _Range, _Range, _Range]] = {
    "Hips": (_X, (-180, 180), (-180, 180), (-180, 180)),  # the root turns freely
    "LHipJoint": (_X, _STILL, _STILL, _STILL),
    "LeftUpLeg": (_X, (-45, 45), (-120, 30), (-30, 45)),
    "LeftLeg": (_X, (-5, 5), (-6, 140), _STILL),
    "LeftFoot": (_X, (-35, 35), (-35, 50), (-35, 35)),
    "LeftToeBase": (_X, (-5, 5), (-65, 40), (-5, 5)),
    "LowerBack": (_X, (-8, 8), (-12, 30), (-14, 14)),
    "Spine": (_X, (-18, 18), (-10, 28), (-12, 12)),
    "Spine1": (_X, (-20, 20), (-8, 25), (-12, 12)),
    "LeftShoulder": (_Y, (-10, 10), (-40, 10), (-20, 20)),
    "LeftArm": (_Y, (-90, 90), (-140, 65), (-135, 50)),
    "LeftForeArm": (_X, (-80, 80), (-ELBOW_REST_DEG, 145 - ELBOW_REST_DEG), _STILL),
    "LeftHand": (_PALM, (-10, 10), (-70, 75), (-25, 30)),
    "LThumb": (_X, (-30, 30), (-40, 40), (-40, 40)),
    "LeftFingerBase": (_PALM, (-5, 5), (-20, 60), (-10, 10)),
    "LeftHandFinger1": (_PALM, (-5, 5), (-10, 90), (-8, 8)),
    "Neck": (_X, (-20, 20), (-15, 16), (-15, 15)),
    "Neck1": (_X, (-20, 20), (-15, 15), (-15, 15)),
    "Head": (_X, (-30, 30), (-20, 20), (-15, 15)),
}


def _axes() -> Float[np.ndarray, "31 3 3"]:
    """Rows: the twist axis, the first and the second swing axis of every bone."""
    bones = bone_ends(REFERENCE_HEADS) - REFERENCE_HEADS
    axes = np.empty((len(BONES), 3, 3))
    for name, (first, *_) in _TABLE.items():
        index = bone_index(name)
        twist = np.array(_X) if name == "LHipJoint" else bones[index] / np.linalg.norm(bones[index])
        across = ELBOW_AXIS if name == "LeftForeArm" else np.array(first)
        across = np.array(_Y) if name == "LHipJoint" else across - np.dot(across, twist) * twist
        across = across / np.linalg.norm(across)
        axes[index] = twist, across, np.cross(twist, across)
        if other_side(name) != name:  # axes of turns reflect like angular speed does
            axes[bone_index(other_side(name))] = axes[index] * np.array([1.0, -1.0, -1.0])
    return axes


def _ranges() -> Float[np.ndarray, "31 3 2"]:
    """Lowest and highest angle about every axis, radians."""
    degrees = [_TABLE[name if name in _TABLE else other_side(name)][1:] for name in BONES]
    return np.radians(np.array(degrees, dtype=np.float64))


AXES = _axes()
"""For every bone the unit axes of its twist and of its two swings; those of a right bone mirror the left one's."""
RANGES = _ranges()
"""For every bone and axis the lowest and the highest angle, radians."""


def joint_angles(rotations: Float[np.ndarray, "*t 31 3 3"]) -> Float[np.ndarray, "*t 31 3"]:
    """Twist and the two swings of every bone, radians, about its `AXES`."""
    return _angles(rotations, AXES)


def clamp_to_limits(rotations: Float[np.ndarray, "*t 31 3 3"]) -> Float[np.ndarray, "*t 31 3 3"]:
    """Turns within the limits: twists are cut, swings drawn back to the rim of an ellipse.

    What is within stays as it is. A hinge keeps its bend about its axis, cut to its range, and loses the rest.

    Args:
        rotations: One turn per bone, as `forward_kinematics` takes them.
    """
    return _clamped(rotations, AXES, RANGES)


def clamp_bone(turn: Float[np.ndarray, "*t 3 3"], bone: int) -> Float[np.ndarray, "*t 3 3"]:
    """As `clamp_to_limits`, for the turns of one bone."""
    one = slice(bone, bone + 1)
    return _clamped(turn[..., None, :, :], AXES[one], RANGES[one])[..., 0, :, :]


def _angles(rotations: Float[np.ndarray, "*t b 3 3"], axes: Float[np.ndarray, "b 3 3"]) -> Float[np.ndarray, "*t b 3"]:
    full = np.asarray(rotations, dtype=np.float64)
    swing, twist = split_twist(full, np.broadcast_to(axes[:, 0], (*full.shape[:-2], 3)))
    swings = (axes[:, 1:] @ to_vector(swing)[..., None])[..., 0]
    return np.concatenate([twist[..., None], swings], axis=-1)


def _clamped(
    rotations: Float[np.ndarray, "*t b 3 3"], axes: Float[np.ndarray, "b 3 3"], ranges: Float[np.ndarray, "b 3 2"]
) -> Float[np.ndarray, "*t b 3 3"]:
    angles = _angles(rotations, axes)
    allowed = np.clip(angles, ranges[..., 0], ranges[..., 1])
    swings = angles[..., 1:]
    reach = np.where(swings < 0, -ranges[:, 1:, 0], ranges[:, 1:, 1])
    share = swings / np.maximum(reach, 1e-9)
    length = np.sqrt(np.sum(share**2, axis=-1, keepdims=True))
    ball = np.all(ranges[:, 1:, 1] > ranges[:, 1:, 0], axis=-1)[:, None]
    allowed[..., 1:] = np.where(ball, swings / np.maximum(length, 1.0), allowed[..., 1:])
    swing = from_vector((axes[:, 1:].swapaxes(-1, -2) @ allowed[..., 1:, None])[..., 0])
    return cast(np.ndarray, swing @ about(axes[:, 0], allowed[..., 0]))


def within_limits(
    rotations: Float[np.ndarray, "*t 31 3 3"], *, tolerance_deg: float = 0.5
) -> Bool[np.ndarray, "*t 31"]:
    """Which bones are within their limits, give or take the tolerance in degrees."""
    step = clamp_to_limits(rotations).swapaxes(-1, -2) @ np.asarray(rotations, dtype=np.float64)
    return cast(np.ndarray, np.degrees(np.linalg.norm(to_vector(step), axis=-1)) <= tolerance_deg)
