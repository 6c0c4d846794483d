"""Distance kernels of the clothes: a loose T-shirt and straight trousers, displaced by folds that follow the joints."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import (
    CHEST,
    LEG,
    NECK,
    PELVIS,
    PROFILE_STEPS,
    SHANK,
    SHIRT_HEM_M,
    SHIRT_TOP_M,
    SLEEVE,
    SLEEVE_SHARE,
    THIGH,
    UPPER_ARM,
    YOKE,
    Body,
)
from hd_core.synth.figure.folds import MAX_FOLD_M, shank_folds, shirt_folds, sleeve_folds, thigh_folds
from hd_core.synth.figure.primitives import ball, cone_distance, ellipsoid, ramp, soft_max, soft_min, to_local
from hd_core.synth.figure.skeleton import SHANK_M, UPPER_ARM_M

HEM_M = 0.845
"""Rest height of the shirt's hem."""
COLLAR_M = 0.007
"""Gap between neck and collar."""
_SLEEVE_SOFT_M = 0.045
_OVER_TROUSERS_M = 0.005
_CULL_M = 0.085
"""Beyond this no fold is worked out; more than the widest smooth union, so that the step is never seen."""


@compiled
def torso_coordinates(body: Body, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Rest coordinates of a point on the trunk: those of the pelvis below, of the chest above, blended between."""
    u, v, w = to_local(body.frames[PELVIS], x, y, z)
    a, b, c = to_local(body.frames[CHEST], x, y, z)
    t = ramp(0.96, 1.32, 0.5 * (v + b))
    return u + t * (a - u), v + t * (b - v), w + t * (c - w)


@compiled
def _profile(body: Body, height: float) -> tuple[float, float, float]:
    """Half width, half depth and offset of the shirt at a rest height, with the ends continued."""
    step = (SHIRT_TOP_M - SHIRT_HEM_M) / PROFILE_STEPS
    inside = min(max(height, SHIRT_HEM_M), SHIRT_TOP_M) - SHIRT_HEM_M
    piece = min(int(inside / step), PROFILE_STEPS - 1)
    t = inside - piece * step
    c = body.shirt[piece]
    return (
        ((c[0, 0] * t + c[0, 1]) * t + c[0, 2]) * t + c[0, 3],
        ((c[1, 0] * t + c[1, 1]) * t + c[1, 2]) * t + c[1, 3],
        ((c[2, 0] * t + c[2, 1]) * t + c[2, 2]) * t + c[2, 3],
    )


@compiled
def _trunk(body: Body, u: float, v: float, w: float) -> float:
    """First-order distance to the elliptic trunk in rest coordinates, closed above the shoulders."""
    a, b, offset = _profile(body, v)
    w = w - offset
    k = math.sqrt((u / a) ** 2 + (w / b) ** 2)
    slope = math.sqrt((u / (a * a)) ** 2 + (w / (b * b)) ** 2)
    d = k * (k - 1.0) / slope if slope > 1e-6 else -b
    return soft_max(d, v - 1.452, 0.03)


@compiled
def _sleeve(body: Body, side: int, smooth: float, x: float, y: float, z: float) -> float:
    """A sleeve with its folds, cut square and hollow at the end; `smooth` is its distance without them."""
    u, t, w = to_local(body.frames[UPPER_ARM + side], x, y, z)
    end = SLEEVE_SHARE * UPPER_ARM_M
    d = smooth - (sleeve_folds(body, side, u, t, w) if smooth < _CULL_M else MAX_FOLD_M)
    inner = max(d + 0.007, end - 0.06 - t)
    return soft_max(soft_max(d, t - end, 0.004), -inner, 0.003)


@compiled
def shirt(body: Body, exact: float, below: float, x: float, y: float, z: float) -> float:
    """Distance to the T-shirt; beyond `exact` metres a lower bound, without folds.

    `below` is the distance to the trousers, which stay under the shirt.
    """
    u, v, w = torso_coordinates(body, x, y, z)
    d = _trunk(body, u, v, w)
    for side in range(2):
        d = soft_min(d, cone_distance(body.cones[LEG + 2 * side], x, y, z) - 0.013, 0.05)
        d = soft_min(d, cone_distance(body.cones[YOKE + side], x, y, z), 0.06)
    left = cone_distance(body.cones[SLEEVE], x, y, z)
    right = cone_distance(body.cones[SLEEVE + 1], x, y, z)
    lowest = min(d, left, right) - MAX_FOLD_M - 0.5 * _SLEEVE_SOFT_M
    if min(lowest, below - _OVER_TROUSERS_M) > exact:
        return min(lowest, below - _OVER_TROUSERS_M)
    d -= shirt_folds(body, u, v, w) if d < _CULL_M else MAX_FOLD_M
    d = soft_min(d, below - _OVER_TROUSERS_M, 0.008)
    hem = HEM_M + 0.006 * math.sin(9.0 * u + 2.0) + 0.012 * ramp(0.0, 0.12, w)
    d = soft_max(d, hem - v, 0.004)
    d = soft_min(d, _sleeve(body, 0, left, x, y, z), _SLEEVE_SOFT_M)
    d = soft_min(d, _sleeve(body, 1, right, x, y, z), _SLEEVE_SOFT_M)
    neck = cone_distance(body.cones[NECK], x, y, z - 0.006)
    return soft_max(d, COLLAR_M - neck, 0.004)


@compiled
def _trouser_leg(body: Body, side: int, thigh: float, shank: float, x: float, y: float, z: float) -> float:
    """One leg with its folds, cut at the shoe and hollow there; takes the distances without folds."""
    u, t, w = to_local(body.frames[SHANK + side], x, y, z)
    a, b, c = to_local(body.frames[THIGH + side], x, y, z)
    thigh -= thigh_folds(body, side, a, b, c) if thigh < _CULL_M else MAX_FOLD_M
    shank -= shank_folds(body, side, u, t, w) if shank < _CULL_M else MAX_FOLD_M
    hem = t - (SHANK_M - 0.012) - 0.10 * max(-w, 0.0)
    inner = max(shank + 0.008, SHANK_M - 0.06 - t)
    shank = soft_max(soft_max(shank, hem, 0.004), -inner, 0.004)
    return soft_min(thigh, shank, 0.030)


@compiled
def trousers(body: Body, exact: float, x: float, y: float, z: float) -> float:
    """Distance to the trousers; beyond `exact` metres a lower bound, without folds."""
    u, v, w = to_local(body.frames[PELVIS], x, y, z)
    seat = ellipsoid(u, v - 0.955, w + 0.012, 0.160, 0.130, 0.116)
    cheek = ball(math.sqrt(u * u + 1e-6) - 0.070, v - 0.900, w + 0.052, 0.086)
    seat = soft_min(seat, cheek, 0.05)
    cones = body.cones
    thigh, shank = cone_distance(cones[LEG], x, y, z), cone_distance(cones[LEG + 1], x, y, z)
    thigh_r, shank_r = cone_distance(cones[LEG + 2], x, y, z), cone_distance(cones[LEG + 3], x, y, z)
    lowest = min(thigh, shank, thigh_r, shank_r)
    lowest = min(lowest, seat) - MAX_FOLD_M - 0.03
    if lowest > exact:
        return lowest
    left = _trouser_leg(body, 0, thigh, shank, x, y, z)
    right = _trouser_leg(body, 1, thigh_r, shank_r, x, y, z)
    d = soft_min(soft_min(left, right, 0.035), seat, 0.05)
    return soft_max(d, v - 1.02, 0.01)
