"""A map of the body as a network would find it: a true one with the faults that found ones have.

The faults are those of DensePose's maps: they follow the body under loose clothes as often as the clothes, lie a few
pixels beside it, miss parts, have holes, and are a little off in their charts.
"""

import numpy as np
from jaxtyping import UInt8

MAPS = ("iuv", "body_iuv")
"""Arrays of a clip that a map is made of: the visible surface, and the body alone; one as often as the other."""
SHIFT_PX = (1.0, 3.0)
"""How far a map lies beside the person, at 256 px."""
MISSED = 0.06
"""Share of parts that are missed."""
OFF = 0.02
"""Standard deviation of a part's place in its chart."""
MOST_HOLES = 3
HOLE = (0.01, 0.05)
"""Radius of a hole, in sides of the picture."""


def choose_map(rng: np.random.Generator) -> str:
    """Which of `MAPS`."""
    return MAPS[int(rng.integers(len(MAPS)))]


def as_predicted(rng: np.random.Generator, iuv: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """A map with the faults of one that was found.

    Args:
        rng: Source of all choices.
        iuv: Part, u and v times 255; part 0 is nobody.
    """
    moved = _moved(rng, iuv)
    flat = moved.reshape(-1, 3)
    on = np.flatnonzero(flat[:, 0])
    charts = _charts(rng)
    part, u, v = flat[on].T
    flat[on] = np.stack([charts[part, u, 0], charts[part, u, 1], charts[part, v, 2]], axis=-1)
    _bite(rng, moved, on)
    return moved


def _moved(rng: np.random.Generator, iuv: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """A copy that lies beside the person."""
    height, width = iuv.shape[:2]
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(*SHIFT_PX) * np.sqrt(height * width) / 256
    down, right = (round(float(length * part)) for part in (np.sin(angle), np.cos(angle)))
    moved = np.zeros_like(iuv)
    rows, columns = _spans(down, height), _spans(right, width)
    moved[rows[0], columns[0]] = iuv[rows[1], columns[1]]
    return moved


def _spans(by: int, length: int) -> tuple[slice, slice]:
    """Where things go to, and where they come from."""
    return slice(max(by, 0), min(length + by, length)), slice(max(-by, 0), min(length - by, length))


def _charts(rng: np.random.Generator) -> UInt8[np.ndarray, "25 256 3"]:
    """By part and byte: the part as it is found, 0 where it is missed, and the byte as u and as v."""
    missed = rng.random(25) < MISSED
    off = 255 * OFF * rng.standard_normal((25, 1, 2))
    found = np.empty((25, 256, 3))
    found[..., 0] = np.arange(25)[:, None]
    found[..., 1:] = np.clip(np.arange(256)[:, None] + off, 0, 255)
    found[missed] = 0
    charts: np.ndarray = np.rint(found).astype(np.uint8)
    return charts


def _bite(rng: np.random.Generator, iuv: UInt8[np.ndarray, "h w 3"], on: np.ndarray) -> None:
    """Make round holes where the body is."""
    height, width = iuv.shape[:2]
    for _ in range(int(rng.integers(MOST_HOLES + 1)) if len(on) else 0):
        row, column = divmod(int(on[rng.integers(len(on))]), width)
        radius = rng.uniform(*HOLE) * np.sqrt(height * width)
        reach = int(radius) + 1
        rows, columns = (slice(max(at - reach, 0), at + reach + 1) for at in (row, column))
        y, x = np.ogrid[rows.start : min(rows.stop, height), columns.start : min(columns.stop, width)]
        iuv[rows, columns][(y - row) ** 2 + (x - column) ** 2 < radius**2] = 0
