"""What the parts look like: colours, prints and painted features of a point of the surface, as linear light.

`wide` is the width of a pixel on the surface, metres; edges of a print are softened over it.
"""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

from hd_core.compiled import compiled
from hd_core.synth.figure.build import HEAD, LEG, NECK, SHANK, SLEEVE_SHARE, THIGH, UPPER_ARM, Body
from hd_core.synth.figure.clothes import HEM_M, torso_coordinates
from hd_core.synth.figure.field import HAIR, SHIRT, SHOE_LEFT, SKIN, TROUSERS
from hd_core.synth.figure.primitives import bump, cone_distance, noise, ramp, to_local
from hd_core.synth.figure.skeleton import SHANK_M, UPPER_ARM_M
from hd_core.synth.figure.skin import EYE_X, EYE_Y, foot_coordinates

Colour = tuple[float, float, float]


@compiled
def _mix(a: Colour, b: Colour, t: float) -> Colour:
    return a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])


@compiled
def _scaled(a: Colour, k: float) -> Colour:
    return a[0] * k, a[1] * k, a[2] * k


@compiled
def _inside(x: float, half: float, wide: float) -> float:
    """1 where |x| < half, 0 outside, soft over a pixel."""
    return ramp(half + 0.5 * wide, half - 0.5 * wide, abs(x))


@compiled
def skin_colour(x: float, y: float, z: float) -> Colour:
    """Plain skin with a little mottling."""
    k = 1.0 + 0.05 * noise(30.0 * x, 30.0 * y, 30.0 * z)
    return 0.545 * k, 0.300 * k, 0.205 * k


@compiled
def face_colour(body: Body, x: float, y: float, z: float, wide: float) -> Colour:
    """Skin with brows, eyes, lips, a flush on cheeks and nose, and the shade of a shaved beard."""
    u, v, w = to_local(body.frames[HEAD], x, y, z)
    c = skin_colour(u, v, w)
    if w < 0.02 or v < -0.13:
        return c
    s = abs(u)
    soft = max(wide, 0.0025)
    flush = 0.5 * bump(s, 0.040, 0.026) * bump(v, -0.030, 0.035) + 0.4 * bump(s, 0.0, 0.02) * bump(v, -0.030, 0.02)
    c = _mix(c, (0.56, 0.22, 0.16), flush)
    beard = 0.16 * ramp(-0.03, -0.06, v) * ramp(0.02, 0.05, w)
    c = _mix(c, (0.20, 0.14, 0.11), beard)
    lip = ramp(0.028, 0.020, s) * _inside(v + 0.0660 - 6.0 * s * s, 0.0080 - 6.0 * s * s, soft)
    c = _mix(c, (0.40, 0.125, 0.105), 0.8 * lip)
    c = _mix(c, (0.13, 0.045, 0.04), 0.8 * ramp(0.027, 0.018, s) * _inside(v + 0.0655 - 6.0 * s * s, 0.0010, soft))
    arch = v - 0.0335 + 9.0 * (s - 0.036) ** 2
    brow = _inside(s - 0.033, 0.0190, soft) * _inside(arch, 0.0036, soft)
    c = _mix(c, (0.035, 0.022, 0.014), 0.85 * brow)
    ex, ey = s - EYE_X, v - EYE_Y
    lid = math.sqrt((ex / 0.0150) ** 2 + (ey / 0.0056) ** 2)
    c = _mix(c, (0.10, 0.055, 0.04), 0.55 * ramp(1.75, 1.0, lid))
    c = _mix(c, (0.62, 0.58, 0.55), ramp(1.15, 0.8, lid))
    iris = math.sqrt(ex * ex + ey * ey)
    c = _mix(c, (0.030, 0.018, 0.012), ramp(1.15, 0.85, lid) * _inside(iris, 0.0058, soft))
    upper = _inside(ey - 0.0050 + 22.0 * ex * ex, 0.0015, soft) * ramp(0.019, 0.014, abs(ex))
    return _mix(c, (0.03, 0.018, 0.012), 0.9 * upper)


@compiled
def hair_colour(body: Body, x: float, y: float, z: float) -> Colour:
    """Dark brown with lighter strands."""
    u, v, w = to_local(body.frames[HEAD], x, y, z)
    strand = noise(130.0 * u + 40.0 * v, 16.0 * v, 60.0 * w + 26.0 * u)
    return _scaled((0.060, 0.034, 0.020), 1.0 + 0.75 * strand)


@compiled
def _cloth_grain(x: float, y: float, z: float) -> float:
    return 1.0 + 0.05 * noise(120.0 * x, 120.0 * y, 120.0 * z) + 0.04 * noise(18.0 * x, 18.0 * y, 18.0 * z)


