"""Passes of one frame and one person as a multi-channel OpenEXR picture, for compositing.

The picture is the person's crop. Channels:

    Z               float   depth along +z, metres; `BACKGROUND_Z` off the person, as from Blender's renderer
    N.X N.Y N.Z     half    unit normals, camera axes (x right, y down, z away); zero off the person
    A               half    soft matte
    confidence      half    0..1
    R G B           half    linear light, premultiplied by A; only on request
    uv.U uv.V       float   place in the chart of a part of the body, 0..1; only where it was looked for
    uv.part         half    that part, 1..24; 0 where no body was found
    uv.confidence   half    0..1

The header says what a reader needs to lift Z to points again: K of the crop, where the crop lies, sizes, units; and
whose charts U and V lie in: `iuv_convention`.
Half floats are fine for normals (0.02 degrees) and too coarse for depth (2 mm at 3 m).
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from jaxtyping import Float, UInt8

from hd_core import __version__
from hd_core.atomic import write_bytes
from hd_core.colour import linear_from_srgb
from hd_core.errors import InputError
from hd_core.types import SurfaceMaps, View

BACKGROUND_Z = np.float32(1e10)
"""Farther than everything, so that a depth composite puts the person in front."""
CHARTS = "iuv_convention"

Planes = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Correspondence:
    """Which point of the body each pixel shows; zero where it shows none.

    Args:
        u: Place in the chart of the part, 0..1.
        v: The other coordinate.
        part: 1..24.
        confidence: 0..1.
        convention: Whose charts.
    """

    u: Float[np.ndarray, "h w"]
    v: Float[np.ndarray, "h w"]
    part: UInt8[np.ndarray, "h w"]
    confidence: Float[np.ndarray, "h w"]
    convention: str


def write_passes(
    path: Path,
    surface: SurfaceMaps,
    view: View,
    *,
    beauty: bool = False,
    correspondence: Correspondence | None = None,
) -> None:
    """Write one frame's passes; the same input gives the same bytes.

    Args:
        path: The `.exr` file.
        surface: Depth and normals in the crop.
        view: The crop they belong to.
        beauty: Also the crop's picture, cut out by the matte.
        correspondence: Which point of the body each pixel shows.

    Raises:
        InputError: The maps are not of the view's crop, or the file cannot be written.
    """
    shape = view.crop.camera.shape
    if surface.camera.shape != shape or not np.allclose(surface.camera.intrinsics, view.crop.camera.intrinsics):
        raise InputError(
            f"Found maps of {surface.camera.shape} px for a crop of {shape} px; expected the crop's own camera.",
            "Pass the surface that was made of this view.",
        )
    planes = _surface(surface, view)
    if beauty:
        planes |= _beauty(view)
    if correspondence is not None:
        planes |= _correspondence(correspondence, shape)
    header = _header(surface, view) | ({} if correspondence is None else {CHARTS: correspondence.convention})
    channels = {name: OpenEXR.Channel(np.ascontiguousarray(plane)) for name, plane in planes.items()}
    buffer = BytesIO()  # so that a full disk is our own write's error
    with OpenEXR.File(header, channels) as file:
        file.write(buffer)
    write_bytes(path, buffer.getvalue())


def read_passes(path: Path) -> dict[str, Any]:
    """Every channel by its name, as stored, and the attributes that `write_passes` gave the header.

    Raises:
        InputError: The file is missing or no EXR picture.
    """
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            planes: dict[str, Any] = {name: channel.pixels for name, channel in file.channels().items()}
            ours = {k: value for k, value in file.header().items() if k.startswith("hd") or k == CHARTS}
            return planes | ours
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path} is missing or no EXR picture.", "Export the passes again.") from error


def _surface(surface: SurfaceMaps, view: View) -> Planes:
    depth = np.where(surface.mask, surface.depth, BACKGROUND_Z).astype(np.float32)
    normal = surface.normal.astype(np.float16)
    half = {
        "N.X": normal[..., 0],
        "N.Y": normal[..., 1],
        "N.Z": normal[..., 2],
        "A": view.alpha,
        "confidence": surface.confidence,
    }
    return {"Z": depth} | {name: plane.astype(np.float16) for name, plane in half.items()}


def _beauty(view: View) -> Planes:
    flat = linear_from_srgb(view.rgb.reshape(-1, 3)).reshape(view.rgb.shape)
    rgb = (flat * view.alpha[..., None]).astype(np.float16)
    return {name: rgb[..., channel] for channel, name in enumerate("RGB")}


def _correspondence(place: Correspondence, shape: tuple[int, int]) -> Planes:
    if place.part.shape != shape:
        raise InputError(f"Found a correspondence of {place.part.shape} px; expected the crop's {shape}.")
    half = {"uv.part": place.part.astype(np.float16), "uv.confidence": place.confidence.astype(np.float16)}
    return {"uv.U": place.u.astype(np.float32), "uv.V": place.v.astype(np.float32)} | half


def _header(surface: SurfaceMaps, view: View) -> dict[str, Any]:
    """Types are those OpenEXR keeps in full: matrices and vectors as doubles, the time as text."""
    crop = view.crop
    return {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "hdIntrinsics": crop.camera.intrinsics.astype(np.float64),
        "hdFullIntrinsics": crop.full.intrinsics.astype(np.float64),
        "hdFullSize": (crop.full.width, crop.full.height),
        "hdCropOrigin": np.array([crop.box.left, crop.box.top]),
        "hdCropSize": np.array([crop.box.width, crop.box.height]),
        "hdPixelCentre": "0.5 0.5",
        "hdNormalSpace": "camera: x right, y down, z away from the camera",
        "hdUnits": "metres",
        "hdGauge": surface.gauge.value,
        "hdBackgroundZ": float(BACKGROUND_Z),
        "hdPersonId": view.person_id,
        "hdFrameIndex": view.frame_index,
        "hdTimeSeconds": repr(float(view.time_seconds)),
        "hdVersion": __version__,
    }
