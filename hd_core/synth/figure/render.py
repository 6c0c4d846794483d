"""The dancer seen by a camera: exact depth and normals at pixel centres, and a picture with soft outlines."""

# ruff: noqa: PLR0917 - kernels take coordinates one by one

import math

import numpy as np
from jaxtyping import Float

from hd_core.compiled import compiled
from hd_core.synth.figure.build import Body, build_body
from hd_core.synth.figure.field import NOTHING, SKIN, outward
from hd_core.synth.figure.look import colour_of
from hd_core.synth.figure.motion import dance
from hd_core.synth.figure.room import KEY_BLUE, KEY_GREEN, KEY_RED, KEY_X, KEY_Y, KEY_Z, ambient, backdrop
from hd_core.synth.figure.trace import lit_share, openness, trace
from hd_core.synth.frame import SynthFrame, srgb_bytes
from hd_core.types import Camera, Gauge, SurfaceMaps

CAMERA_HEIGHT_M, CAMERA_DISTANCE_M, CAMERA_TILT_RAD = 1.25, 2.14, 0.135
OUTLINE_SAMPLES, CREASE_SAMPLES = 4, 2
EXPOSURE = 0.62
"""Linear light to picture."""
SENSOR_NOISE = 1.3
"""Standard deviation of the picture's noise, sRGB bytes."""
_EDGE_JUMP = 0.006
"""Relative depth difference between neighbours from which a pixel gets more samples."""


def room_camera(width: int, height: int, *, focal_px: float) -> Camera:
    """A phone held at chest height, tilted down a little, that sees the whole dancer in a portrait picture."""
    c, s = np.cos(CAMERA_TILT_RAD), np.sin(CAMERA_TILT_RAD)
    rotation = np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]]) @ np.diag([1.0, -1, -1])
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = rotation
    cam_from_world[:3, 3] = -rotation @ np.array([0.0, CAMERA_HEIGHT_M, CAMERA_DISTANCE_M])
    k = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
    return Camera(width=width, height=height, intrinsics=k, cam_from_world=cam_from_world)


def render_dancer(camera: Camera, *, time_seconds: float, rng: np.random.Generator | None = None) -> SynthFrame:
    """Render the dancer in its room at one instant.

    Args:
        camera: Where from; its world is the room's: y up, floor at 0, the dancer at the origin facing +z.
        time_seconds: The dance repeats every `PERIOD_SECONDS`.
        rng: Makes the sensor's noise; a clean picture without.

    Returns:
        Picture, coverage, and the maps of `dancer_maps`.
    """
    body = build_body(dance(time_seconds))
    maps, parts = _maps(body, camera)
    light, alpha = paint(body, maps.depth, parts, samples_per_side(maps.depth, parts), *_eye(camera))
    return SynthFrame(rgb=_develop(light, rng), alpha=alpha, maps=maps)


def dancer_maps(camera: Camera, *, time_seconds: float) -> SurfaceMaps:
    """The geometry alone, in float64.

    The depth is a root of the field to about 1e-8 m, the normal its central difference over 0.2 mm.
    """
    return _maps(build_body(dance(time_seconds)), camera)[0]


def _maps(body: Body, camera: Camera) -> tuple[SurfaceMaps, np.ndarray]:
    """Maps, and the part that every pixel's centre sees."""
    depth, parts, normal = see(body, camera.height, camera.width, *_eye(camera))
    mask = np.isfinite(depth)
    maps = SurfaceMaps(
        camera=camera,
        depth=depth,
        normal=normal,
        mask=mask,
        confidence=mask.astype(np.float64),
        gauge=Gauge.METRIC,
    )
    return maps, parts


def _eye(camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the kernels need of a camera: inverse of K, axes in the world (columns), position in the world."""
    world_from_cam = np.linalg.inv(camera.cam_from_world)
    axes = np.ascontiguousarray(world_from_cam[:3, :3])
    return np.linalg.inv(camera.intrinsics), axes, np.ascontiguousarray(world_from_cam[:3, 3])


def samples_per_side(depth: Float[np.ndarray, "h w"], parts: np.ndarray) -> np.ndarray:
    """4 on the outline, 2 on the face and where depth or part changes, 1 elsewhere."""
    filled = np.where(np.isfinite(depth), depth, 1e3)
    outline, crease = np.zeros(depth.shape, bool), parts == SKIN
    for axis in range(2):
        near = np.minimum(*(np.delete(filled, end, axis=axis) for end in (0, -1)))
        jump = np.abs(np.diff(filled, axis=axis))
        changes = (jump > _EDGE_JUMP * near) | (np.diff(parts, axis=axis) != 0)
        outline |= _both_sides(jump > 500, axis)
        crease |= _both_sides(changes, axis)
    return np.where(outline, OUTLINE_SAMPLES, np.where(crease, CREASE_SAMPLES, 1))


def _both_sides(between: np.ndarray, axis: int) -> np.ndarray:
    """Pixels on either side of the marked steps along an axis."""
    head, tail = [(0, 0), (0, 0)], [(0, 0), (0, 0)]
    head[axis], tail[axis] = (1, 0), (0, 1)
    return np.asarray(np.pad(between, head) | np.pad(between, tail))


@compiled
def _ray(pixel: np.ndarray, axes: np.ndarray, column: float, row: float) -> tuple[float, float, float, float]:
    """Unit world direction through a picture position, and its share along the camera's z."""
    x = pixel[0, 0] * column + pixel[0, 1] * row + pixel[0, 2]
    y = pixel[1, 1] * row + pixel[1, 2]
    length = math.sqrt(x * x + y * y + 1.0)
    return (
        (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2]) / length,
        (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2]) / length,
        (axes[2, 0] * x + axes[2, 1] * y + axes[2, 2]) / length,
        1.0 / length,
    )


