"""Pinhole projection: the only module that knows where a pixel's centre is and which way the axes point.

Camera axes are right-handed: +x right, +y down, +z away from the camera. The pixel in row 0, column 0 covers
[0, 1] x [0, 1], so its centre is (0.5, 0.5), as in COLMAP.
"""

import numpy as np
from jaxtyping import Float

from hd_core.types import Camera

# Proper rotations (determinant +1), so no winding changes.
BLENDER_FROM_CAM = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""Z up, camera looking along +y: Blender, and USD with upAxis Z."""
YUP_FROM_CAM = np.diag([1.0, -1, -1])
"""Y up, camera looking along -z: glTF, OBJ, Alembic, OpenGL."""

PHONE_FOCAL_PER_LONG_SIDE = 0.85
"""Focal length over the long side for a phone's main lens (26 mm equivalent) with its usual video crop."""


def camera_from_focal(width: int, height: int, *, focal_px: float) -> Camera:
    """A camera with square pixels that looks through the middle of its picture.

    Args:
        width: px.
        height: px.
        focal_px: Focal length, px.
    """
    k = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
    return Camera(width=width, height=height, intrinsics=k)


def focal_from_fov(size_px: int, *, fov_deg: float) -> float:
    """Focal length in px of a picture that is `size_px` wide and spans `fov_deg` in that direction."""
    return float(size_px / 2 / np.tan(np.radians(fov_deg) / 2))


def pixel_centres(camera: Camera) -> tuple[Float[np.ndarray, "1 w"], Float[np.ndarray, "h 1"]]:
    """Columns and rows of the pixel centres, px; together they broadcast to the picture."""
    return np.arange(camera.width)[None] + 0.5, np.arange(camera.height)[:, None] + 0.5


def pixel_rays(camera: Camera) -> Float[np.ndarray, "h w 3"]:
    """Direction through every pixel centre, camera axes, scaled so that z = 1."""
    columns, rows = pixel_centres(camera)
    return rays_through(camera, *np.broadcast_arrays(columns, rows))


def rays_through(camera: Camera, x: Float[np.ndarray, "*n"], y: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n 3"]:
    """Direction through picture positions, camera axes, scaled so that z = 1.

    Args:
        camera: The camera.
        x: Positions, px, edges not centres: a pixel centre is at .5.
        y: Likewise.
    """
    k = camera.intrinsics
    y_ray = (y - k[1, 2]) / k[1, 1]
    x_ray = (x - k[0, 2] - k[0, 1] * y_ray) / k[0, 0]
    return np.stack([x_ray, y_ray, np.ones_like(x_ray)], axis=-1)


def unproject(camera: Camera, depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    """Lift a depth map to points.

    Args:
        camera: The camera that saw `depth`.
        depth: Distance along +z (not along the ray), metres; NaN off the person.

    Returns:
        Points in camera axes, metres; NaN where `depth` is.
    """
    points: np.ndarray = pixel_rays(camera) * depth[..., None]
    return points


def project(camera: Camera, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
    """Picture positions of points in camera axes.

    Args:
        camera: The camera.
        points: Camera axes, in front of the camera.

    Returns:
        x, y in px, edges not centres: a pixel centre is at .5.
    """
    homogeneous = points @ camera.intrinsics.T
    positions: np.ndarray = homogeneous[..., :2] / homogeneous[..., 2:]
    return positions
