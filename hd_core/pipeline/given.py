"""The frames of a clip, each with the matte that came along with it, if one did."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from hd_core.errors import UsageError
from hd_core.geometry.crop import crop_between, cut_plane
from hd_core.pipeline.options import PersonOptions
from hd_core.pipeline.source import resized_camera
from hd_core.pipeline.whom import LARGEST
from hd_core.types import Camera, Clip, Frame
from hd_core.video.masks import read_masks
from hd_core.video.read import read_frames


@runtime_checkable
class MatteSource(Protocol):
    """A predictor that brings the person's matte along (a folder of maps)."""

    has_matte: bool

    def matte(self, frame_index: int) -> tuple[np.ndarray, Camera | None] | None:
        """Soft matte and the camera of its pixels (None: they cover the frame); None where there is none."""


def matte_source(predictor: object) -> MatteSource | None:
    """The predictor, if it brings mattes along."""
    return predictor if isinstance(predictor, MatteSource) and predictor.has_matte else None


class Pictures:
    """Frames and the mattes that were given for them.

    Args:
        clip: The source.
        camera: Camera of the full frame.
        options: May name a mask.
        source: Has mattes beside the clip, if any does.

    Raises:
        UsageError: The crop's size cannot be, or people are to be looked for although a matte says who the person is.
    """

    def __init__(self, clip: Clip, camera: Camera, options: PersonOptions, source: MatteSource | None) -> None:
        if options.size < 64 or options.size % 32:
            raise UsageError(f"--size {options.size} is no crop size.", "Give a multiple of 32 from 64 up.")
        self.clip, self.camera, self._mask = clip, camera, options.mask
        self._source = source
        origin = self._origin()
        self.have_mattes = bool(origin)
        if origin and options.person != LARGEST:
            raise UsageError(
                f"--person {options.person} has people looked for, but a matte is given: {origin}. "
                "One matte has one person.",
                "Leave out --person, or give a clip and a predictor without mattes.",
            )

    def read(self, frames: range) -> Iterator[tuple[Frame, Float[np.ndarray, "h w"] | None]]:
        """Frames in order, with their mattes.

        Raises:
            InputError: The clip or a matte cannot be read.
        """
        pictures = read_frames(self.clip, frames)
        if self._mask is not None:
            yield from zip(pictures, read_masks(self._mask, self.clip, frames), strict=True)
            return
        for frame in pictures:
            if frame.alpha is not None:
                yield frame, frame.alpha.astype(np.float32) / 255
            elif self._source is not None:
                yield frame, self._matte_of(self._source, frame)
            else:
                yield frame, None

    def _origin(self) -> str:
        """Where mattes come from, in words; empty if there are none."""
        if self._mask is not None:
            return "--mask"
        if self.clip.has_alpha:
            return "the source's alpha channel"
        return "that of the maps" if self._source is not None else ""

    def _matte_of(self, source: MatteSource, frame: Frame) -> Float[np.ndarray, "h w"]:
        found = source.matte(frame.index)
        if found is None:
            return np.zeros(frame.rgb.shape[:2], np.float32)
        alpha, camera = found
        if camera is None:
            height, width = alpha.shape
            camera = resized_camera(self.camera, width, height)
        return cut_plane(alpha, crop_between(camera, self.camera))
