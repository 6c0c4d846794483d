"""Maps from their own pixel grid into a view's, without ever mixing two surfaces.

Values are averaged over the pixels that carry a surface (normalised convolution, Knutsson & Westin, CVPR 1993).
Depth is averaged as 1 / z, which is linear in the picture on a plane, so planes stay exact. Where the pixels
that would be averaged lie on both sides of a jump, the nearest of them is taken alone, continued along its own
tangent plane by less than a pixel: no point hangs between an arm and the torso behind it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from hd_core.errors import InputError
from hd_core.geometry.camera import pixel_rays, rays_through
from hd_core.geometry.crop import crop_between, cut_plane
from hd_core.predict.maps_decode import GridMaps
from hd_core.types import Camera, Crop

_ALIGNED_PX = 1e-6
_JUMP_OF_DEPTH = 0.02
"""Neighbours further apart than this share of their depth (5 cm at 2.5 m) are of two surfaces."""
_REACH_OF_ONE = 0.005
"""A pixel that stands alone beside a jump is continued along its tangent plane by at most this share of its depth."""
_JUMP_OF_RANGE = 0.05
"""Likewise of the whole range of depth, where its zero is not known."""


@dataclass(frozen=True, kw_only=True)
class _Nearest:
    """For every pixel of the target the source pixel under its centre."""

    rows: Int[np.ndarray, "a 1"]
    columns: Int[np.ndarray, "1 b"]
    inside: Bool[np.ndarray, "a b"]
    aligned: bool

    def take(self, plane: np.ndarray) -> np.ndarray:
        """The values there."""
        taken: np.ndarray = plane[self.rows, self.columns]
        return taken


def resample(maps: GridMaps, source: Camera, target: Camera, *, positive: bool) -> GridMaps:
    """Maps of `source` in the pixels of `target`; where the pixels coincide, the very same numbers.

    Args:
        maps: On the grid of `source`.
        source: Their camera.
        target: The camera wanted; it looks the same way.
        positive: Depth is positive (metric or scale gauge), so that jumps are relative to it; otherwise they are
            relative to the range of depth.

    Raises:
        InputError: One camera is turned or skewed against the other.
    """
    _refuse_turned(source, target)
    crop = crop_between(source, target)
    nearest = _nearest(crop)
    if nearest.aligned:
        return _as_is(maps, nearest)
    weight = cut_plane(maps.valid.astype(np.float32), crop)
    valid = (weight > 0.5) & nearest.inside
    normal, depth = _blend_normals(maps, crop), _blend_depth(maps, crop, weight, positive=positive)
    keep = _near_jump(maps, crop, nearest, positive=positive)
    keep |= np.linalg.norm(normal, axis=-1) < 0.5 * weight
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    rows, columns = _nearest_valid(maps.valid, nearest, valid & keep)
    normal[keep] = maps.normal[rows, columns][keep]
    if depth is not None and maps.depth is not None:
        alone = maps.depth[rows, columns]
        depth[keep] = (alone * _along_tangent(maps, source, target, rows, columns) if positive else alone)[keep]
    confidence = cut_plane(maps.confidence * maps.valid, crop) / np.maximum(weight, 1e-6)
    return GridMaps(
        valid=valid,
        normal=np.where(valid[..., None], normal, 0).astype(np.float32),
        depth=depth,
        confidence=np.clip(confidence, 0, 1) * valid,
    )


def _refuse_turned(source: Camera, target: Camera) -> None:
    turn = source.cam_from_world[:3, :3] @ target.cam_from_world[:3, :3].T
    if np.abs(turn - np.eye(3)).max() > 1e-6:
        raise InputError("The maps' camera is turned against the view's.", "Give maps seen by the clip's camera.")


def _nearest(crop: Crop) -> _Nearest:
    box, (height, width) = crop.box, crop.camera.shape
    x = box.left + (np.arange(width) + 0.5) * box.width / width
    y = box.top + (np.arange(height) + 0.5) * box.height / height
    columns, rows = np.floor(x).astype(int), np.floor(y).astype(int)
    off = max(np.abs(x - columns - 0.5).max(), np.abs(y - rows - 0.5).max())
    inside_x = (columns >= 0) & (columns < crop.full.width)
    inside_y = (rows >= 0) & (rows < crop.full.height)
    return _Nearest(
        rows=np.clip(rows, 0, crop.full.height - 1)[:, None],
        columns=np.clip(columns, 0, crop.full.width - 1)[None],
        inside=inside_y[:, None] & inside_x[None],
        aligned=bool(off < _ALIGNED_PX and abs(box.width / width - 1) < _ALIGNED_PX),
    )


def _as_is(maps: GridMaps, nearest: _Nearest) -> GridMaps:
    valid = nearest.take(maps.valid) & nearest.inside
    return GridMaps(
        valid=valid,
        normal=np.where(valid[..., None], nearest.take(maps.normal), 0).astype(np.float32),
        depth=None if maps.depth is None else nearest.take(maps.depth),
        confidence=nearest.take(maps.confidence) * valid,
    )


def _blend_normals(maps: GridMaps, crop: Crop) -> Float[np.ndarray, "a b 3"]:
    inside = np.where(maps.valid[..., None], maps.normal, 0)
    return np.stack([cut_plane(inside[..., axis], crop) for axis in range(3)], axis=-1)


def _blend_depth(
    maps: GridMaps, crop: Crop, weight: Float[np.ndarray, "a b"], *, positive: bool
) -> Float[np.ndarray, "a b"] | None:
    """Averaged depth; the mean is taken around one value of it, so that single precision is enough."""
    if maps.depth is None or not maps.valid.any():
        return maps.depth if maps.depth is None else np.full(weight.shape, np.nan)
    value = np.where(maps.valid, maps.depth, 1.0)
    value = 1 / value if positive else value
    middle = float(np.median(value[maps.valid]))
    blended = cut_plane(np.where(maps.valid, value - middle, 0), crop) / np.maximum(weight, 1e-6) + middle
    return 1 / np.where(weight > 0.5, blended, middle) if positive else blended.astype(np.float64)


def _near_jump(maps: GridMaps, crop: Crop, nearest: _Nearest, *, positive: bool) -> Bool[np.ndarray, "a b"]:
    """Where the pixels that the average reaches span more than the jump."""
    if maps.depth is None or not maps.valid.any():
        return np.zeros(nearest.inside.shape, bool)
    near = minimum_filter(np.where(maps.valid, maps.depth, np.inf), 3)
    far = maximum_filter(np.where(maps.valid, maps.depth, -np.inf), 3)
    seen = np.isfinite(near)
    step = np.where(seen, far, 0) - np.where(seen, near, 0)
    limit = _JUMP_OF_DEPTH * np.where(seen, near, 1) if positive else _JUMP_OF_RANGE * np.ptp(maps.depth[maps.valid])
    pixels_per_sample = max(crop.box.width / crop.camera.width, crop.box.height / crop.camera.height, 1.0)
    # The filter reaches this far from the nearest pixel; a step seen by a pixel reaches one further.
    reach = int(np.ceil(pixels_per_sample + 0.5)) - 1
    jump = maximum_filter(step > limit, 2 * reach - 1)
    taken: Bool[np.ndarray, "a b"] = nearest.take(jump)
    return taken


def _along_tangent(
    maps: GridMaps, source: Camera, target: Camera, rows: np.ndarray, columns: np.ndarray
) -> Float[np.ndarray, "a b"]:
    """Factor that takes a pixel's depth along its tangent plane, n . P = const, to the target's ray."""
    normal = maps.normal[rows, columns]
    x, y = np.broadcast_arrays(columns + 0.5, rows + 0.5)
    own = (normal * rays_through(source, x, y)).sum(axis=-1)
    wanted = (normal * pixel_rays(target)).sum(axis=-1)
    factor = own / np.where(wanted < 0, wanted, 1)
    return np.where((wanted < 0) & (own < 0), np.clip(factor, 1 - _REACH_OF_ONE, 1 + _REACH_OF_ONE), 1.0)


def _nearest_valid(
    valid: Bool[np.ndarray, "h w"], nearest: _Nearest, wanted: Bool[np.ndarray, "a b"]
) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the nearest pixel that carries a surface, for the wanted pixels at least."""
    if not (wanted & ~nearest.take(valid)).any():
        return nearest.rows, nearest.columns
    rows, columns = distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return nearest.take(rows), nearest.take(columns)
