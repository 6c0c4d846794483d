"""Cross sections of a body: tight loops round the part of it that lies near a plane, as a belt or a sock lies."""

import numpy as np
from jaxtyping import Float
from scipy.spatial import ConvexHull, QhullError

Points = Float[np.ndarray, "_ 3"]


def girdle(
    points: Points,
    origin: Float[np.ndarray, "3"],
    across: Float[np.ndarray, "3"],
    outwards: Float[np.ndarray, "3"],
    *,
    count: int,
    reach_m: float = 0.012,
    off_m: float = 0.0,
) -> Points:
    """A convex loop round the points near a plane, at even angles about its middle.

    Args:
        points: To go round.
        origin: On the plane.
        across: Unit; where the loop begins, and a quarter turn before `outwards`.
        outwards: Unit, in the plane.
        count: Points of the loop.
        reach_m: How near the plane points have to be; it grows until there are enough.
        off_m: How far the loop stays off the points.
    """
    normal = np.cross(across, outwards)
    away = np.abs((points - origin) @ normal)
    while (away < reach_m).sum() < 8 and reach_m < 0.2:
        reach_m *= 1.4
    flat = (points[away < reach_m] - origin) @ np.stack([across, outwards], axis=1)
    middle, reach = _support(flat, count)
    angle = 2 * np.pi * np.arange(count) / count
    turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    loop = middle + turn * (reach + off_m)[:, None]
    return np.asarray(origin + loop @ np.stack([across, outwards]))


def _support(flat: Float[np.ndarray, "n 2"], count: int) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, " c"]]:
    """Middle of the convex hull, and how far it reaches from there at even angles."""
    try:
        hull = ConvexHull(flat)
    except (QhullError, ValueError):
        return flat.mean(axis=0), np.full(count, float(np.linalg.norm(flat - flat.mean(axis=0), axis=1).max()))
    corners = flat[hull.vertices]
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    angle = 2 * np.pi * np.arange(count) / count
    turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    facing = turn @ hull.equations[:, :2].T
    room = -(hull.equations[:, :2] @ middle + hull.equations[:, 2])
    reach = np.where(facing > 1e-9, room / np.maximum(facing, 1e-9), np.inf).min(axis=1)
    return middle, reach


def smoothed(rings: Float[np.ndarray, "r c 3"], *, times: int = 1) -> Float[np.ndarray, "r c 3"]:
    """Rings that go over into each other more gently; the first and the last stay."""
    smooth = rings.copy()
    for _ in range(times):
        smooth[1:-1] = 0.25 * smooth[:-2] + 0.5 * smooth[1:-1] + 0.25 * smooth[2:]
    return smooth
