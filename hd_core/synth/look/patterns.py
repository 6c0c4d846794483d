"""What can be woven into or printed on cloth: functions of a position in metres to linear albedo.

Every pattern is drawn once (`PATTERNS[kind](rng)`) and then a pure function of the position and of the width of a
pixel on the cloth; edges are softened over that width, and what is finer than it fades into its mean.
"""

from collections.abc import Callable

import numpy as np

from hd_core.synth.look.drawings import Ink, draw_letters, draw_logo
from hd_core.synth.look.loud import LOUD
from hd_core.synth.look.palette import sample_palette, sample_plain
from hd_core.synth.look.strokes import Colours, Pattern, Points, Shares, band, bands, faded, mixed, noise


def _solid(rng: np.random.Generator) -> Pattern:
    colour = sample_plain(rng)
    return lambda p, _wide: np.broadcast_to(colour, p.shape).copy()


def _heather(rng: np.random.Generator) -> Pattern:
    """Mixed yarns: short flecks along the rows."""
    colours, shift = sample_palette(rng, 2), rng.uniform(0, 100, 3)
    share, length = rng.uniform(0.1, 0.5), rng.uniform(0.002, 0.005)

    def albedo(p: Points, wide: float) -> Colours:
        flecks = faded(noise(p / [4, 4, 1], length, shift, 2), 2 * length, wide)
        return mixed(colours[0], colours[1], np.clip(share * (1 + 1.6 * flecks), 0, 1))

    return albedo


def _stripes(rng: np.random.Generator) -> Pattern:
    count = int(rng.integers(2, 5))
    colours, period = sample_palette(rng, count), rng.uniform(0.015, 0.16)
    angle = rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)])
    shares = rng.uniform(0.08, 0.6, count - 1)
    places = rng.uniform(0, 1, count - 1)

    def albedo(p: Points, wide: float) -> Colours:
        along = p[:, 2] * np.cos(angle) + p[:, 0] * np.sin(angle)
        result = np.broadcast_to(colours[0], p.shape)
        for colour, share, place in zip(colours[1:], shares, places, strict=True):
            result = mixed(result, colour, bands(along - place * period, period, share, wide))
        return np.asarray(result)

    return albedo


def _checks(rng: np.random.Generator) -> Pattern:
    """Squares of two colours, upright or as a harlequin's."""
    colours, period = sample_palette(rng, 2), rng.uniform(0.02, 0.2)
    turned, stretch = rng.random() < 0.3, rng.uniform(0.6, 1.0)

    def albedo(p: Points, wide: float) -> Colours:
        u, v = p[:, 0] / stretch, p[:, 2]
        if turned:
            u, v = u + v, u - v
        a, b = bands(u, period, 0.5, wide), bands(v, period, 0.5, wide)
        return mixed(colours[0], colours[1], a + b - 2 * a * b)

    return albedo


def _plaid(rng: np.random.Generator) -> Pattern:
    """Coloured warp and weft that show half each; the same sett both ways."""
    count = int(rng.integers(2, 5))
    colours, period = sample_palette(rng, count), rng.uniform(0.04, 0.18)
    places, shares = rng.uniform(0, 1, count - 1), rng.choice([0.04, 0.1, 0.3, 0.5], count - 1)

    def threads(position: Shares, wide: float) -> Colours:
        result = np.broadcast_to(colours[0], (len(position), 3))
        for colour, place, share in zip(colours[1:], places, shares, strict=True):
            result = mixed(result, colour, bands(position - place * period, period, share, wide))
        return np.asarray(result)

    def albedo(p: Points, wide: float) -> Colours:
        twill = 0.5 + 0.3 * faded(np.sign(np.sin(2 * np.pi * (p[:, 0] + p[:, 2]) / 0.003)), 0.003, wide)
        return mixed(threads(p[:, 0], wide), threads(p[:, 2], wide), twill)

    return albedo


def _dots(rng: np.random.Generator) -> Pattern:
    colours, period = sample_palette(rng, 3), rng.uniform(0.015, 0.12)
    radius, shifted, ringed = rng.uniform(0.12, 0.42), rng.random() < 0.7, rng.random() < 0.3

    def albedo(p: Points, wide: float) -> Colours:
        row = np.floor(p[:, 2] / period)
        u = (p[:, 0] / period + (0.5 * (row % 2) if shifted else 0)) % 1 - 0.5
        distance = np.hypot(u, p[:, 2] / period - row - 0.5)
        result = mixed(colours[0], colours[1], band(distance, radius, wide / period))
        return mixed(result, colours[2], band(distance, radius / 2, wide / period)) if ringed else result

    return albedo


def _camouflage(rng: np.random.Generator) -> Pattern:
    """Blobs of three or four colours, one over the other."""
    count = int(rng.integers(2, 5))
    colours, length = sample_palette(rng, count), rng.uniform(0.03, 0.12)
    shifts, stretch = rng.uniform(0, 100, (count, 3)), np.array([rng.uniform(1, 2), 1, 1])
    limits, octaves = rng.uniform(-0.05, 0.25, count), int(rng.integers(1, 4))

    def albedo(p: Points, wide: float) -> Colours:
        result = np.broadcast_to(colours[0], p.shape)
        for colour, shift, limit in zip(colours[1:], shifts, limits, strict=False):
            height = noise(p / stretch, length, shift, octaves) - limit
            result = mixed(result, colour, np.clip(height * length / max(wide, 1e-6) + 0.5, 0, 1))
        return np.asarray(result)

    return albedo


