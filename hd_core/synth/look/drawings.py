"""Printed letters, numbers and graphics as masks of ink, drawn by Pillow and read softly at any size."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from hd_core.synth.splits import allowed, may_use

SIDE_PX = 256
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Ink:
    """A drawing of up to two inks as ever coarser copies.

    Args:
        levels: Share of each ink, 0..1; every level is half as wide as the one before.
    """

    levels: tuple[Float[np.ndarray, "_ _ 2"], ...]

    def __call__(
        self, s: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"], *, wide: float
    ) -> Float[np.ndarray, "n 2"]:
        """Ink at positions of the square -1..1 (t upwards), nothing outside; `wide` is a pixel's width in them."""
        level = int(np.clip(np.round(np.log2(max(wide * SIDE_PX / 2, 1.0))), 0, len(self.levels) - 1))
        ink = self.levels[level]
        side = len(ink)
        # A rim of one texel without ink is part of every level, so clamping reads nothing outside.
        x = np.clip((s + 1) * side / 2 - 0.5, 0, side - 1)
        y = np.clip((1 - t) * side / 2 - 0.5, 0, side - 1)
        column, row = np.minimum(x.astype(int), side - 2), np.minimum(y.astype(int), side - 2)
        a, b = (x - column)[:, None], (y - row)[:, None]
        top = ink[row, column] * (1 - a) + ink[row, column + 1] * a
        return np.asarray(top * (1 - b) + (ink[row + 1, column] * (1 - a) + ink[row + 1, column + 1] * a) * b)


def draw_letters(rng: np.random.Generator) -> Ink:
    """A word, a number, or some lines of them, filling the square, with an outline in the second ink at times."""
    style = rng.random()
    if style < 0.3:
        numbers = allowed(map(str, range(100)), rng, catalogue="printed number")
        lines = [numbers[int(rng.integers(len(numbers)))]]
    elif style < 0.7:
        lines = [_word(rng, 2, 8)]
    else:
        lines = [_word(rng, 3, 10) for _ in range(rng.integers(2, 5))]
    outline = int(rng.integers(0, 7)) if rng.random() < 0.4 else 0
    picture = Image.new("L", (2 * SIDE_PX, 2 * SIDE_PX))
    rim = picture.copy()
    height = 2 * SIDE_PX // len(lines)
    for number, line in enumerate(lines):
        font = ImageFont.load_default(size=100)
        left, top, right, bottom = font.getbbox(line)
        scale = min((2 * SIDE_PX - 48) / (right - left), (height - 36) / (bottom - top))
        font = ImageFont.load_default(size=100 * scale)
        place = (SIDE_PX, height * (number + 0.5))
        for canvas, width in ((picture, 0), (rim, outline)):
            ImageDraw.Draw(canvas).text(place, line, fill=255, font=font, anchor="mm", stroke_width=width)
    return _ink(picture, rim)


def draw_logo(rng: np.random.Generator) -> Ink:
    """A few shapes upon each other: discs, rings, stars, triangles, bars; the second ink lies below the first."""
    pictures = []
    for _ in range(2):
        picture = Image.new("L", (2 * SIDE_PX, 2 * SIDE_PX))
        pen = ImageDraw.Draw(picture)
        for _ in range(rng.integers(1, 4)):
            _draw_shape(pen, rng)
        pictures.append(picture)
    return _ink(*pictures)


def _word(rng: np.random.Generator, shortest: int, longest: int) -> str:
    """A word of the generator's split."""
    while True:
        count = int(rng.integers(shortest, longest + 1))
        word = "".join(_LETTERS[int(i)] for i in rng.integers(len(_LETTERS), size=count))
        if may_use(word, rng, catalogue="printed word"):
            return word


def _draw_shape(pen: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    middle = SIDE_PX * (1 + rng.uniform(-0.3, 0.3, 2))
    radius = SIDE_PX * rng.uniform(0.2, 0.6)
    shape, fill = int(rng.integers(5)), 255 if rng.random() < 0.75 else 0
    box = (*(middle - radius), *(middle + radius))
    if shape == 0:
        pen.ellipse(box, fill=fill)
    elif shape == 1:
        pen.ellipse(box, outline=255, width=int(radius * rng.uniform(0.1, 0.5)))
    elif shape == 2:
        pen.rectangle((box[0], middle[1] - 0.2 * radius, box[2], middle[1] + 0.2 * radius), fill=fill)
    else:
        corners = 3 if shape == 3 else 2 * int(rng.integers(5, 9))
        turn = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
        reach = np.where(np.arange(corners) % 2, 0.45, 1.0) if shape == 4 else np.ones(corners)
        tips = middle + radius * (reach * np.stack([np.cos(turn), np.sin(turn)])).T
        pen.polygon([(float(x), float(y)) for x, y in tips], fill=255)


def _ink(upper: Image.Image, lower: Image.Image) -> Ink:
    """Both inks, the lower one only where the upper one leaves it free, with coarser copies."""
    first, second = (_halved(np.asarray(picture, np.float32)[..., None] / 255) for picture in (upper, lower))
    levels = [np.concatenate([first, second * (1 - first)], axis=-1)]
    while len(levels[-1]) > 8:
        levels.append(_halved(levels[-1]))
    for level in levels:
        level[[0, -1]] = 0
        level[:, [0, -1]] = 0
    return Ink(levels=tuple(levels))


def _halved(picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
    height, width, channels = picture.shape
    return np.asarray(picture.reshape(height // 2, 2, width // 2, 2, channels).mean(axis=(1, 3)))
