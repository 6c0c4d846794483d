"""What a depth map says of its own surface: jumps, and normals by central differences."""

import numpy as np
from jaxtyping import Bool, Float

from hd_core.geometry.camera import unproject
from hd_core.types import Camera


def relative_jump(near: Float[np.ndarray, "*n"], far: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Depth difference over the smaller depth, unitless; NaN where either is."""
    jump: np.ndarray = np.abs(near - far) / np.minimum(near, far)
    return jump


def normals_from_depth(
    camera: Camera, depth: Float[np.ndarray, "h w"], *, max_jump: float = 0.05
) -> Float[np.ndarray, "h w 3"]:
    """Normals by central differences of the unprojected surface.

    A pixel is left zero where its stencil leaves the person or crosses a jump; there is no clamp that would
    tilt a plane (the published HDNet code has one: 4.98 degrees on a frontal plane).

    Args:
        camera: The camera that saw `depth`.
        depth: Along +z; NaN off the person.
        max_jump: Largest relative difference between neighbours of one surface.

    Returns:
        Unit normals towards the camera, camera axes; zero where undefined.
    """
    points = unproject(camera, depth.astype(np.float64))
    normal = np.zeros_like(points)
    across, down = points[1:-1, 2:] - points[1:-1, :-2], points[2:, 1:-1] - points[:-2, 1:-1]
    inner = np.cross(down, across)
    length = np.linalg.norm(inner, axis=-1, keepdims=True)
    good = _smooth_stencil(depth, max_jump)[..., None] & (length > 0)
    normal[1:-1, 1:-1] = np.where(good, inner / np.where(good, length, 1), 0)
    return normal.astype(np.float32)


def _smooth_stencil(depth: Float[np.ndarray, "h w"], max_jump: float) -> Bool[np.ndarray, "a b"]:
    centre = depth[1:-1, 1:-1]
    neighbours = (depth[1:-1, 2:], depth[1:-1, :-2], depth[2:, 1:-1], depth[:-2, 1:-1])
    smooth = np.ones(centre.shape, bool)
    for neighbour in neighbours:
        smooth &= relative_jump(centre, neighbour) <= max_jump  # NaN compares false
    return smooth