def _tie_dye(rng: np.random.Generator) -> Pattern:
    """Colours that run into each other, drawn by warped noise."""
    colours, length = sample_palette(rng, 3), rng.uniform(0.05, 0.25)
    shifts, warp = rng.uniform(0, 100, (3, 3)), rng.uniform(0.5, 2.0)

    def albedo(p: Points, _wide: float) -> Colours:
        bent = p + warp * length * noise(p, 2 * length, shifts[0])[:, None]
        first = np.clip(0.5 + 1.4 * noise(bent, length, shifts[1]), 0, 1)
        second = np.clip(2.0 * noise(bent, length, shifts[2]), 0, 1)
        return mixed(mixed(colours[0], colours[1], first), colours[2], second)

    return albedo


def _herringbone(rng: np.random.Generator) -> Pattern:
    """Twill whose slope turns about from column to column."""
    colours, rib = sample_palette(rng, 2), rng.uniform(0.003, 0.012)
    column = rib * rng.uniform(3, 6)

    def albedo(p: Points, wide: float) -> Colours:
        zigzag = np.abs((p[:, 0] / column) % 2 - 1) * column
        return mixed(colours[0], colours[1], bands(p[:, 2] + zigzag, 2 * rib, 0.5, wide * np.sqrt(2)))

    return albedo


def _denim(rng: np.random.Generator) -> Pattern:
    """Indigo or black warp over white weft, with slubs and worn places."""
    lightness = rng.uniform(0.3, 2.2)
    dye = lightness * np.array([[0.045, 0.075, 0.17], [0.035, 0.037, 0.042], [0.07, 0.09, 0.12]][int(rng.integers(3))])
    worn, shift = rng.uniform(0, 0.5), rng.uniform(0, 100, 3)

    def albedo(p: Points, wide: float) -> Colours:
        twill = faded(np.sin(2 * np.pi * (p[:, 0] + 0.6 * p[:, 2]) / 0.0025), 0.0025, wide)
        slub = faded(noise(p / [1, 1, 8], 0.0015, shift), 0.006, wide)
        patches = np.clip(noise(p, 0.12, shift, 4) + 0.1, 0, 1)
        share = np.clip(0.08 + 0.05 * twill + 0.06 * slub + worn * patches, 0, 1)
        return mixed(dye, np.array([0.55, 0.56, 0.56]), share)

    return albedo


def _gradient(rng: np.random.Generator) -> Pattern:
    colours, angle = sample_palette(rng, 3), rng.choice([0.0, rng.uniform(0, 2 * np.pi)])
    length, middle = rng.uniform(0.25, 0.8), rng.uniform(0.8, 1.4)

    def albedo(p: Points, _wide: float) -> Colours:
        along = ((p[:, 2] - middle) * np.cos(angle) + p[:, 0] * np.sin(angle)) / length + 0.5
        lower = mixed(colours[0], colours[1], np.clip(2 * along, 0, 1))
        return mixed(lower, colours[2], np.clip(2 * along - 1, 0, 1))

    return albedo


def _blocks(rng: np.random.Generator) -> Pattern:
    """Large areas of plain colours with straight borders."""
    count = int(rng.integers(2, 5))
    colours, angles = sample_palette(rng, count), rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)], count - 1)
    places = rng.uniform(0.7, 1.5, count - 1) * np.cos(angles) + rng.uniform(-0.15, 0.15, count - 1)

    def albedo(p: Points, wide: float) -> Colours:
        result = np.broadcast_to(colours[0], p.shape)
        for colour, angle, place in zip(colours[1:], angles, places, strict=True):
            height = p[:, 2] * np.cos(angle) + p[:, 0] * np.sin(angle) - place
            result = mixed(result, colour, np.clip(height / max(wide, 1e-6) + 0.5, 0, 1))
        return np.asarray(result)

    return albedo


def _printed(draw: Callable[[np.random.Generator], Ink]) -> Callable[[np.random.Generator], Pattern]:
    """A drawing on plain cloth: once on chest or back, or again and again all over."""

    def sample(rng: np.random.Generator) -> Pattern:
        colours, ink = sample_palette(rng, 3), draw(rng)
        once, half = rng.random() < 0.6, rng.uniform(0.09, 0.17)
        centre = np.array([rng.uniform(-0.05, 0.05), rng.uniform(1.1, 1.4)])
        spacing, tile = rng.uniform(1.0, 1.6), rng.uniform(0.02, 0.09)
        angle = rng.choice([0.0, rng.normal(0, 0.4)])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

        def albedo(p: Points, wide: float) -> Colours:
            flat = np.stack([np.where(p[:, 1] > 0, -p[:, 0], p[:, 0]), p[:, 2]], axis=-1)
            place = (flat - centre) @ turn.T / (half if once else tile)
            if not once:
                place = (place + spacing) % (2 * spacing) - spacing
            amount = ink(place[:, 0], place[:, 1], wide=wide / (half if once else tile))
            return np.asarray(colours[0] * (1 - amount.sum(-1, keepdims=True)) + amount @ colours[1:])

        return albedo

    return sample


PATTERNS: dict[str, Callable[[np.random.Generator], Pattern]] = {
    "solid": _solid,
    "heather": _heather,
    "stripes": _stripes,
    "checks": _checks,
    "plaid": _plaid,
    "dots": _dots,
    "camouflage": _camouflage,
    "tie_dye": _tie_dye,
    "herringbone": _herringbone,
    "denim": _denim,
    "gradient": _gradient,
    "blocks": _blocks,
    "letters": _printed(draw_letters),
    "logo": _printed(draw_logo),
    **LOUD,
}
"""Every kind of pattern by name."""
