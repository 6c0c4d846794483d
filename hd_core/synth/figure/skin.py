"""Distance kernels of the parts that are not cloth: head, hair, neck, arms, hands, shoes."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import (
    ARM,
    B_HAND,
    CONES_PER_ARM,
    CONES_PER_HAND,
    CONES_PER_PALM,
    HAND,
    HEAD,
    HEEL,
    NECK,
    TOES,
    Body,
)
from hd_core.synth.figure.primitives import (
    ball,
    blend_cones,
    bump,
    ellipsoid,
    noise,
    ramp,
    soft_max,
    soft_min,
    to_local,
)

EYE_X, EYE_Y, EYE_Z = 0.0315, 0.010, 0.0735
_NUM_NECK = ARM - NECK


@compiled
def _rod(
    x: float, y: float, z: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float, r: float
) -> float:
    """Distance to a capsule between two points."""
    dx, dy, dz = bx - ax, by - ay, bz - az
    t = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / (dx * dx + dy * dy + dz * dz)
    t = min(max(t, 0.0), 1.0)
    return ball(x - ax - t * dx, y - ay - t * dy, z - az - t * dz, r)


@compiled
def face(x: float, y: float, z: float) -> float:
    """Skull, jaw, brow, eyes, nose, lips and ears in the head's own axes (origin between the ears)."""
    s = math.sqrt(x * x + 1e-6)  # |x|, smooth on the midline
    d = ellipsoid(x, y - 0.022, z + 0.012, 0.073, 0.088, 0.093)
    d = soft_min(d, ellipsoid(x, y + 0.035, z - 0.030, 0.053, 0.076, 0.057), 0.03)
    d = soft_min(d, _rod(s, y, z, 0.046, -0.052, 0.0, 0.013, -0.093, 0.060, 0.0175), 0.035)
    d = soft_min(d, ball(x, y + 0.095, z - 0.066, 0.0165), 0.022)
    d = soft_min(d, ball(s - 0.040, y + 0.018, z - 0.056, 0.022), 0.03)
    d = soft_min(d, _rod(s, y, z, 0.012, 0.030, 0.080, 0.040, 0.032, 0.066, 0.010), 0.022)
    socket = ball(s - EYE_X, y - EYE_Y, z - 0.098, 0.0165)
    d = soft_max(d, -socket, 0.014)
    d = soft_min(d, ball(s - EYE_X, y - EYE_Y, z - EYE_Z, 0.0120), 0.003)
    d = soft_min(d, _rod(x, y, z, 0.0, 0.018, 0.085, 0.0, -0.028, 0.105, 0.0068), 0.015)
    d = soft_min(d, ball(x, y + 0.033, z - 0.103, 0.0098), 0.010)
    d = soft_min(d, ball(s - 0.0115, y + 0.037, z - 0.092, 0.0070), 0.008)
    d = soft_min(d, _rod(s, y, z, 0.0, -0.0610, 0.0865, 0.025, -0.0622, 0.072, 0.0042), 0.009)
    d = soft_min(d, _rod(s, y, z, 0.0, -0.0700, 0.0850, 0.021, -0.0650, 0.074, 0.0050), 0.009)
    return soft_min(d, ellipsoid(s - 0.0765, y + 0.004, z + 0.006, 0.010, 0.029, 0.0175), 0.008)


@compiled
def hair(x: float, y: float, z: float) -> float:
    """A short cut with volume above the brow, combed to one side, ragged at the hairline and the nape."""
    d = ellipsoid(x, y - 0.030, z + 0.018, 0.084, 0.094, 0.100)
    d = soft_min(d, ellipsoid(x + 0.012, y - 0.096, z - 0.036, 0.062, 0.030, 0.056), 0.035)
    lock = noise(26.0 * x + 9.0 * y, 5.0 * y - 4.0 * x, 11.0 * z + 3.0 * x)
    edge = 0.006 * lock + 0.010 * bump(x, 0.030, 0.055)
    line = -0.646 * (y - 0.070) + 0.763 * (z - 0.070)  # from the brow back and down to the nape
    temple = 0.020 * ramp(0.045, 0.075, abs(x)) * ramp(-0.02, 0.03, y)
    d = soft_max(d, line - edge - temple, 0.012)
    strands = noise(60.0 * x + 20.0 * y, 9.0 * y, 22.0 * z + 10.0 * x)
    return d - 0.0032 * lock - 0.0016 * strands


@compiled
def head(body: Body, x: float, y: float, z: float) -> tuple[float, float]:
    """Distances to skin (head, neck, collar) and to hair."""
    u, v, w = to_local(body.frames[HEAD], x, y, z)
    away = ball(u, v - 0.01, w, 0.16)
    neck = blend_cones(body.cones, NECK, NECK + _NUM_NECK, 0.03, x, y, z)
    if away > 0.06:
        return min(neck, away), away
    return soft_min(face(u, v, w), neck, 0.022), hair(u, v, w)


@compiled
def arm(body: Body, side: int, x: float, y: float, z: float) -> float:
    """Distance to a bare arm with its hand."""
    first = ARM + side * CONES_PER_ARM
    d = blend_cones(body.cones, first, first + CONES_PER_ARM, 0.02, x, y, z)
    b = body.bounds[B_HAND + side]
    away = ball(x - b[0], y - b[1], z - b[2], b[3])
    if away > 0.03:
        return min(d, away)
    palm = HAND + side * CONES_PER_HAND
    fingers = palm + CONES_PER_PALM
    hand = blend_cones(body.cones, palm, fingers, 0.014, x, y, z)
    last = palm + CONES_PER_HAND
    hand = soft_min(hand, blend_cones(body.cones, fingers, last, 0.004, x, y, z), 0.006)
    return soft_min(d, hand, 0.016)


@compiled
def foot_coordinates(body: Body, side: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Foot axes with the bend of the toes taken out: origin under the ball, y up, z to the toes."""
    u, v, w = to_local(body.frames[HEEL + side], x, y, z)
    a, b, c = to_local(body.frames[TOES + side], x, y, z)
    t = ramp(-0.035, 0.035, 0.5 * (w + c))
    return u + t * (a - u), v + t * (b - v), w + t * (c - w)


@compiled
def _last(x: float, y: float, z: float) -> float:
    """The upper of a sneaker around the foot, without its sole."""
    x = 0.86 * x
    d = _rod(x, y, z, 0.0, 0.044, -0.155, 0.0, 0.052, -0.080, 0.0365)
    d = soft_min(d, _rod(x, y, z, 0.0, 0.050, -0.100, 0.0, 0.036, 0.005, 0.0375), 0.03)
    d = soft_min(d, _rod(x, y, z, 0.006, 0.034, 0.0, 0.004, 0.030, 0.048, 0.033), 0.03)
    return soft_min(d, _rod(x, y, z, 0.0, 0.060, -0.118, 0.0, 0.105, -0.122, 0.040), 0.03)


@compiled
def shoe(body: Body, side: int, x: float, y: float, z: float) -> float:
    """Distance to a sneaker: an upper cut flat below, on a sole that stands out a little."""
    u, v, w = foot_coordinates(body, side, x, y, z)
    upper = soft_max(_last(u, v, w), 0.006 - v, 0.006)
    upper = soft_max(upper, v - 0.118, 0.008)
    outline = _last(u, 0.038, w)
    sole = soft_max(outline - 0.0045, abs(v - 0.0145) - 0.0145, 0.006)
    return soft_min(upper, sole, 0.003)
