"""Preview videos: H.264 in mp4, as every player and browser takes it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream
from jaxtyping import UInt8

from hd_core.atomic import atomic_path
from hd_core.errors import InputError, OutputError

_CONVERSION = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT


def write_video(
    path: Path,
    frames: Iterable[UInt8[np.ndarray, "h w 3"]],
    *,
    fps: Fraction,
    rotation: int = 0,
    crf: int = 20,
) -> None:
    """Write frames as a video; the file is whole or not there.

    Pixels are 4:2:0 in BT.709, limited range, and tagged so. Sides that are odd get one more row or column, a
    copy of the last, since 4:2:0 knows even sizes only.

    Args:
        path: An mp4 file.
        frames: sRGB bytes, all of one size; taken one at a time.
        fps: Frames per second.
        rotation: Clockwise turn in degrees that players shall apply: 0, 90, 180 or 270.
        crf: Constant rate factor of x264, 0 (lossless) to 51.

    Raises:
        InputError: No frames, or frames of several sizes.
        OutputError: The file cannot be written, or the encoder refuses the options.
    """
    with atomic_path(path) as aside, _refusals(path), av.open(str(aside), "w", format="mp4") as container:
        stream = None
        shape: tuple[int, ...] = ()
        for number, rgb in enumerate(frames):
            if stream is None:
                shape = rgb.shape
                stream = _stream(container, shape, fps=fps, rotation=rotation, crf=crf)
            if rgb.shape != shape:
                raise InputError(f"Frame {number} of {path} is {rgb.shape}, but the first is {shape}.")
            container.mux(stream.encode(_picture(rgb, number, 1 / fps)))
        if stream is None:
            raise InputError(f"There are no frames to write to {path}.", "Choose at least one frame.")
        container.mux(stream.encode(None))


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except av.FFmpegError as error:
        if isinstance(error, OSError):  # of the file system; the caller knows what to say
            raise
        raise OutputError(f"{path} cannot be encoded ({error.strerror}).", "Try other options.") from error


def _stream(
    container: OutputContainer, shape: tuple[int, ...], *, fps: Fraction, rotation: int, crf: int
) -> VideoStream:
    stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf)})
    stream.height, stream.width = (side + side % 2 for side in shape[:2])
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.colorspace, codec.color_range = int(Colorspace.ITU709), int(ColorRange.MPEG)
    codec.color_primaries, codec.color_trc = int(ColorPrimaries.BT709), int(ColorTrc.BT709)
    if rotation % 360:
        stream.set_display_rotation(-rotation)  # counter-clockwise there
    return stream


def _picture(rgb: UInt8[np.ndarray, "h w 3"], number: int, time_base: Fraction) -> VideoFrame:
    height, width = rgb.shape[:2]
    even = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    picture = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=_CONVERSION,
    )
    picture.pts, picture.time_base = number, time_base
    return picture
