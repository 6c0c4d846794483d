"""Pictures on disk as frames: single ones, folders and numbered sequences.

PNG, JPEG and the like are sRGB-coded (an embedded colour profile is not applied); sixteen bits are rounded to
eight; OpenEXR is scene-linear (`exr.py`). Cameras' orientation tags are obeyed.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from hd_core.errors import InputError
from hd_core.types import Clip, Frame
from hd_core.video.damage import unreadable
from hd_core.video.exr import exr_size, read_exr
from hd_core.video.pixels import Orientation, to_deep
from hd_core.video.timeline import DEFAULT_RATE

_ORIENTATION_TAG = 0x0112
_ORIENTATIONS = {
    2: Orientation(flips_x=True),
    3: Orientation(flips_x=True, flips_y=True, rotation=180),
    4: Orientation(flips_y=True, rotation=180),
    5: Orientation(swaps_axes=True, rotation=90),
    6: Orientation(swaps_axes=True, flips_x=True, rotation=90),
    7: Orientation(swaps_axes=True, flips_x=True, flips_y=True, rotation=270),
    8: Orientation(swaps_axes=True, flips_y=True, rotation=270),
}
"""By EXIF orientation (CIPA DC-008); the rotation is the turn besides the mirroring."""
_BITS_TAG = 258


def open_images(path: Path, files: tuple[Path, ...], fps: Fraction | None = None) -> Clip:
    """Describe a sequence at its native size; every file's header is read, the first one's pixels too.

    Args:
        path: What the user named: picture, folder or pattern.
        files: Its pictures in order.
        fps: Frames per second; 24 if not given.

    Raises:
        InputError: A file is no picture, or the sizes differ.
    """
    headers = [_header(file) for file in files]
    for file, header in zip(files, headers, strict=True):
        if header.size != headers[0].size:
            raise InputError(
                f"{file.name} is {_times(header.size)} px, but {files[0].name} is {_times(headers[0].size)} px.",
                "All pictures of a sequence must have one size; name the ones you mean with a pattern.",
            )
    width, height = headers[0].size
    return Clip(
        path=path,
        num_frames=len(files),
        width=width,
        height=height,
        fps=fps or DEFAULT_RATE,
        rotation=headers[0].rotation,
        has_alpha=bool((read_image(files[0])[..., 3] < 255).any()),
    )


def read_images(clip: Clip, files: tuple[Path, ...], frames: range, *, as_data: bool = False) -> Iterator[Frame]:
    """Stream pictures at the clip's size.

    Args:
        clip: As opened.
        files: Its pictures in order.
        frames: Source indices.
        as_data: Pictures are mattes, see `read_exr`.

    Raises:
        InputError: A file is damaged; every wanted frame before it has been delivered.
    """
    for position in frames:
        try:
            image = read_image(files[position], as_data=as_data)
        except InputError as error:
            hint = f"Use the frames before it with --frames 0:{position}, or mend it." if position else error.hint
            raise InputError(f"Frame {position} is broken: {error.message}", hint) from error
        image = _fitted(image, clip.width, clip.height)
        yield Frame(
            rgb=image[..., :3].copy(),
            index=position,
            time_seconds=float(position / clip.fps),
            alpha=image[..., 3].copy() if clip.has_alpha else None,
        )


def read_image(path: Path, *, as_data: bool = False) -> UInt8[np.ndarray, "h w 4"]:
    """One picture as sRGB bytes and straight alpha, 255 where it has none, the right way up.

    Raises:
        InputError: The file is no picture, is damaged, or is of a kind that has no bytes (32-bit float TIFF).
    """
    if path.suffix.lower() == ".exr":
        return read_exr(path, as_data=as_data)
    try:
        with Image.open(path) as image:
            if image.mode == "F":
                raise InputError(f"{path} holds 32-bit floats without a stated range.", "Write it as EXR or PNG.")
            orientation = _orientation(image)
            if _is_deep(path, image):
                return orientation.apply(_read_deep(path))
            # Pillow sets TIFF upright by itself.
            turn = Orientation() if image.format == "TIFF" else orientation
            return turn.apply(np.asarray(image.convert("RGBA")))
    except UnidentifiedImageError:
        return _read_deep(path)  # kinds that only FFmpeg knows, such as colour TIFF of 16 bits
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _no_picture(path, error) from error


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]
    rotation: int


def _header(path: Path) -> _Header:
    if path.suffix.lower() == ".exr":
        return _Header(exr_size(path), 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # big pictures are welcome
            image = Image.open(path)
        with image:
            if getattr(image, "is_animated", False) and image.format != "TIFF":
                raise InputError(f"{path} is an animation.", "Convert it to a video or a folder of PNG.")
            orientation, (width, height) = _orientation(image), image.size
            if orientation.swaps_axes and image.format != "TIFF":
                width, height = height, width
    except UnidentifiedImageError:
        height, width = _read_deep(path).shape[:2]
        return _Header((width, height), 0)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _no_picture(path, error) from error
    return _Header((width, height), orientation.rotation)


def _orientation(image: Image.Image) -> Orientation:
    """The tag's. PNG may hide one behind its pixels; looking there would decode them all, so that is not done."""
    if image.format == "PNG" and "exif" not in image.info:
        return Orientation()
    return _ORIENTATIONS.get(image.getexif().get(_ORIENTATION_TAG, 1), Orientation())


def _is_deep(path: Path, image: Image.Image) -> bool:
    """Whether there are more than eight bits a channel, of which Pillow would keep the upper eight at best."""
    if image.format == "TIFF":
        return bool(np.max(image.getexif().get(_BITS_TAG, 1)) > 8)  # one number, or one a channel
    if image.format == "PNG":
        with path.open("rb") as stream:
            return stream.read(25)[24] == 16  # the bit depth in the header chunk
    return image.mode.startswith("I")


def _read_deep(path: Path) -> UInt8[np.ndarray, "h w 4"]:
    """Decode with FFmpeg, which keeps sixteen bits, and round them to eight."""
    try:
        with av.open(str(path.resolve()), options={"protocol_whitelist": "file"}) as container:
            if container.format.name == "tty" or not container.streams.video:
                raise unreadable(path)
            values = to_deep(next(container.decode(video=0)))
    except (av.FFmpegError, StopIteration) as error:
        raise unreadable(path) from error
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _fitted(image: UInt8[np.ndarray, "h w 4"], width: int, height: int) -> UInt8[np.ndarray, "h2 w2 4"]:
    """Area average, like that of videos; colours and alpha each by themselves."""
    if image.shape[:2] == (height, width):
        return image
    size = (width, height)
    colours = Image.fromarray(image[..., :3]).resize(size, Image.Resampling.BOX)
    alpha = Image.fromarray(image[..., 3]).resize(size, Image.Resampling.BOX)
    return np.dstack([np.asarray(colours), np.asarray(alpha)])


def _no_picture(path: Path, error: Exception) -> InputError:
    if path.stat().st_size == 0:
        return unreadable(path)
    return InputError(f"{path} cannot be read as a picture ({error}).", "Write or copy it again.")


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
