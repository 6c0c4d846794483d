"""From a decoded picture to sRGB bytes: the right colour matrix, range, transfer, size and way up.

Video code values (ITU-R BT.601, BT.709, BT.2020) are taken as sRGB-coded, as players show them; HDR pictures
(PQ or HLG, ITU-R BT.2100) are converted, with diffuse white at 203 cd/m2 (BT.2408) and what is brighter clipped.
"""

from dataclasses import dataclass
from math import atan2, cos, degrees, radians, sin
from typing import Any

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from jaxtyping import UInt, UInt8, UInt16

_MATRIX_OF_TAG = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""By the matrix coefficients of ITU-T H.273."""
_UNTAGGED = 2
_HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
_SCALING = (
    Interpolation.AREA
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
)
"""Area averages, which neither alias nor overshoot, and the same bytes on every processor."""


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """How stored pictures are turned and mirrored for display.

    Args:
        swaps_axes: Rows become columns; done first.
        flips_x: Columns are reversed.
        flips_y: Rows are reversed.
        rotation: The clockwise turn in it, degrees.
    """

    swaps_axes: bool = False
    flips_x: bool = False
    flips_y: bool = False
    rotation: int = 0

    def apply(self, image: UInt[np.ndarray, "h w c"]) -> UInt[np.ndarray, "h2 w2 c"]:
        """Turn an image; a copy that owns its memory."""
        turned = image.swapaxes(0, 1) if self.swaps_axes else image
        turned = turned[:: -1 if self.flips_y else 1, :: -1 if self.flips_x else 1]
        return np.ascontiguousarray(turned)


def orientation_of(picture: VideoFrame) -> Orientation:
    """Read the display matrix; angles between are brought to the nearest quarter turn."""
    a, b, c, d = _display_matrix(picture)
    swaps_axes = abs(b) > abs(a)
    return Orientation(
        swaps_axes=swaps_axes,
        flips_x=(c if swaps_axes else a) < 0,
        flips_y=(b if swaps_axes else d) < 0,
        rotation=round(degrees(atan2(b, a)) / 90) * 90 % 360,
    )


def has_alpha(picture: VideoFrame) -> bool:
    """Whether a picture's format has an alpha channel."""
    return any(component.is_alpha for component in picture.format.components)


def to_bytes(
    picture: VideoFrame,
    *,
    width: int,
    height: int,
    orientation: Orientation,
    with_alpha: bool,
    reformatter: VideoReformatter,
) -> UInt8[np.ndarray, "h w c"]:
    """Convert, scale and turn a decoded picture.

    Args:
        picture: As decoded.
        width: Width after turning, px.
        height: Height after turning, px.
        orientation: From the first picture of the file.
        with_alpha: Whether to deliver four channels; straight, not premultiplied.
        reformatter: Keeps the conversion tables from one picture to the next.

    Returns:
        sRGB bytes, with alpha last if wanted.
    """
    stored = (height, width) if orientation.swaps_axes else (width, height)
    converted = reformatter.reformat(
        picture,
        width=stored[0],
        height=stored[1],
        format="rgba" if with_alpha else "rgb24",
        interpolation=_SCALING,
        dst_color_range=ColorRange.JPEG,
        **_colours(picture),
    )
    return orientation.apply(converted.to_ndarray())


def to_deep(picture: VideoFrame) -> UInt16[np.ndarray, "h w 4"]:
    """A decoded picture of any depth as 16-bit RGBA, as it is stored."""
    converted = picture.reformat(format="rgba64le", interpolation=_SCALING, dst_color_range=ColorRange.JPEG)
    values: np.ndarray = converted.to_ndarray()
    return values


def _display_matrix(picture: VideoFrame) -> tuple[float, float, float, float]:
    """a, b, c, d of: display x is a x + c y, display y is b x + d y (ISO/IEC 14496-12, section 6.2.2)."""
    try:
        sides: Any = picture.side_data
    except ValueError:
        # PyAV fails on kinds of side data it has no name for; it still knows the turn, though no mirroring.
        turn = radians(picture.rotation)  # counter-clockwise
        return cos(turn), -sin(turn), sin(turn), cos(turn)
    matrix = next((side for side in sides if side.type == Type.DISPLAYMATRIX), None)
    if matrix is None:
        return 1.0, 0.0, 0.0, 1.0
    a, b, _, c, d = (float(value) for value in np.frombuffer(bytes(matrix), np.int32)[:5])
    return a, b, c, d


def _colours(picture: VideoFrame) -> dict[str, Any]:
    options: dict[str, Any] = {"src_colorspace": _MATRIX_OF_TAG.get(picture.colorspace)}
    if picture.colorspace == _UNTAGGED:
        # What players assume: BT.709 for high definition, BT.601 below.
        is_high = picture.width >= 1280 or picture.height > 576
        options["src_colorspace"] = Colorspace.ITU709 if is_high else Colorspace.ITU601
    if picture.color_trc in _HDR:
        options |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    return options
