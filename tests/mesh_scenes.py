"""Analytic scenes with exact depth, normals and an area-sampled matte: the truth for the mesh tests."""

from collections.abc import Callable

import numpy as np

from hd_core.geometry.camera import camera_from_focal, rays_through
from hd_core.geometry.crop import whole_frame
from hd_core.types import Camera, Gauge, SurfaceMaps, View

Hit = tuple[np.ndarray, np.ndarray]
"""Depth along +z (inf where missed) and outward normal, for rays with z = 1."""
Shape = Callable[[np.ndarray], Hit]


def plane(*, normal: tuple[float, float, float], distance: float) -> Shape:
    """Plane n.X = -distance with n towards the camera, infinite."""
    n = np.array(normal) / np.linalg.norm(normal)

    def trace(rays: np.ndarray) -> Hit:
        slope = rays @ n
        z = np.where(slope < -1e-9, -distance / np.where(slope < -1e-9, slope, -1), np.inf)
        return z, np.broadcast_to(n, rays.shape)

    return trace


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Shape:
    """Axis-aligned ellipsoid, metres."""
    c, r = np.array(centre), np.array(radii)

    def trace(rays: np.ndarray) -> Hit:
        d, o = rays / r, -c / r
        z = _nearest_root((d * d).sum(-1), (d * o).sum(-1), o @ o - 1)
        normal = (rays * np.where(np.isfinite(z), z, 1)[..., None] - c) / r**2
        return z, normal / np.linalg.norm(normal, axis=-1, keepdims=True)

    return trace


def cylinder(point: tuple[float, float, float], axis: tuple[float, float, float], radius: float) -> Shape:
    """Infinite round cylinder, metres."""
    p, a = np.array(point), np.array(axis) / np.linalg.norm(axis)

    def trace(rays: np.ndarray) -> Hit:
        d = rays - (rays @ a)[..., None] * a
        o = -p + (p @ a) * a
        z = _nearest_root((d * d).sum(-1), d @ o, o @ o - radius**2)
        out = rays * np.where(np.isfinite(z), z, 1)[..., None] - p
        out -= (out @ a)[..., None] * a
        return z, out / np.linalg.norm(out, axis=-1, keepdims=True)

    return trace


def _nearest_root(a: np.ndarray, half_b: np.ndarray, c: float) -> np.ndarray:
    under = half_b**2 - a * c
    z = (-half_b - np.sqrt(np.maximum(under, 0))) / a
    return np.where((under > 0) & (z > 0), z, np.inf)


def union(*shapes: Shape) -> Shape:
    """The nearest of several shapes."""

    def trace(rays: np.ndarray) -> Hit:
        hits = [shape(rays) for shape in shapes]
        z = np.stack([hit[0] for hit in hits])
        first = z.argmin(axis=0)
        normal = np.stack([np.broadcast_to(hit[1], rays.shape) for hit in hits])
        return z.min(axis=0), np.take_along_axis(normal, first[None, ..., None], axis=0)[0]

    return trace


def render(shape: Shape, camera: Camera, *, samples: int = 6) -> tuple[SurfaceMaps, View]:
    """Exact maps at pixel centres and a matte by `samples` x `samples` rays per pixel."""
    height, width = camera.shape
    offsets = (np.arange(samples) + 0.5) / samples
    alpha = np.zeros((height, width))
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    for dy in offsets:
        for dx in offsets:
            alpha += np.isfinite(shape(rays_through(camera, columns + dx, rows + dy))[0])
    alpha = (alpha / samples**2).astype(np.float32)
    z, normal = shape(rays_through(camera, columns + 0.5, rows + 0.5))
    alpha = np.where(np.isfinite(z), alpha, np.minimum(alpha, 0.5)).astype(np.float32)
    mask = alpha > 0.5
    surface = make_surface(camera, np.where(mask, z, np.nan), np.where(mask[..., None], normal, 0))
    return surface, make_view(camera, alpha)


def make_surface(camera: Camera, depth: np.ndarray, normal: np.ndarray | None = None) -> SurfaceMaps:
    """Maps from a depth with NaN off the mask; normals straight at the camera unless given."""
    mask = np.isfinite(depth)
    if normal is None:
        normal = np.where(mask[..., None], [0.0, 0.0, -1.0], 0.0)
    return SurfaceMaps(
        camera=camera,
        depth=depth.astype(np.float32),
        normal=normal.astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.METRIC,
    )


def make_view(camera: Camera, alpha: np.ndarray) -> View:
    """A view of the whole frame whose picture is a smooth ramp in every channel."""
    height, width = camera.shape
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([columns % 256, rows % 256, (rows + columns) // 2 % 256], axis=-1).astype(np.uint8)
    return View(rgb=rgb, alpha=alpha.astype(np.float32), crop=whole_frame(camera), frame_index=0, time_seconds=0.0)


def square_camera(size: int, *, pixels_at_2m: float) -> Camera:
    """A square camera for which `pixels_at_2m` metres fill the picture at 2 m."""
    return camera_from_focal(size, size, focal_px=size * 2 / pixels_at_2m)


TORSO = ellipsoid((0.0, 0.1, 2.15), (0.20, 0.45, 0.15))
ARM = cylinder((0.0, 0.0, 1.71), (1.0, 0.45, 0.0), 0.04)


def arm_scene(size: int = 256) -> tuple[SurfaceMaps, View]:
    """A forearm whose back is 25 cm in front of a torso; the torso's front is 2 m away and 40 cm wide."""
    return render(union(TORSO, ARM), square_camera(size, pixels_at_2m=1.2))
