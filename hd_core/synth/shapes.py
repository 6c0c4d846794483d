"""Closed-form scenes: a board, a ball, a wavy sheet, and an arm before a torso, with exact depth and normals.

All stand still in camera axes (metres, +z away from the camera) whatever `cam_from_world` says; some move with
time. Depth and normals are float64 and belong to the rays through the pixel centres.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from jaxtyping import Float

from hd_core.geometry.camera import pixel_centres, pixel_rays, rays_through
from hd_core.synth.frame import SynthFrame, srgb_bytes
from hd_core.synth.intersect import (
    capsule_normal,
    hit_capsule,
    hit_ellipsoid,
    hit_sphere,
    unit,
)
from hd_core.types import Camera, Gauge, SurfaceMaps

Rays = Float[np.ndarray, "*n 3"]
Hit = tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n 3"]]

SAMPLES_PER_SIDE = 4
LIGHT = np.array([-0.4, -0.6, -0.7]) / np.sqrt(1.01)
BACKDROP = 0.18

BOARD_CENTRE = np.array([0.05, -0.03, 2.0])
BOARD_NORMAL = np.array([0.30, -0.20, -0.93]) / np.sqrt(0.30**2 + 0.20**2 + 0.93**2)
BOARD_HALF_M = (0.45, 0.60)
BALL_CENTRE = np.array([0.06, -0.04, 2.0])
BALL_RADIUS_M = 0.4
SHEET_DEPTH_M = 2.0
SHEET_HALF_M = (0.5, 0.6)
SHEET_AMPLITUDE_M = 0.03
SHEET_WAVE = np.array([2 * np.pi / 0.35, 2 * np.pi / 0.9])
"""Wave vector over x and y, radians per metre."""
TORSO_CENTRE = np.array([0.0, 0.0, 2.10])
TORSO_SEMI_AXES = np.array([0.20, 0.40, 0.12])
ARM_GAP_M = 0.25
"""From the back of the arm to the front of the torso."""
ARM_RADIUS_M = 0.045


class Scene(Protocol):
    """A closed-form scene: a camera and a time in, a picture with its ground truth out."""

    def __call__(self, camera: Camera, *, time_seconds: float = 0.0) -> SynthFrame:
        """See the scene."""
        ...


def plane(camera: Camera, *, time_seconds: float = 0.0) -> SynthFrame:  # noqa: ARG001 - it stands still
    """A tilted rectangular board, 0.9 m x 1.2 m, 2 m away."""
    return _see(camera, _hit_board)


def sphere(camera: Camera, *, time_seconds: float = 0.0) -> SynthFrame:  # noqa: ARG001 - it stands still
    """A ball of radius 0.4 m, its centre 2 m away."""

    def hit(rays: Rays) -> Hit:
        depth = hit_sphere(rays, BALL_CENTRE, radius_m=BALL_RADIUS_M)
        return depth, (rays * depth[..., None] - BALL_CENTRE) / BALL_RADIUS_M

    return _see(camera, hit)


def wave(camera: Camera, *, time_seconds: float = 0.0) -> SynthFrame:
    """A sheet z = 2 m + 3 cm sin(k . (x, y) + phase), 1.0 m x 1.2 m, whose wave runs once a second."""
    return _see(camera, lambda rays: _hit_sheet(rays, 2 * np.pi * time_seconds))


def arm_before_torso(camera: Camera, *, time_seconds: float = 0.0) -> SynthFrame:
    """A capsule arm 25 cm before an elliptic torso 2 m away; the arm leaves the outline and swings in time."""
    start, end = arm_axis(time_seconds)

    def hit(rays: Rays) -> Hit:
        torso = hit_ellipsoid(rays, TORSO_CENTRE, TORSO_SEMI_AXES)
        arm = hit_capsule(rays, start, end, radius_m=ARM_RADIUS_M)
        depth = np.fmin(torso, arm)
        points = rays * depth[..., None]
        on_torso = unit((points - TORSO_CENTRE) / TORSO_SEMI_AXES**2)
        return depth, np.where((arm == depth)[..., None], capsule_normal(points, start, end), on_torso)

    return _see(camera, hit)


SHAPES: dict[str, Scene] = {
    "plane": plane,
    "sphere": sphere,
    "wave": wave,
    "arm_before_torso": arm_before_torso,
}
"""Every closed-form scene by name."""


def arm_axis(time_seconds: float) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Ends of the arm's axis, camera axes, metres: it swings by 0.25 rad about its middle, once in 2 s."""
    depth_m = TORSO_CENTRE[2] - TORSO_SEMI_AXES[2] - ARM_GAP_M - ARM_RADIUS_M
    angle = 0.35 + 0.25 * np.sin(np.pi * time_seconds)
    half = 0.21 * np.array([np.cos(angle), np.sin(angle), 0.0])
    middle = np.array([-0.16, 0.02, depth_m])
    return middle - half, middle + half


