"""Taking people away: pictures without those who are known, so that the networks see who is beside them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb
from hd_core.person.pose import INPUT_SIZE, PoseReading
from hd_core.types import Crop

RIM_PX = 6
"""What is taken away reaches so far beyond the mask, px of the network's square: hands and hems lie there."""
BLUR_PX = 12.0
"""Width of the blur that fills the gap from its surroundings, px of the square."""


def mask_in(reading: PoseReading, crop: Crop) -> Float[np.ndarray, "h w"]:
    """A person's mask in the pixels of another crop of the same frame."""
    return cut_plane(reading.mask, crop_between(reading.crop.camera, crop.camera))


def shared_mask(a: PoseReading, b: PoseReading) -> float:
    """What two masks have in common, as a share of the smaller one; 0..1."""
    mine, theirs = a.mask > 0.5, mask_in(b, a.crop) > 0.5
    scale = (a.crop.box.width / b.crop.box.width) ** 2
    smaller = min(float(mine.sum()), float((b.mask > 0.5).sum()) / scale)
    return float((mine & theirs).sum() / max(smaller, 1.0))


def taken_away(rgb: UInt8[np.ndarray, "h w 3"], people: Sequence[PoseReading]) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with these people painted over in the colours around them."""
    if not people:
        return rgb
    picture = Image.fromarray(rgb)
    for reading in people:
        box = reading.crop.box
        size = (max(round(box.width), 1), max(round(box.height), 1))
        gap = ndimage.binary_dilation(reading.mask > 0.3, iterations=RIM_PX)
        fill = Image.fromarray(_filled(cut_rgb(np.asarray(picture), reading.crop), gap)).resize(size)
        stencil = Image.fromarray((gap * np.uint8(255)).astype(np.uint8)).resize(size)
        picture.paste(fill, (round(box.left), round(box.top)), stencil)
    return np.asarray(picture)


def _filled(rgb: UInt8[np.ndarray, "n n 3"], gap: Bool[np.ndarray, "n n"]) -> UInt8[np.ndarray, "n n 3"]:
    """The square with a gap filled from around it: near its rim by what is there, deep inside by the mean."""
    known = (~gap).astype(np.float32)
    weight = ndimage.gaussian_filter(known, BLUR_PX) + 1e-4
    mean = (rgb * known[..., None]).sum(axis=(0, 1)) / max(float(known.sum()), 1.0)
    blurred = ndimage.gaussian_filter(rgb * known[..., None], (BLUR_PX, BLUR_PX, 0))
    fill = (blurred + 1e-4 * mean) / weight[..., None]
    return np.where(gap[..., None], fill, rgb).clip(0, 255).astype(np.uint8)


def frame_mask(reading: PoseReading, shape: tuple[int, int], *, grow: float = 0.0) -> Bool[np.ndarray, "h w"]:
    """Where a person is in a plane that covers the whole frame with `shape` pixels.

    Args:
        reading: The person.
        shape: Rows and columns of the plane.
        grow: Widen the mask by this share of the side of the network's square.
    """
    rows, columns = shape
    box, full = reading.crop.box, reading.crop.full
    x = ((np.arange(columns) + 0.5) * full.width / columns - box.left) * INPUT_SIZE / box.width
    y = ((np.arange(rows) + 0.5) * full.height / rows - box.top) * INPUT_SIZE / box.height
    mask = reading.mask > 0.5
    if grow > 0:
        mask = ndimage.binary_dilation(mask, iterations=max(1, round(grow * INPUT_SIZE)))
    inside = ((y >= 0) & (y < INPUT_SIZE))[:, None] & ((x >= 0) & (x < INPUT_SIZE))[None]
    at = np.ix_(y.astype(int).clip(0, INPUT_SIZE - 1), x.astype(int).clip(0, INPUT_SIZE - 1))
    there: np.ndarray = mask[at] & inside
    return there
