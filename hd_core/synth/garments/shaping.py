"""How a garment widens beyond its ease: flared skirts and legs, pleats, bell sleeves, pockets; legs stay apart."""

import numpy as np
from jaxtyping import Float, Float32

from hd_core.synth.garments.bolts import Places
from hd_core.synth.garments.patterns import Pattern

AXIS_Y = -0.02
TRUNK_HALVES = (0.2, 0.12)
"""Half the width and the depth of the hips, which pleats go around, m."""
APART_M = 0.004
"""Legs keep this far from the plane between them."""
POCKET = (0.62, 0.22, 0.16)
"""Place of a pocket down the leg, half its height there, and its least distance from the middle, m."""


def shaped(pattern: Pattern, at: Places, points: Float[np.ndarray, "g 3"]) -> Float[np.ndarray, "g 3"]:
    """Move a garment that has its ease already.

    Args:
        pattern: What is wanted.
        at: Where its vertices lie on the template.
        points: Where they lie around the person, m.
    """
    moved = points.copy()
    if pattern.flare_m or pattern.pleats:
        moved += _flare(pattern, at, points)
    if pattern.sleeve_flare_m:
        moved += _bell(pattern, at)
    if pattern.pocket_m:
        moved += _pockets(pattern, at)
    return moved


def _flare(pattern: Pattern, at: Places, points: Float[np.ndarray, "g 3"]) -> Float[np.ndarray, "g 3"]:
    if pattern.kind in {"bottom", "overall"}:
        share = np.clip((at.leg - 0.3) / max(pattern.leg - 0.3, 0.1), 0, 1)
        return np.asarray(pattern.flare_m * share[:, None] * _around_legs(at, points))
    top = pattern.waist_m if pattern.kind != "top" else pattern.hem_m + 0.3
    share = np.clip((top - at.z) / max(top - pattern.hem_m, 0.05), 0, 1) * ~at.on_arm
    wide, deep = TRUNK_HALVES
    around = np.stack([at.x / wide, (at.y - AXIS_Y) / deep, np.zeros_like(at.x)], axis=1)
    angle = np.arctan2(around[:, 0], around[:, 1])
    around /= np.maximum(np.linalg.norm(around, axis=1, keepdims=True), 1e-9)
    out = pattern.flare_m * share
    if pattern.pleats:
        out = out + pattern.pleat_m * (0.5 + 0.5 * np.cos(pattern.pleats * angle)) * np.clip((top - at.z) / 0.15, 0, 1)
    if pattern.flare_m < 0:  # a narrow skirt is flatter, it cannot be narrower than the legs
        around[:, 0] *= 0.25
    return np.asarray(out[:, None] * around)


def _around_legs(at: Places, points: Float[np.ndarray, "g 3"]) -> Float[np.ndarray, "g 3"]:
    """Level unit vectors away from the middle of each leg at the same height."""
    out = np.zeros_like(points)
    for side in (at.x > 0, at.x <= 0):
        leg = side & at.on_leg
        if not leg.any():
            continue
        height = np.stack([points[leg, 2], np.ones(int(leg.sum()))], axis=1)
        bone, *_ = np.linalg.lstsq(height, points[leg, :2], rcond=None)
        way = points[leg, :2] - height @ bone
        out[leg, :2] = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.02)
    return out


def _bell(pattern: Pattern, at: Places) -> Float[np.ndarray, "g 3"]:
    """Sleeves that widen downwards from the upper arm on; the arms of the template point down and outwards."""
    start = min(0.4, 0.5 * pattern.sleeve)
    share = np.clip((at.arm - start) / max(pattern.sleeve - start, 0.1), 0, 1)
    inwards = np.array([-0.77, 0.0, -0.64])
    return np.asarray(pattern.sleeve_flare_m * share[:, None] * np.where(at.x > 0, 1, -1)[:, None] * inwards[None])


def _pockets(pattern: Pattern, at: Places) -> Float[np.ndarray, "g 3"]:
    place, half, least = POCKET
    height = np.clip(1.2 * (1 - ((at.leg - place) / half) ** 4), 0, 1)
    out = pattern.pocket_m * height * np.clip((np.abs(at.x) - least) / 0.02, 0, 1) * at.on_leg
    return np.stack([out * np.sign(at.x), np.zeros_like(out), np.zeros_like(out)], axis=1)


def keep_apart(pattern: Pattern, at: Places, points: Float32[np.ndarray, "g 3"]) -> None:
    """Put the left leg of trousers on the left and the right one on the right, in place."""
    if pattern.kind not in {"bottom", "overall"}:
        return
    side = np.sign(at.x)
    low = (at.leg > 0.15) & (side * points[:, 0] < APART_M)
    points[low, 0] = side[low] * APART_M
