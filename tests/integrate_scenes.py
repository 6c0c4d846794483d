"""Scenes with exact depth and normals by ray intersection, seen by a camera off its own centre, fx and fy unequal."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from hd_core.geometry.camera import pixel_rays
from hd_core.types import Camera, Gauge, SurfaceMaps


def camera(scale=1.0):
    """About 3 mm per pixel at 2 m where scale is 1."""
    width, height = round(200 * scale), round(240 * scale)
    k = np.array([[640.0 * scale, 0, 83 * scale], [0, 700.0 * scale, 131 * scale], [0, 0, 1]])
    return Camera(width=width, height=height, intrinsics=k)


def maps_from(cam, depth, normal, gauge=Gauge.METRIC):
    mask = np.isfinite(depth)
    normal = np.where(mask[..., None], normal, 0)
    toward = np.sum(normal * pixel_rays(cam), axis=-1, keepdims=True) > 0
    return SurfaceMaps(
        camera=cam,
        depth=depth.astype(np.float32),
        normal=np.where(toward, -normal, normal).astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=gauge,
    )


def plane(scale=1.0):
    """Tilted 40 degrees about a slanted axis, 2 m away; the mask is the whole picture."""
    cam = camera(scale)
    normal = np.array([0.5, -0.4, -0.77])
    normal /= np.linalg.norm(normal)
    depth = 2 * normal[2] / (pixel_rays(cam) @ normal)
    return maps_from(cam, depth, np.broadcast_to(normal, (*depth.shape, 3)))


def sphere(scale=1.0):
    cam = camera(scale)
    return maps_from(cam, *quadric(pixel_rays(cam), np.array([0.06, -0.04, 2.1]), np.full(3, 0.22)))


def wave(scale=1.0):
    """z = 2 m + 15 mm sin(2 pi (x + y / 3) / 120 mm); the mask is the whole picture."""
    cam = camera(scale)
    rays = pixel_rays(cam)
    k = 2 * np.pi / 0.12 * np.array([1, 1 / 3])
    depth = np.full(rays.shape[:2], 2.0)
    for _ in range(100):  # Newton
        phase = depth * (rays[..., :2] @ k)
        value = depth - 2 - 0.015 * np.sin(phase)
        slope = 1 - 0.015 * np.cos(phase) * (rays[..., :2] @ k)
        depth = depth - value / slope
    gradient = 0.015 * np.cos(depth * (rays[..., :2] @ k))[..., None] * k
    normal = np.concatenate([gradient, -np.ones_like(depth)[..., None]], axis=-1)
    return maps_from(cam, depth, normal / np.linalg.norm(normal, axis=-1, keepdims=True))


def arm_before_torso(scale=1.0):
    """A cylinder of 4.5 cm radius whose axis passes 25 cm before the front of an ellipsoid at 2 m."""
    cam = camera(scale)
    rays = pixel_rays(cam)
    torso, torso_normal = quadric(rays, np.array([0.03, -0.03, 2.13]), np.array([0.2, 0.31, 0.13]))
    arm, arm_normal = capsule(rays, np.array([-0.2, 0.09, 1.75]), np.array([0.1, -0.02, 1.75]), 0.045)
    near = np.where(np.isnan(arm), np.inf, arm) < np.where(np.isnan(torso), np.inf, torso)
    depth = np.where(near, arm, torso)
    return maps_from(cam, depth, np.where(near[..., None], arm_normal, torso_normal))


def quadric(rays, centre, radii):
    """Depth and outward normal of an ellipsoid along the axes; NaN where missed."""
    scaled, origin = rays / radii, -centre / radii
    a, b, c = (scaled**2).sum(-1), (scaled * origin).sum(-1), (origin**2).sum() - 1
    with np.errstate(invalid="ignore"):
        depth = (-b - np.sqrt(b * b - a * c)) / a
    normal = (rays * depth[..., None] - centre) / radii**2
    return depth, normal / np.linalg.norm(normal, axis=-1, keepdims=True)


def capsule(rays, start, end, radius):
    """Depth and outward normal of a cylinder with spherical ends; NaN where missed."""
    axis = (end - start) / np.linalg.norm(end - start)
    flat = rays - (rays @ axis)[..., None] * axis
    origin = -start + (start @ axis) * axis
    a, b, c = (flat**2).sum(-1), flat @ origin, origin @ origin - radius**2
    with np.errstate(invalid="ignore"):
        depth = (-b - np.sqrt(b * b - a * c)) / a
    along = (rays * depth[..., None] - start) @ axis
    inside = (along >= 0) & (along <= np.linalg.norm(end - start))
    depth = np.where(inside, depth, np.nan)
    normal = (rays * depth[..., None] - start - along[..., None] * axis) / radius
    for tip in (start, end):
        at_tip, tip_normal = quadric(rays, tip, np.full(3, radius))
        first = np.where(np.isnan(at_tip), np.inf, at_tip) < np.where(np.isnan(depth), np.inf, depth)
        depth, normal = np.where(first, at_tip, depth), np.where(first[..., None], tip_normal, normal)
    return depth, normal


def blurred(maps, sigma_px):
    """The maps with their depth blurred inside the mask."""
    weight = gaussian_filter(maps.mask.astype(float), sigma_px)
    total = gaussian_filter(np.where(maps.mask, maps.depth, 0).astype(float), sigma_px)
    depth = np.where(maps.mask, total / np.where(maps.mask, weight, 1), np.nan)
    return replace(maps, depth=depth.astype(np.float32))


def mean_error_mm(found, truth, *, aligned=False):
    """Mean |z - z_true| on the mask; aligned: after the median scale."""
    z, true = found.depth[truth.mask].astype(float), truth.depth[truth.mask].astype(float)
    if aligned:
        z = z * np.median(true / z)
    return float(np.abs(z - true).mean() * 1000)


def without_depth(maps):
    """The maps as a predictor of normals alone gives them."""
    flat = np.where(maps.mask, np.float32(1), np.float32(np.nan))
    return replace(maps, depth=flat, gauge=Gauge.AFFINE)


def masked(maps, mask):
    """The maps on a smaller mask."""
    mask = mask & maps.mask
    return replace(
        maps,
        mask=mask,
        depth=np.where(mask, maps.depth, np.nan).astype(np.float32),
        normal=np.where(mask[..., None], maps.normal, 0).astype(np.float32),
        confidence=np.where(mask, maps.confidence, 0).astype(np.float32),
    )


def with_noise(maps, mean_deg, rng):
    """The maps with independent errors of the normals."""
    sigma = np.radians(mean_deg) / np.sqrt(np.pi / 2)
    normal = maps.normal + sigma * rng.standard_normal(maps.normal.shape)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return replace(maps, normal=np.where(maps.mask[..., None], normal, 0).astype(np.float32))
