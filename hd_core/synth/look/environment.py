"""Procedural environments: light from all around as equirectangular pictures, made of skies, lamps and panels.

Axes are those of `harmonics`. Every environment is scaled so that its mean radiance over the sphere has
luminance 1; a white surface in it is white on average, and exposure belongs to the lens.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32

from hd_core.errors import InputError
from hd_core.synth.look.harmonics import equirect_directions, equirect_solid_angles
from hd_core.synth.look.keylight import LUMINANCE
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.splits import allowed

HEIGHT, WIDTH = 64, 128
_SHARES = {"night": 0.6, "club": 0.5}
"""How often a kind is drawn, relative to the others' 1."""

_RGB_FROM_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1."""

Colour = Float[np.ndarray, "3"]
Directions = Float[np.ndarray, "h w 3"]
Radiance = Float[np.ndarray, "*n 3"]


def sample_environment(rng: np.random.Generator, *, kind: str | None = None) -> Float32[np.ndarray, "64 128 3"]:
    """Draw an environment, radiance with mean luminance 1 over the sphere.

    Args:
        rng: Source of all choices.
        kind: One of `ENVIRONMENTS`; drawn from those of the split if not given.

    Raises:
        InputError: Unknown kind.
    """
    if kind is None:
        kind = draw_environment_kind(rng)
    if kind not in ENVIRONMENTS:
        raise InputError(f"Found the environment kind {kind!r}; expected one of {', '.join(ENVIRONMENTS)}.")
    return normalised(ENVIRONMENTS[kind](rng, equirect_directions(HEIGHT, WIDTH)))


def draw_environment_kind(rng: np.random.Generator) -> str:
    """Draw the name of an environment of the generator's split."""
    names = allowed(ENVIRONMENTS, rng, catalogue="surroundings")
    shares = np.array([_SHARES.get(name, 1.0) for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def normalised(radiance: Float[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w 3"]:
    """Scale an environment to mean luminance 1 over the sphere."""
    angles = equirect_solid_angles(*radiance.shape[:2])
    mean = float((radiance @ LUMINANCE * angles).sum()) / (4 * np.pi)
    return np.asarray(radiance / max(mean, 1e-12), np.float32)


def radiance_along(environment: Float[np.ndarray, "h w 3"], directions: Float[np.ndarray, "*n 3"]) -> Radiance:
    """What is seen of an environment in any directions (of any length), bilinear; columns run around."""
    height, width = environment.shape[:2]
    d = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    x = (np.arctan2(d[..., 0], d[..., 1]) / (2 * np.pi) + 0.5) * width - 0.5
    y = np.clip(np.arccos(np.clip(d[..., 2], -1, 1)) / np.pi * height - 0.5, 0, height - 1)
    column, row = np.floor(x).astype(int), np.minimum(y.astype(int), height - 2)
    a, b = (x - column)[..., None], (y - row)[..., None]
    left, right = column % width, (column + 1) % width
    upper = environment[row, left] * (1 - a) + environment[row, right] * a
    return np.asarray(upper * (1 - b) + (environment[row + 1, left] * (1 - a) + environment[row + 1, right] * a) * b)


def black_body(kelvin: float) -> Colour:
    """Linear Rec. 709 colour of a glowing body, luminance 1; 6500 K is taken as white.

    Planck's law under Gaussian fits of the CIE 1931 observer (Wyman, Sloan and Shirley, "Simple analytic
    approximations to the CIE XYZ color matching functions", 2013, single-lobe fit).
    """
    colour = np.maximum(_glow_colour(kelvin) / _glow_colour(6500.0), 0.01)
    return np.asarray(colour / (colour @ LUMINANCE))


def _glow_colour(kelvin: float) -> Colour:
    nm = np.arange(380.0, 781.0, 5.0)
    power = nm**-5 / np.expm1(1.4388e7 / (nm * kelvin))
    x = 1.065 * np.exp(-0.5 * ((nm - 595.8) / 33.33) ** 2) + 0.366 * np.exp(-0.5 * ((nm - 446.8) / 19.44) ** 2)
    y = 1.014 * np.exp(-0.5 * (np.log(nm / 556.3) / 0.075) ** 2)
    z = 1.839 * np.exp(-0.5 * (np.log(nm / 449.8) / 0.051) ** 2)
    return np.asarray(_RGB_FROM_XYZ @ (np.stack([x, y, z]) @ power) / (y @ power))


def _towards(azimuth_deg: float, elevation_deg: float) -> Colour:
    """Unit vector; azimuth turns from +Y to the right, as the columns do."""
    a, e = np.deg2rad(azimuth_deg), np.deg2rad(elevation_deg)
    return np.array([np.cos(e) * np.sin(a), np.cos(e) * np.cos(a), np.sin(e)])


def _spot(d: Directions, towards: Colour, radius_deg: float) -> Float[np.ndarray, "h w 1"]:
    """A round source with a soft rim: 1 within the radius, 0 beyond 1.5 times it."""
    angle = np.rad2deg(np.arccos(np.clip(d @ towards, -1, 1)))
    return np.asarray(np.clip((1.5 * radius_deg - angle) / (0.5 * radius_deg), 0, 1)[..., None])


def _glow(d: Directions, towards: Colour, sharpness: float) -> Float[np.ndarray, "h w 1"]:
    """A spherical Gaussian of height 1."""
    return np.asarray(np.exp(sharpness * (d @ towards - 1))[..., None])


def _panel(d: Directions, towards: Colour, half: tuple[float, float], soft: float = 0.05) -> Float[np.ndarray, "h w 1"]:
    """An upright rectangle at distance 1 facing the middle, half width and height as tangents."""
    right = np.cross(towards, np.array([0.0, 0.0, 1.0]))
    right /= max(float(np.linalg.norm(right)), 1e-6)
    depth = np.maximum(d @ towards, 1e-3)
    x, y = np.abs(d @ right) / depth, np.abs(d @ np.cross(right, towards)) / depth
    edge = np.minimum(half[0] - x, half[1] - y) / soft
    return np.asarray((np.clip(edge + 0.5, 0, 1) * (d @ towards > 0))[..., None])


def _mottle(d: Directions, rng: np.random.Generator, scale: float, depth: float) -> Float[np.ndarray, "h w 1"]:
    """Uneven brightness about 1, as walls, leaves and houses have it."""
    return np.asarray(np.exp(depth * layered_noise(d * scale + rng.uniform(0, 100, 3), octaves=4))[..., None])


def _ground(d: Directions, sky: Radiance, colour: Colour, horizon: float = 0.0) -> Radiance:
    """Replace what lies below the horizon, over a soft rim."""
    share = np.clip((horizon - d[..., 2:]) / 0.06 + 0.5, 0, 1)
    return np.asarray(sky * (1 - share) + colour * share)


def _earth(rng: np.random.Generator) -> Colour:
    """Albedo of grass, sand, asphalt or stone."""
    grounds = np.array([[0.07, 0.11, 0.03], [0.35, 0.28, 0.19], [0.09, 0.09, 0.10], [0.28, 0.26, 0.24]])
    return np.asarray(grounds[rng.integers(4)] * rng.uniform(0.7, 1.3))


def _sun_and_sky(rng: np.random.Generator, d: Directions, elevation_deg: float, strength: float) -> Radiance:
    sun = _towards(rng.uniform(-180, 180), elevation_deg)
    warm = black_body(2200.0 + 3600.0 * min(elevation_deg / 35, 1.0))
    up = np.clip(d[..., 2:], 0, 1)
    sky = np.array([0.22, 0.42, 0.95]) * 0.8 + np.array([0.65, 0.68, 0.70]) * (1 - up) ** 5
    sky += 1.2 * warm * _glow(d, sun, 12.0)
    clouds = np.clip(layered_noise(d * [3, 3, 8] + rng.uniform(0, 100, 3), octaves=5) + rng.uniform(-0.3, 0.3), 0, 0.5)
    sky = sky * (1 - clouds[..., None]) + 1.6 * clouds[..., None] * (0.6 + 0.4 * warm)
    skyline = _ground(d, sky, _earth(rng) * (1.0 + np.sin(np.deg2rad(elevation_deg)) * strength / 30) * warm)
    return np.asarray(skyline * _mottle(d, rng, 4.0, 0.15) + strength * 12 * warm * _spot(d, sun, 3.0))


def _sky(rng: np.random.Generator, d: Directions) -> Radiance:
    return _sun_and_sky(rng, d, rng.uniform(20, 70), rng.uniform(25, 90))


def _sunset(rng: np.random.Generator, d: Directions) -> Radiance:
    evening = _sun_and_sky(rng, d, rng.uniform(3, 12), rng.uniform(6, 20))
    return np.asarray(evening * (0.6 + np.array([0.6, 0.25, 0.2]) * np.exp(-(d[..., 2:] ** 2) * 12)))


def _overcast(rng: np.random.Generator, d: Directions) -> Radiance:
    """The CIE overcast sky, (1 + 2 sin elevation) / 3, with clouds."""
    sky = black_body(rng.uniform(6000, 8500)) * (1 + 2 * np.clip(d[..., 2:], 0, 1)) / 3
    return _ground(d, sky * _mottle(d, rng, 2.5, 0.35), _earth(rng) * rng.uniform(0.5, 1.0))


def _studio(rng: np.random.Generator, d: Directions) -> Radiance:
    walls = np.full(3, rng.uniform(0.02, 0.5))
    room = walls * _mottle(d, rng, 2.0, 0.2)
    white = rng.uniform(4500, 6500)
    side = rng.choice([-1, 1])
    places = [(180 + side * rng.uniform(25, 70), rng.uniform(10, 50), rng.uniform(12, 30))]
    places += [(180 - side * rng.uniform(20, 80), rng.uniform(-5, 40), rng.uniform(1, 8))]
    places += [(side * rng.uniform(-70, 70), rng.uniform(10, 50), rng.uniform(0, 15))]
    for azimuth, elevation, strength in places:
        half = (rng.uniform(0.15, 0.5), rng.uniform(0.2, 0.6))
        colour = black_body(white + rng.normal(0, 300))
        room = room + strength * colour * _panel(d, _towards(azimuth, elevation), half)
    return np.asarray(room)


def _white_room(rng: np.random.Generator, d: Directions) -> Radiance:
    """A bright room with light walls and lamps in the ceiling."""
    wall = black_body(rng.uniform(4000, 6500)) * rng.uniform(0.4, 0.8)
    room = _ground(d, wall * _mottle(d, rng, 2.0, 0.2), wall * rng.uniform(0.2, 0.8), -0.3)
    for _ in range(rng.integers(1, 5)):
        lamp = _towards(rng.uniform(-180, 180), rng.uniform(40, 85))
        room = room + rng.uniform(5, 15) * wall * _panel(d, lamp, (rng.uniform(0.1, 0.5), rng.uniform(0.06, 0.2)))
    return room


def _window_room(rng: np.random.Generator, d: Directions) -> Radiance:
    wall = np.array([0.32, 0.27, 0.21]) * rng.uniform(0.5, 1.3) * (0.8 + 0.4 * rng.random(3))
    room = _ground(d, wall * _mottle(d, rng, 3.0, 0.5), wall * [0.5, 0.4, 0.3], -0.35)
    start = rng.uniform(-180, 180)
    sky = black_body(rng.uniform(5500, 9000)) * rng.uniform(8, 25)
    for number in range(rng.integers(1, 4)):
        middle = _towards(start + 45 * number, rng.uniform(5, 20))
        half = (rng.uniform(0.18, 0.32), rng.uniform(0.3, 0.6))
        bars = np.where(np.abs(d @ np.cross(middle, [0, 0, 1.0]))[..., None] < 0.02, 0.15, 1.0)
        room = room + sky * bars * _panel(d, middle, half)
    lamp = black_body(2900.0) * rng.uniform(0, 20)
    return np.asarray(room + lamp * _spot(d, _towards(rng.uniform(-180, 180), rng.uniform(30, 70)), 4.0))


def _dusk_street(rng: np.random.Generator, d: Directions) -> Radiance:
    up = np.clip(d[..., 2:], 0, 1)
    sky = np.array([0.09, 0.14, 0.32]) + np.array([0.55, 0.25, 0.14]) * np.exp(-8 * up) * rng.uniform(0.2, 1.2)
    turn = np.arctan2(d[..., 0], d[..., 1])
    blocks = np.floor(turn / 0.35)
    skyline = 0.25 + 0.22 * np.sin(blocks * 12.9898 + rng.uniform(0, 9))
    houses = np.array([0.05, 0.045, 0.05]) * _mottle(d, rng, 9.0, 0.8)
    cells = np.floor(np.stack([turn / 0.07, d[..., 2] / 0.06, 0 * turn], -1))
    lit = (np.mod(np.sin(cells @ [12.9898, 78.233, 0]) * 43758.5453, 1.0) > 0.72)[..., None]
    houses = houses + lit * black_body(3000.0) * rng.uniform(0.3, 1.2)
    scene = np.where((d[..., 2] < skyline)[..., None], houses, sky)
    scene = _ground(d, scene, np.array([0.06, 0.055, 0.06]))
    return np.asarray(
        scene + _lamps(rng, d, count=int(rng.integers(3, 9)), kelvin=(1900.0, 4200.0), strength=(10.0, 60.0))
    )


def _night(rng: np.random.Generator, d: Directions) -> Radiance:
    dark = np.array([0.012, 0.015, 0.03]) * _mottle(d, rng, 5.0, 0.8)
    return np.asarray(
        dark + _lamps(rng, d, count=int(rng.integers(2, 6)), kelvin=(1900.0, 5000.0), strength=(20.0, 80.0))
    )


def _lamps(
    rng: np.random.Generator, d: Directions, *, count: int, kelvin: tuple[float, float], strength: tuple[float, float]
) -> Radiance:
    """Street lamps and signs with a halo, in any direction above the ground."""
    total = np.zeros_like(d)
    for _ in range(count):
        place = _towards(rng.uniform(-180, 180), rng.uniform(5, 55))
        shape = _spot(d, place, rng.uniform(2.5, 5.0)) + 0.02 * _glow(d, place, 25.0)
        total = total + rng.uniform(*strength) * black_body(rng.uniform(*kelvin)) * shape
    return total


def _club(rng: np.random.Generator, d: Directions) -> Radiance:
    scene = np.array([0.015, 0.012, 0.02]) * _mottle(d, rng, 4.0, 0.6)
    start = rng.random()
    for number in range(rng.integers(2, 6)):
        hue = 2 * np.pi * (start + 0.31 * number)
        colour = np.clip(0.5 + 0.5 * np.cos(hue - np.array([0.0, 2.0944, 4.1888])), 0.02, 1) ** 1.5
        place = _towards(rng.uniform(-180, 180), rng.uniform(0, 60))
        shape = _spot(d, place, rng.uniform(3, 10)) + 0.05 * _glow(d, place, 6.0)
        scene = scene + rng.uniform(8, 30) * colour * shape
    return np.asarray(scene)


ENVIRONMENTS: dict[str, Callable[[np.random.Generator, Directions], Radiance]] = {
    "sky": _sky,
    "sunset": _sunset,
    "overcast": _overcast,
    "studio": _studio,
    "white_room": _white_room,
    "window_room": _window_room,
    "dusk_street": _dusk_street,
    "night": _night,
    "club": _club,
}
"""Every kind of environment by name."""
