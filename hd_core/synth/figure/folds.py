"""The folds: how far the cloth stands off its smooth shape, in metres, driven by the joints' angles.

Every family is noise stretched along the direction in which such folds run, turned into round ridges by
`crease`, and weighted by where and when the cloth is slack or pulled: rings where a limb bends, lines that hang
from the shoulders, lines of tension from a raised arm, whiskers out of the crotch, a stack above the shoe.
"""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import (
    ARM_RAISE,
    ELBOW_BEND,
    HIP_BEND,
    KNEE_BEND,
    SIDE_BEND,
    TWIST,
    Body,
)
from hd_core.synth.figure.primitives import bump, crease, noise, ramp
from hd_core.synth.figure.skeleton import SHANK_M, THIGH_M

MAX_FOLD_M = 0.016
"""No fold is higher than this."""


@compiled
def _limit(height: float) -> float:
    """Keep a height within the maximum, smoothly."""
    return MAX_FOLD_M * math.tanh(height / MAX_FOLD_M)


@compiled
def _tension(body: Body, side: int, u: float, v: float) -> float:
    """Lines that fan out from the armpit towards the other hip when the arm is raised."""
    sign = 1.0 - 2.0 * side
    across, down = 0.165 * sign - u, 1.36 - v
    reach = math.sqrt(across * across + down * down + 1e-6)
    angle = math.atan2(across * sign, down)
    pull = 0.4 + ramp(0.35, 1.6, body.drive[ARM_RAISE + side])
    lines = crease(noise(4.6 * angle + 7.0 * side, 3.2 * reach, 3.0 * side))
    return 0.0060 * pull * lines * ramp(0.03, 0.09, reach) * ramp(0.34, 0.14, reach) * ramp(-0.09, -0.01, down)


@compiled
def shirt_folds(body: Body, u: float, v: float, w: float) -> float:
    """Folds of the shirt's trunk, in rest coordinates."""
    r = math.sqrt(u * u + 2.0 * w * w + 1e-4)
    cu, cw = u / r, 1.41 * w / r  # direction around the trunk, without a seam
    twist = 4.0 * body.drive[TWIST] * (v - 1.1)
    hang = ramp(1.30, 0.90, v)
    warp = 0.5 * noise(3.0 * cu, 6.0 * v, 3.0 * cw + 5.0)
    drape = crease(noise(3.4 * cu + twist + 0.6 * warp, 2.6 * v, 3.4 * cw + 1.3 + warp))
    height = (0.0025 + 0.0090 * hang) * drape
    squeeze = 0.5 + ramp(0.0, 0.25, abs(body.drive[SIDE_BEND])) * ramp(-0.06, 0.10, u * _sign(body.drive[SIDE_BEND]))
    rolls = crease(noise(2.2 * cu + 3.0, 15.0 * v + 2.2 * warp + 5.0 * cu * cw, 2.2 * cw))
    height += 0.0075 * squeeze * rolls * bump(v, 1.04, 0.22)
    height += _tension(body, 0, u, v) + _tension(body, 1, u, v)
    height += 0.0013 * noise(24.0 * u, 24.0 * v, 24.0 * w)
    return _limit(height) * ramp(1.46, 1.36, v)


@compiled
def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0


@compiled
def sleeve_folds(body: Body, side: int, u: float, t: float, w: float) -> float:
    """Rings and slanting lines on a sleeve, in the upper arm's axes; t runs from the shoulder."""
    r = math.sqrt(u * u + w * w + 1e-4)
    cu, cw = u / r, w / r
    slack = 0.6 + 0.5 * ramp(0.2, 1.6, body.drive[ELBOW_BEND + side])
    warp = noise(2.0 * cu, 9.0 * t, 2.0 * cw + 4.0 * side)
    rings = crease(noise(1.5 * cu + 2.0 * side, 17.0 * t + 0.9 * warp + 1.2 * cu, 1.5 * cw))
    lines = crease(noise(2.0 * cu, 4.0 * t + 3.0, 2.0 * cw + 0.5 * warp))
    height = 0.0050 * slack * rings * ramp(0.0, 0.06, t) + 0.0060 * lines * ramp(0.03, 0.14, t)
    return _limit(height) * ramp(-0.03, 0.05, t)


@compiled
def thigh_folds(body: Body, side: int, u: float, t: float, w: float) -> float:
    """Whiskers from the crotch, long lines down the thigh, rings above the knee; t runs from the hip."""
    sign = 1.0 - 2.0 * side
    r = math.sqrt(u * u + w * w + 1e-4)
    cu, cw = u / r, w / r
    warp = noise(2.0 * cu + side, 6.0 * t, 2.0 * cw)
    inner = u * sign + 0.06  # distance from the crotch across the thigh
    angle = math.atan2(inner, t - 0.02)
    fan = crease(noise(5.5 * angle + 3.0 * side, 5.0 * math.sqrt(inner * inner + t * t), 1.5 * cw))
    bent = 0.35 + ramp(0.1, 0.9, body.drive[HIP_BEND + side])
    height = 0.0070 * bent * fan * ramp(0.30, 0.08, t)
    long_lines = crease(noise(2.1 * cu + 0.5 * warp, 3.4 * t, 2.1 * cw + 9.0 + side))
    height += 0.0045 * long_lines * bump(t, 0.24, 0.22)
    height += _knee_rings(body, side, cu, t - THIGH_M, cw, warp)
    return _limit(height + 0.0008 * noise(30.0 * u, 30.0 * t, 30.0 * w))


@compiled
def _knee_rings(body: Body, side: int, cu: float, t: float, cw: float, warp: float) -> float:
    """Rings behind the knee and slanting pulls beside the kneecap; t is measured from the joint."""
    bent = 0.30 + ramp(0.15, 1.1, body.drive[KNEE_BEND + side])
    behind = 0.45 + 0.55 * ramp(0.4, -0.6, cw)
    slant = 16.0 * t + 1.3 * math.sqrt(cu * cu + 0.06) * math.tanh(18.0 * t) + 0.9 * warp + 5.0 * side
    return 0.0080 * bent * behind * crease(noise(1.3 * cu, slant, 1.3 * cw)) * bump(t, 0.0, 0.17)


@compiled
def shank_folds(body: Body, side: int, u: float, t: float, w: float) -> float:
    """Rings below the knee, a line or two down the shin, and the stack above the shoe; t runs from the knee."""
    r = math.sqrt(u * u + w * w + 1e-4)
    cu, cw = u / r, w / r
    warp = noise(2.0 * cu + 3.0 * side, 7.0 * t, 2.0 * cw + 2.0)
    height = _knee_rings(body, side, cu, t, cw, warp)
    lines = crease(noise(1.8 * cu + 0.6 * warp + side, 3.0 * t, 1.8 * cw + 4.0))
    height += 0.0050 * lines * bump(t, 0.22, 0.20)
    stack = crease(noise(1.5 * cu + 7.0 * side, 17.0 * t + 1.1 * warp + 0.8 * cu * cw, 1.5 * cw + 1.0))
    height += 0.0068 * stack * ramp(SHANK_M - 0.20, SHANK_M - 0.06, t)
    return _limit(height + 0.0008 * noise(30.0 * u, 30.0 * t, 30.0 * w))
