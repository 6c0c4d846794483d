"""Video files of every container that FFmpeg reads: what they hold, and their frames, each under its exact index."""

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from hd_core.errors import InputError
from hd_core.types import Clip, Frame
from hd_core.video.damage import unreadable
from hd_core.video.packets import PacketIndex, opened, scan
from hd_core.video.pixels import Orientation, has_alpha, orientation_of, to_bytes

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""WebM keeps alpha as a second stream inside each packet, which only these decoders look at."""


def open_video(path: Path, fps: Fraction | None = None) -> Clip:
    """Describe a video file at its native size, turned for display, with square pixels.

    Args:
        path: The file.
        fps: Frame rate if the container has none.

    Raises:
        InputError: Not a video, or its first frame does not decode; the message says what was found.
    """
    index = scan(path, fps)
    with opened(path) as (container, stream), closing(_pictures(container, stream)) as pictures:
        picture = next(pictures, None)
        if picture is None:
            raise unreadable(path)
        aspect = stream.sample_aspect_ratio or Fraction(1)
    orientation = orientation_of(picture)
    width, height = max(1, round(picture.width * aspect)), picture.height
    return Clip(
        path=path,
        num_frames=index.num_frames,
        width=height if orientation.swaps_axes else width,
        height=width if orientation.swaps_axes else height,
        fps=index.rate,
        rotation=orientation.rotation,
        has_alpha=has_alpha(picture) and not _is_opaque(picture),
        variable_rate=index.is_variable,
    )


def read_video(clip: Clip, frames: range) -> Iterator[Frame]:
    """Stream frames of a video file at the clip's size, one in memory at a time.

    Args:
        clip: As opened.
        frames: Source indices, increasing.

    Raises:
        InputError: The file breaks; every wanted frame before the break has been delivered.
    """
    index = scan(clip.path, clip.fps)
    orientation, reformatter = None, VideoReformatter()
    for position, picture in _counted(clip.path, index, frames.start, frames[-1]):
        orientation = orientation or orientation_of(picture)
        if position in frames:
            image = to_bytes(
                picture,
                width=clip.width,
                height=clip.height,
                orientation=orientation,
                with_alpha=clip.has_alpha,
                reformatter=reformatter,
            )
            yield Frame(
                rgb=image[..., :3].copy() if clip.has_alpha else image,
                index=position,
                time_seconds=float(index.seconds[position]),
                alpha=image[..., 3].copy() if clip.has_alpha else None,
            )


def _counted(path: Path, index: PacketIndex, first: int, last: int) -> Iterator[tuple[int, VideoFrame]]:
    """Pictures under their indices without a gap, from a key picture at or before `first` up to `last`.

    Raises:
        InputError: A picture is missing or damaged.
    """
    due = 0
    for anchor in index.anchors(min(first, index.num_good - 1)):
        with closing(_placed(path, index, anchor)) as placed:
            due, picture = next(placed, (first + 1, None))
            if due > (first if anchor is not None else 0):  # the seek led too far
                due = 0
                continue
            while picture is not None and not picture.is_corrupt:
                yield due, picture
                if due == last:
                    return
                due += 1
                position, picture = next(placed, (due, None))
                if position != due:
                    break
        break
    raise _broken(path, due, index.num_frames)


def _placed(path: Path, index: PacketIndex, anchor: int | None) -> Generator[tuple[int, VideoFrame], None, None]:
    """Pictures from a point in the file on, each with its index: by its time stamp, or by counting."""
    with opened(path) as (container, stream), closing(_pictures(container, stream)) as pictures:
        if index.stamps is None:
            yield from enumerate(pictures)
            return
        if anchor is not None:
            container.seek(anchor, stream=stream)
        index_of = {stamp: position for position, stamp in enumerate(index.stamps)}
        for picture in pictures:
            # A stamp outside the table is of a picture that is not for display, or lies past the break.
            if picture.pts in index_of:
                yield index_of[picture.pts], picture


def _pictures(container: InputContainer, stream: VideoStream) -> Generator[VideoFrame, None, None]:
    """Decode in display order from the first key picture on; at damage, give what was decoded before it and end."""
    decoder = _decoder(stream)
    has_begun = False
    try:
        for packet in container.demux(stream):
            has_begun = has_begun or packet.is_keyframe
            if has_begun:
                yield from decoder.decode(packet)
    except av.FFmpegError:
        with suppress(av.FFmpegError):
            yield from decoder.decode(None)


def _decoder(stream: VideoStream) -> VideoCodecContext:
    own = stream.codec_context
    name = _ALPHA_DECODERS.get(own.name, "")
    if stream.metadata.get("alpha_mode") == "1" and name in av.codecs_available:
        decoder = CodecContext.create(name, "r")
        if isinstance(decoder, VideoCodecContext):
            decoder.extradata = own.extradata
            return decoder
    # With frame threads damage shows late, after pictures that were predicted from it have come out.
    own.thread_type = "SLICE"
    return own


def _is_opaque(picture: VideoFrame) -> bool:
    image = to_bytes(
        picture,
        width=picture.width,
        height=picture.height,
        orientation=Orientation(),
        with_alpha=True,
        reformatter=VideoReformatter(),
    )
    return bool((image[..., 3] == 255).all())


def _broken(path: Path, position: int, num_frames: int) -> InputError:
    found = f"{path} is broken: frame {position} of {num_frames} is missing or damaged."
    if position == 0:
        return InputError(found, "Copy, download or record it again.")
    return InputError(found, f"Use the frames before it with --frames 0:{position}, or copy the file again.")
