"""What floors, walls and grounds are made of: albedo as a function of the place, metres."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from hd_core.synth.look.loud import LOUD
from hd_core.synth.look.noise import layered_noise
from hd_core.synth.look.palette import sample_palette, sample_plain

Lengths = Float[np.ndarray, " n"]
Colours = Float[np.ndarray, "n 3"]
Surface = Callable[[Lengths, Lengths], Colours]

_WOODS = np.array([[0.36, 0.22, 0.12], [0.25, 0.14, 0.07], [0.45, 0.34, 0.22], [0.12, 0.07, 0.04], [0.5, 0.42, 0.33]])
_STONES = np.array([[0.30, 0.29, 0.28], [0.55, 0.53, 0.50], [0.10, 0.10, 0.11], [0.42, 0.36, 0.30]])
_GROUNDS = np.array([[0.10, 0.15, 0.05], [0.40, 0.33, 0.23], [0.13, 0.13, 0.14], [0.32, 0.30, 0.28]])
_PLASTER = np.array([0.74, 0.72, 0.68])


def sample_floor(rng: np.random.Generator) -> Surface:
    """Draw a floor of planks, tiles, or one piece."""
    kind = rng.random()
    if kind < 0.55:
        return _planks(rng)
    colour = _STONES[int(rng.integers(len(_STONES)))] * rng.uniform(0.7, 1.2)
    size, joint = (rng.uniform(0.3, 0.8), 0.006) if kind < 0.8 else (1e3, 0.0)
    shift = rng.uniform(0, 100, 3)

    def tiles(x: Lengths, y: Lengths) -> Colours:
        cell = np.stack([np.floor(x / size), np.floor(y / size)], axis=-1)
        gap = np.minimum(*(np.minimum(p % size, size - p % size) for p in (x, y)))
        flat = np.stack([x, y, np.zeros_like(x)], axis=-1)
        cloudy = 0.12 * layered_noise(flat / 0.15 + shift, octaves=4) + 0.06 * (_hashed(cell) - 0.5)
        return np.asarray(colour * np.exp(cloudy)[:, None] * np.where(gap < joint, 0.5, 1.0)[:, None])

    return tiles


def sample_wall(rng: np.random.Generator) -> Surface:
    """Draw a wall: plaster, paint or bricks, a skirting board, and at times a dado, a rail, a door, pictures."""
    upper = _PLASTER * rng.uniform(0.6, 1.15)
    if rng.random() < 0.5:
        upper = (upper + sample_plain(rng)) / 2
    lower = (upper + 2 * sample_palette(rng, 1)[0]) / 3 if rng.random() < 0.25 else upper
    dado, skirting, shift = rng.uniform(0.9, 1.3), rng.uniform(0.06, 0.14), rng.uniform(0, 100, 3)
    board, rail = sample_plain(rng), rng.uniform(0.95, 1.1) if rng.random() < 0.3 else None
    bricks = rng.random() < 0.15
    things = [_picture(rng) for _ in range(rng.integers(0, 4))] + ([_door(rng)] if rng.random() < 0.4 else [])

    def wall(s: Lengths, z: Lengths) -> Colours:
        flat = np.stack([s, np.zeros_like(s), z], axis=-1)
        uneven = 0.05 * layered_noise(flat / 0.7 + shift, octaves=5) + 0.02 * layered_noise(flat / 0.02 + shift)
        colour = np.where((z < dado)[:, None], lower, upper) * np.exp(uneven)[:, None]
        if bricks:
            colour = colour * _brickwork(s, z)[:, None]
        for thing in things:
            colour = thing(s, z, colour)
        if rail is not None:
            round_ = np.clip(1 - ((z - rail) / 0.022) ** 2, 0, 1)
            colour = np.where((round_ > 0)[:, None], np.array([0.30, 0.19, 0.10]) * (0.3 + round_)[:, None], colour)
        edge = 1 - 0.4 * np.exp(-np.abs(z - skirting) / 0.006)
        return np.asarray(np.where((z < skirting)[:, None], board, colour) * edge[:, None])

    return wall


def sample_ground(rng: np.random.Generator) -> Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 3"]]:
    """Draw grass, sand, asphalt or stone."""
    colour, shift = _GROUNDS[int(rng.integers(len(_GROUNDS)))] * rng.uniform(0.7, 1.4), rng.uniform(0, 100, 3)

    def ground(points: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        rough = 0.35 * layered_noise(points / 0.03 + shift, octaves=2) + 0.35 * layered_noise(points / 0.8 + shift)
        return np.asarray(np.clip(colour * np.exp(rough)[..., None], 0, 0.9))

    return ground


def _planks(rng: np.random.Generator) -> Surface:
    """Boards of one wood, each a little different, with grain along them."""
    wood = _WOODS[int(rng.integers(len(_WOODS)))] * rng.uniform(0.7, 1.2)
    wide, long, along = rng.uniform(0.07, 0.18), rng.uniform(0.8, 2.2), rng.random() < 0.5
    shift = rng.uniform(0, 100, 3)

    def planks(x: Lengths, y: Lengths) -> Colours:
        u, v = (x, y) if along else (y, x)
        row = np.floor(u / wide)
        v = v + long * _hashed(np.stack([row, 0 * row], axis=-1))
        cell = np.stack([row, np.floor(v / long)], axis=-1)
        tone = 0.45 * (_hashed(cell) - 0.5)
        grain = np.stack([u / 0.006, v / 0.12, 7 * _hashed(cell + 0.5)], axis=-1)
        tone = tone + 0.12 * layered_noise(grain + shift, octaves=3)
        gap = np.minimum(np.minimum(u % wide, wide - u % wide), 3 * np.minimum(v % long, long - v % long))
        return np.asarray(wood * np.exp(tone)[:, None] * (1 - 0.6 * np.exp(-gap / 0.0025))[:, None])

    return planks


def _brickwork(s: Lengths, z: Lengths) -> Lengths:
    row = np.floor(z / 0.075)
    u = s / 0.25 + 0.5 * (row % 2)
    cell = np.stack([np.floor(u), row], axis=-1)
    mortar = (u % 1 < 0.045) | (z / 0.075 % 1 < 0.14)
    return np.asarray(np.where(mortar, 0.75, 0.85 + 0.3 * _hashed(cell)))


def _picture(rng: np.random.Generator) -> Callable[[Lengths, Lengths, Colours], Colours]:
    """A framed print or a poster."""
    centre, half = rng.uniform([-3.5, 1.2], [3.5, 2.0]), rng.uniform(0.15, 0.5, 2)
    frame = sample_plain(rng) * rng.uniform(0.05, 1.0)
    inside = LOUD[str(rng.choice(list(LOUD)))](rng)
    grain = rng.uniform(0.2, 1.0)

    def over(s: Lengths, z: Lengths, base: Colours) -> Colours:
        off = np.stack([s, z], axis=-1) - centre
        rim = (np.abs(off) - half).max(axis=-1)
        shadow = 1 - 0.35 * np.exp(-np.maximum(rim, 0) / 0.02)
        result = base * shadow[:, None]
        within = rim < 0
        if within.any():
            flat = np.stack([off[within, 0], 0 * off[within, 0], off[within, 1]], axis=-1) * grain
            picture = inside(flat + np.array([0, 0, 1.2]), 0.002)
            result[within] = np.where((rim[within] > -0.025)[:, None], frame, picture)
        return np.asarray(result)

    return over


def _door(rng: np.random.Generator) -> Callable[[Lengths, Lengths, Colours], Colours]:
    centre, half, high = rng.uniform(-3, 3), rng.uniform(0.4, 0.5), rng.uniform(1.98, 2.15)
    leaf, frame = sample_plain(rng), sample_plain(rng)

    def over(s: Lengths, z: Lengths, base: Colours) -> Colours:
        rim = np.maximum(np.abs(s - centre) - half, z - high)
        panel = np.minimum(np.abs(np.abs(s - centre) - 0.6 * half), np.abs((z + 0.25) % 0.9 - 0.12))
        lines = 1 - 0.35 * np.exp(-panel / 0.006)
        knob = np.hypot(s - centre - 0.8 * half, z - 1.02) < 0.03
        door = np.where(knob[:, None], 0.25, leaf * lines[:, None])
        framed = np.where(
            (rim < -0.07)[:, None], door, frame * (1 - 0.4 * np.exp(-np.abs(rim + 0.07) / 0.006))[:, None]
        )
        return np.asarray(np.where((rim < 0)[:, None], framed, base))

    return over


def _hashed(cell: Float[np.ndarray, "n 2"]) -> Lengths:
    """A number in 0..1 for every pair of whole numbers."""
    return np.asarray(np.modf(np.abs(np.sin(cell @ np.array([12.9898, 78.233])) * 43758.5453))[0])
