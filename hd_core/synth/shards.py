"""A finished clip on disk: one compressed archive of plain arrays, complete or absent, the same bytes every time."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.atomic import atomic_path
from hd_core.errors import InputError

HEADER = "header.json"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The only date that goes into an archive."""
BROKEN = (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError)
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


def read_clip(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a clip.

    Raises:
        InputError: The file is missing, cut short or no clip.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header: dict[str, Any] = json.loads(archive.read(HEADER))
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            arrays = {name[:-4]: np.lib.format.read_array(io.BytesIO(archive.read(name))) for name in names}
    except BROKEN as error:
        raise InputError(
            f"{path} is missing or damaged.", "Make it again: hd-core synth redoes only this clip."
        ) from error
    return arrays, header


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
