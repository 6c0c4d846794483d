"""Rectangles of a frame, resampled: the crop's camera, the pixels in it, and the way back."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from hd_core.errors import InputError
from hd_core.types import Box, Camera, Crop


def make_crop(full: Camera, box: Box, *, width: int, height: int) -> Crop:
    """The crop of `box` resampled to `width` x `height` px, with the camera that sees it."""
    sx, sy = width / box.width, height / box.height
    crop_from_full = np.array([[sx, 0, -sx * box.left], [0, sy, -sy * box.top], [0, 0, 1]])
    camera = Camera(
        width=width,
        height=height,
        intrinsics=crop_from_full @ full.intrinsics,
        cam_from_world=full.cam_from_world,
    )
    return Crop(box=box, full=full, camera=camera)


def whole_frame(full: Camera) -> Crop:
    """The crop that is the frame itself."""
    box = Box(left=0.0, top=0.0, width=float(full.width), height=float(full.height))
    return make_crop(full, box, width=full.width, height=full.height)


def crop_between(source: Camera, target: Camera) -> Crop:
    """The crop that resamples pictures of `source` into the pixels of `target`; both look the same way.

    Raises:
        InputError: Their intrinsics differ by more than scale and shift (one is skewed).
    """
    target_from_source = target.intrinsics @ np.linalg.inv(source.intrinsics)
    if abs(target_from_source[0, 1]) > 1e-6 or abs(target_from_source[1, 0]) > 1e-6:
        raise InputError("Two cameras differ by more than scale and shift.", "Use cameras without skew.")
    sx, sy = target_from_source[0, 0], target_from_source[1, 1]
    box = Box(
        left=-target_from_source[0, 2] / sx,
        top=-target_from_source[1, 2] / sy,
        width=target.width / sx,
        height=target.height / sy,
    )
    return make_crop(source, box, width=target.width, height=target.height)


def cut_rgb(rgb: UInt8[np.ndarray, "h w 3"], crop: Crop) -> UInt8[np.ndarray, "a b 3"]:
    """Resample a picture into the crop, antialiased; beyond the frame its edge pixels are repeated."""
    window, box = _window(rgb, crop, mode="edge")
    size = (crop.camera.width, crop.camera.height)
    return np.asarray(Image.fromarray(window).resize(size, Image.Resampling.BICUBIC, box=box))


def cut_plane(plane: Float[np.ndarray, "h w"], crop: Crop) -> Float[np.ndarray, "a b"]:
    """Resample one channel into the crop, bilinear and antialiased; beyond the frame it is zero."""
    window, box = _window(plane.astype(np.float32), crop, mode="constant")
    size = (crop.camera.width, crop.camera.height)
    return np.asarray(Image.fromarray(window).resize(size, Image.Resampling.BILINEAR, box=box))


def paste_plane(plane: Float[np.ndarray, "a b"], crop: Crop) -> Float[np.ndarray, "h w"]:
    """Resample one channel of the crop back into the full frame, zero outside the crop."""
    full = crop.full
    inverse_box = Box(
        left=-crop.box.left * crop.camera.width / crop.box.width,
        top=-crop.box.top * crop.camera.height / crop.box.height,
        width=full.width * crop.camera.width / crop.box.width,
        height=full.height * crop.camera.height / crop.box.height,
    )
    return cut_plane(plane, make_crop(crop.camera, inverse_box, width=full.width, height=full.height))


def _window(image: np.ndarray, crop: Crop, *, mode: str) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The part of the picture under the crop, padded where the crop leaves it, and the box inside that part."""
    height, width = image.shape[:2]
    box = crop.box
    reach_x, reach_y = _reach(box.width / crop.camera.width), _reach(box.height / crop.camera.height)
    left, top = int(np.floor(box.left)) - reach_x, int(np.floor(box.top)) - reach_y
    right = int(np.ceil(box.left + box.width)) + reach_x
    bottom = int(np.ceil(box.top + box.height)) + reach_y
    inner = image[_span(top, bottom, height), _span(left, right, width)]
    pad_y = _padding(top, bottom, height)
    pad_x = _padding(left, right, width)
    padding = [pad_y, pad_x] + [(0, 0)] * (image.ndim - 2)
    window = np.pad(inner, padding, mode=mode) if any(sum(p) for p in padding) else inner  # type: ignore[call-overload]
    shifted = (
        box.left - left,
        box.top - top,
        box.left - left + box.width,
        box.top - top + box.height,
    )
    return np.ascontiguousarray(window), shifted


def _reach(pixels_per_sample: float) -> int:
    """How far, in px, the resampling filter looks beyond the box."""
    return int(np.ceil(2 * max(pixels_per_sample, 1.0)))


def _span(start: int, stop: int, size: int) -> slice:
    low = min(max(start, 0), size - 1)
    return slice(low, min(max(stop, low + 1), size))


def _padding(start: int, stop: int, size: int) -> tuple[int, int]:
    span = _span(start, stop, size)
    before = max(span.start - start, 0)
    return before, max(stop - start - before - (span.stop - span.start), 0)