@compiled
def see(
    body: Body, height: int, width: int, pixel: np.ndarray, axes: np.ndarray, origin: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, part and camera-axes normal at every pixel centre."""
    depth = np.full((height, width), np.nan)
    parts = np.full((height, width), NOTHING)
    normal = np.zeros((height, width, 3))
    for row in range(height):
        for column in range(width):
            dx, dy, dz, share = _ray(pixel, axes, column + 0.5, row + 0.5)
            t, part = trace(body, origin[0], origin[1], origin[2], dx, dy, dz)
            if part == NOTHING:
                continue
            depth[row, column], parts[row, column] = t * share, part
            n = outward(body, origin[0] + t * dx, origin[1] + t * dy, origin[2] + t * dz)
            for k in range(3):
                normal[row, column, k] = axes[0, k] * n[0] + axes[1, k] * n[1] + axes[2, k] * n[2]
    return depth, parts, normal


@compiled
def shade(
    body: Body, origin: np.ndarray, dx: float, dy: float, dz: float, t: float, part: int, wide: float
) -> tuple[float, float, float]:
    """Light that a point of the figure sends to the camera."""
    x, y, z = origin[0] + t * dx, origin[1] + t * dy, origin[2] + t * dz
    nx, ny, nz = outward(body, x, y, z)
    red, green, blue, gloss, wrap = colour_of(body, part, x, y, z, wide)
    toward = (nx * KEY_X + ny * KEY_Y + nz * KEY_Z + wrap) / (1.0 + wrap)
    key = 0.0
    if toward > 0:
        lift = 0.004
        key = toward * lit_share(body, x + lift * nx, y + lift * ny, z + lift * nz, KEY_X, KEY_Y, KEY_Z, 9.0)
    sky = openness(body, x, y, z, nx, ny, nz)
    a, b, c = ambient(nx, ny, nz)
    hx, hy, hz = KEY_X - dx, KEY_Y - dy, KEY_Z - dz
    half = max((nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz), 0.0)
    facing = max(-(nx * dx + ny * dy + nz * dz), 0.0)
    shine = gloss * key * half**24 + 0.10 * gloss * sky * (1.0 - facing) ** 4
    return (
        red * (KEY_RED * key + a * sky) + shine,
        green * (KEY_GREEN * key + b * sky) + shine,
        blue * (KEY_BLUE * key + c * sky) + shine,
    )


@compiled
def paint(
    body: Body,
    depth: np.ndarray,
    parts: np.ndarray,
    samples: np.ndarray,
    pixel: np.ndarray,
    axes: np.ndarray,
    origin: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Linear light and coverage of every pixel: from `samples` x `samples` rays."""
    height, width = depth.shape
    light, alpha = np.zeros((height, width, 3)), np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            side = samples[row, column]
            for sample in range(side * side):
                dx, dy, dz, share = _ray(
                    pixel, axes, column + (sample % side + 0.5) / side, row + (sample // side + 0.5) / side
                )
                t, part = depth[row, column] / share, parts[row, column]
                if side > 1:
                    t, part = trace(body, origin[0], origin[1], origin[2], dx, dy, dz)
                if part == NOTHING:
                    a, b, c = backdrop(body, origin[0], origin[1], origin[2], dx, dy, dz)
                else:
                    wide = max(1.0 * t * pixel[0, 0], 1e-4)
                    a, b, c = shade(body, origin, dx, dy, dz, t, part, wide)
                    alpha[row, column] += 1.0 / (side * side)
                light[row, column, 0] += a / (side * side)
                light[row, column, 1] += b / (side * side)
                light[row, column, 2] += c / (side * side)
    return light, alpha


def _develop(light: Float[np.ndarray, "h w 3"], rng: np.random.Generator | None) -> np.ndarray:
    """Exposure with a soft shoulder, sRGB, and the sensor's noise."""
    exposed = EXPOSURE * light
    toned = np.where(exposed < 0.6, exposed, 0.6 + 0.4 * np.tanh((exposed - 0.6) / 0.4))
    picture = srgb_bytes(toned)
    if rng is None:
        return picture
    noisy = picture + SENSOR_NOISE * rng.standard_normal(picture.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
