"""The published program's files: its inference folder in, its texts, mesh and picture out.

In:   NAME_img.png (three channels), NAME_mask.png (one, the person is over 100), NAME_dp.png (V, U, part number).
Out:  NAME.txt and NAME_normal_1.txt, _2, _3: depth and normals, five decimals, 0 off the mask;
      NAME_mesh.obj: row, column and depth as vertices (so mirrored, and without perspective), as published;
      NAME_results.png: picture, depth in the colours "hot", normals, side by side on white.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from hd_core.atomic import atomic_path, write_bytes
from hd_core.errors import InputError
from hd_core.predict.compat.network import MULTIPLE
from hd_core.predict.png import read_png

SUFFIXES = ("_img.png", "_mask.png", "_dp.png")
RESULTS = "_results.png"
MASK_OVER = 100
STEEPEST = 0.07
"""Difference of depth between neighbours from which the mesh is cut."""
HOT = {"red": ((0, 0.365079, 1), (0.0416, 1, 1)), "green": ((0, 0.365079, 0.746032, 1), (0, 0, 1, 1))}
HOT["blue"] = ((0, 0.746032, 1), (0, 0, 1))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One picture of an inference folder.

    Args:
        name: Of the files.
        rgb: The picture.
        mask: The person.
        densepose: V, U and part number.
    """

    name: str
    rgb: UInt8[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    densepose: UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a `_results.png` shows.

    Args:
        white: The picture on white.
        relief: Depth from its nearest, 0, to its farthest, 1, in 255 steps; 0 off the mask.
        normal: As decoded, not exactly unit; 0 off the mask.
    """

    white: UInt8[np.ndarray, "h w 3"]
    relief: Float[np.ndarray, "h w"]
    normal: Float[np.ndarray, "h w 3"]


def case_names(folder: Path) -> list[str]:
    """Names of the pictures of which all three files are there, sorted.

    Raises:
        InputError: There is none.
    """
    found = sorted(path.name.removesuffix(SUFFIXES[0]) for path in folder.glob(f"*{SUFFIXES[0]}"))
    whole = [name for name in found if all((folder / f"{name}{suffix}").is_file() for suffix in SUFFIXES)]
    if not whole:
        raise InputError(f"{folder} holds no NAME_img.png, NAME_mask.png, NAME_dp.png of one name.", "Check the path.")
    return whole


def read_case(folder: Path, name: str) -> Case:
    """Read one picture with its mask and its body correspondence.

    Raises:
        InputError: A file is missing or damaged, or their sizes or channels are not as published.
    """
    rgb, mask, densepose = (read_png(folder / f"{name}{suffix}") for suffix in SUFFIXES)
    for path, found, expected in zip(SUFFIXES, (rgb, mask, densepose), (3, 1, 3), strict=True):
        if found.dtype != np.uint8 or found.shape[2] != expected or found.shape[:2] != rgb.shape[:2]:
            raise InputError(
                f"{folder / (name + path)} is {found.dtype} of shape {found.shape}.",
                f"Expected bytes of {expected} channels (no alpha), all three pictures of one size.",
            )
    if rgb.shape[0] % MULTIPLE or rgb.shape[1] % MULTIPLE:
        raise InputError(
            f"{name} is {rgb.shape[1]} x {rgb.shape[0]} px.", f"Expected 256 x 256, or multiples of {MULTIPLE}."
        )
    return Case(name=name, rgb=rgb, mask=mask[..., 0] > MASK_OVER, densepose=densepose)


def write_outputs(
    folder: Path, case: Case, depth: Float[np.ndarray, "h w"], normal: Float[np.ndarray, "h w 3"]
) -> list[Path]:
    """Write all files of one picture; returns their paths.

    Raises:
        OutputError: The folder cannot be written.
    """
    planes = {"": depth, **{f"_normal_{axis + 1}": normal[..., axis] for axis in range(3)}}
    paths = [folder / f"{case.name}{suffix}.txt" for suffix in planes]
    for path, plane in zip(paths, planes.values(), strict=True):
        write_bytes(path, _text(plane))
    mesh, results = folder / f"{case.name}_mesh.obj", folder / f"{case.name}{RESULTS}"
    write_bytes(mesh, _obj(depth, mesh_cells(depth, case.mask)))
    with atomic_path(results) as aside:
        Image.fromarray(results_picture(case, depth, normal)).save(aside)
    return [*paths, mesh, results]


def mesh_cells(depth: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels whose square to the next row and column is in the published mesh (the rule is Tang et al.'s, 2019).

    In the 3 x 3 pixels around it neither the second nor the third row differs from the first by `STEEPEST` or more, nor
    do the columns; the two first rows and columns and the last ones are left out.
    """
    height, width = depth.shape
    steps = np.zeros((height - 2, width - 2))
    rows = [depth[i : height - 2 + i] for i in range(3)]
    columns = [depth[:, j : width - 2 + j] for j in range(3)]
    down = np.maximum(np.abs(rows[0] - rows[1]), np.abs(rows[0] - rows[2]))
    across = np.maximum(np.abs(columns[0] - columns[1]), np.abs(columns[0] - columns[2]))
    for k in range(3):
        steps = np.maximum(steps, np.maximum(down[:, k : width - 2 + k], across[k : height - 2 + k]))
    cells = np.zeros(mask.shape, bool)
    cells[1:-1, 1:-1] = (steps < STEEPEST) & mask[1:-1, 1:-1]
    cells[:2], cells[:, :2] = False, False
    return cells


def results_picture(
    case: Case, depth: Float[np.ndarray, "h w"], normal: Float[np.ndarray, "h w 3"]
) -> UInt8[np.ndarray, "h w3 3"]:
    """The published picture of results."""
    mask = case.mask
    inside = depth[mask] if mask.any() else np.zeros(1, np.float32)
    reach = max(float(np.ptp(inside)), 1e-12)
    place = np.clip((depth - inside.min()) / reach * 256, 0, 255).astype(int)
    tint = np.stack([(1 - normal[..., 0]) / 2, (1 - normal[..., 1]) / 2, -normal[..., 2]], axis=-1)
    tiles = [case.rgb, hot_colours()[place], (np.clip(tint, 0, 1) * 255).astype(np.uint8)]
    return np.concatenate([np.where(mask[..., None], tile, 255).astype(np.uint8) for tile in tiles], axis=1)


def read_results(path: Path, mask: Bool[np.ndarray, "h w"]) -> Results:
    """Take a published picture of results apart.

    Raises:
        InputError: It is missing, damaged, or not three pictures of the mask's size.
    """
    found = read_png(path)
    height, width = mask.shape
    if found.shape != (height, 3 * width, 3) or found.dtype != np.uint8:
        raise InputError(f"{path} has shape {found.shape}; expected ({height}, {3 * width}, 3).", "Is it another file?")
    return decode_results(found, mask)


def decode_results(picture: UInt8[np.ndarray, "h w3 3"], mask: Bool[np.ndarray, "h w"]) -> Results:
    """The same of a picture in hand; where a normal turns away from the camera its z is lost."""
    width = mask.shape[1]
    white, heat, tint = (picture[:, part * width : (part + 1) * width] for part in range(3))
    colours = hot_colours().astype(np.int64)
    relief = np.zeros(mask.shape)
    off = ((heat[mask].astype(np.int64)[:, None] - colours[None]) ** 2).sum(axis=-1)
    relief[mask] = off.argmin(axis=1) / 255
    unit = tint.astype(np.float64) / 255
    normal = np.stack([1 - 2 * unit[..., 0], 1 - 2 * unit[..., 1], -unit[..., 2]], axis=-1)
    return Results(white=white, relief=relief, normal=np.where(mask[..., None], normal, 0))


def hot_colours() -> UInt8[np.ndarray, "256 3"]:
    """The 256 colours of the map "hot" as its definition says: straight lines between few points, cut to bytes."""
    place = np.linspace(0, 1, 256)
    return (np.stack([np.interp(place, *HOT[name]) for name in ("red", "green", "blue")], axis=-1) * 255).astype(
        np.uint8
    )


def _text(plane: Float[np.ndarray, "h w"]) -> bytes:
    return "".join(" ".join(f"{value:.5f}" for value in row) + "\n" for row in plane.tolist()).encode()


def _obj(depth: Float[np.ndarray, "h w"], cells: Bool[np.ndarray, "h w"]) -> bytes:
    height, width = depth.shape
    lines = [
        f"v {2.0 * row / height} {2.0 * column / width} {value}"
        for row, values in enumerate(depth.tolist())
        for column, value in enumerate(values)
    ]
    faces: Int[np.ndarray, " n"] = np.flatnonzero(cells) + 1
    for corner in faces.tolist():
        right, below = corner + 1, corner + width
        lines += [f"f {corner} {right} {below}", f"f {below + 1} {below} {right}"]
    return ("\n".join(lines) + "\n").encode()
