"""Arms that do not pass through the body: capsules along the bones or the skin itself, and pushing the shoulders."""

from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d

from hd_core.synth.body.skeleton import PARENTS, bone_index, forward_kinematics
from hd_core.synth.motion.flesh import Flesh, arm_contacts
from hd_core.synth.motion.limits import clamp_bone
from hd_core.synth.motion.rig import bone_ends, leg_length
from hd_core.synth.motion.rotations import from_vector

# Radius by the length of the leg: a middle adult's, so 0.10 is 8 cm there.
_ARM = {"ForeArm": 0.040, "Hand": 0.042, "HandFinger1": 0.020}
_BODY = {"Hips": 0.150, "LowerBack": 0.140, "Spine": 0.145, "Spine1": 0.130, "Neck": 0.070, "Head": 0.115,
         "LeftUpLeg": 0.088, "RightUpLeg": 0.088}  # fmt: skip
_SIDES = (("Left", "Right"), ("Right", "Left"))
_ROUNDS = 8
_CLEARANCE = 0.006  # m that skin is kept from skin
_SMOOTH_SECONDS = 0.08
_BOOST = 1.6  # a push loses height where it is smoothed; give back at most this factor


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """Arms after the guard.

    Args:
        rotations: Turns with the arms pushed clear.
        depth: How deep the arms still are in the body, m; 0 where they are clear.
    """

    rotations: Float[np.ndarray, "t 31 3 3"]
    depth: Float[np.ndarray, " t"]

    @property
    def clear(self) -> Bool[np.ndarray, " t"]:
        """Which frames are free of contact deeper than 1 cm."""
        return self.depth <= 0.01


def segment_gap(
    a: Float[np.ndarray, "*n 3"],
    b: Float[np.ndarray, "*n 3"],
    c: Float[np.ndarray, "*n 3"],
    d: Float[np.ndarray, "*n 3"],
) -> tuple[Float[np.ndarray, "*n 3"], Float[np.ndarray, "*n 3"]]:
    """The nearest points of segments ab and cd (C. Ericson, "Real-time collision detection", 2005, 5.1.9)."""
    u, v, w = b - a, d - c, a - c
    uu, vv, uv = np.sum(u * u, -1), np.sum(v * v, -1), np.sum(u * v, -1)
    uw, vw = np.sum(u * w, -1), np.sum(v * w, -1)
    det = np.maximum(uu * vv - uv * uv, 1e-12)
    s = np.clip((uv * vw - uw * vv) / det, 0, 1)
    t = np.clip((uv * s + vw) / np.maximum(vv, 1e-12), 0, 1)
    s = np.clip((uv * t - uw) / np.maximum(uu, 1e-12), 0, 1)
    return a + s[..., None] * u, c + t[..., None] * v


def guard_arms(
    heads: Float[np.ndarray, "31 3"],
    rotations: Float[np.ndarray, "t 31 3 3"],
    *,
    fps: float | None,
    flesh: Flesh | None = None,
    floor_m: float = -np.inf,
) -> Guarded:
    """Push forearms and hands out of torso, head, thighs and each other by turning the shoulders.

    Every round measures the deepest contact of each arm, turns its shoulder by the smallest turn that moves that point
    out, and spreads the turn over neighbouring frames so that speed stays continuous. Capsules come first: they lead
    out of the middle of the body; then the skin, where it is known.

    Args:
        heads: Joint places at rest, m.
        rotations: One turn per bone and frame.
        fps: Frames per second; None for poses that have nothing to do with each other.
        flesh: The person's skin; a middle adult's capsules alone without it.
        floor_m: Height of a floor under the hips at rest that hands keep off; none by default, and none without skin.
    """
    turns = np.array(rotations, dtype=np.float64)
    for skin in (None, flesh)[: 1 if flesh is None else 2]:
        for _ in range(_ROUNDS):
            posed = forward_kinematics(heads, turns, np.zeros((len(turns), 3)))
            pushes = _pushes(heads, posed, skin, clearance=_CLEARANCE, floor_m=floor_m)
            if not any(depth.any() for _, depth in pushes.values()):
                break
            for side, (push, depth) in pushes.items():
                if depth.any():
                    _turn_shoulder(turns, posed, side, push, fps=fps)
    return Guarded(rotations=turns, depth=arm_depth(heads, turns, flesh=flesh))


def arm_depth(
    heads: Float[np.ndarray, "31 3"], rotations: Float[np.ndarray, "t 31 3 3"], *, flesh: Flesh | None = None
) -> Float[np.ndarray, " t"]:
    """How deep forearms and hands are inside the body or each other, m; 0 where they are clear."""
    posed = forward_kinematics(heads, rotations, np.zeros((len(rotations), 3)))
    pushes = _pushes(heads, posed, flesh, clearance=0.0)
    return np.maximum(pushes["Left"][1], pushes["Right"][1])


