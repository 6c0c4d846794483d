"""A view as the planes that the network reads, and its relief as the depth that others read; numpy only.

Depth and relief. With S the geometric mean of the crop's sides in px, f that of its focal lengths in px, and z0
the person's median depth, the crop is S / f * z0 wide where the person stands. Relief r is depth beyond the
median in that unit, carried into the logarithm so that it stays positive and free of scale:

    log(z / z0) = (S / f) * r          r ~ (z - z0) / (z0 * S / f) for a body that is thin beside its distance

A figure thus has the same relief whichever lens saw it from wherever, and the lens comes back in through the
crop's true intrinsics. z0 is not seen in a picture: the gauge is `scale`, and predictions have median 1.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32

from hd_core.geometry.camera import pixel_rays
from hd_core.types import Camera, View

PICTURE_PLANES = ("red", "green", "blue", "alpha", "ray_x", "ray_y")
"""Colours -1..1 and rays (x / z and y / z), zero off the mask; the soft matte, 0..1."""
BODY_PLANES = ("normal_x", "normal_y", "normal_z", "relief", "part", "u", "v", "known")
"""The body, zero off the mask and where it is not: normals and relief under the clothes, part 0..24, its chart 0..1.

`known` is the same on the whole mask: 0 for nothing, `KNOWN_PARTS` for part and chart, 1 for normals and relief, too.
"""
KNOWN_PARTS = 0.5
NUM_PARTS = 25
"""Body parts 1..24, and 0 for none."""
_RELIEF, _PART, _KNOWN = (BODY_PLANES.index(name) for name in ("relief", "part", "known"))
_LOG_LIMIT = np.log(20.0)


def picture_planes(view: View) -> Float[np.ndarray, "p h w"]:
    """The planes `PICTURE_PLANES` of a view."""
    colours = np.moveaxis(view.rgb.astype(np.float32) / 127.5 - 1, -1, 0)
    rays = np.moveaxis(pixel_rays(view.crop.camera)[..., :2].astype(np.float32), -1, 0)
    alpha = view.alpha.astype(np.float32)
    mask = (alpha > 0.5).astype(np.float32)
    return np.concatenate([colours * mask, alpha[None], rays * mask])


def body_planes(view: View) -> Float32[np.ndarray, "q h w"]:
    """The planes `BODY_PLANES` of a view; zeros where nothing is known of the body."""
    planes = np.zeros((len(BODY_PLANES), *view.alpha.shape), np.float32)
    body, mask = view.body, view.mask
    if body is None:
        return planes
    iuv = np.moveaxis(body.iuv, -1, 0)
    np.multiply(iuv, mask & (iuv[0] > 0), out=planes[_PART : _PART + 3], casting="unsafe")
    planes[_PART + 1 : _PART + 3] /= 255
    planes[_KNOWN][mask] = KNOWN_PARTS
    if body.depth is not None and body.normal is not None:
        on = mask & np.isfinite(body.depth)
        planes[:3] = np.moveaxis(body.normal, -1, 0) * on
        planes[_RELIEF] = relief_from_depth(body.depth, on, extent=crop_extent(view.crop.camera))
        planes[_KNOWN][mask] = 1
    return planes


def crop_extent(camera: Camera) -> float:
    """S / f: the crop's size at unit distance."""
    size = camera.width * camera.height
    return float(np.sqrt(size / (camera.intrinsics[0, 0] * camera.intrinsics[1, 1])))


def depth_from_relief(
    relief: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], *, extent: float
) -> Float[np.ndarray, "h w"]:
    """Depth of median 1 on the mask, NaN off it; kept within a twentieth and twenty times the median."""
    if not mask.any():
        return np.full(mask.shape, np.nan, np.float32)
    logarithm = extent * (relief - np.median(relief[mask]))
    depth = np.exp(np.clip(logarithm, -_LOG_LIMIT, _LOG_LIMIT))
    return np.where(mask, depth, np.nan).astype(np.float32)


def relief_from_depth(
    depth: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], *, extent: float
) -> Float[np.ndarray, "h w"]:
    """The relief of which this is the depth, in any scale; median 0 on the mask, 0 off it."""
    relief = np.zeros(mask.shape, np.float32)
    if mask.any():
        relief[mask] = np.log(depth[mask] / np.median(depth[mask])) / extent
    return relief
