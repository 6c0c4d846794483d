"""Rays against the figure: first crossing, shadow towards a lamp, and how closed in a point is."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

from hd_core.compiled import compiled
from hd_core.synth.figure.build import Body
from hd_core.synth.figure.field import EVERYTHING, EXACT_M, NOTHING, SAFE_STEP, field, field_of, parts_on_ray

_MIN_STEP_M, _MAX_STEPS, _HALVINGS = 2e-4, 600, 14
_PENUMBRA_M = 0.15
"""How far beside the figure its shadow is still felt; up to there the field has to be exact."""


@compiled
def trace(body: Body, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> tuple[float, int]:
    """Sphere tracing (Hart 1996) with a bracketed root at the end.

    The ray starts outside the figure at o and runs along the unit vector d.

    Returns:
        Distance along the ray to the first crossing (to about 1e-8 m) and the part there; -1 and NOTHING on a
        miss.
    """
    parts, t, end = parts_on_ray(body, 0.0, ox, oy, oz, dx, dy, dz)
    before = t
    for _ in range(_MAX_STEPS):
        if t > end:
            break
        d, part = field_of(body, parts, EXACT_M, ox + t * dx, oy + t * dy, oz + t * dz)
        if d < 0:
            return _refine(body, before, t, ox, oy, oz, dx, dy, dz), part
        before = t
        t += max(SAFE_STEP * d, _MIN_STEP_M)
    return -1.0, NOTHING


@compiled
def _refine(
    body: Body,
    low: float,
    high: float,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
) -> float:
    """Halve the bracket in which the field changes sign."""
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if field(body, ox + middle * dx, oy + middle * dy, oz + middle * dz)[0] < 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@compiled
def lit_share(body: Body, x: float, y: float, z: float, lx: float, ly: float, lz: float, sharpness: float) -> float:
    """How much of a round lamp in direction l a point sees: 1 in the open, 0 in the core of the shadow.

    The narrowest ratio of clearance to distance along the way stands for the covered share of the lamp.
    """
    parts, start, end = parts_on_ray(body, _PENUMBRA_M, x, y, z, lx, ly, lz)
    t, share = max(start, 0.010), 1.0
    for _ in range(120):
        if t > end or share <= 0.0:
            break
        d = field_of(body, parts, _PENUMBRA_M, x + t * lx, y + t * ly, z + t * lz)[0]
        share = min(share, 0.5 + 0.5 * sharpness * d / t)
        t += min(max(0.7 * d, 0.0035), 0.08)
    share = max(share, 0.0)
    return share * share * (3.0 - 2.0 * share)


@compiled
def openness(body: Body, x: float, y: float, z: float, nx: float, ny: float, nz: float) -> float:
    """Ambient light that reaches a point: the field along its normal against free space, at five distances."""
    closed, weight = 0.0, 1.0
    for step in range(5):
        h = 0.012 + 0.030 * step
        d = field_of(body, EVERYTHING, _PENUMBRA_M, x + h * nx, y + h * ny, z + h * nz)[0]
        closed += weight * max(h - d, 0.0)
        weight *= 0.78
    return min(max(1.0 - 3.6 * closed, 0.0), 1.0)
