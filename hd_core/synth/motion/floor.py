"""People on the floor: they kneel or sit through the clip and dance with what is above the hips."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.skeleton import BONES, bone_index, forward_kinematics
from hd_core.synth.body.skinning import skin_points
from hd_core.synth.motion.collision import guard_arms
from hd_core.synth.motion.dance import upper_body
from hd_core.synth.motion.flesh import Flesh
from hd_core.synth.motion.limits import clamp_to_limits
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.poses import Dice, Number
from hd_core.synth.motion.rig import MIRROR, SWAP, ground_height
from hd_core.synth.motion.rotations import about
from hd_core.synth.motion.score import style_of, write_score

_X, _Y, _Z = np.eye(3)
_ABOVE_GROUND_M = 0.015
"""Room for the cloth between skin and floor."""
_SEARCH_DEG = 45.0
_Range = tuple[Number, Number]


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One leg in words that anatomy uses, ranges in degrees; 0 is standing.

    Args:
        flex: How far the thigh is raised ahead of the trunk.
        aside: How far it is spread.
        out: How far it is turned outwards about itself.
        knee: Bend of the knee.
        foot: How far the foot points down.
    """

    flex: _Range
    aside: _Range
    knee: _Range
    foot: _Range
    out: _Range = (-5.0, 10.0)