def _hit_board(rays: Rays) -> Hit:
    towards = rays @ BOARD_NORMAL
    faces = towards < 0
    depth = np.where(faces, BOARD_CENTRE @ BOARD_NORMAL / np.where(faces, towards, 1.0), np.nan)
    across = unit(np.cross(np.array([0.0, 1.0, 0.0]), BOARD_NORMAL))
    down = np.cross(BOARD_NORMAL, across)
    from_centre = rays * depth[..., None] - BOARD_CENTRE
    inside = np.abs(from_centre @ across) <= BOARD_HALF_M[0]
    inside &= np.abs(from_centre @ down) <= BOARD_HALF_M[1]
    return np.where(inside, depth, np.nan), np.broadcast_to(BOARD_NORMAL, rays.shape)


def _hit_sheet(rays: Rays, phase: float) -> Hit:
    """The root of f(t) = t - z0 - a sin(k . (t r) + phase).

    It is the only one: a ray that reaches the sheet has |a k . r| <= 0.2, so f rises with t.
    """
    rate = rays[..., :2] @ SHEET_WAVE
    near = SHEET_DEPTH_M - SHEET_AMPLITUDE_M
    reached = (np.abs(rays[..., :2]) * near <= np.array(SHEET_HALF_M)).all(-1)
    depth = _solve_sheet(np.where(reached, rate, 0.0), phase)
    points = rays * depth[..., None]
    inside = reached & (np.abs(points[..., :2]) <= np.array(SHEET_HALF_M)).all(-1)
    slope = SHEET_AMPLITUDE_M * np.cos(points[..., :2] @ SHEET_WAVE + phase)[..., None] * SHEET_WAVE
    normal = unit(np.concatenate([slope, -np.ones_like(depth)[..., None]], axis=-1))
    return np.where(inside, depth, np.nan), normal


def _solve_sheet(rate: Float[np.ndarray, "*n"], phase: float) -> Float[np.ndarray, "*n"]:
    """Bisection until the bracket is narrow, then Newton to rounding."""
    low = np.full(rate.shape, SHEET_DEPTH_M - SHEET_AMPLITUDE_M)
    high = low + 2 * SHEET_AMPLITUDE_M
    for _ in range(12):
        middle = (low + high) / 2
        before = middle - SHEET_DEPTH_M - SHEET_AMPLITUDE_M * np.sin(rate * middle + phase) < 0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    depth = (low + high) / 2
    for _ in range(4):
        angle = rate * depth + phase
        off = depth - SHEET_DEPTH_M - SHEET_AMPLITUDE_M * np.sin(angle)
        depth = depth - off / (1 - SHEET_AMPLITUDE_M * rate * np.cos(angle))
    return depth


def _see(camera: Camera, hit: Callable[[Rays], Hit]) -> SynthFrame:
    """Exact maps at the pixel centres; alpha and colour by 4 x 4 samples in every pixel."""
    depth, normal = hit(pixel_rays(camera))
    mask = np.isfinite(depth)
    maps = SurfaceMaps(
        camera=camera,
        depth=depth,
        normal=np.where(mask[..., None], normal, 0.0),
        mask=mask,
        confidence=mask.astype(np.float64),
        gauge=Gauge.METRIC,
    )
    alpha, light = np.zeros(camera.shape), np.zeros(camera.shape)
    offsets = (np.arange(SAMPLES_PER_SIDE) + 0.5) / SAMPLES_PER_SIDE - 0.5
    for right in offsets:
        for down in offsets:
            columns, rows = pixel_centres(camera)
            rays = rays_through(camera, *np.broadcast_arrays(columns + right, rows + down))
            covered, shade = _shade(rays, *hit(rays))
            alpha += covered
            light += shade
    grey = light / SAMPLES_PER_SIDE**2
    rgb = srgb_bytes(grey[..., None] * np.array([1.0, 0.86, 0.74]))
    return SynthFrame(rgb=rgb, alpha=alpha / SAMPLES_PER_SIDE**2, maps=maps)


def _shade(
    rays: Rays, depth: Float[np.ndarray, "*n"], normal: Rays
) -> tuple[Float[np.ndarray, "*n"], Float[np.ndarray, "*n"]]:
    """Coverage and grey light: a checkered matt surface (5 cm squares) under one lamp, on a grey backdrop."""
    covered = np.isfinite(depth)
    points = rays * np.where(covered, depth, 0.0)[..., None]
    odd = np.floor(points / 0.05).sum(-1) % 2
    matt = (0.45 + 0.25 * odd) * (0.25 + 0.75 * np.clip(normal @ LIGHT, 0, 1))
    return covered.astype(np.float64), np.where(covered, matt, BACKDROP)
