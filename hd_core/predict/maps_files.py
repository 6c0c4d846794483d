"""The files in a folder of maps: EXR, PNG, NPY and NPZ to planes of numbers, as they are stored."""

import re
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import OpenEXR

from hd_core.errors import InputError
from hd_core.predict.maps_card import PLANES, MapsCard
from hd_core.predict.png import read_png

EXR_CHANNELS = {"normal": ["N.X", "N.Y", "N.Z"], "depth": ["Z"], "mask": ["A"], "confidence": ["confidence"]}
"""The channels of the EXR passes that this program writes."""
_OFF_WINDOW = {"depth": np.nan}


def frame_files(card: MapsCard, frame_index: int) -> dict[str, Path]:
    """File by plane (or under "all") of a source frame."""
    number = frame_index + card.first_index
    return {plane: card.folder / pattern.format(index=number) for plane, pattern in card.patterns.items()}


def count_frames(card: MapsCard) -> int:
    """How many frames the folder holds, by the first of its patterns."""
    pattern = re.sub(r"\{index[^}]*\}", "*", next(iter(card.patterns.values())))
    return sum(1 for _ in card.folder.glob(pattern))


def first_frame_files(card: MapsCard) -> dict[str, Path]:
    """Files of the first frame that is there.

    Raises:
        InputError: There is none.
    """
    pattern = next(iter(card.patterns.values()))
    named = sorted(card.folder.glob(re.sub(r"\{index[^}]*\}", "*", pattern)))
    if not named:
        raise InputError(f"{card.folder} holds no file like {pattern}.", "Check the pattern in maps.json.")
    matched = re.fullmatch(_as_regex(pattern), named[0].relative_to(card.folder).as_posix())
    number = int(matched[1]) if matched else card.first_index
    return frame_files(card, number - card.first_index)


def read_planes(card: MapsCard, frame_index: int) -> dict[str, np.ndarray]:
    """Planes of a frame as stored: (h, w), normals (h, w, 3); only those that are there.

    Raises:
        InputError: A file is missing, damaged, or lacks what it should hold.
    """
    files = frame_files(card, frame_index)
    for path in files.values():
        if not path.is_file():
            raise InputError(
                f"Frame {frame_index} has no maps: {path} is missing; the folder holds {count_frames(card)} frames.",
                'Make the missing ones, choose fewer with --frames, or set "first_index" in maps.json.',
            )
    if "all" in files:
        return read_file(files["all"], PLANES, card.channels)
    planes: dict[str, np.ndarray] = {}
    for plane, path in files.items():
        found = read_file(path, (plane,), card.channels)
        if plane not in found:
            raise InputError(f"{path} holds no {plane}.", "Check the pattern and the channels in maps.json.")
        planes |= found
    return planes


def read_file(path: Path, planes: tuple[str, ...], channels: Mapping[str, list[str]]) -> dict[str, np.ndarray]:
    """Those of the wanted planes that a file holds.

    Args:
        path: An EXR, PNG, NPY or NPZ file.
        planes: Names of planes; a single one for PNG and NPY.
        channels: EXR channels by plane, where they are not `EXR_CHANNELS`.

    Raises:
        InputError: It is damaged or of another kind.
    """
    try:
        if path.suffix == ".exr":
            found = _read_exr(path, planes, {**EXR_CHANNELS, **channels})
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                found = {plane: archive[plane] for plane in planes if plane in archive}
        elif path.suffix == ".npy":
            found = {planes[0]: np.load(path, allow_pickle=False)}
        elif path.suffix == ".png":
            found = {planes[0]: read_png(path)}
        else:
            raise InputError(f"{path} is of an unknown kind.", "Known: .exr .png .npy .npz.")
    except (OSError, ValueError, EOFError, RuntimeError, BadZipFile) as error:
        raise InputError(f"{path} cannot be read: {error}.", "Write it again.") from error
    return {plane: _shaped(path, plane, values) for plane, values in found.items()}


def _read_exr(path: Path, planes: tuple[str, ...], channels: Mapping[str, list[str]]) -> dict[str, np.ndarray]:
    """Planes at the size of the display window, where the data window may cover a part of it."""
    with OpenEXR.File(str(path), separate_channels=True) as file:
        header, stored = file.header(), file.channels()
        (left, top), (right, bottom) = (map(int, corner) for corner in header["displayWindow"])
        x, y = map(int, header["dataWindow"][0])
        found = {}
        for plane in planes:
            if all(name in stored for name in channels[plane]):
                data = np.stack([stored[name].pixels.astype(np.float32) for name in channels[plane]], axis=-1)
                size = (bottom - top + 1, right - left + 1)
                found[plane] = _place(data, size, x - left, y - top, _OFF_WINDOW.get(plane, 0.0))
    return found


def _place(data: np.ndarray, size: tuple[int, int], left: int, top: int, fill: float) -> np.ndarray:
    canvas = np.full((*size, data.shape[2]), fill, np.float32)
    rows = slice(max(top, 0), min(top + data.shape[0], size[0]))
    columns = slice(max(left, 0), min(left + data.shape[1], size[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        canvas[rows, columns] = data[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return canvas


def _shaped(path: Path, plane: str, values: np.ndarray) -> np.ndarray:
    """(h, w, 3) for normals, (h, w) for the rest; an alpha channel beside them is dropped."""
    planar = values[..., None] if values.ndim == 2 else values
    expected = 3 if plane == "normal" else 1
    if planar.ndim != 3 or planar.shape[2] not in (expected, expected + 1) or planar.dtype.kind not in "fuib":
        raise InputError(
            f"{path} holds {values.dtype} of shape {values.shape} as {plane}.",
            f"Expected numbers, rows x columns{' x 3' if plane == 'normal' else ''}.",
        )
    return planar[..., :3] if plane == "normal" else planar[..., 0]


def _as_regex(pattern: str) -> str:
    first, *others = map(re.escape, re.split(r"\{index[^}]*\}", pattern))
    return first + r"(\d+)" + r"\d+".join(others)
