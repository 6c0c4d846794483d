"""Shapes that worn things are made of: lofts over a grid of points, tubes along a path, rounded boxes."""

import numpy as np
from jaxtyping import Float, Int32

Points = Float[np.ndarray, "_ 3"]
Triangles = Int32[np.ndarray, "_ 3"]


def grid_faces(rows: int, columns: int, *, wrap: bool = False) -> Triangles:
    """Triangles over points numbered row by row; their normals point along (down the rows) x (along the columns).

    Args:
        rows: At least 2.
        columns: At least 2.
        wrap: Whether the last column is joined to the first.
    """
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if wrap:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    quads = np.stack([a, d, c, a, c, b], axis=-1)
    faces: np.ndarray = quads.reshape(-1, 3).astype(np.int32)
    return faces


def loft(
    rings: Float[np.ndarray, "r c 3"], *, wrap: bool = True, start: bool = False, end: bool = False
) -> tuple[Points, Triangles]:
    """A surface through rings of points, closed at either end by a point in the middle of the ring there.

    Args:
        rings: Points; outside is where (along the loft) x (round the ring) points.
        wrap: Whether every ring is closed.
        start: Whether to close the first ring.
        end: Whether to close the last.
    """
    rows, columns = rings.shape[:2]
    points, faces = [rings.reshape(-1, 3)], [grid_faces(rows, columns, wrap=wrap)]
    count = rows * columns
    around = np.arange(columns, dtype=np.int32)
    after = np.roll(around, -1)
    if start:
        points.append(rings[:1].mean(axis=1))
        faces.append(np.stack([np.full(columns, count, np.int32), around, after], axis=1))
        count += 1
    if end:
        last = np.int32((rows - 1) * columns)
        points.append(rings[-1:].mean(axis=1))
        faces.append(np.stack([np.full(columns, count, np.int32), last + after, last + around], axis=1))
    return np.concatenate(points), np.concatenate(faces).astype(np.int32)


def tube(
    path: Points, half_widths: Float[np.ndarray, "n 2"], up: Float[np.ndarray, "n 3"], *, sides: int = 6, closed: bool
) -> tuple[Points, Triangles]:
    """A tube with an elliptic cross section along a path.

    Args:
        path: Its middle.
        half_widths: Across and along `up`, at every point of the path, m.
        up: Which way the second half width goes; made perpendicular to the path.
        sides: Points of a cross section.
        closed: Whether the path ends where it begins; otherwise both ends are capped.
    """
    along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0) if closed else np.gradient(path, axis=0)
    along = unit(along)
    upright = unit(up - (up * along).sum(axis=1, keepdims=True) * along)
    across = np.cross(along, upright)
    angle = 2 * np.pi * np.arange(sides) / sides
    wide, high = (half_widths[:, k, None, None] for k in (0, 1))
    rings = path[:, None] + wide * np.cos(angle)[:, None] * across[:, None]
    rings = rings + high * np.sin(angle)[:, None] * upright[:, None]
    if closed:
        rings = np.concatenate([rings, rings[:1]])
    return loft(rings, start=not closed, end=not closed)


def rounded_box(half_sizes: Float[np.ndarray, "3"], *, power: float = 4.0, rows: int = 14) -> tuple[Points, Triangles]:
    """A box about the origin with soft edges: |x/a|^p + |y/b|^p + |z/c|^p = 1.

    Args:
        half_sizes: a, b, c, m.
        power: 2 is an ellipsoid, more is more of a box.
        rows: Rings from top to bottom; there are twice as many points in each.
    """
    polar = np.pi * (np.arange(rows) + 0.5) / rows
    azimuth = np.pi * np.arange(2 * rows) / rows
    ring = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=1)
    rays = np.sin(polar)[:, None, None] * ring + np.cos(polar)[:, None, None] * np.array([0.0, 0.0, 1.0])
    length = (np.abs(rays) ** power).sum(axis=-1, keepdims=True) ** (-1 / power)
    return loft(rays * length * half_sizes, start=True, end=True)


def joined(parts: list[tuple[Points, Triangles]]) -> tuple[Points, Triangles]:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(points) for points, _ in parts)])
    faces = np.concatenate([part + start for (_, part), start in zip(parts, starts[:-1], strict=True)])
    return np.concatenate([points for points, _ in parts]), faces.astype(np.int32)


def unit(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Vectors scaled to length one; those without length stay."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
