"""The face's movements: a few shapes that are added to the rest shape, each from 0 (none) to 1 (full)."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64

from hd_core.synth.body.hands import read_detail

SHAPES: tuple[str, ...] = (
    "jawOpen",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthPucker",
    "mouthFunnel",
    "mouthStretchLeft",
    "mouthStretchRight",
    "browInnerUp",
    "browDownLeft",
    "browDownRight",
    "browOuterUpLeft",
    "browOuterUpRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "cheekPuff",
    "noseSneerLeft",
    "noseSneerRight",
)
"""Face units of the pack by Mika Suominen, named as face trackers name them; left is the person's."""
_OTHER = {name: name.replace("Left", "_").replace("Right", "Left").replace("_", "Right") for name in SHAPES}
FACE_SWAP: tuple[int, ...] = tuple(SHAPES.index(_OTHER[name]) for name in SHAPES)
"""Position of every shape's twin on the other side."""


@dataclass(frozen=True, kw_only=True)
class FaceShapes:
    """The movements, sparse.

    Args:
        starts: Where each shape's rows begin, and where the last ends.
        vertices: Rows: vertices of the base mesh.
        offsets: Rows: how far they move, m.
    """

    starts: Int64[np.ndarray, " k"]
    vertices: Int64[np.ndarray, " n"]
    offsets: Float32[np.ndarray, "n 3"]


@functools.cache
def load_face() -> FaceShapes:
    """Read the shipped face shapes.

    Raises:
        InputError: If the asset is missing.
    """
    raw = read_detail()
    return FaceShapes(
        starts=np.concatenate([[0], np.cumsum(raw["face_counts"].astype(np.int64))]),
        vertices=raw["face_vertices"].astype(np.int64),
        offsets=raw["face_offsets"].astype(np.float32) * raw["face_scale"],
    )


def move_face(vertices: Float32[np.ndarray, "v 3"], shares: Float[np.ndarray, " k"]) -> None:
    """Add an expression to a rest shape, in place.

    Args:
        vertices: The person at rest, m; a shape's offsets are the same for everybody.
        shares: One per shape of `SHAPES`.
    """
    face = load_face()
    for shape, share in enumerate(shares):
        if share:
            rows = slice(face.starts[shape], face.starts[shape + 1])
            vertices[face.vertices[rows]] += np.float32(share) * face.offsets[rows]
