"""A look at synthetic clips: a contact sheet of many people, strips of a few with their truth, and a video."""

import colorsys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from hd_core.atomic import atomic_path
from hd_core.synth.generate import clip_path
from hd_core.synth.options import DatasetOptions
from hd_core.synth.shards import load_clip
from hd_core.video.write import write_video

SHEET_CLIPS, SHEET_COLUMNS, SHEET_TILE = 30, 6, 192
STRIP_CLIPS, STRIP_FRAMES, STRIP_TILE = 3, 8, 160
VIDEO_CLIPS = 8
QUALITY = 85
_PARTS = np.array([[0.0] * 3] + [colorsys.hsv_to_rgb(0.381966 * part % 1, 0.75, 1.0) for part in range(24)])
"""Colours of the parts of the body; neighbouring numbers look different."""

Picture = UInt8[np.ndarray, "_ _ 3"]


def write_preview(folder: Path, clips: Sequence[int], options: DatasetOptions) -> list[Path]:
    """Write `SPLIT_sheet.jpg`, `SPLIT_strips.jpg` and `SPLIT.mp4` into a data set; returns them.

    The sheet shows up to 30 people, each as photographed and as normals. The strips show how three of them move:
    picture, normals, depth and IUV.

    Raises:
        InputError: A clip is missing or damaged.
    """
    paths = [clip_path(folder, options, clip) for clip in clips]
    sheet, strips, film = (folder / f"{options.folder}{end}" for end in ("_sheet.jpg", "_strips.jpg", ".mp4"))
    _save(sheet, _grid([_tile(path) for path in paths[:SHEET_CLIPS]], SHEET_COLUMNS))
    _save(strips, np.concatenate([_strip(path) for path in paths[:STRIP_CLIPS]]))
    write_video(film, _film(paths[:VIDEO_CLIPS]), fps=Fraction(30))
    return [sheet, strips, film]


def _save(path: Path, picture: Picture) -> None:
    with atomic_path(path) as aside:
        Image.fromarray(picture).save(aside, format="JPEG", quality=QUALITY, optimize=True)


def _grid(tiles: list[Picture], columns: int) -> Picture:
    """Tiles of one size in rows; what is missing is black."""
    columns = min(columns, len(tiles))
    tiles = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(tiles[at : at + columns], axis=1) for at in range(0, len(tiles), columns)])


def _tile(path: Path) -> Picture:
    """The middle frame of a clip and its normals, side by side."""
    arrays, _ = load_clip(path, ("rgb", "normal"))
    middle = len(arrays["rgb"]) // 2
    pictures = (arrays["rgb"][middle], _tint(arrays["normal"][middle]))
    return np.concatenate([_resized(picture, SHEET_TILE) for picture in pictures], axis=1)


def _strip(path: Path) -> Picture:
    """Frames spread over a clip, cut to the person: picture, normals, depth and IUV below each other."""
    whole, _ = load_clip(path, ("rgb", "normal", "depth", "iuv"))
    box = _box(np.isfinite(whole["depth"]).any(axis=0))
    arrays = {name: array[:, box[0], box[1]] for name, array in whole.items()}
    frames = np.linspace(0, len(arrays["rgb"]) - 1, min(STRIP_FRAMES, len(arrays["rgb"]))).round().astype(int)
    rows = [
        list(arrays["rgb"][frames]),
        [_tint(normal) for normal in arrays["normal"][frames]],
        list(_greys(arrays["depth"][frames])),
        [_coloured(iuv) for iuv in arrays["iuv"][frames]],
    ]
    return np.concatenate([np.concatenate([_resized(p, STRIP_TILE) for p in row], axis=1) for row in rows])


def _box(seen: Bool[np.ndarray, "h w"]) -> tuple[slice, slice]:
    """A square around all that is seen, with some room, within the picture."""
    side = min(*seen.shape, int(1.15 * max(np.ptp(np.nonzero(seen)[axis]) + 1 for axis in (0, 1))))
    ends = []
    for axis, length in enumerate(seen.shape):
        places = np.nonzero(seen)[axis]
        start = int(np.clip((places.min() + places.max() + 1 - side) // 2, 0, length - side))
        ends.append(slice(start, start + side))
    return ends[0], ends[1]


def _resized(picture: Picture, side: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))


def _film(paths: list[Path]) -> Iterator[Picture]:
    for path in paths:
        arrays, _ = load_clip(path, ("rgb", "normal"))
        for rgb, normal in zip(arrays["rgb"], arrays["normal"], strict=True):
            yield np.concatenate([rgb, _tint(normal)], axis=1)


def _tint(normal: Float32[np.ndarray, "h w 3"]) -> Picture:
    """Normals as artists know them: right is red, up is green, towards the viewer is blue."""
    seen = normal.any(axis=-1, keepdims=True)
    unit = (normal * np.array([1, -1, -1]) + 1) / 2
    return np.asarray(np.clip(unit, 0, 1) * 255 * seen, np.uint8)


def _greys(depth: Float32[np.ndarray, "t h w"]) -> UInt8[np.ndarray, "t h w 3"]:
    """Depth from white (near) to dark grey, the same over all frames; black off the person."""
    near, far = np.nanmin(depth), np.nanmax(depth)
    grey = np.nan_to_num(255 - 195 * (depth - near) / max(far - near, 1e-6)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def _coloured(iuv: Picture) -> Picture:
    """Parts as colours, u as brightness, v as paleness."""
    u, v = iuv[..., 1:2] / 255, iuv[..., 2:] / 255
    colour = _PARTS[iuv[..., 0]]
    pale = colour + 0.6 * v * (1 - colour)
    return np.asarray(255 * pale * (0.4 + 0.6 * u) * (iuv[..., :1] > 0), np.uint8)
