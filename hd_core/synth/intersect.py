"""Rays against quadrics, in closed form: the nearest crossing with a sphere, an ellipsoid, a capsule.

Rays start at the origin and are scaled so that z = 1; the ray parameter of a hit is then its depth along z.
Every function returns NaN where the ray misses.
"""

import numpy as np
from jaxtyping import Float

Vectors = Float[np.ndarray, "*n 3"]
Scalars = Float[np.ndarray, "*n"]
Point = Float[np.ndarray, "3"]


def hit_sphere(rays: Vectors, centre: Point, *, radius_m: float) -> Scalars:
    """Depth of the near side of a sphere that lies before the camera."""
    return hit_ellipsoid(rays, centre, np.full(3, radius_m))


def hit_ellipsoid(rays: Vectors, centre: Point, semi_axes: Point) -> Scalars:
    """Depth of the near side of an ellipsoid with axes along x, y, z that does not contain the camera.

    In coordinates divided by the semi-axes it is the unit sphere about c: |t r - c|^2 = 1. The discriminant is
    taken as |r|^2 - |r x c|^2, which does not cancel as (r . c)^2 - |r|^2 (|c|^2 - 1) would.
    """
    scaled, middle = rays / semi_axes, centre / semi_axes
    square = (scaled**2).sum(-1)
    along = scaled @ middle
    under = square - (np.cross(scaled, middle) ** 2).sum(-1)
    hit = (under > 0) & (along > 0)
    root = np.sqrt(np.where(hit, under, 0.0))
    return np.where(hit, (middle @ middle - 1) / np.where(hit, along + root, 1.0), np.nan)


def hit_capsule(rays: Vectors, start: Point, end: Point, *, radius_m: float) -> Scalars:
    """Depth of the near side of a capsule (a cylinder with round ends) that does not contain the camera."""
    length = float(np.linalg.norm(end - start))
    axis = (end - start) / length
    sideways, offset = rays - (rays @ axis)[..., None] * axis, start - (start @ axis) * axis
    square = (sideways**2).sum(-1)
    along = sideways @ offset
    under = square * radius_m**2 - (np.cross(sideways, offset) ** 2).sum(-1)
    hit = (under > 0) & (along > 0)
    root = np.sqrt(np.where(hit, under, 0.0))
    body = np.where(hit, (offset @ offset - radius_m**2) / np.where(hit, along + root, 1.0), np.nan)
    height = body * (rays @ axis) - start @ axis
    body = np.where((height >= 0) & (height <= length), body, np.nan)
    caps = [hit_sphere(rays, centre, radius_m=radius_m) for centre in (start, end)]
    return np.asarray(np.fmin(body, np.fmin(*caps)))


def capsule_normal(points: Vectors, start: Point, end: Point) -> Vectors:
    """Outward unit normals at points of a capsule: away from the nearest point of its axis."""
    axis = end - start
    share = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
    return unit(points - start - share[..., None] * axis)


def unit(vectors: Vectors) -> Vectors:
    """Vectors scaled to length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
