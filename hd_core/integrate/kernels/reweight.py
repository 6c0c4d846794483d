"""Targets, bilateral shares, edge weights and forces of one picture, as flat rows (see `sweeps`)."""

import math

import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from hd_core.compiled import compiled

ONE = np.uint64(1)
NO_EDGE = 1e9
"""Target of an edge that is not there; no slope comes near it."""
SMALL = 0.05
"""Below it the series of atanh that is used is exact to 1e-11."""
SHRINK = 1 / 256
"""exp(x) is exp(x / 256) by its series, squared eight times: no branch and no call, so that it becomes vectors."""


@compiled
def count_not_unit(normal: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"], slack: float) -> int:
    """Pixels on the mask whose normal is further than `slack` from unit length, or no number."""
    count = 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if mask[y, x]:
                square = 0.0
                for axis in range(3):
                    value = float(normal[y, x, axis])
                    square += value * value
                if not abs(math.sqrt(square) - 1) < slack:
                    count += 1
    return count


@compiled
def squared_cosines(
    normal: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    rays: Float[np.ndarray, "3 3"],
    least: float,
    out: Float[np.ndarray, "a b"],
) -> None:
    """c^2 = (n . tau)^2, at least `least` squared; `out` has a margin of one and is written on the mask."""
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if mask[y, x]:
                cosine = 0.0
                for axis in range(3):
                    ray = rays[axis, 0] * x + rays[axis, 1] * y + rays[axis, 2]
                    cosine += normal[y, x, axis] * ray
                cosine = max(abs(cosine), least)
                out[y + 1, x + 1] = cosine * cosine


@compiled
def targets(  # noqa: PLR0917 - compiled code has no keywords
    normal: Float[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    parts: Int[np.ndarray, "a b"],
    rays: Float[np.ndarray, "3 3"],
    step: Float[np.ndarray, "3"],
    bend: float,
    least: float,
    most: float,
    dy: int,
    dx: int,
    out: Float[np.ndarray, "a b"],
) -> None:
    """Target of the edge from every pixel to the one `dy` below and `dx` right of it, px.

    `out` has a margin of one and holds `NO_EDGE` already. `step` is f (tau_b - tau_a), `bend` is 1 / f, 0 in an
    orthographic picture. With t and t' the products of the mean normal with both rays, g = f ln(t / t'), that is
    -2 f atanh(m . step / (2 f middle)). Only the middle is bounded, so that a grazing or back-facing edge keeps its
    direction.
    """
    for y in range(mask.shape[0] - dy):
        for x in range(mask.shape[1] - dx):
            if not (mask[y, x] and mask[y + dy, x + dx]):
                continue
            if parts.size and parts[y, x] != parts[y + dy, x + dx]:
                continue
            middle, along = 0.0, 0.0
            for axis in range(3):
                mean = float(normal[y, x, axis]) + normal[y + dy, x + dx, axis]
                column, line = x + 0.5 * dx, y + 0.5 * dy
                middle += mean * (rays[axis, 0] * column + rays[axis, 1] * line + rays[axis, 2])
                along += mean * step[axis]
            half = 0.5 * bend * along
            middle = min(middle, -2 * least, -2 * abs(half))
            bent = half / middle
            if abs(bent) < SMALL:
                square = bent * bent
                slope = -along / middle * (1 + square * (1 / 3 + square * (1 / 5 + square / 7)))
            else:
                slope = -(math.log1p(bent) - math.log1p(-bent)) / bend
            out[y + 1, x + 1] = min(max(slope, -most), most)


@compiled
def arguments(  # noqa: PLR0917 - compiled code has no keywords
    u: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    squared_cosine: Float[np.ndarray, " n"],
    stride: np.uint64,
    k: float,
    rho: float,
    rest: float,
    limit: float,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Argument of every pixel's logistic on one axis: `k` c^2 (slope before squared - slope after squared).

    A side without a neighbour goes on with the slope that the other side's target says; `rest` is 1 - `rho`.
    """
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            behind, ahead = target[i - stride], target[i]
            before = u[i] - u[i - stride] - rho * behind
            after = u[i + stride] - u[i] - rho * ahead
            has_before, has_after = behind < NO_EDGE, ahead < NO_EDGE
            nothing = u[i] - u[i]
            lone_before = rest * ahead if has_after else nothing
            lone_after = rest * behind if has_before else nothing
            before = before if has_before else lone_before
            after = after if has_after else lone_after
            argument = k * squared_cosine[i] * ((before - after) * (before + after))
            argument = limit if argument > limit else argument
            out[i] = -limit if argument < -limit else argument


@compiled
def shares(  # noqa: PLR0917 - compiled code has no keywords
    squared_cosine: Float[np.ndarray, " n"],
    constants: Float[np.ndarray, "6"],
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    argument: Float[np.ndarray, " n"],
    before: Float[np.ndarray, " n"],
) -> None:
    """Every pixel's trust c^2, shared by its logistic; the share after takes the argument's place.

    `constants` are 1 / 256 and 1, 1/2, 1/6, 1/24, 1/120 in the precision of the rest.
    """
    shrink, one, half = constants[0], constants[1], constants[2]
    sixth, fourth, fifth = constants[3], constants[4], constants[5]
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            x = argument[i] * shrink
            e = one + x * (one + x * (half + x * (sixth + x * (fourth + x * fifth))))
            e *= e
            e *= e
            e *= e
            e *= e
            e *= e
            e *= e
            e *= e
            e *= e
            part = squared_cosine[i] / (one + e)
            before[i] = part
            argument[i] = part * e


@compiled
def join_shares(  # noqa: PLR0917 - compiled code has no keywords
    after: Float[np.ndarray, " n"],
    before: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    stretch: float,
    stride: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Weight of every edge: what both ends give it, times `stretch`."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            weight = stretch * (after[i] + before[i + stride])
            out[i] = weight if target[i] < NO_EDGE else weight - weight


@compiled
def prior_force(  # noqa: PLR0917 - compiled code has no keywords
    trust: Float[np.ndarray, " n"],
    prior: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " n"],
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Minus half the gradient of the prior's energy."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            out[i] = trust[i] * (prior[i] - u[i])


@compiled
def add_edge_force(  # noqa: PLR0917 - compiled code has no keywords
    weight: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " n"],
    stride: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Add minus half the gradient of the energy of one axis' edges."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            own = u[i]
            out[i] += weight[i] * (u[i + stride] - own - target[i]) - weight[i - stride] * (
                own - u[i - stride] - target[i - stride]
            )


@compiled
def edge_energy(  # noqa: PLR0917 - compiled code has no keywords
    weight: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " n"],
    stride: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
) -> float:
    """Energy of one axis' edges, summed in double precision."""
    total = 0.0
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            off = float(u[i + stride]) - float(u[i]) - float(target[i])
            total += weight[i] * off * off
    return total


@compiled
def mark_cuts(  # noqa: PLR0917 - compiled code has no keywords
    weight: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    squared_cosine: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " n"],
    stretch: float,
    stride: np.uint64,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Raise both ends of every edge to how cut it is: how little weight is left times how far its step is off."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            if target[i] < NO_EDGE:
                whole = stretch * (squared_cosine[i] + squared_cosine[i + stride]) / 2
                off = u[i + stride] - u[i] - target[i]
                left = min(max(1 - weight[i] / whole, 0.0), 1.0)
                cut = left * off * off / (1 + off * off)
                out[i] = max(out[i], cut)
                out[i + stride] = max(out[i + stride], cut)


@compiled
def doubt(  # noqa: PLR0917 - compiled code has no keywords
    trust: Float[np.ndarray, " n"],
    prior: Float[np.ndarray, " n"],
    u: Float[np.ndarray, " n"],
    one: float,
    inverse_scale: float,
    least: float,
    first: UInt[np.ndarray, " r"],
    stop: UInt[np.ndarray, " r"],
    out: Float[np.ndarray, " n"],
) -> None:
    """Trust over 1 + (off / scale)^2, at least `least`; zero stays zero."""
    for row in range(first.size):
        for i in range(first[row], stop[row]):
            off = (u[i] - prior[i]) * inverse_scale
            value = trust[i] / (one + off * off)
            value = least if value < least else value
            out[i] = value if trust[i] > trust[i] - trust[i] else trust[i]
