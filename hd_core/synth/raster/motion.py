"""Where every visible surface point is in another frame of the same mesh, and whether it is seen there."""

# ruff: noqa: PLR0917 - kernels take their arrays one by one

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.raster.fragments import Fragments, check_mesh
from hd_core.synth.raster.screen import intrinsics_row
from hd_core.types import Camera

TOLERANCE_M = 0.003
SLOPE_PX = 0.5
GRAZING_M = 0.02


@dataclass(frozen=True, kw_only=True)
class Correspondence:
    """The same surface points in another frame, for every pixel of a first one.

    Args:
        position: x, y in px of the other frame, a pixel centre is at .5; NaN off the mask of the first frame and for
            points behind the other camera. It may lie outside the picture.
        depth: Along +z of the other camera, metres; NaN like `position`.
        visible: Points that the other frame shows.
    """

    position: Float32[np.ndarray, "h w 2"]
    depth: Float32[np.ndarray, "h w"]
    visible: Bool[np.ndarray, "h w"]


def follow(
    first: Fragments,
    faces: Int[np.ndarray, "f 3"],
    other_positions: Float[np.ndarray, "v 3"],
    other_camera: Camera,
    other: Fragments,
    *,
    tolerance_m: float = TOLERANCE_M,
) -> Correspondence:
    """Find the surface points of one frame in another.

    A point is hidden if the pixel that it falls on shows something nearer than the plane of the point's face has at
    that pixel's centre. The margin is `tolerance_m` plus what the face rises over half a pixel, 2 cm at most. If the
    pixel shows something farther, or nothing, the point lies on an outline; then it is visible if one of the three
    next pixels shows its surface.

    Args:
        first: What the first frame shows.
        faces: The faces that both frames drew.
        other_positions: Vertices in the other frame, camera axes, metres.
        other_camera: The other frame's camera.
        other: What the other frame shows.
        tolerance_m: Depth difference that still is the same surface.

    Raises:
        InputError: The mesh, the camera and the fragments do not belong together.
    """
    check_mesh(other_positions, faces)
    last = int(max(first.face.max(initial=-1), other.face.max(initial=-1)))
    if last >= len(faces) or other.face.shape != other_camera.shape:
        raise InputError(
            f"Found face {last} of {len(faces)}, and {other.face.shape} fragments for a camera of {other_camera.shape};"
            " expected fragments of these faces and this camera."
        )
    rows, corners = np.ascontiguousarray(faces, dtype=np.int32), np.ascontiguousarray(other_positions, np.float64)
    k = intrinsics_row(other_camera)
    position, depth, visible = _follow(
        first.face, first.barycentric, rows, corners, k, other.face, other.depth, tolerance_m
    )
    return Correspondence(position=position, depth=depth, visible=visible)


@compiled
def _follow(
    face: np.ndarray,
    barycentric: np.ndarray,
    faces: np.ndarray,
    corners: np.ndarray,
    k: np.ndarray,
    other_face: np.ndarray,
    other_depth: np.ndarray,
    tolerance_m: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = face.shape
    position = np.full((height, width, 2), np.nan, np.float32)
    depth = np.full((height, width), np.nan, np.float32)
    visible = np.zeros((height, width), np.bool_)
    point, normal = np.empty(3), np.empty(3)
    for row in range(height):
        for column in range(width):
            f = face[row, column]
            if f < 0:
                continue
            a, b, c = corners[faces[f, 0]], corners[faces[f, 1]], corners[faces[f, 2]]
            for axis in range(3):
                u, v = (axis + 1) % 3, (axis + 2) % 3
                wa, wb, wc = barycentric[row, column, 0], barycentric[row, column, 1], barycentric[row, column, 2]
                point[axis] = wa * a[axis] + wb * b[axis] + wc * c[axis]
                normal[axis] = (b[u] - a[u]) * (c[v] - a[v]) - (b[v] - a[v]) * (c[u] - a[u])
            if not point[2] > 0:
                continue
            x = (k[0] * point[0] + k[1] * point[1]) / point[2] + k[2]
            y = k[3] * point[1] / point[2] + k[4]
            position[row, column, 0], position[row, column, 1] = x, y
            depth[row, column] = point[2]
            visible[row, column] = _is_seen(f, point, normal, x, y, k, other_face, other_depth, tolerance_m)
    return position, depth, visible


@compiled
def _is_seen(
    f: int,
    point: np.ndarray,
    normal: np.ndarray,
    x: float,
    y: float,
    k: np.ndarray,
    other_face: np.ndarray,
    other_depth: np.ndarray,
    tolerance_m: float,
) -> bool:
    """Whether the other frame shows a point: the pixel it falls on, then the three next ones."""
    height, width = other_face.shape
    if not (0 <= x < width and 0 <= y < height):
        return False
    column, row = int(x), int(y)
    verdict = _compare(f, point, normal, column, row, k, other_face, other_depth, tolerance_m)
    if verdict != 0:
        return bool(verdict > 0)
    right, down = (1 if x - column >= 0.5 else -1), (1 if y - row >= 0.5 else -1)
    for i, j in ((row, column + right), (row + down, column), (row + down, column + right)):
        if (
            0 <= i < height
            and 0 <= j < width
            and _compare(f, point, normal, j, i, k, other_face, other_depth, tolerance_m) > 0
        ):
            return True
    return False


@compiled
def _compare(
    f: int,
    point: np.ndarray,
    normal: np.ndarray,
    column: int,
    row: int,
    k: np.ndarray,
    other_face: np.ndarray,
    other_depth: np.ndarray,
    tolerance_m: float,
) -> int:
    """What a pixel shows instead of the point's plane: 1 the same surface, -1 something nearer, 0 farther or none."""
    if other_face[row, column] == f:
        return 1
    if other_face[row, column] < 0:
        return 0
    ray_y = (row + 0.5 - k[4]) / k[3]
    ray_x = (column + 0.5 - k[2] - k[1] * ray_y) / k[0]
    towards = normal[0] * ray_x + normal[1] * ray_y + normal[2]
    through = normal[0] * point[0] + normal[1] * point[1] + normal[2] * point[2]
    rise = through / towards - point[2]  # from the point to the pixel's centre, in its face's plane
    slope = abs(point[2] * normal[0] / (k[0] * towards)) + abs(point[2] * normal[1] / (k[3] * towards))
    if not abs(rise) < GRAZING_M:
        rise = GRAZING_M if rise > 0 else -GRAZING_M
    slack = tolerance_m + (min(SLOPE_PX * slope, GRAZING_M) if slope >= 0 else GRAZING_M)
    off = other_depth[row, column] - (point[2] + rise)
    return -1 if off < -slack else (0 if off > slack else 1)
