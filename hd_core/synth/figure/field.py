"""The whole figure as one signed distance: which part is nearest and how far, and the direction outwards."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import B_ARM, B_HAND, B_HEAD, B_SHIRT, B_SHOE, B_TROUSERS, NUM_BOUNDS, Body
from hd_core.synth.figure.clothes import shirt, trousers
from hd_core.synth.figure.primitives import ball
from hd_core.synth.figure.skin import arm, head, shoe

NOTHING, SKIN, HAIR, SHIRT, TROUSERS, ARM_LEFT, ARM_RIGHT, SHOE_LEFT, SHOE_RIGHT = -1, 0, 1, 2, 3, 4, 5, 6, 7
"""What a point of the surface belongs to."""

EVERYTHING = (1 << NUM_BOUNDS) - 1
"""Every part, as the bits that `parts_on_ray` gives."""
EXACT_M = 0.015
"""Within this distance of the surface `field` is worked out to the last fold; beyond, it is a lower bound."""
SAFE_STEP = 0.7
"""Share of the field's value that a ray may advance: folds make the field steeper than a true distance."""
GRADIENT_STEP_M = 1e-4
"""Central differences over twice this; on a fold of 1 cm radius the normal is exact to about 1e-5 rad."""


@compiled
def field(body: Body, x: float, y: float, z: float) -> tuple[float, int]:
    """Signed distance in metres (away from the surface a lower bound of it) and the nearest part."""
    return field_of(body, EVERYTHING, EXACT_M, x, y, z)


@compiled
def field_of(body: Body, parts: int, exact: float, x: float, y: float, z: float) -> tuple[float, int]:
    """The field of some parts only, given as bits of the rows of `Body.bounds`.

    Up to `exact` metres from the surface the value is exact; beyond, a lower bound is enough.
    """
    nearest, part = 1e9, NOTHING
    away = _outside(body, parts, B_TROUSERS, x, y, z)
    if away < nearest:
        nearest, part = (away if away > exact else trousers(body, exact, x, y, z)), TROUSERS
    away = _outside(body, parts, B_SHIRT, x, y, z)
    if away < nearest:
        d = away if away > exact else shirt(body, exact, nearest, x, y, z)
        if d < nearest:
            nearest, part = d, SHIRT
    away = _outside(body, parts, B_HEAD, x, y, z)
    if away < nearest:
        d, locks = (away, away) if away > exact else head(body, x, y, z)
        if d < nearest:
            nearest, part = d, SKIN
        if locks < nearest:
            nearest, part = locks, HAIR
    return _or_limb(body, parts, exact, nearest, part, x, y, z)


@compiled
def _or_limb(
    body: Body, parts: int, exact: float, nearest: float, part: int, x: float, y: float, z: float
) -> tuple[float, int]:
    """The nearest so far, or an arm or a shoe that is nearer."""
    for side in range(2):
        away = _outside(body, parts, B_ARM + side, x, y, z)
        away = min(away, _outside(body, parts, B_HAND + side, x, y, z))
        if away < nearest:
            d = away if away > exact else arm(body, side, x, y, z)
            if d < nearest:
                nearest, part = d, ARM_LEFT + side
        away = _outside(body, parts, B_SHOE + side, x, y, z)
        if away < nearest:
            d = away if away > exact else shoe(body, side, x, y, z)
            if d < nearest:
                nearest, part = d, SHOE_LEFT + side
    return nearest, part


@compiled
def _outside(body: Body, parts: int, row: int, x: float, y: float, z: float) -> float:
    """Distance to the ball around a part; for ever far if the part is not asked for."""
    if not (parts >> row) & 1:
        return 1e9
    b = body.bounds[row]
    return ball(x - b[0], y - b[1], z - b[2], b[3])


@compiled
def parts_on_ray(
    body: Body, margin: float, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[int, float, float]:
    """Parts whose balls, grown by `margin`, a ray meets; and where it enters the first and leaves the last."""
    parts, start, end = 0, 1e9, -1.0
    for row in range(NUM_BOUNDS):
        b = body.bounds[row]
        px, py, pz = b[0] - ox, b[1] - oy, b[2] - oz
        along = px * dx + py * dy + pz * dz
        under = (b[3] + margin) ** 2 - (px * px + py * py + pz * pz - along * along)
        if under > 0 and along + math.sqrt(under) > 0:
            root = math.sqrt(under)
            parts |= 1 << row
            start, end = min(start, max(along - root, 0.0)), max(end, along + root)
    return parts, start, end


@compiled
def outward(body: Body, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Unit outward normal of the field at a point of the surface, by central differences."""
    h = GRADIENT_STEP_M
    gx = field(body, x + h, y, z)[0] - field(body, x - h, y, z)[0]
    gy = field(body, x, y + h, z)[0] - field(body, x, y - h, z)[0]
    gz = field(body, x, y, z + h)[0] - field(body, x, y, z - h)[0]
    length = math.sqrt(gx * gx + gy * gy + gz * gz) + 1e-30
    return gx / length, gy / length, gz / length
