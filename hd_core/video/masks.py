"""Mattes that the user brings along: a video, folder, pattern or picture as soft masks of a clip's frames."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from hd_core.errors import InputError
from hd_core.types import Clip, Frame
from hd_core.video.images import read_images
from hd_core.video.read import check_range, open_native, read_frames
from hd_core.video.source import image_files

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of ITU-R BT.709."""


def read_masks(path: Path, clip: Clip, frames: range) -> Iterator[Float[np.ndarray, "h w"]]:
    """Stream the masks of a clip's frames, 0..1, at its size.

    Mask i belongs to source frame i; a single picture serves every frame. A mask is the alpha channel if the
    source has one (in the sense of `open_clip`), else the brightness. EXR masks are taken as they are, without a
    transfer curve.

    Args:
        path: Video file, picture, folder or pattern.
        clip: The clip they mask.
        frames: Source indices, half-open, positive step.

    Yields:
        Single precision.

    Raises:
        InputError: Nothing there, too few masks, or another shape than the frames (aspect off by over 1 %).
        UsageError: The range leaves the clip.
    """
    check_range(frames, clip)
    masks, files = open_native(path), image_files(path)
    is_still = files == (path,)
    _check(masks, clip, frames, is_still=is_still)
    wanted = range(1) if is_still and frames else frames
    stream = read_images(masks, files, wanted, as_data=True) if files else read_frames(masks, wanted)
    mattes = (_matte(frame, clip) for frame in stream)
    return (matte.copy() for matte in mattes for _ in frames) if is_still else mattes


def _matte(frame: Frame, clip: Clip) -> Float[np.ndarray, "h w"]:
    matte = frame.rgb @ _LUMA if frame.alpha is None else frame.alpha.astype(np.float32)
    if matte.shape != (clip.height, clip.width):
        # Image.BILINEAR averages over the covered area when it shrinks, and never leaves the range.
        resized = Image.fromarray(matte).resize((clip.width, clip.height), Image.Resampling.BILINEAR)
        matte = np.asarray(resized)
    unit: np.ndarray = np.clip(matte / np.float32(255), 0, 1)
    return unit


def _check(masks: Clip, clip: Clip, frames: range, *, is_still: bool) -> None:
    if frames and not is_still and frames[-1] >= masks.num_frames:
        raise InputError(
            f"{masks.path} holds {masks.num_frames} masks, but frames up to {frames[-1]} of the clip's "
            f"{clip.num_frames} are wanted.",
            "Give one mask per frame of the clip, or a single picture for all.",
        )
    if not (_is_alike(masks, clip) or _is_alike(masks, open_native(clip.path))):
        raise InputError(
            f"{masks.path} is {masks.width} x {masks.height} px, but the clip's frames are "
            f"{clip.width} x {clip.height} px.",
            "Masks must have the size of the frames or the same shape, within 1 %.",
        )


def _is_alike(masks: Clip, clip: Clip) -> bool:
    return abs(masks.width * clip.height / (masks.height * clip.width) - 1) <= 0.01
