"""Captured motions on our skeleton: joint names matched, world turns taken over, rest poses reconciled.

With W the world turn of a source joint and D the smallest turn that takes our bone's rest direction to the source's,
our bone's world turn is W D: it then points where the source's bone points. Bone lengths stay ours.
"""

from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.synth.body.skeleton import BONES, PARENTS
from hd_core.synth.motion.bvh import Clip, read_bvh
from hd_core.synth.motion.motion import Motion
from hd_core.synth.motion.rig import REFERENCE_HEADS, bone_ends, continuation, leg_length
from hd_core.synth.motion.rotations import between

_WORLD_FROM_YUP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Captures are Y up and face +Z; we are Z up and face -Y."""

# Other names that joints go by in captures, in lower case without blanks, dots and underscores.
_ALIASES: dict[str, str] = {
    "hip": "Hips", "pelvis": "Hips", "abdomen": "LowerBack", "chest": "Spine1", "spine2": "Spine1",
    "lefthip": "LeftUpLeg", "leftupperleg": "LeftUpLeg", "lthigh": "LeftUpLeg", "lhipjoint": "LHipJoint",
    "leftknee": "LeftLeg", "leftlowerleg": "LeftLeg", "lshin": "LeftLeg", "leftankle": "LeftFoot",
    "lfoot": "LeftFoot", "lefttoe": "LeftToeBase", "leftcollar": "LeftShoulder", "lcollar": "LeftShoulder",
    "leftupperarm": "LeftArm", "leftuparm": "LeftArm", "lshldr": "LeftArm", "leftelbow": "LeftForeArm",
    "leftlowerarm": "LeftForeArm", "leftlowarm": "LeftForeArm", "lforearm": "LeftForeArm",
    "leftwrist": "LeftHand", "lhand": "LeftHand", "lefthandindex1": "LeftHandFinger1",
    "leftthumb": "LThumb", "lefthandthumb1": "LThumb",
}  # fmt: skip


def bone_of_joint(name: str) -> str | None:
    """Our bone for a joint of a capture (CMU, MakeHuman, Mixamo and similar names); None if we have none for it."""
    plain = name.rsplit(":", maxsplit=1)[-1].lower().replace("_", "").replace(".", "").replace(" ", "")
    ours = {bone.lower(): bone for bone in BONES}
    if plain in ours:
        return ours[plain]
    if plain in _ALIASES:
        return _ALIASES[plain]
    for ours_side, theirs_side in (("left", "right"), ("l", "r")):
        if plain.startswith(theirs_side):
            left = _ALIASES.get(ours_side + plain.removeprefix(theirs_side))
            if left is not None:
                return left.replace("Left", "Right") if left.startswith("Left") else "R" + left[1:]
    return None


def load_bvh(path: Path, *, heads: Float[np.ndarray, "31 3"] | None = None) -> Motion:
    """Read a BVH file and put it on our skeleton.

    Args:
        path: A Y-up BVH file whose rest pose faces +Z, as those of CMU, MakeHuman and Mixamo do.
        heads: Joint places of our person at rest, m; a middle adult's by default.

    Raises:
        InputError: The file is no BVH, or has no hips or legs that we know by name.
    """
    return retarget(read_bvh(path), heads=REFERENCE_HEADS if heads is None else heads)


def retarget(clip: Clip, *, heads: Float[np.ndarray, "31 3"]) -> Motion:
    """Put a captured motion on our skeleton; bones it does not have keep their rest pose relative to their parents.

    Its hips begin above our origin; paths are scaled by the length of the legs.

    Raises:
        InputError: The capture has no joints for the hips, a leg or the feet.
    """
    joints = {bone: index for index, name in reversed(list(enumerate(clip.names))) if (bone := bone_of_joint(name))}
    missing = [bone for bone in ("Hips", "LeftUpLeg", "LeftLeg", "LeftFoot", "RightFoot") if bone not in joints]
    if missing:
        raise InputError(
            f"Found joints {', '.join(clip.names)}; expected also {', '.join(missing)} or names known for them.",
            "Rename the joints as CMU's BVH files name them.",
        )
    world = _world_turns(clip)
    scale = leg_length(heads) / _leg_of(clip, joints)
    path = (clip.root @ _WORLD_FROM_YUP.T) * scale
    start = np.array([path[0, 0], path[0, 1], _rest_hips(clip, joints)[2] * scale])
    return Motion(
        rotations=_local_turns(clip, joints, world, heads).astype(np.float32),
        root=(path - start).astype(np.float32),
        fps=float(clip.fps),
        families=("capture",),
    )


def _world_turns(clip: Clip) -> Float[np.ndarray, "t j 3 3"]:
    """Turns of the capture's joints from its rest pose, in our axes."""
    world = clip.turns.copy()
    for joint, parent in enumerate(clip.parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ world[:, joint]
    return cast(np.ndarray, _WORLD_FROM_YUP @ world @ _WORLD_FROM_YUP.T)


def _local_turns(
    clip: Clip, joints: dict[str, int], world: Float[np.ndarray, "t j 3 3"], heads: Float[np.ndarray, "31 3"]
) -> Float[np.ndarray, "t 31 3 3"]:
    """Our bones' turns relative to their parents."""
    ours = np.empty((len(world), len(BONES), 3, 3))
    bones = bone_ends(heads) - heads
    for index, name in enumerate(BONES):
        above = ours[:, PARENTS[index]] if PARENTS[index] >= 0 else np.tile(np.eye(3), (len(world), 1, 1))
        ours[:, index] = above
        if name in joints and "HipJoint" not in name:
            joint = joints[name]
            direction = _WORLD_FROM_YUP @ _rest_bone(clip, joints, name)
            limb = name.startswith(("Left", "Right")) and np.linalg.norm(direction) > 0
            ours[:, index] = world[:, joint] @ (between(bones[index], direction) if limb else np.eye(3))
    local = ours.copy()
    for index, parent in enumerate(PARENTS):
        if parent >= 0:
            local[:, index] = ours[:, parent].swapaxes(-1, -2) @ ours[:, index]
    return local


def _rest_bone(clip: Clip, joints: dict[str, int], name: str) -> Float[np.ndarray, "3"]:
    """Rest direction of a bone of the capture, its own axes: to the joint that continues ours, else to its own tip."""
    child = joints.get(continuation(name) or "")
    above = child
    way = np.zeros(3)
    while above is not None and above > joints[name]:
        way = way + clip.offsets[above]
        above = clip.parents[above]
    return way if child is not None and above == joints[name] else clip.tips[joints[name]]


def _leg_of(clip: Clip, joints: dict[str, int]) -> float:
    """Length of the capture's leg in its own units."""
    thigh, shank = (float(np.linalg.norm(clip.tips[joints[bone]])) for bone in ("LeftUpLeg", "LeftLeg"))
    return max(thigh + shank, 1e-9)


def _rest_hips(clip: Clip, joints: dict[str, int]) -> Float[np.ndarray, "3"]:
    """Place of the capture's hips over the ground if it stood upright, its own units, our axes.

    A capture does not say where its ground is: its lowest ankle of all frames is taken to be as high as at rest.
    """
    drop = np.zeros(3)
    joint: int = joints["LeftFoot"]
    while clip.parents[joint] >= 0:
        drop += clip.offsets[joint]
        joint = clip.parents[joint]
    world = _world_turns(clip)
    lowest = np.inf
    for side in ("Left", "Right"):
        lowest = min(lowest, float(_place(clip, world, joints[f"{side}Foot"])[:, 2].min()))
    return np.array([0.0, 0.0, lowest - (_WORLD_FROM_YUP @ drop)[2]])


def _place(clip: Clip, world: Float[np.ndarray, "t j 3 3"], joint: int) -> Float[np.ndarray, "t 3"]:
    """Where a joint of the capture is, its own units, our axes."""
    above = clip.parents[joint]
    if above < 0:
        return cast(np.ndarray, clip.root @ _WORLD_FROM_YUP.T)
    return cast(np.ndarray, _place(clip, world, above) + world[:, above] @ (_WORLD_FROM_YUP @ clip.offsets[joint]))
