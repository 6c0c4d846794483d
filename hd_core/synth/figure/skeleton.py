"""Bone lengths of a 1.75 m adult, and how a pose becomes joint positions and frames.

World axes: +x to the figure's left, +y up, +z where it looks; the floor is y = 0. "Rest coordinates" are world
coordinates of the standing figure.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Vec = Float[np.ndarray, "3"]
Mat = Float[np.ndarray, "3 3"]
Row = Float[np.ndarray, "12"]

HEIGHT_M = 1.75
UPPER_ARM_M, FOREARM_M = 0.285, 0.250
THIGH_M, SHANK_M = 0.425, 0.415
ANKLE_HEIGHT_M = 0.085
PELVIS_REST = np.array([0.0, 0.95, 0.0])
CHEST_PIVOT = np.array([0.0, 1.12, -0.01])
HEAD_PIVOT = np.array([0.0, 1.53, -0.012])
HEAD_CENTRE = np.array([0.0, 1.635, 0.012])
HIP_REST = np.array([0.092, 0.915, 0.0])
SHOULDER_REST = np.array([0.166, 1.398, -0.018])
"""Left side; the right is mirrored."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Everything that moves; side 0 is the figure's left (+x), side 1 its right.

    Args:
        pelvis: Position of the pelvis, m.
        pelvis_turn: Yaw, pitch, roll of the pelvis in the world, rad (about y, x, z, in that order).
        chest_turn: The same of the chest relative to the pelvis.
        head_turn: The same of the head relative to the chest.
        wrists: Wanted wrist positions in the chest's rest coordinates, per side.
        elbow_poles: Directions in which the elbows point, chest axes, per side.
        shoulder_lift: How far each shoulder is raised, m.
        finger_curl: Bend of the first finger joints, rad, per side.
        ankles: Ankle positions in the world, per side.
        foot_turn: Yaw, pitch, roll of the feet, per side.
    """

    pelvis: Vec
    pelvis_turn: Vec
    chest_turn: Vec
    head_turn: Vec
    wrists: Float[np.ndarray, "2 3"]
    elbow_poles: Float[np.ndarray, "2 3"]
    shoulder_lift: Float[np.ndarray, "2"]
    finger_curl: Float[np.ndarray, "2"]
    ankles: Float[np.ndarray, "2 3"]
    foot_turn: Float[np.ndarray, "2 3"]


@dataclass(frozen=True, kw_only=True)
class Joints:
    """A pose worked out: rigid maps from rest to world coordinates, and limb joints in the world.

    Args:
        pelvis: Rest to world; likewise `chest` and `head` (whose origin is the head's centre).
        shoulders: Per side; likewise the rest.
        foot_axes: Columns are the foot's x, y (up), z (forward) axes in the world.
    """

    pelvis: Row
    chest: Row
    head: Row
    shoulders: Float[np.ndarray, "2 3"]
    elbows: Float[np.ndarray, "2 3"]
    wrists: Float[np.ndarray, "2 3"]
    hips: Float[np.ndarray, "2 3"]
    knees: Float[np.ndarray, "2 3"]
    ankles: Float[np.ndarray, "2 3"]
    foot_axes: Float[np.ndarray, "2 3 3"]


def solve_pose(pose: Pose) -> Joints:
    """Put the bones of a pose in place: spine forwards, limbs by two-bone inverse kinematics."""
    pelvis_axes = turn(pose.pelvis_turn)
    chest_axes = pelvis_axes @ turn(pose.chest_turn)
    head_axes = chest_axes @ turn(pose.head_turn)
    pelvis = row_of(pelvis_axes, pose.pelvis - pelvis_axes @ PELVIS_REST)
    chest = row_of(chest_axes, apply(pelvis, CHEST_PIVOT) - chest_axes @ CHEST_PIVOT)
    neck = apply(chest, HEAD_PIVOT)
    head = row_of(head_axes, neck + head_axes @ (HEAD_CENTRE - HEAD_PIVOT))
    foot_axes = np.stack([turn(angles) for angles in pose.foot_turn])
    shoulders, elbows, wrists, hips, knees, ankles = (np.zeros((2, 3)) for _ in range(6))
    for side, sign in enumerate((1.0, -1.0)):
        mirror = np.array([sign, 1.0, 1.0])
        lift = np.array([-0.3 * sign, 1.0, 0.0]) * pose.shoulder_lift[side]
        shoulders[side] = apply(chest, SHOULDER_REST * mirror + lift)
        elbows[side], wrists[side] = two_bones(
            shoulders[side],
            apply(chest, pose.wrists[side]),
            lengths_m=(UPPER_ARM_M, FOREARM_M),
            pole=chest_axes @ pose.elbow_poles[side],
        )
        hips[side] = apply(pelvis, HIP_REST * mirror)
        pole = foot_axes[side][:, 2] + 0.3 * pelvis_axes[:, 2]
        knees[side], ankles[side] = two_bones(hips[side], pose.ankles[side], lengths_m=(THIGH_M, SHANK_M), pole=pole)
    return Joints(
        pelvis=pelvis,
        chest=chest,
        head=head,
        shoulders=shoulders,
        elbows=elbows,
        wrists=wrists,
        hips=hips,
        knees=knees,
        ankles=ankles,
        foot_axes=foot_axes,
    )


def two_bones(root: Vec, target: Vec, *, lengths_m: tuple[float, float], pole: Vec) -> tuple[Vec, Vec]:
    """Middle joint and end of two bones that reach for `target`, bent towards `pole` (law of cosines)."""
    first, second = lengths_m
    reach = target - root
    limit = 0.995 * (first + second)
    distance = float(np.clip(np.linalg.norm(reach), 1.2 * abs(first - second) + 0.02, limit))
    along = reach / np.linalg.norm(reach)
    t = (first**2 - second**2 + distance**2) / (2 * distance)
    sideways = pole - (pole @ along) * along
    sideways = sideways / np.linalg.norm(sideways)
    middle = root + t * along + np.sqrt(max(first**2 - t**2, 0.0)) * sideways
    return middle, root + distance * along


def turn(angles: Vec) -> Mat:
    """Rotation by yaw about y, then pitch about the new x, then roll about the new z; radians."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(yaw @ pitch @ roll)


def bone_axes(start: Vec, end: Vec, front: Vec) -> Mat:
    """Columns x, y, z of a limb: y down the bone, z as near to `front` as that allows."""
    y = (end - start) / np.linalg.norm(end - start)
    z = front - (front @ y) * y
    z = z / np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def row_of(axes: Mat, origin: Vec) -> Row:
    """A frame row for the kernels: rotation row-major, then origin."""
    return np.concatenate([axes.ravel(), origin])


def apply(row: Row, point: Vec) -> Vec:
    """A local point of a frame row in the world."""
    return np.asarray(row[:9].reshape(3, 3) @ point + row[9:])
