"""Meshes and figures that the cloth tests share: a sheet, a tube, a ball."""

import numpy as np

from hd_core.synth.cloth.contact import surface_normals
from hd_core.synth.cloth.garment import Garment


def sheet(rows, columns, width_m, depth_m, z=0.0):
    """A flat grid in the plane z, its middle at the origin, diagonals alternating."""
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, columns) * width_m, np.linspace(-0.5, 0.5, rows) * depth_m)
    points = np.stack([x, y, np.full_like(x, z)], axis=-1).reshape(-1, 3).astype(np.float32)
    return points, _cells(rows, columns)


def tube(rings, around, radius_m, length_m):
    """A tube that hangs down from z = 0."""
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    z = np.repeat(np.linspace(0, -length_m, rings), around)
    turn = np.tile(angle, rings)
    points = np.stack([radius_m * np.cos(turn), radius_m * np.sin(turn), z], axis=-1).astype(np.float32)
    faces = _cells(rings, around + 1)
    row, column = np.divmod(faces, around + 1)
    return points, (row * around + column % around)[:, ::-1].astype(np.int32).copy()


def ball(radius_m, num=1500, centre=(0.0, 0.0, 0.0)):
    """Evenly spread points of a ball and their normals."""
    k = np.arange(num) + 0.5
    z, turn = 1 - 2 * k / num, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z**2)
    normals = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=-1)
    return (radius_m * normals + np.array(centre)).astype(np.float32), normals.astype(np.float32)


def garment_of(points, faces, *, pinned=None, skin_distance=1.0):
    num = len(points)
    return Garment(
        rest=points,
        faces=faces,
        pinned=np.zeros(num, bool) if pinned is None else pinned,
        skin_distance=np.broadcast_to(np.asarray(skin_distance, np.float32), num).copy(),
    )


def normals_of(points, faces):
    normals = np.empty((len(points), 3))
    surface_normals(points.astype(np.float64), faces, normals)
    return normals


def no_body(frames):
    return np.zeros((frames, 0, 3), np.float32)


def still(points, frames):
    return np.repeat(points[None], frames, axis=0)


def _cells(rows, columns):
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    a, b, c, d = (i * columns + j, i * columns + j + 1, (i + 1) * columns + j + 1, (i + 1) * columns + j)
    even = ((i + j) % 2 == 0)[..., None]
    first = np.where(even, np.stack([a, b, c], -1), np.stack([a, b, d], -1))
    second = np.where(even, np.stack([a, c, d], -1), np.stack([b, c, d], -1))
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)]).astype(np.int32)
