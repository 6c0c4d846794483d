"""A small z-buffer: shaded pictures of a mesh for reports, from any side."""

import numpy as np
from jaxtyping import Float, UInt8

from hd_core.compiled import compiled
from hd_core.mesh.faces import as_triangles
from hd_core.types import Mesh

LIGHT = np.array([-0.35, -0.55, -0.76])
"""Towards the light, camera axes: from the upper left, behind the camera."""
BACKGROUND = 38
CLAY = np.array([214.0, 200.0, 184.0])


def shade_mesh(
    mesh: Mesh, *, size: int, turn_deg: float = 0.0, frame: tuple[Float[np.ndarray, "3"], float] | None = None
) -> UInt8[np.ndarray, "s s 3"]:
    """A clay-shaded orthographic picture of a mesh.

    Args:
        mesh: In camera axes.
        size: Side of the picture, px.
        turn_deg: Turn about the vertical axis through the mesh's middle.
        frame: Middle and half extent, metres, so that several pictures agree; of this mesh if omitted.
    """
    picture = np.full((size, size, 3), BACKGROUND, np.uint8)
    if not len(mesh.faces):
        return picture
    middle, reach = frame or view_frame(mesh)
    turn = np.radians(turn_deg)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    local = (mesh.vertices - middle) @ rotation.T
    corners = np.empty((len(local), 3))
    corners[:, :2] = (local[:, :2] / reach + 1) * size / 2
    corners[:, 2] = local[:, 2]
    normals = vertex_normals(mesh) @ rotation.T
    light = np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)
    shade = (0.25 + 0.75 * light)[:, None] * CLAY
    _fill(picture, np.full((size, size), np.inf), corners, as_triangles(mesh.faces), shade)
    return picture


def view_frame(mesh: Mesh) -> tuple[Float[np.ndarray, "3"], float]:
    """Middle of a mesh and the half extent that holds it from every side, metres."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    width, height, depth = (high - low).astype(float)
    return ((low + high) / 2).astype(np.float64), max(float(np.hypot(width, depth)), height) * 0.52 + 1e-6


def vertex_normals(mesh: Mesh) -> Float[np.ndarray, "v 3"]:
    """The mesh's own vertex normals, or area-weighted ones."""
    if mesh.normals is not None:
        return mesh.normals
    corner = mesh.vertices[as_triangles(mesh.faces)]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros_like(mesh.vertices)
    np.add.at(total, as_triangles(mesh.faces), face[:, None])
    unit: np.ndarray = total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)
    return unit


@compiled
def _fill(picture: np.ndarray, depth: np.ndarray, corners: np.ndarray, faces: np.ndarray, shade: np.ndarray) -> None:
    """Draw triangles with interpolated colour; only the nearest survives."""
    height, width = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = (
            corners[a, 0],
            corners[a, 1],
            corners[b, 0],
            corners[b, 1],
            corners[c, 0],
            corners[c, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0.0:
            continue
        left, right = max(int(min(ax, bx, cx)), 0), min(int(max(ax, bx, cx)) + 1, width)
        top, bottom = max(int(min(ay, by, cy)), 0), min(int(max(ay, by, cy)) + 1, height)
        for row in range(top, bottom):
            for column in range(left, right):
                x, y = column + 0.5, row + 0.5
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                wa = 1.0 - wb - wc
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = wa * corners[a, 2] + wb * corners[b, 2] + wc * corners[c, 2]
                if z < depth[row, column]:
                    depth[row, column] = z
                    for k in range(3):
                        picture[row, column, k] = np.uint8(wa * shade[a, k] + wb * shade[b, k] + wc * shade[c, k])
