"""From camera axes to the integer grid of the picture: projection, snapping, and cutting what cannot be projected.

Corners are snapped to 1/65536 px, so "inside" is decided in exact integers: a pixel centre on an edge that two
triangles share belongs to exactly one of them, and every program that follows these steps draws the same pixels.
"""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int32, Int64

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.types import Camera

GRID_BITS = 16
ONE = 1 << GRID_BITS
"""Grid steps per px."""
HALF = ONE >> 1
GUARD_PX = 8192.0
"""Corners farther out are cut off; then products of two differences of coordinates fit 62 bits."""
NEAR_M = 0.05
"""Nothing nearer to the camera than this is drawn, unless told otherwise."""
MAX_CORNERS = 8
"""A triangle cut by five planes."""


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Triangles on the integer grid of a picture, in the order of the faces they belong to.

    Args:
        corner: Position of every vertex, 1/65536 px; anything for vertices that no triangle uses.
        inverse_depth: 1 / z of every vertex, 1/m.
        triangles: Corners of what is drawn: the faces, with the cut ones replaced by their pieces.
        owner: The face of every triangle, ascending.
        cut: Row of `weights` for a piece of a cut face, -1 for a whole face.
        weights: Barycentric coordinates of a piece's corners in its face.
    """

    corner: Int64[np.ndarray, "n 2"]
    inverse_depth: Float64[np.ndarray, " n"]
    triangles: Int32[np.ndarray, "t 3"]
    owner: Int32[np.ndarray, " t"]
    cut: Int32[np.ndarray, " t"]
    weights: Float64[np.ndarray, "c 3 3"]


def to_screen(
    positions: Float64[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"], camera: Camera, *, near: float
) -> Screen:
    """Project a mesh; faces that cross the near plane or lie far outside are cut (Sutherland and Hodgman 1974).

    Args:
        positions: Camera axes, metres, finite.
        faces: Rows of `positions`.
        camera: At most 8192 px wide and high.
        near: Nothing nearer than this is drawn, metres along +z.

    Raises:
        InputError: The picture is too large, or `near` is not positive.
    """
    check_view(camera, near)
    k = intrinsics_row(camera)
    corner, inverse, outside = project_corners(positions, k, near)
    count = int(outside[faces].any(axis=-1).sum()) if outside.any() else 0
    if count == 0:
        owner = np.arange(len(faces), dtype=np.int32)
        whole = np.full(len(faces), -1, np.int32)
        return Screen(
            corner=corner,
            inverse_depth=inverse,
            triangles=faces,
            owner=owner,
            cut=whole,
            weights=np.zeros((0, 3, 3)),
        )
    pieces = cut_faces(positions, faces, outside, corner, inverse, k, near, count)
    return Screen(**dict(zip(("corner", "inverse_depth", "triangles", "owner", "cut", "weights"), pieces, strict=True)))


def check_view(camera: Camera, near: float) -> None:
    """Refuse pictures that do not fit the integer grid.

    Raises:
        InputError: The picture is too large, or `near` is not positive.
    """
    if max(camera.shape) > GUARD_PX:
        raise InputError(f"Found a picture of {camera.width} x {camera.height} px; expected {GUARD_PX:.0f} at most.")
    if not near > 0:
        raise InputError(f"Found a near plane at {near} m; expected a positive distance.")


def intrinsics_row(camera: Camera) -> Float64[np.ndarray, "5"]:
    """The numbers of K that a projection needs: fx, skew, cx, fy, cy."""
    k = camera.intrinsics
    return np.array([k[0, 0], k[0, 1], k[0, 2], k[1, 1], k[1, 2]], dtype=np.float64)


@compiled
def project_corners(positions: np.ndarray, k: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Snapped position, 1 / z and "must be cut" of every vertex."""
    count = positions.shape[0]
    corner = np.zeros((count, 2), np.int64)
    inverse = np.ones(count, np.float64)
    outside = np.zeros(count, np.bool_)
    for v in range(count):
        z = positions[v, 2]
        if not z >= near:
            outside[v] = True
            continue
        x = (k[0] * positions[v, 0] + k[1] * positions[v, 1]) / z + k[2]
        y = (k[3] * positions[v, 1]) / z + k[4]
        if abs(x) > GUARD_PX or abs(y) > GUARD_PX:
            outside[v] = True
            continue
        corner[v, 0] = np.int64(np.floor(x * ONE + 0.5))
        corner[v, 1] = np.int64(np.floor(y * ONE + 0.5))
        inverse[v] = 1.0 / z
    return corner, inverse, outside