_Push = tuple[Float[np.ndarray, "t 3"], Float[np.ndarray, " t"]]


def _pushes(
    heads: Float[np.ndarray, "31 3"],
    posed: Float[np.ndarray, "t 31 4 4"],
    flesh: Flesh | None,
    *,
    clearance: float,
    floor_m: float = -np.inf,
) -> dict[str, _Push]:
    """For each arm the world rotation vector at the shoulder that frees its deepest point, and its depth in m."""
    if flesh is None:
        return {side: _arm_push(heads, posed, side, other) for side, other in _SIDES}
    found = {}
    for side, contact in arm_contacts(flesh, posed, clearance_m=clearance, floor_m=floor_m).items():
        shoulder = bone_index(f"{side}Arm")
        start = posed[:, shoulder, :3, :3] @ heads[shoulder] + posed[:, shoulder, :3, 3]
        found[side] = (_lever_turn(contact.point - start, contact.out) * contact.depth[:, None], contact.depth)
    return found


def _lever_turn(lever: Float[np.ndarray, "t 3"], way: Float[np.ndarray, "t 3"]) -> Float[np.ndarray, "t 3"]:
    """Rotation vector that moves the end of a lever one metre along a way across it."""
    return cast(np.ndarray, np.cross(lever, way) / np.maximum(np.sum(lever**2, axis=-1, keepdims=True), 1e-6))


def _turn_shoulder(
    turns: Float[np.ndarray, "t 31 3 3"],
    posed: Float[np.ndarray, "t 31 4 4"],
    side: str,
    push: Float[np.ndarray, "t 3"],
    *,
    fps: float | None,
) -> None:
    """Turn one upper arm by world rotation vectors, smoothed in time, in place."""
    spread = push
    if fps is not None:
        spread = gaussian_filter1d(push, _SMOOTH_SECONDS * fps, axis=0, mode="nearest")
        spread = spread * np.clip(np.abs(push).max() / max(np.abs(spread).max(), 1e-9), 1.0, _BOOST)
    arm = bone_index(f"{side}Arm")
    above = posed[:, PARENTS[arm], :3, :3]
    turns[:, arm] = clamp_bone(above.swapaxes(-1, -2) @ from_vector(spread) @ above @ turns[:, arm], arm)


def _arm_push(
    heads: Float[np.ndarray, "31 3"], posed: Float[np.ndarray, "t 31 4 4"], side: str, other: str
) -> tuple[Float[np.ndarray, "t 3"], Float[np.ndarray, " t"]]:
    """World rotation vector at the shoulder that frees the arm's deepest point, and its depth in m."""
    size = leg_length(heads)
    arm = [(f"{side}{part}", radius * size) for part, radius in _ARM.items()]
    rest = [(name, radius * size) for name, radius in _BODY.items()]
    rest += [(f"{other}{part}", radius * size) for part, radius in _ARM.items()]
    mine, theirs = [bone_index(name) for name, _ in arm], [bone_index(name) for name, _ in rest]
    start, end = _segments(heads, posed)
    near, far = segment_gap(
        *np.broadcast_arrays(start[:, mine, None], end[:, mine, None], start[:, None, theirs], end[:, None, theirs])
    )
    apart = near - far
    gap = np.linalg.norm(apart, axis=-1)
    allowed = np.array([r for _, r in arm])[:, None] + np.array([r for _, r in rest])
    deep = np.maximum(allowed - gap, 0).reshape(len(posed), -1)
    worst = np.argmax(deep, axis=1)[:, None]
    depth = np.take_along_axis(deep, worst, axis=1)[:, 0]
    point = np.take_along_axis(near.reshape(len(posed), -1, 3), worst[..., None], axis=1)[:, 0]
    apart = np.take_along_axis(apart.reshape(len(posed), -1, 3), worst[..., None], axis=1)[:, 0]
    normal = apart / np.maximum(np.linalg.norm(apart, axis=-1, keepdims=True), 1e-9)
    lever = point - start[:, bone_index(f"{side}Arm")]
    return _lever_turn(lever, normal) * depth[:, None], depth


def _segments(
    heads: Float[np.ndarray, "31 3"], posed: Float[np.ndarray, "t 31 4 4"]
) -> tuple[Float[np.ndarray, "t 31 3"], Float[np.ndarray, "t 31 3"]]:
    """Posed heads and ends of all bones, m."""
    turn, shift = posed[..., :3, :3], posed[..., :3, 3]
    return tuple((turn @ points[..., None])[..., 0] + shift for points in (heads, bone_ends(heads)))
