"""From joints to the numbers that the distance kernels read: cones, frames, profiles, fold drivers, bounds."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from hd_core.synth.figure.hands import Segment, cone_rows, hand_axes, hand_segments
from hd_core.synth.figure.skeleton import Joints, Pose, Vec, apply, bone_axes, row_of, solve_pose, turn

# Rows of `Body.frames`; where there is a left and a right one, the right one follows.
PELVIS, CHEST, HEAD, HEEL, TOES, THIGH, SHANK, UPPER_ARM = 0, 1, 2, 3, 5, 7, 9, 11
# First rows of `Body.cones`; ranges end where the next begins.
NECK, ARM, HAND, LEG, SLEEVE, YOKE, NUM_CONES = 0, 5, 11, 41, 45, 47, 49
CONES_PER_ARM, CONES_PER_PALM, CONES_PER_HAND = 3, 5, 15
# Columns of `Body.drive`, each with the left value followed by the right one.
KNEE_BEND, HIP_BEND, ARM_RAISE, ELBOW_BEND = 0, 2, 4, 6
SIDE_BEND, TWIST, NUM_DRIVE = 8, 9, 10
# Rows of `Body.bounds`: balls around parts.
B_HEAD, B_SHIRT, B_TROUSERS, B_ARM, B_HAND, B_SHOE, NUM_BOUNDS = 0, 1, 2, 3, 5, 7, 9

SHIRT_HEM_M, SHIRT_TOP_M = 0.80, 1.48
"""Range of rest heights over which the shirt's profile is tabled."""
SLEEVE_SHARE = 0.66
"""Length of the sleeve over that of the upper arm."""
FOOT_BALL_M = 0.115

SHIRT_PROFILE = np.array(
    # height, half width, half depth, offset forwards; metres
    [
        [0.80, 0.184, 0.140, -0.004],
        [0.90, 0.180, 0.136, -0.006],
        [1.00, 0.168, 0.126, 0.000],
        [1.10, 0.160, 0.119, 0.006],
        [1.20, 0.163, 0.119, 0.006],
        [1.30, 0.168, 0.121, 0.002],
        [1.38, 0.155, 0.108, -0.008],
        [1.44, 0.112, 0.080, -0.020],
        [1.48, 0.080, 0.062, -0.026],
    ]
)
PROFILE_STEPS = 17


class Body(NamedTuple):
    """A pose as arrays; see the column and row numbers of this module."""

    frames: Float[np.ndarray, "f 12"]
    cones: Float[np.ndarray, "n 11"]
    drive: Float[np.ndarray, " d"]
    shirt: Float[np.ndarray, "s 3 4"]
    bounds: Float[np.ndarray, "b 4"]


def build_body(pose: Pose) -> Body:
    """Work out everything that depends on the pose and not on the point asked about."""
    joints = solve_pose(pose)
    cones = cone_rows(_neck(joints) + _arms(joints) + _hands(joints, pose) + _legs(joints) + _sleeves(joints))
    return Body(
        frames=_frames(joints, pose),
        cones=cones,
        drive=_drive(joints, pose),
        shirt=_shirt_profile(),
        bounds=_bounds(joints, cones),
    )


def _neck(joints: Joints) -> list[Segment]:
    """Neck, the slopes down to the shoulders, and the skin that shows in the collar."""
    on_chest = joints.chest
    base = apply(on_chest, np.array([0.0, 1.445, -0.022]))
    top = apply(joints.head, np.array([0.0, -0.060, -0.022]))
    rows: list[Segment] = [(base, top, 0.058, 0.051)]
    for sign in (1.0, -1.0):
        inner = apply(on_chest, np.array([0.022 * sign, 1.488, -0.036]))
        outer = apply(on_chest, np.array([0.105 * sign, 1.418, -0.026]))
        rows.append((inner, outer, 0.034, 0.024))
    for sign in (1.0, -1.0):
        inner = apply(on_chest, np.array([0.020 * sign, 1.415, 0.022]))
        rows.append((inner, apply(on_chest, np.array([0.070 * sign, 1.412, 0.008])), 0.036, 0.024))
    return rows


def _arms(joints: Joints) -> list[Segment]:
    rows: list[Segment] = []
    for side in range(2):
        elbow, wrist = joints.elbows[side], joints.wrists[side]
        belly = elbow + 0.30 * (wrist - elbow)
        rows.append((joints.shoulders[side], elbow, 0.046, 0.036))
        rows.append((elbow, belly, 0.036, 0.0405))
        rows.append((belly, wrist, 0.0405, 0.0245))
    return rows


def _hands(joints: Joints, pose: Pose) -> list[Segment]:
    rows: list[Segment] = []
    chest_axes = joints.chest[:9].reshape(3, 3)
    for side, sign in enumerate((1.0, -1.0)):
        curl = float(pose.finger_curl[side])
        inward = chest_axes @ np.array([-sign, -0.35, -0.45])
        axes = hand_axes(joints.elbows[side], joints.wrists[side], sign=sign, inward=inward, bend=0.25 * curl)
        place = row_of(axes, joints.wrists[side])
        rows += [(apply(place, a), apply(place, b), r, s) for a, b, r, s in hand_segments(curl)]
    return rows


def _legs(joints: Joints) -> list[Segment]:
    """The trouser legs: thigh and shank, wide enough to be cloth."""
    rows: list[Segment] = []
    for side in range(2):
        rows.append((joints.hips[side], joints.knees[side], 0.099, 0.070))
        rows.append((joints.knees[side], joints.ankles[side], 0.070, 0.071))
    return rows


