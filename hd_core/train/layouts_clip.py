"""Other people's frames as a clip that training reads: the arrays and the header of a shard.

What a source does not have is zero and is named in the header as "missing"; `iuv_convention` keeps DensePose's parts
and charts from being taken for those of synthetic people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from hd_core.body.formats import Convention
from hd_core.body.formats_png import read_iuv
from hd_core.errors import InputError
from hd_core.predict.compat.files import MASK_OVER
from hd_core.predict.compat.run import CENTRE_X, CENTRE_Y, FOCAL_PX, SIDE
from hd_core.predict.png import read_png

NORMAL_STEP = 1 / 32767
NO_DEPTH = {"near_m": 4.0, "step_m": 1e-4}
"""Of a clip without depth: any, since no pixel has one."""
IUV_CONVENTION: Convention = "densepose"


class NobodyError(InputError):
    """A frame's mask is empty."""


@dataclass(frozen=True, kw_only=True)
class SourceFrame:
    """A frame as it was read.

    Args:
        name: Of the source's files.
        rgb: Colours.
        mask: The person.
        iuv: DensePose's part, u and v.
        depth: 0 where there is none; None without any.
        normal: Unit, 0 where there is none; None without any.
    """

    name: str
    rgb: UInt8[np.ndarray, "h w 3"]
    mask: Bool[np.ndarray, "h w"]
    iuv: UInt8[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h w"] | None = None
    normal: Float32[np.ndarray, "h w 3"] | None = None


def read_picture(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """Colours of a PNG of three channels.

    Raises:
        InputError: It is missing, damaged or of another kind.
    """
    return _bytes(path, 3)


def read_mask(path: Path) -> Bool[np.ndarray, "h w"]:
    """The person: over 100 of 255, as published; a picture of three equal channels will do.

    Raises:
        InputError: The file is missing, damaged or of another kind.
        NobodyError: The person is nowhere.
    """
    found = _bytes(path, 1, 3)
    if (found != found[..., :1]).any():
        raise InputError(f"{path} is coloured; expected a mask in grey.", "Is it another file?")
    mask: np.ndarray = found[..., 0] > MASK_OVER
    if not mask.any():
        raise NobodyError(f"{path} shows nobody: no pixel is over {MASK_OVER}.", "Leave this frame out.")
    return mask


def read_densepose(path: Path, *, convention: Convention = IUV_CONVENTION) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of a picture that holds v, u and part in this order.

    Args:
        path: The picture.
        convention: Whose charts it holds, where it does not say so itself.

    Raises:
        InputError: The file is missing, damaged or of another kind, or says that it holds other charts.
    """
    return read_iuv(path, convention=convention, order="VUI").map.iuv


def same_size(name: str, frame: Mapping[str, np.ndarray]) -> tuple[int, int]:
    """Height and width of all of a frame's arrays.

    Raises:
        InputError: They differ.
    """
    sizes = {plane: array.shape[:2] for plane, array in frame.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{plane} {width} x {height}" for plane, (height, width) in sizes.items())
        raise InputError(f"Frame {name} is of several sizes: {said} px.", "Expected one size.")
    height, width = next(iter(sizes.values()))
    return height, width


def published_camera(side: int) -> Float[np.ndarray, "3 3"]:
    """The camera that the published code assumes of every square picture; there pixel centres are whole numbers.

    Args:
        side: Of the picture, px; the published one has 256.
    """
    scale = side / SIDE
    centre = scale * (CENTRE_X + 0.5), scale * (CENTRE_Y + 0.5)
    return np.array([[scale * FOCAL_PX, 0, centre[0]], [0, scale * FOCAL_PX, centre[1]], [0, 0, 1]])


def make_clip(
    frames: Sequence[SourceFrame],
    *,
    camera: Float[np.ndarray, "3 3"],
    about: Mapping[str, Any],
    matches: Sequence[Int[np.ndarray, "n 5"]] = (),
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and header of a shard.

    Args:
        frames: All of one size, with the same planes.
        camera: Intrinsics of all.
        about: What else the header says.
        matches: For every frame but the first: part, row and column in the first, row and column in that frame.
    """
    shape = frames[0].mask.shape
    arrays = {name: np.stack([getattr(frame, name) for frame in frames]) for name in ("rgb", "iuv")}
    arrays["alpha"] = np.stack([frame.mask for frame in frames]) * np.uint8(255)
    arrays["body_iuv"] = np.zeros_like(arrays["iuv"])
    arrays["depth"], coded = _coded_depth([frame.depth for frame in frames], shape)
    normals = [np.zeros((*shape, 3), np.float32) if frame.normal is None else frame.normal for frame in frames]
    arrays["normal"] = np.stack([np.rint(normal / np.float32(NORMAL_STEP)).astype(np.int16) for normal in normals])
    missing = [name for name in ("depth", "normal") if getattr(frames[0], name) is None]
    header = {
        "axes": "opencv",
        "camera": camera.tolist(),
        "depth": coded,
        "normal_step": NORMAL_STEP,
        "iuv_convention": IUV_CONVENTION,
        "missing": ["body_iuv", *missing],
        "names": [frame.name for frame in frames],
        **about,
    }
    if matches:
        arrays["matches"] = _stacked(matches)
        header |= {"also": ["matches"], "partners": len(matches)}
    return arrays, header


def _bytes(path: Path, *channels: int) -> np.ndarray:
    found = read_png(path)
    if found.dtype != np.uint8 or found.shape[2] not in channels:
        raise InputError(
            f"{path} holds {found.dtype} in {found.shape[2]} channels.",
            f"Expected bytes in {' or '.join(map(str, channels))} channels, without alpha.",
        )
    return found


def _coded_depth(depths: Sequence[np.ndarray | None], shape: tuple[int, ...]) -> tuple[np.ndarray, Mapping[str, float]]:
    """Codes from 1 for the nearest to 65535 for the farthest of all, 0 for none."""
    found = np.stack([np.zeros(shape) if depth is None else depth for depth in depths])
    there = found > 0
    if not there.any():
        return np.zeros(found.shape, np.uint16), NO_DEPTH
    near, far = float(found[there].min()), float(found[there].max())
    step = max(far - near, 1e-3) / 65534
    return np.where(there, np.rint((found - near) / step) + 1, 0).astype(np.uint16), {"near_m": near, "step_m": step}


def _stacked(matches: Sequence[np.ndarray]) -> np.ndarray:
    """As (frames, most rows, 5), filled up with part 0; the first frame has none."""
    stacked = np.zeros((len(matches) + 1, max(len(rows) for rows in matches), 5), np.uint16)
    for number, rows in enumerate(matches):
        stacked[number + 1, : len(rows)] = rows
    return stacked
