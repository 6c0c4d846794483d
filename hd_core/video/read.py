"""The front of the package: a path becomes a clip, and a clip becomes a stream of frames.

Everything that FFmpeg opens is a clip, so are a picture, a folder of pictures and a numbered pattern
(`shot.%04d.png`, `shot.####.exr`, `shot.@@@@.png`, `shot.$F4.png`). Frames are streamed and never held.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hd_core.errors import InputError, UsageError
from hd_core.types import Clip, Frame
from hd_core.video.container import open_video, read_video
from hd_core.video.images import open_images, read_images
from hd_core.video.source import image_files

MIN_SIDE = 16
"""Smallest side of a frame in which a person can be looked for, px."""


def open_clip(path: Path, *, max_side: int | None = None, fps: Fraction | None = None) -> Clip:
    """Find out what a path holds, and fix the size at which it will be delivered.

    The number of frames is exact: packets are counted, nothing is decoded but the first frame. Of a file that was
    cut off it is the number that its index announces. An alpha channel that is opaque all over the first frame
    is taken for none.

    Args:
        path: Video file, picture, folder of pictures, or pattern.
        max_side: Frames are made smaller, never larger, so that no side is longer than this, px.
        fps: Frame rate of pictures (24 if not given), and of videos that state none.

    Raises:
        InputError: Nothing there, nothing that decodes, or a side under 16 px; the message says what was found.
        UsageError: `max_side` is under 16 px, or `fps` is not positive.
    """
    if max_side is not None and max_side < MIN_SIDE:
        raise UsageError(f"A longest side of {max_side} px was asked for.", f"The smallest is {MIN_SIDE} px.")
    if fps is not None and fps <= 0:
        raise UsageError(f"A frame rate of {fps} was asked for.", "Give a positive one, for example 24.")
    clip = open_native(path, fps=fps)
    longest = max(clip.width, clip.height)
    scale = Fraction(min(max_side or longest, longest), longest)
    clip = replace(clip, width=max(1, round(clip.width * scale)), height=max(1, round(clip.height * scale)))
    if min(clip.width, clip.height) < MIN_SIDE:
        raise InputError(
            f"The frames of {path} are {clip.width} x {clip.height} px; each side must have {MIN_SIDE} or more.",
            "Give a larger picture." if scale == 1 else "Allow a larger side.",
        )
    return clip


def open_native(path: Path, *, fps: Fraction | None = None) -> Clip:
    """Like `open_clip`, at the size the source has when it is displayed, whatever that is.

    Raises:
        InputError: Nothing there, or nothing that decodes.
    """
    files = image_files(path)
    return open_images(path, files, fps) if files else open_video(path, fps)


def read_frames(clip: Clip, frames: range) -> Iterator[Frame]:
    """Stream frames, in order, at the clip's size.

    Frame i is the i-th in the order of display, also after a seek. Times come from the container and begin with
    0 at the first frame of the source; where they repeat or are missing see `timeline.seconds_of`. Pictures
    of a sequence are `1 / fps` apart. Damage is found as far as the codec notices it: most codecs have no checksums.

    Args:
        clip: From `open_clip`.
        frames: Source indices, half-open, positive step.

    Raises:
        UsageError: The range leaves the clip or does not increase.
        InputError: The source breaks; every wanted frame before the break has been delivered.
    """
    check_range(frames, clip)
    if not frames:
        return iter(())
    files = image_files(clip.path)
    return read_images(clip, files, frames) if files else read_video(clip, frames)


def check_range(frames: range, clip: Clip) -> None:
    """Refuse frames that a clip does not have.

    Raises:
        UsageError: The range leaves the clip or does not increase.
    """
    if frames.step < 1 or (frames and (frames.start < 0 or frames[-1] >= clip.num_frames)):
        raise UsageError(
            f"Frames {frames.start}:{frames.stop}:{frames.step} are not in {clip.path}.",
            f"It has frames 0:{clip.num_frames}; steps are 1 or more.",
        )
