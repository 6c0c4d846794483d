"""Places to dance in: a room with floor, walls, skirting, door, pictures and boxes, or open ground under the sky.

Inside this module the axes are the room's: x to the right, y away from the camera, z up from the floor, metres.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from hd_core.geometry.camera import pixel_rays
from hd_core.synth.look.backdrop import Backdrop, Ground
from hd_core.synth.look.environment import radiance_along
from hd_core.synth.look.furnishing import sample_floor, sample_ground, sample_wall
from hd_core.synth.look.harmonics import open_transfer
from hd_core.synth.look.palette import sample_plain
from hd_core.synth.look.shade import Light
from hd_core.types import Camera

Rays = Float[np.ndarray, "h w 3"]
FLOOR, CEILING = 4, 5
"""Sides of the room; 0 and 1 are the walls to the left and right, 2 and 3 those before and behind the person."""
HORIZON_M = 40.0
BOUNCE = 0.35
"""Share of a room's soft light that has met so many walls that it comes from everywhere."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The camera in the room.

    Args:
        axes: Rows are the room's axes in the world.
        eye: Place of the camera.
        rays: Unit, one per pixel.
        floor_m: Height of the floor in the world.
    """

    axes: Float[np.ndarray, "3 3"]
    eye: Float[np.ndarray, "3"]
    rays: Rays
    floor_m: float


@dataclass(frozen=True, kw_only=True)
class Met:
    """What the rays meet.

    Args:
        far: Distance along the ray, m.
        normals: Unit.
        albedo: Linear.
    """

    far: Float[np.ndarray, "h w"]
    normals: Rays
    albedo: Rays


def sample_hall(rng: np.random.Generator, camera: Camera, light: Light, *, floor_m: float) -> Backdrop:
    """Draw a room around a person who stands near the origin, with the camera in it.

    Args:
        rng: Source of all choices.
        camera: Who looks.
        light: Falls in as if there were no walls, dimmed in the corners.
        floor_m: Height of the floor, world axes.
    """
    view = _view(camera, floor_m, rng.normal(0, 0.25))
    reach = abs(view.eye) + 0.6
    low = -np.maximum(rng.uniform([1.6, 1.6, 0], [4, 4, 0]), [reach[0], reach[1], 0])
    high = np.maximum(rng.uniform([1.6, 1.2, 2.5], [4, 3.5, 3.6]), [reach[0], 0, reach[2]])
    low[2] = min(0.0, view.eye[2] - 0.05)
    met, side = _room(view, low, high)
    points = view.eye + view.rays * met.far[..., None]
    for number in range(6):
        here = side == number
        across = points[here][:, 0 if number in {2, 3} else 1]
        if number == FLOOR:
            met.albedo[here] = sample_floor(rng)(points[here][:, 0], points[here][:, 1])
        elif number != CEILING:
            met.albedo[here] = sample_wall(rng)(across, points[here][:, 2] - low[2])
    met = replace(met, albedo=met.albedo * _corners(points, low, high))
    for _ in range(rng.integers(0, 4)):
        met = _with_box(rng, view, met, low, high)
    radiance, ground = _lit(view, met, replace(light, soft=_bounced(light.soft)))
    return Backdrop(radiance=radiance, ground=ground)


def sample_yard(
    rng: np.random.Generator, camera: Camera, light: Light, environment: Float[np.ndarray, "eh ew 3"], *, floor_m: float
) -> Backdrop:
    """Draw open ground under the environment; arguments as for `sample_hall`."""
    view = _view(camera, floor_m, 0.0)
    down = np.minimum(view.rays[..., 2], -1e-3)
    far = np.minimum(max(float(view.eye[2]), 0.05) / -down, 2 * HORIZON_M)
    points = view.eye + view.rays * far[..., None]
    normals = np.broadcast_to([0.0, 0.0, 1.0], points.shape)
    met = Met(far=far, normals=normals, albedo=sample_ground(rng)(points))
    radiance, ground = _lit(view, met, light)
    near = (np.clip(2 - far / HORIZON_M, 0, 1) * (view.rays[..., 2] < 0))[..., None]
    sky = radiance_along(environment, view.rays @ view.axes)
    return Backdrop(radiance=radiance * near + sky * (1 - near), ground=replace(ground, key=ground.key * near))


def _view(camera: Camera, floor_m: float, turn: float) -> View:
    """A room whose back wall is square to the camera but for a turn about the vertical, rad."""
    rotation = camera.cam_from_world[:3, :3]
    azimuth = np.arctan2(rotation[2, 0], rotation[2, 1]) + turn
    axes = np.array(
        [[np.cos(azimuth), -np.sin(azimuth), 0], [np.sin(azimuth), np.cos(azimuth), 0], [0, 0, 1.0]],
    )
    eye = axes @ (-rotation.T @ camera.cam_from_world[:3, 3]) - [0, 0, floor_m]
    rays = pixel_rays(camera) @ rotation @ axes.T
    return View(axes=axes, eye=eye, rays=rays / np.linalg.norm(rays, axis=-1, keepdims=True), floor_m=floor_m)


def _room(view: View, low: np.ndarray, high: np.ndarray) -> tuple[Met, Int[np.ndarray, "h w"]]:
    """The inside of a box: its nearest plane along each ray."""
    safe = np.where(np.abs(view.rays) < 1e-9, 1e-9, view.rays)
    planes = np.where(safe > 0, (high - view.eye) / safe, (low - view.eye) / safe)
    axis = planes.argmin(axis=-1)
    towards = np.take_along_axis(safe, axis[..., None], -1)[..., 0] > 0
    normals = np.eye(3)[axis] * np.where(towards, -1.0, 1.0)[..., None]
    white = np.full(view.rays.shape, 0.75)
    return Met(far=planes.min(axis=-1), normals=normals, albedo=white), 2 * axis + towards


def _corners(points: Rays, low: np.ndarray, high: np.ndarray) -> Float[np.ndarray, "h w 1"]:
    """Less light where two planes meet; the nearest plane is the one the point lies on."""
    away = np.sort(np.minimum(np.abs(points - low), np.abs(high - points)), axis=-1)[..., 1:]
    return np.asarray(np.prod(1 - 0.35 * np.exp(-away / 0.25), axis=-1, keepdims=True))


def _with_box(rng: np.random.Generator, view: View, met: Met, low: np.ndarray, high: np.ndarray) -> Met:
    """Put a box (a bench, a loudspeaker, a crate) along the walls, away from the person."""
    half = rng.uniform([0.15, 0.15, 0.1], [0.5, 0.4, 0.6])
    side = rng.choice([-1, 1])
    middle = np.array([side * rng.uniform(1.0, max(high[0] - 0.3, 1.1)), rng.uniform(0.7, high[1]), low[2] + half[2]])
    colour = sample_plain(rng) * rng.uniform(0.3, 1.0)
    safe = np.where(np.abs(view.rays) < 1e-9, 1e-9, view.rays)
    ends = np.stack([(middle - half - view.eye) / safe, (middle + half - view.eye) / safe])
    enter, leave = ends.min(axis=0), ends.max(axis=0).min(axis=-1)
    axis, first = enter.argmax(axis=-1), enter.max(axis=-1)
    hit = (first < leave) & (first > 0) & (first < met.far)
    points = view.eye + view.rays * met.far[..., None]
    beside = np.linalg.norm(np.maximum(np.abs(points - middle) - half, 0), axis=-1, keepdims=True)
    normals = -np.eye(3)[axis] * np.sign(np.take_along_axis(safe, axis[..., None], -1))
    return Met(
        far=np.where(hit, first, met.far),
        normals=np.where(hit[..., None], normals, met.normals),
        albedo=np.where(hit[..., None], colour, met.albedo * (1 - 0.6 * np.exp(-beside / 0.08))),
    )


def _bounced(soft: Float[np.ndarray, "9 3"]) -> Float[np.ndarray, "9 3"]:
    """Light of which a part comes from everywhere, as much as before and less coloured."""
    even = np.zeros_like(soft)
    even[0] = (soft[0] + soft[0].mean()) / 2
    return np.asarray((1 - BOUNCE) * soft + BOUNCE * even)


def _lit(view: View, met: Met, light: Light) -> tuple[Rays, Ground]:
    """Shade matt surfaces; shadows come later, with the person."""
    normals = met.normals @ view.axes
    points = (view.eye + view.rays * met.far[..., None] + [0, 0, view.floor_m]) @ view.axes
    soft = np.maximum(open_transfer(normals) @ light.soft, 0)
    facing = np.maximum(normals @ light.key_direction, 0)[..., None]
    key = met.albedo * facing * light.key_irradiance / np.pi
    if light.gobo is not None:
        key = key * light.gobo.share(points)[..., None]
    return met.albedo * soft + key, Ground(points=points, normals=normals, key=key)
