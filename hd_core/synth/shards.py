"""A finished clip on disk: one compressed archive of plain arrays, complete or absent, the same bytes every time.

This module alone knows how depth and normals are packed into integers; `load_clip` unpacks them.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from hd_core.atomic import atomic_path
from hd_core.errors import InputError

HEADER = "header.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The only date that goes into an archive."""
BROKEN = (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError)
LEVEL = 3
"""Of deflate: a third of the size for a twentieth of the time of a frame."""


def write_clip(path: Path, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Write a clip's arrays and its header atomically.

    Raises:
        OutputError: The disk is full or the folder cannot be written.
    """
    with atomic_path(path) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        _add(archive, HEADER, json.dumps(header, sort_keys=True).encode())
        for name in sorted(arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            _add(archive, f"{name}.npy", buffer.getvalue())


def read_clip(path: Path, keys: Collection[str] | None = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a clip, as they are stored.

    Args:
        path: The archive.
        keys: Arrays to read; the others are not unpacked. All by default.

    Raises:
        InputError: The file is missing, cut short or no clip, or has no array of that name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header: dict[str, Any] = json.loads(archive.read(HEADER))
            names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
            wanted = names if keys is None else [name for name in names if name in keys]
            arrays = {name: np.lib.format.read_array(io.BytesIO(archive.read(f"{name}.npy"))) for name in wanted}
    except BROKEN as error:
        raise InputError(
            f"{path} is missing or damaged.", "Make it again: hd-core synth redoes only this clip."
        ) from error
    unknown = sorted(set(keys or ()) - set(names))
    if unknown:
        raise InputError(f"{path} has no {', '.join(unknown)}; it holds {', '.join(names)}.")
    return arrays, header


def load_clip(path: Path, keys: Collection[str] | None = None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a clip in units: depth in metres, unit normals, mattes 0..1; other arrays as stored.

    `depth` is float32 (t, h, w) along +z, NaN off the person; `normal` float32 (t, h, w, 3) in camera axes, zero off
    the person; `alpha` float32 (t, h, w). `docs/synth_format.md` tells what the others hold.

    Args:
        path: The archive.
        keys: Arrays to read; the others are not unpacked. All by default.

    Raises:
        InputError: The file is missing, cut short or no clip, or has no array of that name.
    """
    arrays, header = read_clip(path, keys)
    if "depth" in arrays:
        arrays["depth"] = decode_depth(arrays["depth"], header).astype(np.float32)
    if "normal" in arrays:
        arrays["normal"] = decode_normal(arrays["normal"], header)
    if "alpha" in arrays:
        arrays["alpha"] = arrays["alpha"].astype(np.float32) / 255
    return arrays, header


def decode_depth(code: np.ndarray, header: Mapping[str, Any]) -> Float[np.ndarray, "*n"]:
    """Depth in metres from a clip's stored numbers; NaN off the person."""
    scale = header["depth"]
    depth: np.ndarray = np.where(code > 0, scale["near_m"] + (code.astype(np.float64) - 1) * scale["step_m"], np.nan)
    return depth


def decode_normal(code: np.ndarray, header: Mapping[str, Any]) -> Float32[np.ndarray, "*n 3"]:
    """Unit normals from a clip's stored numbers; zero off the person."""
    normal = code.astype(np.float32) * np.float32(header["normal_step"])
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    unit: np.ndarray = normal / np.where(length > 0, length, 1)
    return unit


def is_complete(path: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether the clip is there, undamaged and of this recipe."""
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(json.loads(archive.read(HEADER))["recipe"] == recipe) and archive.testzip() is None
    except BROKEN:
        return False


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)
