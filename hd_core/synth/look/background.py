"""What stands behind the person: plain, graded, cloudy, cluttered, a room, the environment itself, or a place."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hd_core.errors import InputError
from hd_core.geometry.camera import pixel_rays
from hd_core.synth.look.backdrop import Backdrop
from hd_core.synth.look.environment import radiance_along
from hd_core.synth.look.fabric import print_kinds, sample_fabric_print
from hd_core.synth.look.hall import sample_hall, sample_yard
from hd_core.synth.look.lens import blurred
from hd_core.synth.look.lighting import Lighting
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.palette import sample_palette
from hd_core.synth.look.shade import Light
from hd_core.types import Camera

Picture = Float[np.ndarray, "h w 3"]
Rays = Float[np.ndarray, "h w 3"]


WALLPAPERS = ("stripes", "checks", "plaid", "heather", "dots", "gradient", "camouflage")
"""Kinds of prints that walls may have; those of a split are taken."""


PLACE = "place"
PLACE_SHARE = 0.4
"""Of backgrounds are places with a floor, on which the person's shadow falls."""
OUTDOORS = ("sky", "sunset", "overcast", "dusk_street", "night")
"""Environments under which half of the places are open ground."""


def sample_backdrop(
    rng: np.random.Generator, camera: Camera, lighting: Lighting, *, kind: str, floor_m: float
) -> Backdrop:
    """Draw what is behind the person.

    Args:
        rng: Source of all choices.
        camera: Who looks.
        lighting: The scene's light; pictures without any light show places in an even one.
        kind: From `draw_background_kind`.
        floor_m: Height of the floor, world axes.

    Raises:
        InputError: Unknown kind.
    """
    if kind != PLACE:
        picture = sample_background(rng, camera, lighting.environment, kind=kind)
        return Backdrop(radiance=np.asarray(picture, np.float64))
    light = lighting.light or Light.flat()
    if lighting.kind in OUTDOORS and rng.random() < 0.5:
        return sample_yard(rng, camera, light, lighting.environment, floor_m=floor_m)
    return sample_hall(rng, camera, light, floor_m=floor_m)


def sample_background(
    rng: np.random.Generator, camera: Camera, environment: Float[np.ndarray, "eh ew 3"], *, kind: str | None = None
) -> Picture:
    """Draw a background, linear light.

    Args:
        rng: Source of all choices.
        camera: Who looks; the room and the environment follow its pose.
        environment: The scene's light; shown itself by "environment".
        kind: One of `BACKGROUNDS` or "environment"; drawn if not given.

    Raises:
        InputError: Unknown kind.
    """
    names = (*BACKGROUNDS, "environment")
    if kind is None:
        kind = names[int(rng.integers(len(names)))]
    if kind not in names:
        raise InputError(f"Found the background {kind!r}; expected one of {', '.join(BACKGROUNDS)}, environment.")
    rays = pixel_rays(camera) @ camera.cam_from_world[:3, :3]
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    if kind == "environment":
        return np.asarray(radiance_along(environment, rays), np.float64)
    return BACKGROUNDS[kind](rng, rays)


def draw_background_kind(rng: np.random.Generator) -> str:
    """Draw the name of a background; all splits have all kinds, and each clip its own of it."""
    if rng.random() < PLACE_SHARE:
        return PLACE
    names = (*BACKGROUNDS, "environment")
    return names[int(rng.integers(len(names)))]


def _pixels(rays: Rays) -> Float[np.ndarray, "h w 3"]:
    """Position in the picture, -0.5..0.5 of its longer side, with a third coordinate of zero."""
    height, width = rays.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    return np.asarray(np.stack([x - width / 2, y - height / 2, np.zeros_like(x)], axis=-1) / max(height, width))


def _plain(rng: np.random.Generator, rays: Rays) -> Picture:
    (colour,) = sample_palette(rng, 1)
    return np.broadcast_to(colour, rays.shape).copy()


def _gradient(rng: np.random.Generator, rays: Rays) -> Picture:
    first, second = sample_palette(rng, 2)
    angle = rng.uniform(0, 2 * np.pi)
    share = np.clip(_pixels(rays) @ np.array([np.cos(angle), np.sin(angle), 0.0]) + 0.5, 0, 1)[..., None]
    return np.asarray(first * (1 - share) + second * share)


def _clouds(rng: np.random.Generator, rays: Rays) -> Picture:
    first, second = sample_palette(rng, 2)
    place = _pixels(rays) / rng.uniform(0.03, 0.4) + rng.uniform(0, 100, 3)
    share = np.clip(0.5 + layered_noise(place, octaves=int(rng.integers(1, 6))), 0, 1)[..., None]
    return np.asarray(first * (1 - share) + second * share)


def _clutter(rng: np.random.Generator, rays: Rays) -> Picture:
    """Boxes and discs of cloth and paint, one before the other, more or less out of focus."""
    place, picture = _pixels(rays), _clouds(rng, rays)
    for _ in range(rng.integers(8, 40)):
        off = place[..., :2] - rng.uniform(-0.6, 0.6, 2)
        half = rng.uniform(0.02, 0.25, 2)
        inside = np.hypot(*np.moveaxis(off / half, -1, 0)) < 1 if rng.random() < 0.4 else (np.abs(off) < half).all(-1)
        if not inside.any():
            continue
        cloth = sample_fabric_print(rng) if rng.random() < 0.3 else sample_fabric_print(rng, kind="solid")
        shade = rng.uniform(0.3, 1.2) * (1 + rng.normal(0, 1.0) * off[inside].sum(-1, keepdims=True))
        picture[inside] = cloth.albedo(off[inside], footprint_m=0.002) * np.maximum(shade, 0.1)
    return blurred(picture, sigma_px=float(rng.uniform(0, 0.015)) * max(rays.shape[:2]))


def _room(rng: np.random.Generator, rays: Rays) -> Picture:
    """A box of papered or painted walls with the camera inside: the nearest of its six planes along each ray."""
    low, high = -rng.uniform([2, 2, 1.0], [5, 5, 1.7]), rng.uniform([2, 2, 0.9], [5, 5, 1.6])
    safe = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    to_planes = np.where(safe > 0, high / safe, low / safe)
    axis = np.argmin(to_planes, axis=-1)
    points = rays * to_planes.min(axis=-1, keepdims=True)
    side = 2 * axis + (np.take_along_axis(rays, axis[..., None], -1)[..., 0] > 0)
    picture = np.zeros(rays.shape)
    papers = [kind for kind in WALLPAPERS if kind in print_kinds(rng)]
    for number in range(6):
        on = side == number
        kind = str(rng.choice(["solid", "solid", *papers]))
        wall = sample_fabric_print(rng, kind=kind)
        if on.any():
            flat = np.delete(points[on], number // 2, axis=1) * rng.uniform(0.1, 0.5)
            picture[on] = wall.albedo(flat, footprint_m=0.001) * rng.uniform(0.4, 1.0)
    corner = np.sort(np.abs(to_planes), axis=-1)
    gap = (corner[..., 1] - corner[..., 0]) / corner[..., 0]
    dim = 0.75 + 0.25 * np.clip(gap / 0.25, 0, 1)  # less light reaches the corners
    return blurred(picture * dim[..., None], sigma_px=float(rng.uniform(0, 0.008)) * max(rays.shape[:2]))


BACKGROUNDS: dict[str, Callable[[np.random.Generator, Rays], Picture]] = {
    "plain": _plain,
    "gradient": _gradient,
    "clouds": _clouds,
    "clutter": _clutter,
    "room": _room,
}
"""Every kind of background that is not the environment, by name."""