_Rest = tuple[int, str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class FloorPose:
    """How somebody is on the floor.

    Args:
        lead: The left leg, or the right one in the mirror.
        other: The other leg.
        settle: What is turned until two parts of the body are equally low: whose leg (0 lead, 1 other, 2 both), the
            angle, and the bones that carry the two parts.
        back: How far the hips lean back, degrees; the spine bends forward again.
    """

    lead: Leg
    other: Leg
    settle: tuple[_Rest, ...]
    back: _Range = (0.0, 0.0)


_KNEEL = Leg(flex=(0, 12), aside=(6, 16), knee=(75, 95), foot=(42, 50))
_HEELS = Leg(flex=(72, 84), aside=(6, 16), knee=(134, 140), foot=(44, 50))
_LONG = Leg(flex=(78, 92), aside=(5, 28), knee=(2, 20), foot=(5, 35), out=(0, 20))
_UP = Leg(flex=(105, 117), aside=(6, 14), knee=(85, 115), foot=(5, 20))
_SHIN, _SOLE = ("LeftLeg", "RightLeg"), ("LeftFoot", "LeftToeBase", "RightFoot", "RightToeBase")
_SEAT = ("Hips", "LHipJoint", "RHipJoint", "LeftUpLeg", "RightUpLeg")

FLOOR: dict[str, FloorPose] = {
    "kneel": FloorPose(lead=_KNEEL, other=_KNEEL, settle=((2, "knee", _SHIN, _SOLE),)),
    "kneel low": FloorPose(lead=_HEELS, other=_HEELS, settle=((2, "flex", _SHIN, _SOLE),)),
    "kneel on one knee": FloorPose(
        lead=Leg(flex=(80, 92), aside=(4, 14), knee=(80, 95), foot=(0, 5)),
        other=Leg(flex=(-8, 4), aside=(4, 12), knee=(75, 95), foot=(40, 50)),
        settle=(
            (1, "knee", ("RightLeg",), ("RightFoot", "RightToeBase")),
            (0, "flex", ("LeftFoot", "LeftToeBase"), ("RightLeg",)),
        ),
    ),
    "sit with the legs ahead": FloorPose(
        lead=_LONG, other=_LONG, settle=((2, "flex", _SEAT[:3], _SOLE),), back=(0, 15)
    ),
    "sit with the knees up": FloorPose(lead=_UP, other=_UP, settle=((2, "knee", _SEAT[:3], _SOLE),), back=(20, 32)),
    "sit with one knee up": FloorPose(
        lead=_UP,
        other=_LONG,
        settle=((1, "flex", _SEAT[:3], _SOLE[2:]), (0, "knee", _SEAT[:3], _SOLE[:2])),
        back=(18, 30),
    ),
}
"""The ways to be on the floor."""
SHARES: dict[str, float] = {name: 0.25 if name.startswith("sit") else 2.0 for name in FLOOR}
"""How often they come up: few sit, because skirts and shorts caught between thighs and belly tear."""


def sample_floor(
    rng: np.random.Generator, heads: Float[np.ndarray, "31 3"], flesh: Flesh, *, num_frames: int, fps: float
) -> Motion:
    """Draw a motion of somebody on the floor; legs and hips are still.

    Args:
        rng: Where chance comes from.
        heads: Joint places of the person at rest, m.
        flesh: The person's skin, which decides how the legs lie.
        num_frames: Length in frames.
        fps: Frames per second.
    """
    shares = np.array(list(SHARES.values()))
    name = str(rng.choice(list(SHARES), p=shares / shares.sum()))
    back = np.radians(Dice(rng)(*FLOOR[name].back))
    legs, low = _legs(Dice(rng), FLOOR[name], about(_X, -back), heads=heads, flesh=flesh)
    if rng.random() < 0.5:
        legs = legs[SWAP] * (MIRROR[:, None] * MIRROR)
    score = write_score(rng, style_of(rng, "any"), seconds=num_frames / fps)
    seconds = np.arange(num_frames) / fps
    turns = upper_body(rng, score, seconds * score.beats_per_minute / 60 + score.phase, seconds)
    for side in ("Left", "Right"):
        for bone in ("UpLeg", "Leg", "Foot", "ToeBase"):
            turns[:, bone_index(side + bone)] = legs[bone_index(side + bone)]
    turns[:, 0] = legs[0]
    for bone, share in (("LowerBack", 0.5), ("Spine", 0.4)):
        turns[:, bone_index(bone)] = about(_X, share * back) @ turns[:, bone_index(bone)]
    guarded = guard_arms(heads, clamp_to_limits(turns), fps=fps, flesh=flesh, floor_m=low).rotations
    guarded[:, 0] = about(_Z, np.radians(rng.normal(0, 60))) @ guarded[:, 0]
    root = np.array([0.0, 0.0, ground_height(heads) + _ABOVE_GROUND_M - low])
    return Motion(
        rotations=guarded.astype(np.float32),
        root=np.tile(root, (num_frames, 1)).astype(np.float32),
        fps=float(fps),
        families=("floor", name, *sorted({part.arms for part in score.segments})),
        beats_per_minute=score.beats_per_minute,
    )


def _legs(
    dice: Dice, pose: FloorPose, hips: Float[np.ndarray, "3 3"], *, heads: Float[np.ndarray, "31 3"], flesh: Flesh
) -> tuple[Float[np.ndarray, "31 3 3"], float]:
    """Turns of hips and legs with both ends on the floor, and how low the lowest skin then is, m."""
    angles = [
        {name: dice(*getattr(leg, name)) for name in ("flex", "aside", "out", "knee", "foot")}
        for leg in (pose.lead, pose.other)
    ]
    if pose.lead is pose.other:
        angles[1] |= {name: angles[0][name] for name in ("flex", "knee", "foot")}
    for whose, name, one, two in pose.settle:
        steps = np.linspace(-_SEARCH_DEG, _SEARCH_DEG, 46)
        tried = [[dict(leg) for leg in angles] for _ in steps]
        for legs, step in zip(tried, steps, strict=True):
            for leg in legs if whose == 2 else legs[whose : whose + 1]:
                leg[name] += step
        turns = np.stack([_turns_of(legs, hips) for legs in tried])
        gaps = np.abs(_lowest(heads, flesh, turns, one) - _lowest(heads, flesh, turns, two))
        angles = tried[int(np.argmin(gaps + 1e-4 * np.abs(steps)))]
    turns = _turns_of(angles, hips)
    return turns, float(_lowest(heads, flesh, turns[None], (*_SEAT, *_SHIN, *_SOLE))[0])


def _turns_of(angles: list[dict[str, float]], hips: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "31 3 3"]:
    """Turns of a person whose lead is the left leg, within the limits."""
    turns = np.tile(np.eye(3), (len(BONES), 1, 1))
    for side, sign, leg in (("Left", 1.0, angles[0]), ("Right", -1.0, angles[1])):
        flex, aside, out, knee, foot = (np.radians(leg[name]) for name in ("flex", "aside", "out", "knee", "foot"))
        thigh = about(_Y, -sign * aside) @ about(_X, -flex) @ about(_Z, sign * out)
        for bone, turn in (("UpLeg", thigh), ("Leg", about(_X, knee)), ("Foot", about(_X, foot))):
            turns[bone_index(side + bone)] = turn
    turns[0] = hips
    return clamp_to_limits(turns)


def _lowest(
    heads: Float[np.ndarray, "31 3"], flesh: Flesh, turns: Float[np.ndarray, "t 31 3 3"], bones: tuple[str, ...]
) -> Float[np.ndarray, " t"]:
    """Height of the lowest skin that some bones carry, the hips at rest, m."""
    posed = forward_kinematics(heads, turns, np.zeros((len(turns), 3)))
    carried = np.isin(flesh.bone_indices[:, 0], [bone_index(name) for name in bones])
    points = skin_points(flesh.points[carried], flesh.bone_indices[carried], flesh.bone_weights[carried], posed)
    return np.asarray(points[..., 2].min(axis=1), dtype=np.float64)