def _sleeves(joints: Joints) -> list[Segment]:
    """Sleeves, then the cloth over the shoulders from the collar outwards."""
    rows: list[Segment] = []
    for side in range(2):
        start, elbow = joints.shoulders[side], joints.elbows[side]
        rows.append((start, start + (SLEEVE_SHARE + 0.15) * (elbow - start), 0.056, 0.071))
    for side, sign in enumerate((1.0, -1.0)):
        inner = apply(joints.chest, np.array([0.050 * sign, 1.436, -0.024]))
        rows.append((inner, joints.shoulders[side], 0.046, 0.055))
    return rows


def _frames(joints: Joints, pose: Pose) -> Float[np.ndarray, "f 12"]:
    rows = [joints.pelvis, joints.chest, joints.head]
    heels, toes, thighs, shanks, uppers = [], [], [], [], []
    for side in range(2):
        axes = joints.foot_axes[side]
        ball = joints.ankles[side] + axes @ np.array([0.0, -0.085, FOOT_BALL_M])
        heels.append(row_of(axes, ball))
        toes.append(row_of(turn(pose.foot_turn[side] * np.array([1.0, 0.0, 0.0])), ball))
        hip, knee, ankle = joints.hips[side], joints.knees[side], joints.ankles[side]
        front = axes[:, 2] + 0.3 * joints.pelvis[:9].reshape(3, 3)[:, 2]
        thighs.append(row_of(bone_axes(hip, knee, front), hip))
        shanks.append(row_of(bone_axes(knee, ankle, front), knee))
        shoulder, elbow = joints.shoulders[side], joints.elbows[side]
        uppers.append(row_of(bone_axes(shoulder, elbow, joints.wrists[side] - elbow), shoulder))
    return np.stack(rows + heels + toes + thighs + shanks + uppers)


def _drive(joints: Joints, pose: Pose) -> Float[np.ndarray, " d"]:
    """Angles that the folds follow, rad."""
    drive = np.zeros(NUM_DRIVE)
    chest_down = -joints.chest[:9].reshape(3, 3)[:, 1]
    pelvis_down = -joints.pelvis[:9].reshape(3, 3)[:, 1]
    for side in range(2):
        thigh = joints.knees[side] - joints.hips[side]
        upper = joints.elbows[side] - joints.shoulders[side]
        drive[KNEE_BEND + side] = _angle(thigh, joints.ankles[side] - joints.knees[side])
        drive[HIP_BEND + side] = _angle(pelvis_down, thigh)
        drive[ARM_RAISE + side] = _angle(chest_down, upper)
        drive[ELBOW_BEND + side] = _angle(upper, joints.wrists[side] - joints.elbows[side])
    drive[SIDE_BEND] = pose.chest_turn[2]
    drive[TWIST] = pose.chest_turn[0]
    return drive


def _angle(a: Vec, b: Vec) -> float:
    return float(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def _shirt_profile() -> Float[np.ndarray, "s 3 4"]:
    """Cubic pieces of half width, half depth and offset over equal steps of rest height, highest power first."""
    heights = np.linspace(SHIRT_HEM_M, SHIRT_TOP_M, PROFILE_STEPS + 1)
    values = CubicSpline(SHIRT_PROFILE[:, 0], SHIRT_PROFILE[:, 1:])(heights)
    pieces = CubicSpline(heights, values).c  # (4, steps, 3)
    return np.ascontiguousarray(pieces.transpose(1, 2, 0))


def _bounds(joints: Joints, cones: Float[np.ndarray, "n 11"]) -> Float[np.ndarray, "b 4"]:
    """Balls that hold each part with its folds; the kernels skip a part that is further than the nearest hit."""
    bounds = np.zeros((NUM_BOUNDS, 4))
    bounds[B_HEAD] = _ball(joints.head[9:], 0.27)
    middle = apply(joints.chest, np.array([0.0, 1.15, 0.0]))
    sleeves = max(float(np.linalg.norm(_tip(cones[SLEEVE + side]) - middle)) for side in range(2))
    bounds[B_SHIRT] = _ball(middle, max(sleeves + 0.10, 0.50))
    legs = [*joints.hips, *joints.knees, *joints.ankles]
    centre = (joints.hips.mean(0) + joints.ankles.mean(0)) / 2
    bounds[B_TROUSERS] = _ball(centre, max(float(np.linalg.norm(leg - centre)) for leg in legs) + 0.20)
    for side in range(2):
        elbow, wrist = joints.elbows[side], joints.wrists[side]
        middle = (joints.shoulders[side] + wrist) / 2
        reach = max(float(np.linalg.norm(elbow - middle)), float(np.linalg.norm(wrist - middle)))
        bounds[B_ARM + side] = _ball(middle, reach + 0.06)
        along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        bounds[B_HAND + side] = _ball(wrist + 0.085 * along, 0.135)
        foot = joints.ankles[side] + joints.foot_axes[side] @ np.array([0.0, -0.045, 0.05])
        bounds[B_SHOE + side] = _ball(foot, 0.185)
    return bounds


def _tip(cone: Float[np.ndarray, "11"]) -> Vec:
    return np.asarray(cone[:3] + cone[3:6] * cone[6])


def _ball(centre: Vec, radius: float) -> Float[np.ndarray, "4"]:
    return np.append(centre, radius)
