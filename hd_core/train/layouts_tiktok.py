"""The public TikTok data set: a folder for each sequence, 00001 and so on, each with images/, masks/ and densepose/.

Whole frames of a phone's video, files of the same names in all three. There is neither depth nor a camera: one is
assumed, of a phone's main lens.
"""

from pathlib import Path
from typing import Any

import numpy as np

from hd_core.errors import InputError
from hd_core.geometry.camera import PHONE_FOCAL_PER_LONG_SIDE, camera_from_focal
from hd_core.train.layouts_clip import (
    NobodyError,
    SourceFrame,
    make_clip,
    read_densepose,
    read_mask,
    read_picture,
    same_size,
)

FOLDERS = ("images", "masks", "densepose")
ENDING = ".png"
LEAST_FRAMES = 2
"""Pairs take two."""


def is_sequence(folder: Path) -> bool:
    """Whether a folder looks like a sequence."""
    return all((folder / name).is_dir() for name in FOLDERS)


def find_sequences(folder: Path) -> list[Path]:
    """Sequences in a folder, which may be one itself, sorted; a folder TikTok_dataset in between is entered.

    Raises:
        InputError: One of them lacks a folder.
    """
    if is_sequence(folder):
        return [folder]
    inner = folder / "TikTok_dataset"
    places = inner if inner.is_dir() else folder
    numbered = sorted(path for path in places.glob("[0-9]*") if path.is_dir())
    broken = [path for path in numbered if not is_sequence(path)]
    if broken:
        missing = [name for name in FOLDERS if not (broken[0] / name).is_dir()]
        raise InputError(f"{broken[0]} has no {' and no '.join(missing)}.", "Expected images, masks and densepose.")
    return numbered


def split_sequence(folder: Path, frames: int) -> list[list[str]]:
    """Names of a sequence's frames, in order, in runs of at most `frames` (3 or more) and nearly the same length.

    Raises:
        InputError: The three folders hold different frames, or too few.
    """
    images, masks, densepose = ({path.name for path in (folder / name).glob(f"[!.]*{ENDING}")} for name in FOLDERS)
    for other, found in (("masks", masks), ("densepose", densepose)):
        differ = sorted(images ^ found)
        if differ:
            where = "images" if differ[0] in images else other
            raise InputError(
                f"{folder} has {len(images)} images and {len(found)} in {other}: {differ[0]} is in {where} alone.",
                "Expected the same frames in every folder.",
            )
    if len(images) < LEAST_FRAMES:
        raise InputError(f"{folder} has {len(images)} frames; expected {LEAST_FRAMES} or more.")
    names = sorted(images)
    return [run.tolist() for run in np.array_split(np.array(names), -(-len(names) // frames))]


def sequence_clip(folder: Path, names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Frames of a sequence as one clip; those whose mask is empty are left out.

    Raises:
        InputError: A file cannot be used.
        NobodyError: Fewer than two frames are left.
    """
    frames, empty = [], []
    for name in names:
        try:
            frames.append(_frame(folder, name))
        except NobodyError:
            empty.append(name.removesuffix(ENDING))
    if len(frames) < LEAST_FRAMES:
        raise NobodyError(f"{folder / FOLDERS[1]} shows a person in {len(frames)} of {names[0]} to {names[-1]}.")
    sizes = {frame.mask.shape for frame in frames}
    if len(sizes) > 1:
        raise InputError(f"Frames {names[0]} to {names[-1]} of {folder} are of several sizes.", "Expected one size.")
    height, width = frames[0].mask.shape
    camera = camera_from_focal(width, height, focal_px=PHONE_FOCAL_PER_LONG_SIDE * max(width, height))
    about = {"camera_is": "assumed: a phone's main lens", "left_out": empty}
    return make_clip(frames, camera=camera.intrinsics, about=about)


def _frame(folder: Path, name: str) -> SourceFrame:
    rgb = read_picture(folder / "images" / name)
    mask = read_mask(folder / "masks" / name)
    iuv = read_densepose(folder / "densepose" / name)
    same_size(f"{name} of {folder}", {"images": rgb, "masks": mask, "densepose": iuv})
    return SourceFrame(name=f"{folder.name}/{name.removesuffix(ENDING)}", rgb=rgb, mask=mask, iuv=iuv)
