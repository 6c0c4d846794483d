"""A look at synthetic clips: a contact sheet of many, and the first ones as a video."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.synth.clip import NORMAL_STEP, decode_depth
from hd_core.synth.generate import clip_path
from hd_core.synth.options import DatasetOptions
from hd_core.synth.shards import read_clip
from hd_core.video.write import write_video

SHEET_CLIPS, SHEET_COLUMNS = 30, 6
VIDEO_CLIPS = 8
TILE = 160


def write_preview(folder: Path, clips: range, options: DatasetOptions) -> list[Path]:
    """Write `SPLIT_sheet.png` and `SPLIT.mp4` into a data set; returns both.

    Raises:
        InputError: A clip is missing or damaged.
    """
    paths = [clip_path(folder, options, clip) for clip in clips]
    sheet = folder / f"{options.split}_sheet.png"
    tiles = [_tile(path) for path in paths[:SHEET_CLIPS]]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % min(SHEET_COLUMNS, len(tiles)))
    columns = min(SHEET_COLUMNS, len(tiles))
    rows = [np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)]
    with atomic_path(sheet) as aside:
        Image.fromarray(np.concatenate(rows)).save(aside)
    film = folder / f"{options.split}.mp4"
    write_video(film, _film(paths[:VIDEO_CLIPS]), fps=Fraction(30))
    return [sheet, film]


def _tile(path: Path) -> UInt8[np.ndarray, "a b 3"]:
    """The middle frame of a clip: picture and normals above, matte and depth below."""
    arrays, header = read_clip(path)
    middle = len(arrays["rgb"]) // 2
    frame = {name: arrays[name][middle] for name in ("rgb", "alpha", "normal", "depth")}
    depth = decode_depth(frame["depth"], header)
    near, far = np.nanmin(depth), np.nanmax(depth)
    grey = np.nan_to_num(255 - 195 * (depth - near) / max(far - near, 1e-6)).astype(np.uint8)
    pictures = [frame["rgb"], _tint(frame["normal"]), _grey(frame["alpha"]), _grey(grey)]
    small = [np.asarray(Image.fromarray(p).resize((TILE, TILE), Image.Resampling.LANCZOS)) for p in pictures]
    return np.concatenate([np.concatenate(small[:2], axis=1), np.concatenate(small[2:], axis=1)])


def _film(paths: list[Path]) -> Iterator[UInt8[np.ndarray, "a b 3"]]:
    for path in paths:
        arrays, _ = read_clip(path)
        for rgb, normal in zip(arrays["rgb"], arrays["normal"], strict=True):
            yield np.concatenate([rgb, _tint(normal)], axis=1)


def _tint(normal: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    """Normals as artists know them: right is red, up is green, towards the viewer is blue."""
    seen = normal.any(axis=-1, keepdims=True)
    unit = (normal * NORMAL_STEP * np.array([1, -1, -1]) + 1) / 2
    tint: np.ndarray = (np.clip(unit, 0, 1) * 255 * seen).astype(np.uint8)
    return tint


def _grey(plane: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    return np.repeat(plane[..., None], 3, axis=-1)
