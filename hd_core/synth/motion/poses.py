"""Key poses of the upper body: where arms, trunk, head and hands go on a beat, by families of gestures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.skeleton import BONES, bone_index
from hd_core.synth.motion.limits import AXES, ELBOW_AXIS, ELBOW_REST_DEG, clamp_to_limits
from hd_core.synth.motion.rig import MIRROR, REFERENCE_HEADS, SWAP, bone_ends
from hd_core.synth.motion.rotations import about, frame

_X, _Y, _Z = np.eye(3)
_BONES = bone_ends(REFERENCE_HEADS) - REFERENCE_HEADS
_TRUNK = (("LowerBack", 0.25), ("Spine", 0.4), ("Spine1", 0.35))
_NECK = (("Neck", 0.3), ("Neck1", 0.3), ("Head", 0.4))

Number = int | float
Angles = tuple[Number, Number, Number]
Pose = Float[np.ndarray, "31 3 3"]


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm in words that anatomy uses, degrees, for the left side; the right one is its mirror image.

    Args:
        up: How far the upper arm is raised: 0 hangs, 90 level, 180 overhead.
        ahead: Towards where it is raised: 0 sideways, 90 forward, negative backward.
        bend: Bend of the elbow; 0 is straight.
        hint: Where the forearm goes when the elbow bends: outward, back, up.
        roll: Turn of the forearm about itself.
        wrist: Bend of the wrist towards the palm.
        curl: Bend of the fingers.
    """

    up: Number
    ahead: Number
    bend: Number
    hint: Angles
    roll: Number = 0.0
    wrist: Number = 0.0
    curl: Number = 20.0


@dataclass(frozen=True, kw_only=True)
class Trunk:
    """Hips, spine and head, degrees: lean forward, lean to the left, turn to the left."""

    hips: Angles = (0.0, 0.0, 0.0)
    spine: Angles = (0.0, 0.0, 0.0)
    head: Angles = (0.0, 0.0, 0.0)


def pose_of(left: Arm, right: Arm, trunk: Trunk) -> Pose:
    """The turns of the upper body and hips; legs at rest."""
    pose = np.tile(np.eye(3), (len(BONES), 1, 1))
    _set_arm(pose, left)
    flipped = np.tile(np.eye(3), (len(BONES), 1, 1))
    _set_arm(flipped, right)
    arms = flipped[SWAP] * (MIRROR[:, None] * MIRROR)
    pose = pose @ arms  # each moves only its own side
    pose[bone_index("Hips")] = _lean(trunk.hips)
    for names, angles in ((_TRUNK, trunk.spine), (_NECK, trunk.head)):
        for name, share in names:
            forward, side, turn = angles
            pose[bone_index(name)] = _lean((share * forward, share * side, share * turn))
    return clamp_to_limits(pose)


def mirrored(pose: Pose) -> Pose:
    """The pose with left and right exchanged."""
    return cast(np.ndarray, pose[SWAP] * (MIRROR[:, None] * MIRROR))


def _lean(angles: Angles) -> Float[np.ndarray, "3 3"]:
    forward, side, turn = np.radians(angles)
    return cast(np.ndarray, about(_Z, turn) @ about(_Y, side) @ about(_X, forward))


def _set_arm(pose: Pose, arm: Arm) -> None:
    """Write the left arm into a pose."""
    up, ahead = np.radians(arm.up), np.radians(arm.ahead)
    aim = np.array([np.sin(up) * np.cos(ahead), -np.sin(up) * np.sin(ahead), -np.cos(up)])
    shoulder = about(_Y, -np.radians(0.3 * max(arm.up - 80.0, 0.0)))
    upper, fore = bone_index("LeftArm"), bone_index("LeftForeArm")
    rest = frame(_BONES[upper], ELBOW_AXIS)
    turn = frame(aim, np.cross(aim, np.array(arm.hint) + 0.05 * _BONES[fore])) @ rest.T
    hand = {"LeftHand": arm.wrist, "LeftFingerBase": 0.3 * arm.curl, "LeftHandFinger1": arm.curl}
    pose[bone_index("LeftShoulder")] = shoulder
    pose[upper] = shoulder.T @ turn
    pose[fore] = about(ELBOW_AXIS, np.radians(arm.bend - ELBOW_REST_DEG)) @ about(AXES[fore, 0], np.radians(arm.roll))
    for name, angle in hand.items():
        pose[bone_index(name)] = about(AXES[bone_index(name), 1], np.radians(angle))


