"""The room and its light: a wall, a skirting board, a wooden floor, one large lamp, soft light from all sides."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import Body
from hd_core.synth.figure.field import EVERYTHING, field_of
from hd_core.synth.figure.primitives import noise, ramp
from hd_core.synth.figure.trace import lit_share

WALL_Z = -1.15
KEY_X, KEY_Y, KEY_Z = -0.466, 0.685, 0.560
"""Unit direction towards the lamp: high, in front, from the figure's right."""
KEY_RED, KEY_GREEN, KEY_BLUE = 2.05, 1.92, 1.72
FILL_X, FILL_Y, FILL_Z = 0.80, 0.25, 0.545


@compiled
def ambient(nx: float, ny: float, nz: float) -> tuple[float, float, float]:
    """Soft light on a surface: cool from above, warm from the floor, a weak window on the figure's left."""
    up = 0.5 + 0.5 * ny
    fill = max(nx * FILL_X + ny * FILL_Y + nz * FILL_Z, 0.0)
    return (
        0.30 + 0.27 * up + 0.20 * fill,
        0.27 + 0.31 * up + 0.22 * fill,
        0.23 + 0.36 * up + 0.27 * fill,
    )


@compiled
def backdrop(
    body: Body, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> tuple[float, float, float]:
    """Light that arrives along a ray which misses the figure."""
    to_wall = (WALL_Z - oz) / dz
    to_floor = -oy / dy if dy < 0 else 1e9
    if to_floor < to_wall:
        return _floor(body, ox + to_floor * dx, oz + to_floor * dz)
    return _wall(body, ox + to_wall * dx, oy + to_wall * dy)


@compiled
def _floor(body: Body, x: float, z: float) -> tuple[float, float, float]:
    """Oak boards along the wall; the figure darkens them by its shadow and by closing off the sky."""
    board = math.floor((z + 5.0) / 0.13)
    shift = 0.37 * board
    length = math.floor((x + shift) / 0.9)
    tone = 1.0 + 0.16 * noise(1.7 * board, 2.3 * length, 0.5)
    grain = 1.0 + 0.10 * noise(5.0 * x, 70.0 * z, board) + 0.05 * noise(22.0 * x, 160.0 * z, board)
    gap = (z + 5.0) / 0.13 - board
    seam = 1.0 - 0.35 * ramp(0.035, 0.0, min(gap, 1.0 - gap))
    k = tone * grain * seam
    closed = 0.0
    for h in (0.02, 0.06, 0.14):
        closed += max(h - field_of(body, EVERYTHING, 0.15, x, h, z)[0], 0.0) / h
    sky = 1.0 - 0.28 * min(closed, 3.0)
    key = KEY_Y * lit_share(body, x, 0.001, z, KEY_X, KEY_Y, KEY_Z, 18.0)
    far = 1.0 - 0.16 * ramp(0.2, 1.4, abs(x + 0.2))
    corner = 1.0 - 0.30 * ramp(0.35, 0.0, z - WALL_Z)
    red, green, blue = ambient(0.0, 1.0, 0.0)
    k *= far * 0.72
    return (
        0.36 * k * (red * sky * corner + KEY_RED * key),
        0.225 * k * (green * sky * corner + KEY_GREEN * key),
        0.130 * k * (blue * sky * corner + KEY_BLUE * key),
    )


@compiled
def _wall(body: Body, x: float, y: float) -> tuple[float, float, float]:
    """Painted plaster with a white skirting board; light falls off away from the lamp."""
    base = 0.66 + 0.012 * noise(3.0 * x, 3.0 * y, 0.0) + 0.008 * noise(45.0 * x, 45.0 * y, 3.0)
    red, green, blue = base * 1.02, base * 1.0, base * 0.93
    corner = 1.0 - 0.30 * ramp(0.35, 0.0, y)
    if y < 0.09:
        edge = 0.75 + 0.25 * ramp(0.0, 0.012, 0.09 - y)
        red, green, blue = 0.80 * edge, 0.79 * edge, 0.76 * edge
    share = lit_share(body, x, y, WALL_Z + 0.002, KEY_X, KEY_Y, KEY_Z, 22.0)
    fall = math.exp(-0.22 * ((x + 0.5) ** 2 + (y - 1.5) ** 2))
    key = KEY_Z * share * (0.35 + 0.65 * fall)
    a, b, c = ambient(0.0, 0.0, 1.0)
    dim = corner * (0.55 + 0.30 * fall)
    return (
        red * (a * dim + 0.62 * KEY_RED * key),
        green * (b * dim + 0.62 * KEY_GREEN * key),
        blue * (c * dim + 0.62 * KEY_BLUE * key),
    )
