"""Legs that follow their feet: closed-form inverse kinematics from where hips and feet are to the leg's turns."""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.skeleton import bone_index
from hd_core.synth.motion.limits import AXES
from hd_core.synth.motion.rig import sole
from hd_core.synth.motion.rotations import about, frame

_X, _Z = np.array([1.0, 0, 0]), np.array([0.0, 0, 1])


@dataclass(frozen=True, kw_only=True)
class FootPath:
    """One foot through time.

    Args:
        ball: Where the ball of the foot's sole is, m.
        yaw: Heading, radians about the vertical; 0 as at rest.
        pitch: How far the heel is up, radians, about the ball.
        toe_pitch: How far the toes point down with it, radians; 0 keeps them level.
    """

    ball: Float[np.ndarray, "t 3"]
    yaw: Float[np.ndarray, " t"]
    pitch: Float[np.ndarray, " t"]
    toe_pitch: Float[np.ndarray, " t"]

    def turn(self) -> Float[np.ndarray, "t 3 3"]:
        """World turn of the foot."""
        return cast(np.ndarray, about(_Z, self.yaw) @ about(_X, self.pitch))

    def risen(self, heel: Float[np.ndarray, " t"]) -> "FootPath":
        """The same path with the heel up further, radians, the toes level."""
        return replace(self, pitch=self.pitch + heel)

    def lifted(self, height: Float[np.ndarray, " t"]) -> "FootPath":
        """The same path higher above the ground, m."""
        return replace(self, ball=self.ball + height[:, None] * _Z)

    def ankle(self, heads: Float[np.ndarray, "31 3"], side: str) -> Float[np.ndarray, "t 3"]:
        """Where the ankle is, m."""
        return cast(np.ndarray, self.ball + self.turn() @ (heads[bone_index(f"{side}Foot")] - sole(heads, side).ball))


def two_bone(
    thigh: Float[np.ndarray, "3"],
    shank: Float[np.ndarray, "3"],
    reach: Float[np.ndarray, "t 3"],
    hinge: Float[np.ndarray, "t 3"],
    *,
    axis: Float[np.ndarray, "3"],
) -> tuple[Float[np.ndarray, "t 3 3"], Float[np.ndarray, " t"]]:
    """Turn a leg so that its ankle lies at `reach` from the hip.

    With the knee bent by b about its axis a, the ankle is at v(b) = u + R(a, b) l from the hip, so
    |v|^2 = u.u + l.l + 2 (A + B cos b + C sin b) with A = (a.u)(a.l), B = u.l - A, C = u.(a x l): one angle on each
    side of the straight leg, and the one that bends forward is taken. The whole leg is then turned so that v points
    along `reach` and a lies as near to `hinge` as that allows. What is out of reach is pointed at.

    Args:
        thigh: Hip to knee at rest, m.
        shank: Knee to ankle at rest, m.
        reach: Hip to ankle as wanted, m.
        hinge: Wanted direction of the knee's axis.
        axis: The knee's axis at rest, a unit vector.

    Returns:
        World turn of the thigh, and the knee's bend in radians.
    """
    a = axis
    along = float(a @ thigh) * float(a @ shank)
    b, c = float(thigh @ shank) - along, float(thigh @ np.cross(a, shank))
    amplitude, phase = np.hypot(b, c), np.arctan2(c, b)
    wanted = (np.sum(reach**2, axis=-1) - thigh @ thigh - shank @ shank) / 2 - along
    bend = phase + np.arccos(np.clip(wanted / amplitude, -1.0, 1.0))
    chord = thigh + about(a, bend) @ shank
    target = frame(reach, hinge)
    rest = frame(chord, np.broadcast_to(a, chord.shape))
    return target @ rest.swapaxes(-1, -2), bend


def straight_leg(heads: Float[np.ndarray, "31 3"], side: str) -> float:
    """Greatest distance from hip to ankle, m."""
    hip, knee, ankle = (heads[bone_index(side + name)] for name in ("UpLeg", "Leg", "Foot"))
    u, v = knee - hip, ankle - knee
    a = AXES[bone_index(f"{side}Leg"), 1]
    across = np.hypot(u @ v - (a @ u) * (a @ v), u @ np.cross(a, v))
    return float(np.sqrt(u @ u + v @ v + 2 * ((a @ u) * (a @ v) + across)))


def solve_leg(
    heads: Float[np.ndarray, "31 3"],
    side: str,
    *,
    hips_turn: Float[np.ndarray, "t 3 3"],
    hip: Float[np.ndarray, "t 3"],
    foot: FootPath,
) -> dict[str, Float[np.ndarray, "t 3 3"]]:
    """The turns of thigh, shank, foot and toes that put one foot where its path says.

    The knee points between where the hips and where the foot are heading.

    Args:
        heads: Joint places at rest, m.
        side: "Left" or "Right".
        hips_turn: World turn of the hips.
        hip: Where the hip joint is, m.
        foot: Where the foot shall be.
    """
    names = [f"{side}{part}" for part in ("UpLeg", "Leg", "Foot")]
    thigh_head, knee_head, ankle_head = (heads[bone_index(name)] for name in names)
    foot_turn = foot.turn()
    hinge = hips_turn[..., 0] + about(_Z, foot.yaw)[..., 0]
    reach = foot.ankle(heads, side) - hip
    axis = AXES[bone_index(names[1]), 1]
    thigh, bend = two_bone(knee_head - thigh_head, ankle_head - knee_head, reach, hinge, axis=axis)
    knee = about(axis, bend)
    shank = thigh @ knee
    return {
        names[0]: hips_turn.swapaxes(-1, -2) @ thigh,
        names[1]: knee,
        names[2]: shank.swapaxes(-1, -2) @ foot_turn,
        f"{side}ToeBase": about(_X, foot.toe_pitch - foot.pitch),
    }