class Dice:
    """Beta-distributed angles: mostly near the middle of a range, sometimes at its ends."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, low: Number, high: Number) -> float:
        """A number between two others, Beta(1.3, 1.3) in between."""
        return float(low + (high - low) * self._rng.beta(1.3, 1.3))

    def aim(self, *direction: Number) -> tuple[float, float, float]:
        """A direction with some scatter."""
        x, y, z = np.array(direction) + self._rng.normal(0, 0.15, 3)
        return float(x), float(y), float(z)

    def often(self, chance: float) -> bool:
        """True with a chance of 0..1."""
        return bool(self._rng.random() < chance)


def _hang(d: Dice) -> Arm:
    return Arm(up=d(8, 25), ahead=d(-20, 50), bend=d(8, 40), hint=d.aim(-0.1, -1, 0), curl=d(10, 45))


def _groove(d: Dice) -> Arm:
    return Arm(
        up=d(12, 50), ahead=d(-35, 85), bend=d(60, 120), hint=d.aim(-0.35, -1, 0.5), roll=d(-30, 30), curl=d(30, 80)
    )


def _level(d: Dice) -> Arm:
    return Arm(
        up=d(70, 110), ahead=d(-10, 45), bend=d(0, 70), hint=d.aim(0, -0.4, d(-1, 1)), wrist=d(-50, 50), curl=d(0, 30)
    )


def _before_torso(d: Dice) -> Arm:
    return Arm(up=d(22, 62), ahead=d(55, 105), bend=d(80, 125), hint=d.aim(-1, -0.35, d(-0.2, 0.8)), roll=d(-40, 40),
               wrist=d(-20, 40), curl=d(10, 80))  # fmt: skip


def _across(d: Dice) -> Arm:
    return Arm(up=d(45, 90), ahead=d(95, 125), bend=d(15, 80), hint=d.aim(-1, -0.2, 0.1), curl=d(0, 60))


def _overhead(d: Dice) -> Arm:
    return Arm(
        up=d(140, 178), ahead=d(5, 70), bend=d(3, 50), hint=d.aim(-0.6, -0.6, 0.6), wrist=d(-40, 40), curl=d(0, 60)
    )


def _point(d: Dice) -> Arm:
    return Arm(up=d(75, 150), ahead=d(0, 85), bend=d(2, 15), hint=d.aim(-0.4, -0.4, 0.6), curl=d(0, 10))


def _clap(d: Dice) -> Arm:
    up = d(35, 65)
    return Arm(up=up, ahead=78, bend=78, hint=(-1, -0.5, 0.25), wrist=-10, curl=5)


def _open(d: Dice) -> Arm:
    return Arm(up=d(40, 75), ahead=d(15, 55), bend=d(40, 80), hint=d.aim(-0.3, -1, 0.4), curl=d(0, 20))


def _on_hip(d: Dice) -> Arm:
    return Arm(up=d(40, 52), ahead=d(-32, -18), bend=d(95, 112), hint=(-1, -0.55, -0.1), wrist=30, curl=40)


def _box(d: Dice) -> Arm:
    return Arm(
        up=d(80, 95), ahead=d(0, 20), bend=d(80, 100), hint=(0, d(-0.5, -0.1), 1 if d.often(0.6) else -1), curl=0
    )


def _at_head(d: Dice) -> Arm:
    return Arm(up=d(105, 135), ahead=d(15, 50), bend=d(120, 140), hint=d.aim(-0.8, 0.1, 0.6), curl=d(10, 40))


def _jab(d: Dice) -> Arm:
    return Arm(up=d(70, 95), ahead=d(70, 100), bend=d(3, 30), hint=d.aim(-0.2, -0.5, -1), curl=85)


def _cocked(d: Dice) -> Arm:
    return Arm(up=d(25, 50), ahead=d(-40, 10), bend=d(115, 140), hint=d.aim(-0.2, -1, 0.6), curl=85)


_Pair = Callable[[Dice], tuple[tuple[Arm, Arm], tuple[Arm, Arm]]]

ARMS: dict[str, _Pair] = {
    "groove": lambda d: ((_groove(d), _groove(d)), (_groove(d), _groove(d))),
    "hang": lambda d: ((_hang(d), _hang(d)), (_hang(d), _hang(d))),
    "wave": lambda d: ((_level(d), _level(d)), (_level(d), _level(d))),
    "arms before torso": lambda d: (
        (_before_torso(d), _before_torso(d)),
        (_before_torso(d), (_hang if d.often(0.5) else _before_torso)(d)),
    ),
    "across": lambda d: ((_across(d), _groove(d)), (_groove(d), _across(d))),
    "reach up": lambda d: ((_overhead(d), _groove(d)), (_groove(d), _overhead(d))),
    "arms overhead": lambda d: ((_overhead(d), _overhead(d)), (_overhead(d), _overhead(d))),
    "point": lambda d: ((_point(d), _on_hip(d)), (_across(d), _on_hip(d))),
    "clap": lambda d: ((_clap(d),) * 2, (_open(d),) * 2),
    "hands on hips": lambda d: ((_on_hip(d), _on_hip(d)), (_on_hip(d), _on_hip(d))),
    "box": lambda d: ((_box(d), _box(d)), (_box(d), _box(d))),
    "hand at head": lambda d: ((_at_head(d), _level(d)), (_at_head(d), _on_hip(d))),
    "jab": lambda d: ((_jab(d), _cocked(d)), (_cocked(d), _jab(d))),
}
"""Families of arm gestures: each gives the (left, right) arms of two keys that the dance goes between."""


TRUNKS: dict[str, Callable[[Dice], tuple[Trunk, Trunk]]] = {
    "steady": lambda d: (Trunk(head=(d(-8, 8), d(-6, 6), d(-15, 15))), Trunk(head=(d(-8, 8), d(-6, 6), d(-15, 15)))),
    "twist": lambda d: _swung(d, hips=(0, 0, d(-8, 8)), spine=(d(-4, 8), d(-5, 5), d(12, 38)), head=(0, 0, d(-25, 5))),
    "lean": lambda d: _swung(d, hips=(0, d(-6, 6), 0), spine=(d(-4, 10), d(8, 24), d(-6, 6)), head=(0, d(-10, 8), 0)),
    "hip sway": lambda d: _swung(d, hips=(d(-4, 4), d(6, 14), d(-5, 5)), spine=(0, d(-16, -6), 0), head=(0, 2, 0)),
    "body roll": lambda d: (
        Trunk(hips=(d(-12, -4), 0, 0), spine=(d(14, 34), 0, 0), head=(d(5, 20), 0, 0)),
        Trunk(hips=(d(2, 10), 0, 0), spine=(d(-16, -4), 0, 0), head=(d(-18, 0), 0, 0)),
    ),
    "bow": lambda d: (
        Trunk(hips=(d(8, 22), 0, 0), spine=(d(15, 45), d(-6, 6), d(-15, 15)), head=(d(-20, 15), 0, d(-15, 15))),
        Trunk(spine=(d(-4, 10), 0, 0), head=(d(-8, 8), 0, d(-20, 20))),
    ),
}  # fmt: skip
"""Families of what hips, spine and head do: each gives two keys."""


def _swung(d: Dice, *, hips: Angles, spine: Angles, head: Angles) -> tuple[Trunk, Trunk]:
    """A lean and its mirror image, either first."""
    one = Trunk(hips=hips, spine=spine, head=head)
    other = Trunk(
        hips=(hips[0], -hips[1], -hips[2]), spine=(spine[0], -spine[1], -spine[2]), head=(head[0], -head[1], -head[2])
    )
    return (one, other) if d.often(0.5) else (other, one)
