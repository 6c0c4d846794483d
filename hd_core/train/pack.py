"""Clips unpacked once, so that drawing one frame costs a copy: what training needs, cut to where the person is.

A shard is compressed as a whole, and training draws single frames in random order; unpacking all frames for one
would cost as much as the network. A packed clip holds the arrays as they are, a frame at a time.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hd_core.atomic import write_bytes
from hd_core.errors import OutputError
from hd_core.synth.shards import read_clip

VERSION = "1"
NAMES = ("rgb", "alpha", "depth", "normal", "iuv", "body_iuv")
"""Arrays that are kept, and those that the header names under "also", which are no pictures."""
REACH_PX = 16
"""Room around the person: what a matte that is too wide shows, and what blur draws from."""


@dataclass(frozen=True, kw_only=True)
class PackedFrame:
    """One frame, cut to a window of the picture, coded as in the shard.

    Args:
        arrays: By name; rows and columns of pictures are the window's.
        left: Column of the window in the picture, px.
        top: Row of the window in the picture, px.
        header: Of the clip.
    """

    arrays: Mapping[str, np.ndarray]
    left: int
    top: int
    header: Mapping[str, Any]


def packed_path(shard: Path, folder: Path) -> Path:
    """Where the packed clip of a shard lies."""
    return folder / shard.parent.name / f"{shard.stem}.safetensors"


def pack_clip(shard: Path, path: Path) -> None:
    """Unpack a shard into `path`.

    Raises:
        InputError: The shard is damaged, or the disk is full.
    """
    _, header = read_clip(shard, ())
    also = header.get("also", ())
    arrays, _ = read_clip(shard, (*NAMES, *also))
    rows, columns = _window(arrays["alpha"])
    window = {name: np.ascontiguousarray(arrays[name][:, rows, columns]) for name in NAMES}
    window |= {name: arrays[name] for name in also}
    stamp = _stamp(shard)
    about = {"version": VERSION, "stamp": stamp, "left": str(columns.start), "top": str(rows.start)}
    write_bytes(path, save(window, {**about, "header": json.dumps(header)}))


def read_frame(shard: Path, folder: Path, number: int) -> PackedFrame:
    """A frame of a clip; the clip is packed first where that was not done, or was done of another shard.

    Args:
        shard: The clip's archive.
        folder: Where packed clips lie.
        number: Of the frame; counted around, so that every number is one.

    Raises:
        InputError: The shard is damaged.
        OutputError: The packed clip cannot be written.
    """
    path = packed_path(shard, folder)
    with suppress(SafetensorError, OSError, KeyError):
        return _read(path, _stamp(shard), number)
    with suppress(OutputError):  # another process may be packing the same clip, and be quicker
        pack_clip(shard, path)
    try:
        return _read(path, _stamp(shard), number)
    except (SafetensorError, OSError, KeyError) as error:
        raise OutputError(f"Cannot keep {path}.", "Free some space, or use a folder that can be written.") from error


def _read(path: Path, stamp: str, number: int) -> PackedFrame:
    with safe_open(path, framework="numpy") as file:
        about = file.metadata()
        if (about["version"], about["stamp"]) != (VERSION, stamp):
            raise KeyError(stamp)
        slices = {name: file.get_slice(name) for name in list(file.keys())}
        frame = number % slices["alpha"].get_shape()[0]
        return PackedFrame(
            arrays={name: part[frame] for name, part in slices.items()},
            left=int(about["left"]),
            top=int(about["top"]),
            header=json.loads(about["header"]),
        )


def _stamp(shard: Path) -> str:
    """Tells a shard from another one that takes its place."""
    status = shard.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _window(alpha: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns in which the person is, in any frame."""
    seen: np.ndarray = (alpha > 0).max(axis=0)
    return _span(seen.max(axis=1)), _span(seen.max(axis=0))


def _span(seen: np.ndarray) -> slice:
    places = np.flatnonzero(seen)
    if not len(places):
        return slice(0, len(seen))
    return slice(max(int(places[0]) - REACH_PX, 0), min(int(places[-1]) + 1 + REACH_PX, len(seen)))
