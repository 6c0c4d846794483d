"""Motion blur of the person: what the shutter gathers while it is open, colour and coverage alike.

The geometry of the middle of the exposure is drawn once; the rest of the exposure is that picture moved along the
motion of its pixels. So the truth of a blurred picture is that of its middle instant.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from hd_core.compiled import compiled
from hd_core.types import Camera

STILL_PX = 0.4
"""Motion over the exposure below which nothing is blurred."""
MOST_INSTANTS = 33
ARRIVAL_PX = 0.75
"""How near to a pixel a moved point has to arrive to be seen there."""
NEAREST_M = 0.05
BEFORE_M = 0.02
"""From one surface to another that hides it."""


@runtime_checkable
class Moving(Protocol):
    """Anything with vertices, such as a person at one frame."""

    @property
    def vertices(self) -> np.ndarray:
        """Places, one row per vertex, m."""


T = TypeVar("T", bound=Moving)


def with_velocity(instants: Iterable[T]) -> Iterator[tuple[T, Float32[np.ndarray, "v 3"]]]:
    """Pair every frame with the velocity of its vertices, metres per frame: half of what lies between its neighbours.

    The first and the last frame have one neighbour only; a lone frame stands still. One frame is read ahead.
    """
    before: T | None = None
    here: T | None = None
    for after in instants:
        if here is not None:
            yield here, _velocity(before, here, after)
        before, here = here, after
    if here is not None:
        yield here, _velocity(before, here, None)


def _velocity(before: T | None, here: T, after: T | None) -> Float32[np.ndarray, "v 3"]:
    first, last = before or here, after or here
    frames = (before is not None) + (after is not None)
    return np.asarray((last.vertices - first.vertices) / max(frames, 1), np.float32)


def picture_motion(
    positions: Float[np.ndarray, "v 3"], velocity: Float[np.ndarray, "v 3"], camera: Camera, *, share: float
) -> Float32[np.ndarray, "v 2"]:
    """How far vertices move in the picture while the shutter is open, px.

    Args:
        positions: In the middle of the exposure, camera axes, m.
        velocity: Camera axes, m per frame.
        camera: Still.
        share: Of the time between two frames in which the shutter is open.
    """
    ends = [positions + sign * 0.5 * share * velocity for sign in (-1, 1)]
    flat = [end[:, :2] / np.maximum(end[:, 2:], NEAREST_M) for end in ends]
    return np.asarray((flat[1] - flat[0]) @ camera.intrinsics[:2, :2].T, np.float32)


def exposed(
    colour: Float[np.ndarray, "h w 3"],
    alpha: Float[np.ndarray, "h w"],
    motion: Float[np.ndarray, "h w 2"],
    depth: Float[np.ndarray, "h w"],
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """Gather the person's light and coverage over the exposure.

    At every instant a pixel shows the nearest of the points that arrive at it; they are looked for along the pixel's
    own motion and along the fastest motion around it. Where a part has moved away from before another part, what
    appears is taken from beside it, for nothing else is known of it.

    Args:
        colour: Radiance of the person; right where `alpha` is not zero.
        alpha: Share of each pixel that the person covers in the middle of the exposure.
        motion: Of the surface over the whole exposure, px; right where `alpha` is not zero.
        depth: Metres; right where `alpha` is not zero.

    Returns:
        Radiance times coverage, and coverage.
    """
    light = np.concatenate([colour * alpha[..., None], alpha[..., None]], axis=-1).astype(np.float32)
    moved = np.where(alpha[..., None] > 0, motion, 0).astype(np.float32)
    fastest = float(np.hypot(moved[..., 0], moved[..., 1]).max(initial=0.0))
    if fastest >= STILL_PX:
        near = np.where(alpha > 0, depth, np.inf).astype(np.float32)
        moved, near = _with_rim(moved, near)
        light = _gather(light, moved, _fastest_around(moved, math.ceil(fastest / 2) + 1), near)
    return light[..., :3], light[..., 3]


@compiled
def _with_rim(motion: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give pixels beside the person the motion of a neighbour: half pixels away from it is still some of its light."""
    height, width = depth.shape
    wide_motion, wide_depth = motion.copy(), depth.copy()
    for row in range(height):
        for column in range(width):
            if depth[row, column] < np.inf:
                continue
            for i in range(max(row - 1, 0), min(row + 2, height)):
                for j in range(max(column - 1, 0), min(column + 2, width)):
                    if depth[i, j] < wide_depth[row, column]:
                        wide_motion[row, column], wide_depth[row, column] = motion[i, j], depth[i, j]
    return wide_motion, wide_depth


