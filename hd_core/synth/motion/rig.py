"""Proportions that motions are made for: the rest places of the joints, bone directions, soles, left and right."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from hd_core.synth.body.skeleton import BONES, PARENTS, bone_index

# Joint places of MakeHuman's CC0 base mesh (rig "cmu_mb", middle adult), m, rounded to 0.1 mm: left half and middle.
_PLACES: dict[str, tuple[float, float, float]] = {
    "Hips": (0.0, -0.0132, 0.0560),
    "LHipJoint": (0.0, -0.0132, 0.0560),
    "LeftUpLeg": (0.1014, -0.0049, 0.0479),
    "LeftLeg": (0.1425, -0.0374, -0.3431),
    "LeftFoot": (0.1806, -0.0227, -0.7486),
    "LeftToeBase": (0.1945, -0.1535, -0.7932),
    "LowerBack": (0.0, 0.0255, 0.1357),
    "Spine": (0.0, 0.0084, 0.2771),
    "Spine1": (0.0, 0.0187, 0.4210),
    "LeftShoulder": (0.0227, -0.0216, 0.5248),
    "LeftArm": (0.1700, -0.0193, 0.5021),
    "LeftForeArm": (0.3314, -0.0201, 0.3215),
    "LeftHand": (0.4533, -0.1833, 0.1973),
    "LThumb": (0.4544, -0.2272, 0.1898),
    "LeftFingerBase": (0.4640, -0.2094, 0.1816),
    "LeftHandFinger1": (0.4811, -0.2777, 0.1567),
    "Neck": (0.0, -0.0051, 0.5960),
    "Neck1": (0.0, -0.0247, 0.6464),
    "Head": (0.0, -0.0443, 0.6968),
}
# Where the bones that have no child end, relative to their heads, m.
_ENDS: dict[str, tuple[float, float, float]] = {
    "LeftToeBase": (0.0016, -0.0375, -0.0025),
    "LThumb": (-0.0209, -0.0210, -0.0087),
    "LeftHandFinger1": (0.0033, -0.0207, -0.0151),
    "Head": (0.0, 0.0069, 0.1480),
}
_NEXT = {"Hips": "LowerBack", "LHipJoint": "LeftUpLeg", "LeftFoot": "LeftToeBase", "Spine1": "Neck",
         "LeftShoulder": "LeftArm", "LeftHand": "LeftFingerBase"}  # fmt: skip
_SOLE_BELOW_TOES_PER_LEG = 0.0294  # the toe joint's height over the sole, by the length of the leg


def other_side(name: str) -> str:
    """The bone's twin on the other side of the body; a bone of the middle is its own."""
    for left, right in (("Left", "Right"), ("L", "R")):
        for here, there in ((left, right), (right, left)):
            if name.startswith(here) and there + name.removeprefix(here) in BONES:
                return there + name.removeprefix(here)
    return name


SWAP: Int[np.ndarray, "31"] = np.array([bone_index(other_side(name)) for name in BONES])
"""Index of every bone's twin."""
MIRROR = np.array([-1.0, 1.0, 1.0])
"""What a reflection in the plane between left and right does to a place."""


def _both_sides(table: dict[str, tuple[float, float, float]], name: str) -> Float[np.ndarray, "3"]:
    return np.array(table[name]) if name in table else np.array(table[other_side(name)]) * MIRROR


REFERENCE_HEADS: Float[np.ndarray, "31 3"] = np.stack([_both_sides(_PLACES, name) for name in BONES])
"""Joint places at rest of a middle adult, m."""


def continuation(name: str) -> str | None:
    """The bone that goes on where this one ends; None if it has no child."""
    left = name if name in _PLACES else other_side(name)
    if left in _ENDS:
        return None
    child = _NEXT[left] if left in _NEXT else BONES[PARENTS.index(bone_index(left))]
    return child if left == name else other_side(child)


def bone_ends(heads: Float[np.ndarray, "31 3"]) -> Float[np.ndarray, "31 3"]:
    """Where each bone ends at rest, m: the head of the child that continues it, or a point ahead if it has none."""
    ends = np.empty((len(BONES), 3))
    size = leg_length(heads) / leg_length(REFERENCE_HEADS)
    for index, name in enumerate(BONES):
        child = continuation(name)
        ends[index] = heads[index] + size * _both_sides(_ENDS, name) if child is None else heads[bone_index(child)]
    return ends


def leg_length(heads: Float[np.ndarray, "31 3"]) -> float:
    """Length of thigh and shank together, m."""
    hip, knee, ankle = (heads[bone_index(name)] for name in ("LeftUpLeg", "LeftLeg", "LeftFoot"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def ground_height(heads: Float[np.ndarray, "31 3"]) -> float:
    """Height of the floor under a person at rest, m: the plane z = this is the ground of every motion."""
    toes = min(heads[bone_index("LeftToeBase"), 2], heads[bone_index("RightToeBase"), 2])
    return float(toes - _SOLE_BELOW_TOES_PER_LEG * leg_length(heads))


@dataclass(frozen=True, kw_only=True)
class Sole:
    """Points under one foot at rest, on the ground, m.

    Args:
        ball: Under the toe joint: the foot pivots and rolls about it.
        heel: Behind the ankle.
        toe: Tip of the toes.
    """

    ball: Float[np.ndarray, "3"]
    heel: Float[np.ndarray, "3"]
    toe: Float[np.ndarray, "3"]


def sole(heads: Float[np.ndarray, "31 3"], side: str) -> Sole:
    """The sole of the "Left" or "Right" foot."""
    ankle, ball = heads[bone_index(f"{side}Foot")], heads[bone_index(f"{side}ToeBase")].copy()
    forward = ball - ankle
    heel, toe = ankle - 0.5 * forward, ball + 0.33 * forward
    heel[2] = ball[2] = toe[2] = ground_height(heads)
    return Sole(ball=ball, heel=heel, toe=toe)
