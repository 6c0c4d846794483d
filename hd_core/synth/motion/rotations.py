"""The algebra of turns that motions need: logarithm and exponential, swing and twist, turns between directions.

Turns are 3x3 matrices acting on columns; a rotation vector is axis times angle in radians.
"""

from typing import cast

import numpy as np
from jaxtyping import Float

_TINY = 1e-12


def from_vector(vector: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """The turn about an axis by its length in radians (Rodrigues' formula)."""
    angle = np.linalg.norm(vector, axis=-1)
    axis = vector / np.maximum(angle, _TINY)[..., None]
    return about(axis, angle)


def about(axis: Float[np.ndarray, "*m 3"], angle: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*k 3 3"]:
    """The turn about a unit axis by an angle in radians; the two broadcast."""
    angle = np.asarray(angle, dtype=np.float64)[..., None, None]
    cross = _cross_matrix(axis)
    return cast(np.ndarray, np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross))


def to_vector(turn: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n 3"]:
    """Rotation vector of a turn, at most half a revolution long.

    Goes through the quaternion, so it is exact to rounding at every angle, half turns included.
    """
    q = to_quaternion(turn)
    q = q * np.where(q[..., :1] < 0, -1.0, 1.0)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2 * np.arctan2(sine, q[..., 0])
    scale = np.where(sine > _TINY, angle / np.maximum(sine, _TINY), 2.0)
    return q[..., 1:] * scale[..., None]


def to_quaternion(turn: Float[np.ndarray, "*n 3 3"]) -> Float[np.ndarray, "*n 4"]:
    """Unit quaternion (w, x, y, z) of a turn; the sign is free.

    Takes the largest of the four columns of 4 q q^T that the matrix gives, as Shepperd (1978) does, so it divides
    by nothing small.
    """
    m = np.asarray(turn, dtype=np.float64)
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, yz, zx = m[..., 0, 1] + m[..., 1, 0], m[..., 1, 2] + m[..., 2, 1], m[..., 2, 0] + m[..., 0, 2]
    columns = np.stack(
        [
            np.stack([1 + a + b + c, x, y, z], axis=-1),
            np.stack([x, 1 + a - b - c, xy, zx], axis=-1),
            np.stack([y, xy, 1 - a + b - c, yz], axis=-1),
            np.stack([z, zx, yz, 1 - a - b + c], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.diagonal(columns, axis1=-2, axis2=-1), axis=-1)
    q = np.take_along_axis(columns, best[..., None, None], axis=-2)[..., 0, :]
    return cast(np.ndarray, q / np.linalg.norm(q, axis=-1, keepdims=True))


def from_quaternion(q: Float[np.ndarray, "*n 4"]) -> Float[np.ndarray, "*n 3 3"]:
    """The turn of a quaternion (w, x, y, z) of any length but zero."""
    unit = q / np.linalg.norm(q, axis=-1, keepdims=True)
    cross = _cross_matrix(unit[..., 1:])
    return cast(np.ndarray, np.eye(3) + 2 * (unit[..., :1, None] * cross + cross @ cross))


def between(start: Float[np.ndarray, "*n 3"], end: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """The smallest turn that takes one direction to another; opposite directions get a half turn."""
    a = start / np.linalg.norm(start, axis=-1, keepdims=True)
    b = end / np.linalg.norm(end, axis=-1, keepdims=True)
    half = np.concatenate([1 + np.sum(a * b, axis=-1, keepdims=True), np.cross(a, b)], axis=-1)
    aside = np.cross(a, np.eye(3)[np.argmin(np.abs(a), axis=-1)])
    opposite = np.concatenate([np.zeros_like(half[..., :1]), aside], axis=-1)
    return from_quaternion(np.where(np.linalg.norm(half, axis=-1, keepdims=True) < 1e-9, opposite, half))


def frame(first: Float[np.ndarray, "*n 3"], second: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Right-handed axes in columns: along `first`, along the part of `second` across it, and their cross product."""
    a = first / np.linalg.norm(first, axis=-1, keepdims=True)
    b = second - np.sum(second * a, axis=-1, keepdims=True) * a
    b = b / np.linalg.norm(b, axis=-1, keepdims=True)
    return np.stack([a, b, np.cross(a, b)], axis=-1)


def split_twist(
    turn: Float[np.ndarray, "*n 3 3"], axis: Float[np.ndarray, "*n 3"]
) -> tuple[Float[np.ndarray, "*n 3 3"], Float[np.ndarray, "*n"]]:
    """Part a turn into swing and twist, turn = swing twist: the twist is about `axis` and the swing across it.

    The twist is the projection of the quaternion on the axis (Dobrowolski, "Swing-twist decomposition in Clifford
    algebra", 2015).

    Returns:
        The swing, and the twist's angle in radians.
    """
    q = to_quaternion(turn)
    angle = 2 * np.arctan2(np.sum(q[..., 1:] * axis, axis=-1), q[..., 0])
    angle = np.mod(angle + np.pi, 2 * np.pi) - np.pi
    return turn @ about(axis, -angle), angle


def _cross_matrix(v: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """The matrix that takes x to v cross x."""
    matrix = np.zeros((*v.shape, 3))
    matrix[..., 2, 1] = v[..., 0]
    matrix[..., 0, 2] = v[..., 1]
    matrix[..., 1, 0] = v[..., 2]
    return matrix - matrix.swapaxes(-1, -2)
