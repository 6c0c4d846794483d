"""Loud prints: large dark shapes, pictures, skins of animals, flowers, painted folds. None of them knows the geometry.

Some look like shadows and folds on purpose, so that a network learns what paint can do.
"""

from collections.abc import Callable

import numpy as np

from hd_core.synth.look.palette import sample_palette
from hd_core.synth.look.strokes import Colours, Pattern, Points, band, faded, mixed, noise


def _dark_shapes(rng: np.random.Generator) -> Pattern:
    """Large dark blobs on lighter cloth, with edges from hard to as soft as a shadow's."""
    colours = sample_palette(rng, 2)
    light, dark = sorted(colours, key=lambda colour: -float(colour.sum()))
    length, shift, limit = rng.uniform(0.07, 0.3), rng.uniform(0, 100, 3), rng.uniform(-0.1, 0.2)
    soft, depth = rng.choice([0.0, rng.uniform(0.005, 0.08)]), rng.uniform(0.4, 1.0)

    def albedo(p: Points, wide: float) -> Colours:
        height = (noise(p, length, shift, 2) - limit) * length
        share = np.clip(height / max(wide, soft, 1e-6) + 0.5, 0, 1)
        return mixed(light, dark, depth * share)

    return albedo


def _photo(rng: np.random.Generator) -> Pattern:
    """A picture on chest or back: clouds of many colours in a frame, as a photograph looks from afar."""
    colours = sample_palette(rng, 5)
    half, centre = rng.uniform([0.07, 0.08], [0.17, 0.22]), rng.uniform([-0.04, 1.1], [0.04, 1.35])
    lengths, shifts = rng.uniform(0.02, 0.12, 4), rng.uniform(0, 100, (4, 3))

    def albedo(p: Points, wide: float) -> Colours:
        across = np.where(p[:, 1] > 0, -p[:, 0], p[:, 0])
        flat = np.stack([across, np.zeros(len(p)), p[:, 2]], axis=-1)
        picture = np.broadcast_to(colours[1], p.shape)
        for colour, length, shift in zip(colours[1:], lengths, shifts, strict=True):
            picture = mixed(picture, colour, np.clip(0.5 + 2.5 * noise(flat, length, shift, 4), 0, 1))
        inside = band(across - centre[0], half[0], wide) * band(p[:, 2] - centre[1], half[1], wide)
        return mixed(colours[0], picture, inside)

    return albedo


def _zebra(rng: np.random.Generator) -> Pattern:
    """Stripes that wander, widen and end."""
    colours, length = sample_palette(rng, 2), rng.uniform(0.015, 0.05)
    shifts, angle, wander = rng.uniform(0, 100, (2, 3)), rng.uniform(0, np.pi), rng.uniform(0.5, 2.0)
    share = rng.uniform(-0.3, 0.3)

    def albedo(p: Points, wide: float) -> Colours:
        along = p[:, 2] * np.cos(angle) + p[:, 0] * np.sin(angle)
        bent = along / length + wander * noise(p, 3 * length, shifts[0], 2)
        height = np.sin(np.pi * bent) - share + 0.6 * noise(p, 2 * length, shifts[1], 1)
        return mixed(colours[0], colours[1], np.clip(height * length / (3 * max(wide, 1e-6)) + 0.5, 0, 1))

    return albedo


def _leopard(rng: np.random.Generator) -> Pattern:
    """Rings with a filled middle, as noise leaves them between two heights."""
    colours, length = sample_palette(rng, 3), rng.uniform(0.01, 0.03)
    shift, lowest = rng.uniform(0, 100, 3), rng.uniform(0.0, 0.2)
    limits = (lowest, lowest + rng.uniform(0.1, 0.3))

    def albedo(p: Points, wide: float) -> Colours:
        height, sharp = noise(p, length, shift, 1), length / (2 * max(wide, 1e-6))
        ring = np.clip((height - limits[0]) * sharp + 0.5, 0, 1)
        middle = np.clip((height - limits[1]) * sharp + 0.5, 0, 1)
        return mixed(mixed(colours[0], colours[1], ring), colours[2], middle)

    return albedo


def _flowers(rng: np.random.Generator) -> Pattern:
    """Petals around a middle, strewn over a jittered grid."""
    colours, spacing = sample_palette(rng, 3), rng.uniform(0.03, 0.14)
    petals, radius = int(rng.integers(4, 8)), rng.uniform(0.25, 0.45)
    keys, filled = rng.uniform(1, 9, (2, 2)), rng.uniform(0.4, 1.0)

    def albedo(p: Points, wide: float) -> Colours:
        place = p[:, [0, 2]] / spacing
        cell = np.floor(place)
        jitter = np.modf(np.abs(np.sin(cell @ (12.9898 * keys)) * 437.585))[0]
        off = place - cell - 0.5 - (0.5 - radius) * (2 * jitter - 1)
        distance, turn = np.hypot(off[:, 0], off[:, 1]), np.arctan2(off[:, 1], off[:, 0])
        edge = radius * (0.65 + 0.35 * np.cos(petals * (turn + 6.28 * jitter[:, 0])))
        grown = jitter[:, 1] < filled
        bloom = np.clip((edge - distance) * spacing / max(wide, 1e-6) + 0.5, 0, 1) * grown
        heart = band(distance, 0.25 * radius, wide / spacing) * grown
        return mixed(mixed(colours[0], colours[1], bloom), colours[2], heart)

    return albedo


def _painted_folds(rng: np.random.Generator) -> Pattern:
    """Soft dark and bright creases along the ridges of noise: folds that are not there."""
    (colour,) = sample_palette(rng, 1)
    length, shifts, strength = rng.uniform(0.05, 0.2), rng.uniform(0, 100, (2, 3)), rng.uniform(0.2, 0.7)
    stretch, sharp = np.array([1, 1, rng.uniform(0.3, 3)]), rng.uniform(3, 9)

    def albedo(p: Points, wide: float) -> Colours:
        bent = p / stretch + 0.5 * length * noise(p, length, shifts[1], 2)[:, None]
        crease = np.exp(-((sharp * noise(bent, length, shifts[0], 2)) ** 2)) - 0.3
        shade = np.exp(-strength * faded(crease, length / sharp, wide))
        return np.asarray(np.clip(colour * shade[:, None], 0.01, 0.9))

    return albedo


LOUD: dict[str, Callable[[np.random.Generator], Pattern]] = {
    "dark_shapes": _dark_shapes,
    "photo": _photo,
    "zebra": _zebra,
    "leopard": _leopard,
    "flowers": _flowers,
    "painted_folds": _painted_folds,
}
"""Every kind of loud print by name."""
