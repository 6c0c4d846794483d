"""Cloth pressed between two limbs, a forearm against the shirt on the chest: the second contact of its vertices.

It is with that part of the other limb that faces the limb on which the cloth lies.
"""

# ruff: noqa: PLR0917 - compiled code has no keywords

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from hd_core.compiled import compiled
from hd_core.synth.cloth.contact import apart, squared, thinned

LIMB_THINNING_M = 0.012
LIMB_REACH_M = 0.05
"""Another limb is looked for this far from a cloth vertex."""
FACING = -0.2
"""It faces the vertex if its normal and that of the vertex's own limb have no greater cosine."""


@dataclass(frozen=True, kw_only=True)
class Limbs:
    """Who belongs where, for contacts with another limb: 0 the trunk, 1 and 2 the arms, from 3 on the legs.

    Args:
        home: Limb that each cloth vertex lies on at rest.
        body: Limb of each body vertex.
        place: Cloth vertices at rest, m.
        body_place: Body vertices in the same pose.
        vertices: Body vertices that stand for the limbs, thinned out.
    """

    home: Int[np.ndarray, " g"]
    body: Int[np.ndarray, " b"]
    place: Float[np.ndarray, "g 3"]
    body_place: Float[np.ndarray, "b 3"]
    vertices: Int[np.ndarray, " s"]


def assign_limbs(rest: Float[np.ndarray, "g 3"], body: Float[np.ndarray, "b 3"], limbs: Int[np.ndarray, " b"]) -> Limbs:
    """Say which limb each cloth vertex lies on, garment and body in the same pose."""
    _, nearest = cKDTree(body).query(rest)
    kept = thinned(body, LIMB_THINNING_M)
    return Limbs(home=limbs[nearest], body=limbs, place=rest, body_place=body, vertices=kept)


@compiled
def look_up_other(
    x: np.ndarray,
    facing: np.ndarray,
    home: np.ndarray,
    place: np.ndarray,
    body: np.ndarray,
    normals: np.ndarray,
    limbs: np.ndarray,
    body_place: np.ndarray,
    vertices: np.ndarray,
    found: np.ndarray,
) -> None:
    """Nearest vertex of another limb that faces a cloth vertex; -1 for none within reach.

    Args:
        x: Cloth, g 3.
        facing: Normals of the body where each of its vertices lies on it, g 3.
        home: Their limbs.
        place: Where they are at rest, g 3.
        body: b 3.
        normals: b 3.
        limbs: Limb of each body vertex, b.
        body_place: Where these are at rest, b 3.
        vertices: Those of the body to look at.
        found: Filled in, g.
    """
    found[:] = -1
    near = np.empty(len(vertices), np.int64)
    for one in range(home.max() + 1):
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for i in range(x.shape[0]):
            if home[i] == one:
                _grow(x, i, low, high)
        count, lower, upper = 0, np.full(3, np.inf), np.full(3, -np.inf)
        for k in range(len(vertices)):
            if limbs[vertices[k]] != one and _within(body, vertices[k], low, high):
                near[count] = vertices[k]
                count += 1
                _grow(body, vertices[k], lower, upper)
        heights = np.empty(count)
        for k in range(count):
            heights[k] = body[near[k], 2]
        upwards = np.argsort(heights)
        heights, rising = heights[upwards], near[:count][upwards]
        for i in range(x.shape[0]):
            if home[i] == one and _within(x, i, lower, upper):
                first = np.searchsorted(heights, x[i, 2] - LIMB_REACH_M)
                last = np.searchsorted(heights, x[i, 2] + LIMB_REACH_M)
                found[i] = _facing(x, i, facing, place, body, normals, body_place, rising[first:last])


@compiled
def _facing(
    x: np.ndarray,
    i: int,
    facing: np.ndarray,
    place: np.ndarray,
    body: np.ndarray,
    normals: np.ndarray,
    body_place: np.ndarray,
    near: np.ndarray,
) -> int:
    best, least = -1, LIMB_REACH_M**2
    for at in near:
        square = squared(x, i, body, at)
        if square < least:
            cosine = 0.0
            for d in range(3):
                cosine += facing[i, d] * normals[at, d]
            if cosine < FACING and apart(place, i, body_place, at):
                best, least = at, square
    return best


@compiled
def _grow(points: np.ndarray, i: int, low: np.ndarray, high: np.ndarray) -> None:
    """Make a box hold a point and what is within reach of it."""
    for d in range(3):
        low[d] = min(low[d], points[i, d] - LIMB_REACH_M)
        high[d] = max(high[d], points[i, d] + LIMB_REACH_M)


@compiled
def _within(points: np.ndarray, i: int, low: np.ndarray, high: np.ndarray) -> bool:
    inside = True
    for d in range(3):
        inside &= low[d] <= points[i, d] <= high[d]
    return inside
