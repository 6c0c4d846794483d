"""Points of the body that a frame's map of the body shows, as the fit takes them: some hundred, from all parts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from hd_core.geometry.camera import rays_through
from hd_core.predict.planes import NUM_PARTS, crop_extent
from hd_core.synth.atlas.anny24 import from_bytes, load_atlas
from hd_core.types import Camera

COUNT = 700
"""Points of a frame."""
LEAST_PIXELS = 200
"""A frame whose map shows less of the body is not fitted."""


class Spots(NamedTuple):
    """Points of the body in `f` frames.

    `corners` and `shares`: the vertices of the triangle that each lies in, and their weights. `place`: x / z and
    y / z of the pixel's ray. `relief`: as predicted, in crop sizes. `part`: 1 to 24. `extent`: see
    `predict.planes.crop_extent`.
    """

    corners: Int32[np.ndarray, "f n 3"]
    shares: Float32[np.ndarray, "f n 3"]
    place: Float32[np.ndarray, "f n 2"]
    relief: Float32[np.ndarray, "f n"]
    part: UInt8[np.ndarray, "f n"]
    extent: Float32[np.ndarray, " f"]


def usable_pixels(iuv: UInt8[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels of the person that the map knows."""
    return mask & (iuv[..., 0] > 0)


def draw_spots(
    maps: Sequence[UInt8[np.ndarray, "h w 3"]],
    reliefs: Sequence[Float[np.ndarray, "h w"]],
    masks: Sequence[Bool[np.ndarray, "h w"]],
    cameras: Sequence[Camera],
    rng: np.random.Generator,
) -> Spots:
    """Draw `COUNT` pixels of each frame, of small parts more than their share.

    Args:
        maps: Part, u and v in the charts of `anny24`; each shows the body somewhere on its mask.
        reliefs: Predicted.
        masks: The person.
        cameras: Of the pictures.
        rng: Source of all choices.
    """
    rows = [_one(*frame, rng) for frame in zip(maps, reliefs, masks, cameras, strict=True)]
    corners, shares, place, relief, part = (np.stack(column) for column in zip(*rows, strict=True))
    extent = np.array([crop_extent(camera) for camera in cameras], np.float32)
    return Spots(corners, shares, place, relief, part, extent)


def _one(
    iuv: np.ndarray, relief: np.ndarray, mask: np.ndarray, camera: Camera, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    pixels = np.argwhere(usable_pixels(iuv, mask))
    parts = iuv[pixels[:, 0], pixels[:, 1], 0]
    likely = 1 / np.sqrt(np.bincount(parts, minlength=NUM_PARTS)[parts])
    rows, columns = pixels[rng.choice(len(pixels), COUNT, p=likely / likely.sum())].T
    seen, atlas = iuv[rows, columns], load_atlas()
    part, u, v = from_bytes(seen)
    face, shares = atlas.decode(part.astype(np.int64), u, v)
    rays = rays_through(camera, columns + 0.5, rows + 0.5)
    return (
        atlas.faces[face],
        shares.astype(np.float32),
        rays[:, :2].astype(np.float32),
        relief[rows, columns].astype(np.float32),
        part,
    )
