"""Small scenes with several people for the tests of the person stage: real people cut out and put on a wall."""

from functools import cache

import numpy as np
import person_helpers as helpers
from PIL import Image

from hd_core.geometry.camera import camera_from_focal
from hd_core.geometry.crop import cut_rgb, make_crop
from hd_core.person.matte import Matter
from hd_core.person.regions import tight_box
from hd_core.types import Box


@cache
def matter() -> Matter:
    return Matter()


@cache
def cut_out(name: str, index: int) -> Image.Image:
    """The person of a shared clip's frame, cut tight, with alpha."""
    rgb = helpers.clip_frames(name, index)[0]
    drawn = helpers.DRAWN_BOXES.get((name, index))
    drawn = drawn or tuple(np.array([helpers.DRAWN_BOXES[key] for key in helpers.DRAWN_BOXES if key[0] == name]).T)
    left, top, right, bottom = (float(f(v)) for f, v in zip((np.min, np.min, np.max, np.max), drawn, strict=True))
    side = 1.24 * max(right - left, bottom - top)
    square = Box(left=(left + right - side) / 2, top=(top + bottom - side) / 2, width=side, height=side)
    full = camera_from_focal(rgb.shape[1], rgb.shape[0], focal_px=float(rgb.shape[1]))
    crop = make_crop(full, square, width=512, height=512)
    picture = cut_rgb(rgb, crop)
    alpha = matter().alpha(picture, crop=crop)
    box = tight_box(alpha > 0.5)
    edges = tuple(map(round, (box.left, box.top, box.left + box.width, box.top + box.height)))
    cut = Image.fromarray(np.dstack([picture, (255 * alpha).astype(np.uint8)]), "RGBA")
    return cut.crop(edges)


def wall(width: int = 640, height: int = 360, seed: int = 0) -> Image.Image:
    """A wall and a floor with some grain and a few flat things."""
    rng = np.random.default_rng(seed)
    rows = np.linspace(0, 1, height)[:, None, None]
    colour = rng.uniform(120, 210, 3)
    picture = np.broadcast_to(colour * (1 - 0.15 * rows), (height, width, 3)).copy()
    picture[int(0.8 * height) :] = colour * 0.6
    for _ in range(4):
        x, y = rng.integers(0, width - 60), rng.integers(0, height // 2)
        picture[y : y + rng.integers(10, 50), x : x + rng.integers(20, 60)] = rng.uniform(60, 230, 3)
    picture += rng.normal(0, 2, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def put(scene: Image.Image, person: Image.Image, *, x: float, bottom: float, height: float) -> np.ndarray:
    """Put a person into a scene, in place; returns the person's mask there."""
    width = round(person.width * height / person.height)
    small = person.resize((width, round(height)), Image.Resampling.LANCZOS)
    corner = (round(x - width / 2), round(bottom - height))
    scene.paste(small, corner, small)
    mask = Image.new("L", scene.size)
    mask.paste(small.getchannel("A"), corner)
    return np.asarray(mask) > 127


def as_rgb(scene: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(scene.convert("RGB")))
