"""OpenEXR pictures as input: scene-linear light in, sRGB bytes out.

The piecewise sRGB curve of IEC 61966-2-1 is applied first and the result clamped to 0..1 afterwards, so light
brighter than white becomes white. Alpha in EXR is associated: colours are divided by it. The display window is the
picture; what the data window leaves out of it is black and transparent.
"""

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from jaxtyping import Float, UInt8

from hd_core.colour import srgb_from_linear
from hd_core.errors import InputError

_FULL, _HEADER = False, True


def exr_size(path: Path) -> tuple[int, int]:
    """Width and height of the display window, px, without reading the pixels.

    Raises:
        InputError: Not an EXR file.
    """
    width, height, _, _ = _window(_open(path, _HEADER).parts[0].header)
    return width, height


def read_exr(path: Path, *, as_data: bool = False) -> UInt8[np.ndarray, "h w 4"]:
    """Read the first part that holds a picture as RGBA bytes; alpha is straight, 255 if there is none.

    A picture is channels R, G, B, with or without a layer's name before them (Blender and Nuke write such), or a
    single Y, or, alone, A.

    Args:
        path: The file.
        as_data: Values are a matte and no light: only scaled to bytes, without transfer or division by alpha.

    Raises:
        InputError: Not an EXR file, damaged, or without a picture.
    """
    file = _open(path, _FULL)
    found: list[str] = []
    for part in file.parts:
        channels = {name: np.asarray(channel.pixels) for name, channel in part.channels.items()}
        found += sorted(channels)
        picture = _picture(channels)
        if picture is not None:
            return _to_bytes(_placed(picture, part.header), as_data=as_data)
    raise InputError(f"{path} holds no R, G, B or Y channels, but {', '.join(found)}.", "Write the colour pass.")


def _open(path: Path, header_only: bool) -> Any:  # noqa: ANN401, FBT001 - the library is untyped
    try:
        return OpenEXR.File(str(path), separate_channels=True, header_only=header_only)
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read as OpenEXR ({error}).", "Write or copy it again.") from error


def _picture(channels: dict[str, np.ndarray]) -> Float[np.ndarray, "h w 4"] | None:
    layers = [name[:-1] for name in channels if name.endswith("R") and {name[:-1] + c for c in "GB"} <= set(channels)]
    # The unnamed layer is the picture; of the named ones Blender's composite, then the first.
    layers.sort(key=lambda layer: (layer != "", not layer.endswith("Combined."), layer))
    if layers:
        colours = [channels[layers[0] + name] for name in "RGB"]
        alpha = channels.get(layers[0] + "A")
    elif "Y" in channels:
        colours, alpha = [channels["Y"]] * 3, channels.get("A")
    elif "A" in channels:
        colours, alpha = [channels["A"]] * 3, None
    else:
        return None
    opaque = np.ones(colours[0].shape, np.float32)
    return np.stack([*colours, opaque if alpha is None else alpha], axis=-1).astype(np.float32)


def _window(header: dict[str, Any]) -> tuple[int, int, int, int]:
    """Width and height of the display window, and the data window's left and top in it, px."""
    (left, top), (right, bottom) = header["displayWindow"]
    (data_left, data_top), _ = header["dataWindow"]
    return int(right - left + 1), int(bottom - top + 1), int(data_left - left), int(data_top - top)


def _placed(picture: Float[np.ndarray, "h w 4"], header: dict[str, Any]) -> Float[np.ndarray, "h2 w2 4"]:
    width, height, left, top = _window(header)
    rows, columns = picture.shape[:2]
    if (columns, rows, left, top) == (width, height, 0, 0):
        return picture
    whole = np.zeros((height, width, 4), np.float32)
    into = whole[max(top, 0) : max(top + rows, 0), max(left, 0) : max(left + columns, 0)]
    first_row, first_column = max(-top, 0), max(-left, 0)
    into[:] = picture[first_row : first_row + into.shape[0], first_column : first_column + into.shape[1]]
    return whole


def _to_bytes(picture: Float[np.ndarray, "h w 4"], *, as_data: bool) -> UInt8[np.ndarray, "h w 4"]:
    alpha = np.clip(np.nan_to_num(picture[..., 3:]), 0, 1)
    colours = picture[..., :3]
    if not as_data:
        colours = srgb_from_linear(np.where(alpha > 0, colours / np.where(alpha > 0, alpha, 1), colours))
    values = np.concatenate([np.nan_to_num(colours), alpha], axis=-1)
    as_bytes: np.ndarray = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return as_bytes
