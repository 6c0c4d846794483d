"""The dance: two seconds at 120 beats a minute that repeat seamlessly; the pose is a function of time alone."""

import numpy as np
from jaxtyping import Float

from hd_core.synth.figure.skeleton import ANKLE_HEIGHT_M, Pose

PERIOD_SECONDS = 2.0
BEATS = 4


def dance(time_seconds: float) -> Pose:
    """The pose at one instant: hips sway side to side every beat, arms swing across, the left one goes up."""
    sway = 2 * np.pi * time_seconds * BEATS / (2 * PERIOD_SECONDS)
    slow = 2 * np.pi * time_seconds / PERIOD_SECONDS
    side = np.sin(sway) + 0.12 * np.sin(3 * sway)
    bounce = 0.5 - 0.5 * np.cos(2 * sway)  # 0 on the beat, 1 between
    ankles, foot_turn = _feet(side)
    wrists, poles, lift, curl = _arms(sway, slow)
    return Pose(
        pelvis=np.array([0.055 * side, 0.875 + 0.035 * bounce, 0.015 * np.cos(2 * sway)]),
        pelvis_turn=np.array([0.24 * np.sin(slow) + 0.08 * side, 0.05, 0.11 * side]),
        chest_turn=np.array([0.16 * np.sin(sway + 0.7), 0.05 - 0.05 * bounce, -0.17 * side]),
        head_turn=np.array([-0.2 * np.sin(slow + 0.4), 0.06 - 0.10 * bounce, 0.09 * side]),
        wrists=wrists,
        elbow_poles=poles,
        shoulder_lift=lift,
        finger_curl=curl,
        ankles=ankles,
        foot_turn=foot_turn,
    )


def _feet(side: float) -> tuple[Float[np.ndarray, "2 3"], Float[np.ndarray, "2 3"]]:
    """Feet stay where they are; the heel of the leg without weight rises about the ball of the foot."""
    ankles, turns = np.zeros((2, 3)), np.zeros((2, 3))
    for index, sign in enumerate((1.0, -1.0)):
        yaw = sign * 0.26
        free = max(-sign * side, 0.0) ** 1.5
        pitch = 0.55 * free
        ball = np.array([sign * 0.140, 0.0, 0.10]) + 0.02 * sign * np.array([1.0, 0, 1.0])
        forward = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        back, up = 0.115, ANKLE_HEIGHT_M
        rise = up * np.cos(pitch) + back * np.sin(pitch)
        retreat = back * np.cos(pitch) - up * np.sin(pitch)
        ankles[index] = ball - retreat * forward + np.array([0.0, rise, 0.0])
        turns[index] = (yaw, pitch, 0.0)
    return ankles, turns


def _arms(
    sway: float, slow: float
) -> tuple[Float[np.ndarray, "2 3"], Float[np.ndarray, "2 3"], Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Forearms swing across the belly in turn; in the second half the left hand pumps beside the head."""
    raised = (0.5 - 0.5 * np.cos(slow)) ** 1.5
    swing = np.sin(sway + 0.5)
    low_left = np.array([0.20 + 0.17 * swing, 1.10 - 0.05 * swing, 0.26 + 0.06 * np.cos(sway)])
    pump = 0.05 * np.cos(2 * sway)
    high_left = np.array([0.40, 1.60 + pump, 0.17])
    bow = raised * (1 - raised) * np.array([0.45, 0.0, 0.25])  # the hand goes round, not through the chest
    left = low_left * (1 - raised) + high_left * raised + bow
    right = np.array([-0.17 + 0.20 * swing, 1.13 + 0.07 * swing, 0.27 - 0.05 * np.cos(sway)])
    poles = np.array([[0.75 + 0.3 * raised, -0.9, -0.55 + 0.2 * raised], [-0.75, -0.9, -0.55]])
    lift = np.array([0.035 * raised, 0.008 * (1 + swing)])
    curl = np.array([0.75 - 0.45 * raised, 0.65 + 0.15 * swing])
    return np.stack([left, right]), poles, lift, curl