def _fastest_around(motion: Float32[np.ndarray, "h w 2"], block: int) -> Float32[np.ndarray, "h w 2"]:
    """The fastest motion in each block of pixels and the eight blocks around it."""
    height, width = motion.shape[:2]
    padded = np.pad(motion, ((0, -height % block), (0, -width % block), (0, 0)))
    rows, columns = padded.shape[0] // block, padded.shape[1] // block
    blocks = padded.reshape(rows, block, columns, block, 2).swapaxes(1, 2).reshape(rows, columns, -1, 2)
    inside = np.pad(_fastest(blocks), ((1, 1), (1, 1), (0, 0)))
    around = [inside[a : a + rows, b : b + columns] for a in range(3) for b in range(3)]
    found = _fastest(np.stack(around, axis=2)).repeat(block, axis=0).repeat(block, axis=1)
    return np.ascontiguousarray(found[:height, :width])


def _fastest(motions: Float32[np.ndarray, "*n k 2"]) -> Float32[np.ndarray, "*n 2"]:
    which = np.argmax((motions**2).sum(axis=-1), axis=-1)
    return np.asarray(np.take_along_axis(motions, which[..., None, None], axis=-2)[..., 0, :])


@compiled
def _gather(light: np.ndarray, motion: np.ndarray, fastest: np.ndarray, depth: np.ndarray) -> np.ndarray:
    height, width = depth.shape
    out = light.copy()
    total = np.zeros(4)
    for row in range(height):
        for column in range(width):
            reach = math.hypot(fastest[row, column, 0], fastest[row, column, 1])
            if reach < STILL_PX:
                continue
            count = min(2 * math.ceil(reach / 2) + 1, MOST_INSTANTS)
            total[:] = 0.0
            for k in range(count):
                time = (k + 0.5) / count - 0.5
                x, y = _arriving(row, column, time, motion, fastest, depth)
                _add_sample(light, x, y, total)
            for channel in range(4):
                out[row, column, channel] = total[channel] / count
    return out


@compiled
def _arriving(  # noqa: PLR0917 - kernels take arrays one by one
    row: int, column: int, time: float, motion: np.ndarray, fastest: np.ndarray, depth: np.ndarray
) -> tuple[float, float]:
    """Which place of the middle picture is seen at a pixel at a time, -0.5..0.5 of the exposure."""
    own_x, own_y = column - time * motion[row, column, 0], row - time * motion[row, column, 1]
    best_x, best_y, nearest = own_x, own_y, np.inf
    i, j = math.floor(own_y + 0.5), math.floor(own_x + 0.5)
    if 0 <= i < depth.shape[0] and 0 <= j < depth.shape[1] and depth[i, j] < depth[row, column] - BEFORE_M:
        best_x, best_y = float(column), float(row)  # something nearer stands beside; what it hides is like this
    for way in range(2):
        x = own_x if way == 0 else column - time * fastest[row, column, 0]
        y = own_y if way == 0 else row - time * fastest[row, column, 1]
        for _ in range(2):  # the place's own motion leads nearer to where the point came from
            i, j = math.floor(y + 0.5), math.floor(x + 0.5)
            if i < 0 or j < 0 or i >= depth.shape[0] or j >= depth.shape[1] or depth[i, j] == np.inf:
                break
            x, y = column - time * motion[i, j, 0], row - time * motion[i, j, 1]
        i, j = math.floor(y + 0.5), math.floor(x + 0.5)
        if i < 0 or j < 0 or i >= depth.shape[0] or j >= depth.shape[1] or not depth[i, j] < nearest:
            continue
        off = math.hypot(x + time * motion[i, j, 0] - column, y + time * motion[i, j, 1] - row)
        if off <= ARRIVAL_PX:
            best_x, best_y, nearest = x, y, depth[i, j]
    return best_x, best_y


@compiled
def _add_sample(light: np.ndarray, x: float, y: float, total: np.ndarray) -> None:
    """Add the picture at a place between pixels; there is nothing outside of it."""
    j, i = math.floor(x), math.floor(y)
    a, b = x - j, y - i
    for down in range(2):
        for right in range(2):
            p, q = i + down, j + right
            if 0 <= p < light.shape[0] and 0 <= q < light.shape[1]:
                weight = (b if down else 1 - b) * (a if right else 1 - a)
                for channel in range(4):
                    total[channel] += weight * light[p, q, channel]
