"""Shared by the tests of the person stage: clips of the shared data folder, empty scenes, drawn boxes."""

import os
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from hd_core.types import Frame

SHARED_DATA = Path(os.environ.get("HD_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

# Read off the pictures by eye: left, top, right, bottom of the person, px.
DRAWN_BOXES = {
    ("dance", 0): (745, 245, 1250, 1215),
    ("dance", 19): (665, 320, 1225, 1280),
    ("squats", 0): (182, 166, 522, 1022),
    ("squats", 11): (182, 408, 528, 1018),
    ("pose1", 0): (198, 183, 376, 455),
    ("pose1", 43): (228, 132, 356, 458),
}


@cache
def clip_frames(name: str, *indices: int) -> tuple[np.ndarray, ...]:
    """Chosen frames of a shared clip; skips the test where the folder is absent."""
    path = SHARED_DATA / "videos" / f"{name}.mp4"
    if not path.is_file():
        pytest.skip(f"no clip {name}.mp4 in the shared data folder; set HD_SHARED_DATA")
    chosen = {}
    with av.open(str(path)) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index in indices:
                chosen[index] = frame.to_ndarray(format="rgb24")
            if len(chosen) == len(indices):
                break
    return tuple(chosen[index] for index in indices)


def as_frame(rgb: np.ndarray, index: int = 0) -> Frame:
    return Frame(rgb=rgb, index=index, time_seconds=index / 25)


def paint_out(rgb: np.ndarray, box: tuple[int, ...]) -> np.ndarray:
    """The frame without its person: from left to right edge of the box, each row fades from wall to wall."""
    height, width = rgb.shape[:2]
    room = round(0.06 * max(box[2] - box[0], box[3] - box[1]))
    left, top = max(box[0] - room, 8), max(box[1] - room, 0)
    right, bottom = min(box[2] + room, width - 8), min(box[3] + room, height)
    out = rgb.astype(np.float64)
    before, after = out[top:bottom, left - 8 : left].mean(axis=1), out[top:bottom, right : right + 8].mean(axis=1)
    blend = np.linspace(0, 1, right - left)[None, :, None]
    grain = np.random.default_rng(0).normal(0, 3, (bottom - top, right - left, 1))
    out[top:bottom, left:right] = before[:, None] * (1 - blend) + after[:, None] * blend + grain
    return np.clip(out, 0, 255).astype(np.uint8)


def rectangles(seed: int) -> np.ndarray:
    """A wall with furniture: plain rectangles of random colours."""
    rng = np.random.default_rng(seed)
    picture = np.full((720, 1280, 3), rng.integers(100, 255, 3), np.uint8)
    for _ in range(8):
        x, y = rng.integers(0, 1100), rng.integers(0, 600)
        w, h = rng.integers(40, 400, 2)
        picture[y : y + h, x : x + w] = rng.integers(0, 255, 3)
    return picture


def cabinet_with_lamp() -> np.ndarray:
    """Two rectangles like a trunk and a head; the pose network alone, on the whole frame, takes them for one."""
    picture = np.full((720, 1280, 3), (200, 190, 180), np.uint8)
    picture[200:700, 500:800] = (90, 60, 40)
    picture[100:220, 600:700] = (60, 40, 30)
    return picture
