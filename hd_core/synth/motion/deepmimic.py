"""Reading the motions of DeepMimic: JSON files with thirteen joints, quaternions and bend angles.

The format is that of X. B. Peng et al., "DeepMimic", 2018 (humanoid3d). A frame has 44 numbers: its duration, the
root's place and quaternion (w, x, y, z), then quaternions of the ball joints and one angle for each knee and elbow
about the sideways axis. Axes: Y up, the person faces +X at rest, arms hanging.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.motion.bvh import Clip
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.retarget import retarget
from hd_core.synth.motion.rig import REFERENCE_HEADS
from hd_core.synth.motion.rotations import about, from_quaternion, from_vector, to_vector

_NUMBERS = 44
_X, _Y = np.array([1.0, 0, 0]), np.array([0.0, 1, 0])
_FACING = about(_Y, -np.pi / 2)  # from facing +X to facing +Z
_TURNS = {"root": 4, "chest": 8, "neck": 12, "RightUpLeg": 16, "RightFoot": 21, "RightArm": 25,
          "LeftUpLeg": 30, "LeftFoot": 35, "LeftArm": 39}  # fmt: skip
_BENDS = {"RightLeg": 20, "RightForeArm": 29, "LeftLeg": 34, "LeftForeArm": 43}
_CHAIN: tuple[tuple[str, str | None, str | None, float], ...] = (
    ("Hips", None, "root", 1.0),
    ("LowerBack", "Hips", "chest", 1 / 3),
    ("Spine", "LowerBack", "chest", 1 / 3),
    ("Spine1", "Spine", "chest", 1 / 3),
    ("Neck", "Spine1", "neck", 0.5),
    ("Head", "Neck", "neck", 0.5),
)
"""Joints of the middle: name, parent, whose turn they share, and their share of it."""


def load_deepmimic(path: Path, *, heads: Float[np.ndarray, "31 3"] | None = None) -> Motion:
    """Read a motion of DeepMimic and put it on our skeleton.

    The one joint of the chest is shared out over three of the spine, the neck's over neck and head.

    Args:
        path: A JSON file with "Frames".
        heads: Joint places of our person at rest, m; a middle adult's by default.

    Raises:
        InputError: The file is not of this format.
    """
    try:
        frames = np.array(json.loads(path.read_text(encoding="utf-8"))["Frames"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no motion of DeepMimic: {error}.") from error
    if frames.ndim != 2 or frames.shape[1] != _NUMBERS or not np.isfinite(frames).all() or frames[0, 0] <= 0:
        raise InputError(
            f"{path} holds frames of shape {frames.shape}; expected (n, {_NUMBERS}) finite numbers, durations above 0."
        )
    return retarget(_clip(frames), heads=REFERENCE_HEADS if heads is None else heads)


def _clip(frames: Float[np.ndarray, "t 44"]) -> Clip:
    """The frames on a skeleton of our proportions with hanging arms, Y up, facing +Z."""
    joints: list[tuple[str, str | None, Float[np.ndarray, "t 3 3"]]] = []
    for name, parent, source, share in _CHAIN:
        turn = _FACING @ from_quaternion(frames[:, _TURNS[str(source)] : _TURNS[str(source)] + 4]) @ _FACING.T
        joints.append((name, parent, from_vector(share * to_vector(turn)) if share < 1 else turn))
    for side in ("Left", "Right"):
        for name, above in (("UpLeg", "Hips"), ("Leg", f"{side}UpLeg"), ("Foot", f"{side}Leg")):
            joints.append((side + name, above, _turn(frames, side + name)))
        joints.append((f"{side}Arm", "Spine1", _turn(frames, f"{side}Arm")))
        joints.append((f"{side}ForeArm", f"{side}Arm", _turn(frames, f"{side}ForeArm")))
    names = [name for name, _, _ in joints]
    parents = [-1 if parent is None else names.index(parent) for _, parent, _ in joints]
    places = np.stack([_rest_place(name) for name in names])
    offsets = np.stack([places[i] - (places[p] if p >= 0 else 0) for i, p in enumerate(parents)])
    tips = np.array([_tip(name) for name in names])
    return Clip(
        names=tuple(names),
        parents=tuple(parents),
        offsets=offsets,
        tips=tips,
        turns=np.stack([turn for _, _, turn in joints], axis=1),
        root=frames[:, 1:4] @ _FACING.T,
        fps=float(1 / frames[0, 0]),
    )


def _turn(frames: Float[np.ndarray, "t 44"], name: str) -> Float[np.ndarray, "t 3 3"]:
    """Turn of a limb's joint, facing +Z; the sideways axis +Z of the file is then -X."""
    if name in _BENDS:
        return about(-_X, frames[:, _BENDS[name]])
    turn: Float[np.ndarray, "t 3 3"] = _FACING @ from_quaternion(frames[:, _TURNS[name] : _TURNS[name] + 4]) @ _FACING.T
    return turn


def _rest_place(name: str) -> Float[np.ndarray, "3"]:
    """Place of a joint at rest, Y up, facing +Z: ours, but straight legs and hanging arms."""
    side = "Left" if name.startswith("Left") else "Right"
    above = {"Leg": "UpLeg", "Foot": "Leg", "ForeArm": "Arm"}.get(name.removeprefix(side))
    return _ours(name) if above is None else _rest_place(side + above) + _tip(side + above)


def _tip(name: str) -> Float[np.ndarray, "3"]:
    """Where a joint's bone ends at rest, relative to it, m, Y up: limbs hang straight down, feet are as ours."""
    side = "Left" if name.startswith("Left") else "Right"
    ends = {"Arm": "ForeArm", "ForeArm": "Hand", "UpLeg": "Leg", "Leg": "Foot", "Foot": "ToeBase"}
    part = name.removeprefix(side)
    if part not in ends:
        return _Y
    way = _ours(side + ends[part]) - _ours(name)
    return way if part == "Foot" else -_Y * float(np.linalg.norm(way))


def _ours(name: str) -> Float[np.ndarray, "3"]:
    """Place of our joint at rest, Y up, facing +Z."""
    x, y, z = REFERENCE_HEADS[bone_index(name)]
    return np.array([x, z, -y])
