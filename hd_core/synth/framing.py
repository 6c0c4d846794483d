"""Where the camera of a clip stands: one still camera, the person in the picture whole or in part, from any side."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from hd_core.synth.body.identity import RestBody
from hd_core.types import Camera

FRAMINGS = {
    "whole": (0.55, -0.04, 1.04),
    "upper": (0.22, 0.42, 1.05),
    "legs": (0.08, -0.03, 0.62),
    "close": (0.15, 0.62, 1.05),
}
"""Per framing its share, and the lowest and highest part of the stature that has to be seen."""
ROOM = (1.1, 1.7)
"""Height of the picture over that of what is to be seen."""
SIDEWAYS_DEG, ALL_AROUND = 50.0, 0.3
"""Most cameras stand before the person, within some spread; this share stands anywhere around."""


@dataclass(frozen=True, kw_only=True)
class Framing:
    """A camera and what it was meant to show."""

    camera: Camera
    name: str


def sample_framing(rng: np.random.Generator, rest: RestBody, *, size: int, stature_m: float | None = None) -> Framing:
    """Draw a camera for a person who dances around the world's origin.

    Args:
        rng: Source of all choices.
        rest: The person; sets heights.
        size: Side of the square picture, px.
        stature_m: How tall the person is in this clip, on the knees for example; upright by default.
    """
    stature = rest.stature_m if stature_m is None else stature_m
    names = list(FRAMINGS)
    name = names[int(rng.choice(len(names), p=[FRAMINGS[n][0] for n in names]))]
    _, low, high = FRAMINGS[name]
    focal = size * rng.uniform(0.9, 1.9)
    seen_m = (high - low) * stature * rng.uniform(*ROOM)
    target = np.array([0.0, 0.0, rest.floor_m + (low + high) / 2 * stature]) + rng.normal(0, 0.04, 3)
    yaw = rng.uniform(-np.pi, np.pi) if rng.random() < ALL_AROUND else np.radians(rng.normal(0, SIDEWAYS_DEG))
    pitch, roll = np.radians(rng.normal(-3, 8)), np.radians(rng.normal(0, 2.5))
    distance = max(seen_m * focal / size, 0.9)
    k = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])
    pose = look_at(target, yaw=yaw, pitch=pitch, roll=roll, distance=distance)
    return Framing(camera=Camera(width=size, height=size, intrinsics=k, cam_from_world=pose), name=name)


def look_at(
    target: Float[np.ndarray, "3"], *, yaw: float, pitch: float, roll: float, distance: float
) -> Float[np.ndarray, "4 4"]:
    """`cam_from_world` of a camera that looks at a point; Z is up, at yaw 0 it stands on the -Y side.

    Args:
        target: World axes, m.
        yaw: To the person's left, rad.
        pitch: Of the line of sight, upwards, rad.
        roll: Of the picture, clockwise, rad.
        distance: From camera to target, m.
    """
    forward = np.array([-np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    level = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    down = np.cross(forward, level)
    right = np.cos(roll) * level + np.sin(roll) * down
    rotation = np.stack([right, np.cross(forward, right), forward])
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ (target - distance * forward)
    return pose
