"""The two training layouts of the published HDNet.

With truth ("Tang_data"): color_WO_bg/, mask/, densepose/ with NAME.png, depth/NAME.txt and normal/NAME_1.txt, _2, _3
(x, y, z), numbers between commas. Without ("tiktok_data"): the same pictures, pred_normals/NAME_1.txt, _2, _3 with
numbers between spaces, and correspondences/: corr_mat.txt has a frame and its four partners on each line;
corrs/FRAME_PARTNER_i_r1_c1_r2_c2.txt has part, row and column here, row and column there, from 1, the parts one after
the other; corrs/FRAME_PARTNER_i_limit.txt has for each part the first and the last line of it, from 0, or -1, -1.
Folders that only the published code opens without using what is in them (normal_png, pred_normals_png) are not read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from hd_core.errors import InputError
from hd_core.predict.compat.run import MEDIAN_DEPTH
from hd_core.predict.planes import NUM_PARTS
from hd_core.train.layouts_clip import (
    SourceFrame,
    make_clip,
    published_camera,
    read_densepose,
    read_mask,
    read_picture,
    same_size,
)
from hd_core.train.layouts_text import Separator, read_table, read_whole_numbers

PARTNERS = 4
VALID_DEPTH = (1.0, 8.0)
"""Depth outside of it, ends included, is none, as in the published code."""
CAMERA = "the published 256 px crop's, off-axis"
_LONGEST = 1.01

ArraysAndHeader = tuple[dict[str, np.ndarray], dict[str, Any]]


class Partners(NamedTuple):
    """A line of corr_mat.txt."""

    first: str
    others: tuple[str, ...]


def supervised_names(folder: Path) -> list[str]:
    """Names of the frames, sorted, of which each folder has one file, or three of normals.

    Raises:
        InputError: A folder is missing or holds others.
    """
    return _names(folder, {"mask": "", "densepose": "", "depth": ".txt", "normal": "_1.txt"})


def supervised_clip(folder: Path, names: list[str]) -> ArraysAndHeader:
    """Frames with truth as one clip; depth is moved to median 4, as the published code moves it.

    Raises:
        InputError: A file cannot be used.
    """
    frames = [_supervised_frame(folder, name) for name in names]
    return make_clip(
        frames, camera=_camera(frames), about={"camera_is": CAMERA, "gauge": "affine", "median_depth": MEDIAN_DEPTH}
    )


def partner_list(folder: Path) -> list[Partners]:
    """Frames and their partners.

    Raises:
        InputError: A folder or file is missing, or a line names a frame that is not there.
    """
    optional = {"pred_normals": "_1.txt"} if (folder / "pred_normals").is_dir() else {}
    by_number = {_number(folder, name): name for name in _names(folder, {"mask": "", "densepose": "", **optional})}
    path = folder / "correspondences" / "corr_mat.txt"
    found = []
    for line, row in enumerate(read_whole_numbers(path, columns=1 + PARTNERS)):
        unknown = [int(number) for number in row if int(number) not in by_number]
        if unknown:
            raise InputError(f"{path}, line {line + 1}: there is no color_WO_bg picture of frame {unknown[0]}.")
        first, *others = (by_number[int(number)] for number in row)
        found.append(Partners(first, tuple(others)))
    if not found:
        raise InputError(f"{path} is empty; expected a frame and its {PARTNERS} partners on each line.")
    return found


def video_clip(folder: Path, partners: Partners) -> ArraysAndHeader:
    """A frame and its partners as one clip, with the matches of the first with each of the others.

    Raises:
        InputError: A file cannot be used.
    """
    frames = [_video_frame(folder, name) for name in (partners.first, *partners.others)]
    camera = _camera(frames)
    matches = [_matches(folder, partners.first, other, frames[0].mask.shape) for other in partners.others]
    return make_clip(frames, camera=camera, about={"camera_is": CAMERA, "normal_is": "predicted"}, matches=matches)


def _supervised_frame(folder: Path, name: str) -> SourceFrame:
    frame = _video_frame(folder, name, normals="normal", separator="commas")
    path = folder / "depth" / f"{name}.txt"
    depth = read_table(path, separator="commas", rows=frame.mask.shape[0], columns=frame.mask.shape[1])
    there = (depth > VALID_DEPTH[0]) & (depth < VALID_DEPTH[1]) & frame.mask
    if not there.any():
        low, high = VALID_DEPTH
        raise InputError(f"{path} has no depth between {low:g} and {high:g} on the mask.", "Check its unit: metres.")
    moved = np.where(there, depth + MEDIAN_DEPTH - np.median(depth[there]), 0)
    return SourceFrame(
        name=name, rgb=frame.rgb, mask=frame.mask, iuv=frame.iuv, depth=np.maximum(moved, 0), normal=frame.normal
    )


def _video_frame(
    folder: Path, name: str, *, normals: str = "pred_normals", separator: Separator = "spaces"
) -> SourceFrame:
    rgb = read_picture(folder / "color_WO_bg" / f"{name}.png")
    mask = read_mask(folder / "mask" / f"{name}.png")
    iuv = read_densepose(folder / "densepose" / f"{name}.png")
    height, width = same_size(name, {"color_WO_bg": rgb, "mask": mask, "densepose": iuv})
    if height != width:
        raise InputError(f"Frame {name} of {folder} is {width} x {height} px.", "Expected squares, as published: 256.")
    known = (folder / normals).is_dir()
    normal = _read_normals(folder / normals, name, mask, separator) if known else None
    return SourceFrame(name=name, rgb=rgb, mask=mask, iuv=iuv, normal=normal)


def _read_normals(
    folder: Path, name: str, mask: Bool[np.ndarray, "h w"], separator: Separator
) -> Float32[np.ndarray, "h w 3"]:
    """Unit normals on the mask, 0 off it and where none is given."""
    rows, columns = mask.shape
    paths = [folder / f"{name}_{axis}.txt" for axis in (1, 2, 3)]
    planes = [read_table(path, separator=separator, rows=rows, columns=columns) for path in paths]
    normal = np.where(mask[..., None], np.stack(planes, axis=-1), 0)
    length: Float[np.ndarray, "h w 1"] = np.linalg.norm(normal, axis=-1, keepdims=True)
    if length.max() > _LONGEST:
        row, column = np.unravel_index(int(length.argmax()), mask.shape)
        raise InputError(
            f"{paths[0]}, line {row + 1}: the normal in column {column + 1} is {length.max():.3g} long; expected 1."
        )
    if normal[..., 2].sum() > 0:
        raise InputError(
            f"{paths[2]}: normals face away from the camera.", "Expected x right, y down, z away from the camera."
        )
    return (normal / np.where(length > 0, length, 1)).astype(np.float32)


def _matches(folder: Path, first: str, second: str, shape: tuple[int, ...]) -> Int64[np.ndarray, "n 5"]:
    """Part, row and column in one frame, row and column in the other, from 0."""
    stem = folder / "correspondences" / "corrs" / f"{first}_{second}"
    path, limits = (stem.with_name(f"{stem.name}{end}") for end in ("_i_r1_c1_r2_c2.txt", "_i_limit.txt"))
    rows = read_whole_numbers(path, columns=5)
    _check(path, rows[:, :1], 1, NUM_PARTS - 1, "part")
    _check(path, rows[:, [1, 3]], 1, shape[0], "row")
    _check(path, rows[:, [2, 4]], 1, shape[1], "column")
    _check_limits(limits, rows[:, 0])
    rows[:, 1:] -= 1
    return rows


def _check(path: Path, values: Int64[np.ndarray, "n m"], low: int, high: int, what: str) -> None:
    bad = np.argwhere((values < low) | (values > high))
    if len(bad):
        line, column = bad[0]
        raise InputError(
            f"{path}, line {line + 1}: found {what} {values[line, column]}; expected {low} to {high}.",
            "Numbers count from 1.",
        )


def _check_limits(path: Path, parts: Int64[np.ndarray, " n"]) -> None:
    """First and last line of each part must be what the list of matches has."""
    for line, (part, low, high) in enumerate(read_whole_numbers(path, columns=3, rows=NUM_PARTS - 1)):
        mine = np.flatnonzero(parts == part)
        expected = (mine[0], mine[-1]) if len(mine) else (-1, -1)
        together = not len(mine) or mine[-1] - mine[0] + 1 == len(mine)
        if part != line + 1 or (low, high) != expected or not together:
            raise InputError(
                f"{path}, line {line + 1}: found part {part} in {low} to {high}; the matches have part {line + 1} in "
                f"{expected[0]} to {expected[1]}{'' if together else ', not together'}.",
                "Lines of the matches count from 0, the last one included.",
            )


def _camera(frames: list[SourceFrame]) -> Float[np.ndarray, "3 3"]:
    sizes = {frame.mask.shape for frame in frames}
    if len(sizes) > 1:
        raise InputError(f"Frames {frames[0].name} to {frames[-1].name} are of several sizes.", "Expected one size.")
    return published_camera(frames[0].mask.shape[0])


def _names(folder: Path, others: Mapping[str, str]) -> list[str]:
    """Names of color_WO_bg/, which every other folder has, too, with its ending (none: .png)."""
    names = _stems(folder / "color_WO_bg", ".png")
    for other, ending in others.items():
        found = _stems(folder / other, ending or ".png")
        differ = sorted(names ^ found)
        if differ:
            where, lacking = ("color_WO_bg", other) if differ[0] in names else (other, "color_WO_bg")
            raise InputError(
                f"{folder} has {len(names)} frames in color_WO_bg and {len(found)} in {other}: "
                f"{differ[0]} is in {where} and not in {lacking}.",
                "Expected the same frames in every folder.",
            )
    return sorted(names)


def _stems(folder: Path, ending: str) -> set[str]:
    if not folder.is_dir():
        raise InputError(f"{folder} is missing.", "Check that the whole data set was unpacked.")
    names = {path.name.removesuffix(ending) for path in _files(folder, ending)}
    if not names:
        raise InputError(f"{folder} holds no file NAME{ending}.", "Check that the whole data set was unpacked.")
    return names


def _files(folder: Path, ending: str) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.name.endswith(ending) and not path.name.startswith("."))


def _number(folder: Path, name: str) -> int:
    try:
        return int(name)
    except ValueError as error:
        raise InputError(f"{folder} has a frame {name}; expected numbers, such as 0017634.") from error
