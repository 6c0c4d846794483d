"""Calm outlines: the depth of rims along the boundary, and no edge longer than allowed."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from hd_core.mesh.options import MAX_STRETCH
from hd_core.mesh.place import Placement

SMOOTHING_ROUNDS = 12


def smooth_outline(placement: Placement, boundary: Int[np.ndarray, "e 2"]) -> Placement:
    """Even out the depth of steep rims along the outline.

    Where a body rounds off, the tangent planes of neighbouring pixels reach very different depths at the outline
    and would leave a saw edge. Each round moves a rim half way to what its two neighbours on the outline say,
    weighted with the steepness of its surface: nothing below 45 degrees, fully from about 72.

    Args:
        placement: All vertices.
        boundary: Directed boundary edges; each vertex begins and ends at most one.
    """
    after, before = np.full(len(placement.x), -1), np.full(len(placement.x), -1)
    after[boundary[:, 0]] = boundary[:, 1]
    before[boundary[:, 1]] = boundary[:, 0]
    rim = np.flatnonzero((after >= 0) & (before >= 0) & (placement.highest > placement.lowest))
    a, b = before[rim], after[rim]
    to_a = np.hypot(placement.x[rim] - placement.x[a], placement.y[rim] - placement.y[a])
    to_b = np.hypot(placement.x[rim] - placement.x[b], placement.y[rim] - placement.y[b])
    share = to_a / (to_a + to_b)
    pull = 0.5 * np.clip((_slope(placement, rim) - 1) / 2, 0, 1)
    z = placement.base + placement.step
    low, high = (placement.base + placement.lowest)[rim], (placement.base + placement.highest)[rim]
    for _ in range(SMOOTHING_ROUNDS):
        between = z[a] * (1 - share) + z[b] * share
        z[rim] = np.clip(z[rim] + pull * (between - z[rim]), low, high)
    return replace(placement, step=z - placement.base)


def _slope(placement: Placement, chosen: Int[np.ndarray, " r"]) -> Float[np.ndarray, " r"]:
    """Tangent of the angle between normal and line of sight."""
    ray = placement.ray[chosen]
    cosine = -(placement.normal[chosen] * ray).sum(axis=1) / np.linalg.norm(ray, axis=1)
    return np.asarray(np.sqrt(np.maximum(1 / np.clip(cosine, 1e-3, 1) ** 2 - 1, 0)))


def relax(
    placement: Placement, edges: Int[np.ndarray, "e 2"], size: Float[np.ndarray, " v"], *, rounds: int = 3
) -> Placement:
    """Pull rims and joints back to the depth of their owner where they would make stretched edges.

    Args:
        placement: All vertices.
        edges: Edges of the triangles.
        size: Pixel footprint at each vertex, metres.
        rounds: The step is halved this many times, at last dropped.
    """
    movable = edges[(placement.step[edges] != 0).any(axis=1)]
    for round_number in range(rounds + 1):
        points = placement.points
        length = np.linalg.norm(points[movable[:, 0]] - points[movable[:, 1]], axis=1)
        long = movable[length > MAX_STRETCH * size[movable].min(axis=1)]
        if not len(long):
            break
        factor = np.ones(len(points))
        factor[long] = 0.5 if round_number < rounds else 0.0
        placement = replace(placement, step=placement.step * factor)
    return placement
