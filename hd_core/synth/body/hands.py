"""Fingers: fifteen joints a hand that bend the rest shape before the body's bones move it.

The body's rig has one bone for all fingers. Here each finger has the three joints of MakeHuman's default rig; the hand
is described by a few numbers, as a person would: how far each finger is curled and how far they are spread.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from hd_core.synth.assets import read_asset
from hd_core.synth.body.skinning import skin_points

DETAIL_FILE = Path(__file__).parent / "assets" / "detail.safetensors"
_ARRAYS = (
    *(f"finger_{name}" for name in ("vertices", "joints", "weights", "heads", "tails")),
    *(f"face_{name}" for name in ("counts", "vertices", "offsets", "scale")),
)
NUM_FINGERS = 5
JOINTS: tuple[str, ...] = tuple(
    f"finger{finger}-{joint}.{side}" for side in "LR" for finger in range(1, NUM_FINGERS + 1) for joint in (1, 2, 3)
)
"""Left hand first; each from the thumb to the little finger, each finger from the palm to its tip."""
NUM_CONTROLS = 6
"""Per hand: the curl of thumb, index, middle, ring and little finger (0 straight, 1 closed), then their spread."""

_CURL_DEG = np.array([[12.0, 42.0, 55.0], *[[78.0, 95.0, 60.0]] * 4])
_SPREAD_DEG = np.array([-14.0, -13.0, -3.0, 7.0, 16.0])
"""Turn towards the thumb's side counts negative."""


@dataclass(frozen=True, kw_only=True)
class Fingers:
    """What all hands share.

    Args:
        vertices: Those that follow finger joints.
        joints: Up to four of `JOINTS` for each, and one after the last for the hand itself; strongest first.
        weights: Their shares; they sum to 1.
        heads: Per joint the vertices whose mean it is.
        tails: Per joint the vertices whose mean is the next joint or the tip.
    """

    vertices: Int64[np.ndarray, " n"]
    joints: UInt8[np.ndarray, "n 8"]
    weights: Float32[np.ndarray, "n 8"]
    heads: Int64[np.ndarray, "30 8"]
    tails: Int64[np.ndarray, "30 8"]


@functools.cache
def load_fingers() -> Fingers:
    """Read the shipped finger rig.

    Raises:
        InputError: If the asset is missing.
    """
    raw = read_detail()
    shares = raw["finger_weights"].astype(np.float32) / np.float32(65535)
    joints = np.zeros((len(shares), 8), np.uint8)
    weights = np.zeros((len(shares), 8), np.float32)
    joints[:, :4], joints[:, 4] = raw["finger_joints"], len(JOINTS)
    weights[:, :4], weights[:, 4] = shares, np.maximum(1 - shares.sum(axis=1), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    order = np.argsort(-weights, axis=1, kind="stable")
    return Fingers(
        vertices=raw["finger_vertices"].astype(np.int64),
        joints=np.take_along_axis(joints, order, axis=1),
        weights=np.take_along_axis(weights, order, axis=1),
        heads=raw["finger_heads"].astype(np.int64),
        tails=raw["finger_tails"].astype(np.int64),
    )


@functools.cache
def read_detail() -> dict[str, np.ndarray]:
    """The arrays of the asset of hands and face.

    Raises:
        InputError: If the asset is missing or damaged.
    """
    return read_asset(DETAIL_FILE, needs=_ARRAYS, made_by="tools/export_body.py")


@dataclass(frozen=True, kw_only=True)
class HandAxes:
    """How the fingers of one person bend.

    Args:
        places: Of the joints at rest, m.
        curl: Unit axis of each joint about which it closes.
        spread: Unit axis of each joint about which the fingers part, away from the thumb.
    """

    places: Float[np.ndarray, "30 3"]
    curl: Float[np.ndarray, "30 3"]
    spread: Float[np.ndarray, "30 3"]


def hand_axes(vertices: Float32[np.ndarray, "v 3"]) -> HandAxes:
    """Joints and axes of a person at rest.

    A finger closes in the plane of its own direction and the palm's; the thumb closes across the palm.
    """
    fingers = load_fingers()
    places, tips = (vertices[ends].mean(axis=1).astype(np.float64) for ends in (fingers.heads, fingers.tails))
    curl, spread = np.empty((2, 5, 3, 3)), np.empty((2, 5, 3, 3))
    for hand in range(2):
        joints, ends = (points.reshape(2, 5, 3, 3)[hand] for points in (places, tips))
        ahead = _unit((joints[1:, 0] - joints[0, 0]).mean(axis=0))
        across = _unit(joints[4, 0] - joints[1, 0])
        palm = _unit(np.cross(across, ahead) * (1 if hand == 0 else -1))
        ways = _unit(ends - joints)
        curl[hand] = _unit(np.cross(ways, palm))
        middle = joints[1:, 0].mean(axis=0) + 0.03 * palm
        curl[hand, 0] = _unit(np.cross(ways[0], _unit(middle - joints[0])))
        spread[hand] = palm * (-1 if hand == 0 else 1)
    return HandAxes(places=places, curl=curl.reshape(30, 3), spread=spread.reshape(30, 3))


def bend_fingers(
    vertices: Float32[np.ndarray, "v 3"], axes: HandAxes, controls: Float[np.ndarray, "2 6"]
) -> Float32[np.ndarray, "n 3"]:
    """Where the vertices of `Fingers.vertices` are with bent fingers, the hands still at rest, m.

    Args:
        vertices: The person at rest.
        axes: Of the same person.
        controls: Per hand five curls and the spread.
    """
    fingers = load_fingers()
    maps = np.tile(np.eye(4), (1, len(JOINTS) + 1, 1, 1))
    maps[0, :-1] = _joint_maps(axes, controls)
    bent: np.ndarray = skin_points(vertices[fingers.vertices], fingers.joints, fingers.weights, maps)[0]
    return bent


def _joint_maps(axes: HandAxes, controls: Float[np.ndarray, "2 6"]) -> Float[np.ndarray, "30 4 4"]:
    """Rigid map of each finger joint: spread and curl at the knuckle, curl at the two joints after it."""
    curls = np.radians(controls[:, :NUM_FINGERS, None] * _CURL_DEG).reshape(-1)
    spreads = np.zeros((2, NUM_FINGERS, 3))
    spreads[:, :, 0] = np.radians(controls[:, NUM_FINGERS:] * _SPREAD_DEG)
    turns = _about(axes.spread, spreads.reshape(-1)) @ _about(axes.curl, curls)
    maps = np.tile(np.eye(4), (len(JOINTS), 1, 1))
    maps[:, :3, :3] = turns
    maps[:, :3, 3] = axes.places - (turns @ axes.places[..., None])[..., 0]
    chain = maps.reshape(2, NUM_FINGERS, 3, 4, 4)
    for joint in (1, 2):
        chain[:, :, joint] = chain[:, :, joint - 1] @ chain[:, :, joint]
    return maps


def _about(axis: Float[np.ndarray, "n 3"], angle: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n 3 3"]:
    """Turns about unit axes (Rodrigues' formula)."""
    cross = np.cross(np.eye(3), axis[:, None]).swapaxes(-1, -2) * -1
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.asarray(np.eye(3) + sine * cross + (1 - cosine) * cross @ cross)


def _unit(vector: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))