@compiled
def cut_faces(
    positions: np.ndarray,
    faces: np.ndarray,
    outside: np.ndarray,
    corner: np.ndarray,
    inverse: np.ndarray,
    k: np.ndarray,
    near: float,
    count: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Replace the `count` faces that have a vertex outside by fans over what is left of them."""
    vertices, most = corner.shape[0], (MAX_CORNERS - 2) * count
    corners = np.zeros((vertices + MAX_CORNERS * count, 2), np.int64)
    inverses = np.ones(corners.shape[0], np.float64)
    corners[:vertices], inverses[:vertices] = corner, inverse
    triangles = np.empty((faces.shape[0] - count + most, 3), np.int32)
    owner = np.empty(triangles.shape[0], np.int32)
    cut = np.empty(triangles.shape[0], np.int32)
    weights = np.empty((most, 3, 3), np.float64)
    polygon = np.empty((MAX_CORNERS + 2, 6), np.float64)
    spare = np.empty((MAX_CORNERS + 2, 6), np.float64)
    t, c = 0, 0
    for f in range(faces.shape[0]):
        if not (outside[faces[f, 0]] or outside[faces[f, 1]] or outside[faces[f, 2]]):
            triangles[t] = faces[f]
            owner[t], cut[t] = f, -1
            t += 1
            continue
        size = _cut_face(positions, faces[f], k, near, polygon, spare)
        for i in range(size):
            _place(polygon[i], near, corners[vertices + i])
            inverses[vertices + i] = 1.0 / max(polygon[i, 2], near)
            for j in range(3):
                if polygon[i, 3 + j] == 1.0 and not outside[faces[f, j]]:  # as its neighbours have it
                    corners[vertices + i], inverses[vertices + i] = corner[faces[f, j]], inverse[faces[f, j]]
        for i in range(1, size - 1):
            for j, row in enumerate((0, i, i + 1)):
                triangles[t, j] = vertices + row
                weights[c, j] = polygon[row, 3:]
            owner[t], cut[t] = f, c
            t, c = t + 1, c + 1
        vertices += size
    return corners[:vertices], inverses[:vertices], triangles[:t], owner[:t], cut[:t], weights[:c]


@compiled
def _cut_face(
    positions: np.ndarray, face: np.ndarray, k: np.ndarray, near: float, polygon: np.ndarray, spare: np.ndarray
) -> int:
    """What the near plane and the four guard planes leave of a face; how many corners.

    Rows: homogeneous position (x and y in px times z, z), barycentric coordinates.
    """
    polygon[:3, 3:] = 0.0
    for i in range(3):
        x, y, z = positions[face[i], 0], positions[face[i], 1], positions[face[i], 2]
        polygon[i, 0] = k[0] * x + k[1] * y + k[2] * z
        polygon[i, 1] = k[3] * y + k[4] * z
        polygon[i, 2] = z
        polygon[i, 3 + i] = 1.0
    size = 3
    for plane in range(5):
        size = _cut_by(plane, near, polygon, size, spare)
        polygon[:size] = spare[:size]
    return size if size >= 3 else 0


@compiled
def _cut_by(plane: int, near: float, polygon: np.ndarray, size: int, out: np.ndarray) -> int:
    """Keep the part of a polygon on the good side of a plane.

    A cut edge is always followed from its good end, so two faces that share it get the same new corner.
    """
    kept = 0
    for i in range(size):
        here, there = polygon[i], polygon[(i + 1) % size]
        a, b = _side(plane, near, here), _side(plane, near, there)
        if a >= 0:
            out[kept] = here
            kept += 1
        if a >= 0 > b:
            out[kept] = here + (a / (a - b)) * (there - here)
            kept += 1
        elif b >= 0 > a:
            out[kept] = there + (b / (b - a)) * (here - there)
            kept += 1
    return kept


@compiled
def _side(plane: int, near: float, point: np.ndarray) -> float:
    """Signed distance (of any scale) from the near plane or a side of the guard band; good is >= 0."""
    if plane == 0:
        return float(point[2] - near)
    axis = (plane - 1) // 2
    if plane % 2 == 1:
        return float(GUARD_PX * point[2] + point[axis])
    return float(GUARD_PX * point[2] - point[axis])


@compiled
def _place(point: np.ndarray, near: float, corner: np.ndarray) -> None:
    """Snap a homogeneous position."""
    z = max(point[2], near)
    for axis in range(2):
        px = min(max(point[axis] / z, -GUARD_PX), GUARD_PX)
        corner[axis] = np.int64(np.floor(px * ONE + 0.5))
