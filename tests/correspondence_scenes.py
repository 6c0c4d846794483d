"""What the tests of correspondence share: clips whose pixels show known places of the body."""

import numpy as np

from hd_core.synth.shards import write_clip

SIDE = 48
INSIDE = slice(8, 40)
"""Rows and columns of the square that shows the chart of one part."""


def chart_frame(part=2, *, low=0.25, high=0.75, shift=0):
    """A square of one part: u grows to the right, v upwards, over the middle of the chart."""
    iuv = np.zeros((SIDE, SIDE, 3), np.uint8)
    places = np.rint(255 * np.linspace(low, high, INSIDE.stop - INSIDE.start)).astype(np.uint8)
    square = iuv[INSIDE, INSIDE.start + shift : INSIDE.stop + shift]
    square[..., 0], square[..., 1], square[..., 2] = part, places, places[::-1, None]
    return iuv


def correspondence_clip(path, *, frames=3, parts=(2, 2), **header):
    """An archive: the square moves one column to the right with every frame; the body is the square of another part."""
    clothed = [chart_frame(parts[0], shift=number) for number in range(frames)]
    body = [chart_frame(parts[1], shift=number) for number in range(frames)]
    x, y = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
    place = np.stack([x + 1, y], axis=-1).astype(np.float32)
    seen = [frame[..., 0] > 0 for frame in clothed]
    arrays = {
        "rgb": np.full((frames, SIDE, SIDE, 3), 99, np.uint8),
        "alpha": np.stack(seen) * np.uint8(255),
        "iuv": np.stack(clothed),
        "body_iuv": np.stack(body),
        "next_position": np.where(np.stack(seen[:-1])[..., None], place, np.float32(np.nan)),
        "next_visible": np.stack(seen[:-1]),
    }
    known = {
        "fps": 30.0,
        "camera": [[60.0, 0, SIDE / 2], [0, 60.0, SIDE / 2], [0, 0, 1]],
        "framing": "upper",
        "garments": ["T-shirt", "leggings"],
        "iuv_convention": "anny24",
        "recipe": {"clip": path.stem},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, arrays, {**known, **header})
    return path