@compiled
def shirt_colour(body: Body, x: float, y: float, z: float, wide: float) -> Colour:
    """A rust-red T-shirt with three cream bands over the chest and on the sleeves, and ribbed edges."""
    u, v, w = torso_coordinates(body, x, y, z)
    base, cream, navy = (0.420, 0.070, 0.045), (0.700, 0.610, 0.470), (0.030, 0.045, 0.110)
    grain = _cloth_grain(u, v, w)
    c = base
    on_sleeve = 0
    for side in range(2):
        a, t, b = to_local(body.frames[UPPER_ARM + side], x, y, z)
        sign = 1.0 - 2.0 * side
        if t > 0.02 and math.sqrt(a * a + b * b) < 0.105 and u * sign > 0.17:
            on_sleeve = 1
            end = SLEEVE_SHARE * UPPER_ARM_M - t
            c = _mix(c, _scaled(base, 0.72), _inside(end - 0.022, 0.0015, wide))
            c = _mix(c, cream, _inside(end - 0.055, 0.014, wide))
            c = _mix(c, navy, _inside(end - 0.055, 0.0045, wide))
    if on_sleeve == 0:
        c = _mix(c, cream, _inside(v - 1.235, 0.050, wide))
        c = _mix(c, navy, _inside(v - 1.235, 0.019, wide))
        c = _mix(c, _scaled(base, 0.7), _inside(v - HEM_M - 0.024, 0.0015, wide))
        neck = cone_distance(body.cones[NECK], x, y, z - 0.006)
        c = _mix(c, _scaled(base, 0.72), _inside(neck - 0.007, 0.017, wide))
    return _scaled(c, grain)


@compiled
def trouser_colour(body: Body, x: float, y: float, z: float, wide: float) -> Colour:
    """Denim: blue, faded on the thighs and knees, twill and slubs, dark seams at the sides, stitched hems."""
    side = 0
    if cone_distance(body.cones[LEG + 2], x, y, z) < cone_distance(body.cones[LEG], x, y, z):
        side = 1
    _, t, w = to_local(body.frames[SHANK + side], x, y, z)
    a, b, c = to_local(body.frames[THIGH + side], x, y, z)
    colour = (0.050, 0.085, 0.185)
    fade = 0.55 * bump(b, 0.20, 0.24) * ramp(0.2, 1.0, c / math.sqrt(a * a + c * c + 1e-6))
    fade += 0.25 * bump(t, 0.0, 0.16) * ramp(0.0, 0.07, w)
    colour = _mix(colour, (0.150, 0.220, 0.360), min(fade, 1.0))
    slub = 0.10 * noise(260.0 * a, 40.0 * b, 260.0 * c) + 0.08 * noise(14.0 * a, 9.0 * b, 14.0 * c)
    colour = _scaled(colour, 1.0 + slub)
    across = w if t > 0 else c
    seam = _inside(across + 0.004, 0.002, wide)
    colour = _mix(colour, _scaled(colour, 0.55), 0.8 * seam)
    pocket = _inside(b - 0.02 - 1.1 * (0.10 - abs(a)), 0.0015, wide) * ramp(0.0, 0.03, c)
    colour = _mix(colour, (0.30, 0.19, 0.08), 0.5 * pocket)
    return _mix(colour, (0.33, 0.21, 0.09), 0.6 * _inside(SHANK_M - 0.040 - t, 0.0012, wide))


@compiled
def shoe_colour(body: Body, side: int, x: float, y: float, z: float, wide: float) -> Colour:
    """White sneakers: grey toe seam, dark heel tab, laces, an off-white sole with a line."""
    u, v, w = foot_coordinates(body, side, x, y, z)
    c = (0.62, 0.61, 0.58)
    c = _mix(c, (0.10, 0.11, 0.13), ramp(-0.135, -0.145, w) * ramp(0.05, 0.06, v))
    laces = _inside(u, 0.019, wide) * ramp(-0.085, -0.075, w) * ramp(0.005, -0.005, w)
    c = _mix(c, (0.42, 0.41, 0.40), laces * (0.5 + 0.5 * math.sin(2 * math.pi * w / 0.016)))
    c = _mix(c, (0.72, 0.70, 0.65), ramp(0.031, 0.028, v))
    return _mix(c, (0.45, 0.09, 0.06), _inside(v - 0.020, 0.0030, wide))


@compiled
def colour_of(
    body: Body, part: int, x: float, y: float, z: float, wide: float
) -> tuple[float, float, float, float, float]:
    """Albedo (3), strength of the highlight, and how softly light wraps around the edge of the shade."""
    gloss, wrap = 0.03, 0.12
    if part == SKIN:
        c = face_colour(body, x, y, z, wide)
        gloss, wrap = 0.10, 0.22
    elif part == HAIR:
        c = hair_colour(body, x, y, z)
        gloss, wrap = 0.10, 0.10
    elif part == SHIRT:
        c = shirt_colour(body, x, y, z, wide)
    elif part == TROUSERS:
        c = trouser_colour(body, x, y, z, wide)
    elif part < SHOE_LEFT:
        c = skin_colour(x, y, z)
        gloss, wrap = 0.09, 0.22
    else:
        c = shoe_colour(body, part - SHOE_LEFT, x, y, z, wide)
        gloss = 0.06
    return c[0], c[1], c[2], gloss, wrap
