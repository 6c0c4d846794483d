"""From stored numbers to depth and normals in our axes and metres, with everything that can be wrong refused."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from hd_core.errors import InputError
from hd_core.geometry.camera import YUP_FROM_CAM, pixel_rays
from hd_core.geometry.depth import normals_from_depth
from hd_core.predict.maps_card import METRES, DepthCard, MapsCard
from hd_core.types import Camera, Gauge

_SHORTEST = 0.5
"""A normal shorter than this was mixed with background when it was rendered: no normal."""


@dataclass(frozen=True, kw_only=True)
class GridMaps:
    """Maps on their own pixel grid.

    Args:
        valid: Pixels that carry a surface.
        normal: Unit on `valid`, camera axes.
        depth: Along +z, metres if metric; None if there is none.
        confidence: 0..1.
    """

    valid: Bool[np.ndarray, "h w"]
    normal: Float[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h w"] | None
    confidence: Float[np.ndarray, "h w"]


_COVERED = 0.99
"""Alpha of a pixel that the person fills; on the soft rim the pixel's centre may see the background."""


def decode(planes: Mapping[str, np.ndarray], card: MapsCard, camera: Camera, *, frame_index: int) -> GridMaps:
    """Make sense of a frame's planes.

    Args:
        planes: As stored, from `maps_files.read_planes`.
        card: Says how they are stored.
        camera: Camera of these pixels.
        frame_index: For messages.

    Raises:
        InputError: Sizes disagree, or the values cannot be what the card says.
    """
    where = f"Frame {frame_index} of {card.folder}"
    _refuse_other_sizes(planes, camera, where)
    alpha = alpha_of(planes["mask"]) if "mask" in planes else None
    depth, there = _depth(planes, card, camera, alpha, where)
    normal = _normal(planes["normal"], card, alpha, where) if "normal" in planes else None
    valid = there if normal is None else there & (np.linalg.norm(normal, axis=-1) > _SHORTEST)
    if normal is not None:
        _refuse_odd_normals(normal, valid, card.axes, where)
        normal = _to_unit(normal, valid)
    elif depth is not None and card.depth is not None and card.depth.gauge is not Gauge.AFFINE:
        normal = _derived(camera, np.where(valid, depth, np.nan), valid)
    else:
        raise InputError(f"{where} has no normals and no depth to derive them from.", "Add one of them.")
    confidence = alpha_of(planes["confidence"]) if "confidence" in planes else np.ones(valid.shape, np.float32)
    return GridMaps(valid=valid, normal=normal, depth=depth, confidence=confidence)


def alpha_of(stored: np.ndarray) -> Float[np.ndarray, "h w"]:
    """A matte or confidence as 0..1: floats as they are, whole numbers over their largest."""
    largest = np.iinfo(stored.dtype).max if stored.dtype.kind in "ui" else 1
    return np.clip(np.nan_to_num(stored.astype(np.float32) / largest), 0, 1)


def _depth(
    planes: Mapping[str, np.ndarray],
    card: MapsCard,
    camera: Camera,
    alpha: Float[np.ndarray, "h w"] | None,
    where: str,
) -> tuple[Float[np.ndarray, "h w"] | None, Bool[np.ndarray, "h w"]]:
    """Depth along z, and where there can be a surface."""
    if card.depth is not None and "depth" not in planes:
        raise InputError(f"{where} holds no depth, which maps.json describes.", "Check the pattern and the channels.")
    if card.depth is None:
        return None, np.ones(camera.shape, bool) if alpha is None else alpha > 0.5
    stored = planes["depth"].astype(np.float64)
    hole = stored == card.depth.invalid if card.depth.invalid is not None else np.zeros(stored.shape, bool)
    some = np.isfinite(stored) & ((stored != 0) | (card.depth.gauge is Gauge.AFFINE))
    there = some & ~hole
    if alpha is not None:
        there = (alpha > 0.5) & ~hole & (some | (alpha > _COVERED))
        _refuse_count(~np.isfinite(stored) & there, where, "of depth inside the mask are not finite")
    if not np.nan_to_num(stored).any() and (alpha is None or (alpha > 0.5).any()):
        raise InputError(
            f"{where}: the depth is zero or missing everywhere.", "Check the file and its pattern in maps.json."
        )
    depth = _along_z(stored, there, card.depth, camera)
    if card.depth.gauge is not Gauge.AFFINE:
        _refuse_count(there & ~(depth > 0), where, "of depth are not positive")
    return depth, there


def _along_z(
    stored: Float[np.ndarray, "h w"], there: Bool[np.ndarray, "h w"], card: DepthCard, camera: Camera
) -> Float[np.ndarray, "h w"]:
    value = np.where(there, stored, np.nan) * card.scale + card.offset
    if card.kind == "disparity":
        value = np.divide(1.0, value, out=np.full(value.shape, np.nan), where=value > 0)
    elif card.kind == "ray":
        value = value / np.linalg.norm(pixel_rays(camera), axis=-1)
    return value * METRES[card.unit]


def _normal(
    stored: np.ndarray, card: MapsCard, alpha: Float[np.ndarray, "h w"] | None, where: str
) -> Float[np.ndarray, "h w 3"]:
    """Normals in camera axes, of any length; zero where they are not finite and no mask wants them."""
    whole = stored.dtype.kind in "ui"
    if whole and card.encoding == "snorm":
        raise InputError(f"{where}: normals in whole numbers cannot be snorm.", 'Set encoding.normal to "unorm".')
    normal = stored.astype(np.float64)
    if card.encoding == "unorm" or whole:
        normal = normal / (np.iinfo(stored.dtype).max if whole else 1) * 2 - 1
    bad = ~np.isfinite(normal.sum(axis=-1))
    if alpha is not None:
        _refuse_count(bad & (alpha > _COVERED), where, "of the normals inside the mask are not finite")
    if not np.nan_to_num(stored).any() and (alpha is None or (alpha > 0.5).any()):
        raise InputError(f"{where}: the normals are zero everywhere.", "Check the file and its pattern in maps.json.")
    nothing = bad | ~stored.any(axis=-1)  # black is the background of every encoding
    normal = np.where(nothing[..., None], 0, normal)
    return normal @ YUP_FROM_CAM.T if card.axes == "opengl" else normal


def _refuse_odd_normals(
    normal: Float[np.ndarray, "h w 3"], valid: Bool[np.ndarray, "h w"], axes: str, where: str
) -> None:
    if not valid.any():
        return
    length = np.linalg.norm(normal[valid], axis=-1)
    odd = float((np.abs(length - 1) > 0.1).mean())
    if odd > 0.1:
        raise InputError(
            f"{where}: {odd:.0%} of the normals are not unit; lengths {length.min():.2f} to {length.max():.2f}.",
            'Check encoding.normal in maps.json: "snorm" for -1..1 as it is, "unorm" for 0..1.',
        )
    away = float((normal[valid][:, 2] > 0).mean())
    if away > 0.5:
        other = "opencv" if axes == "opengl" else "opengl"
        raise InputError(
            f"{where}: {away:.0%} of the normals face away from the camera.",
            f'The axes are probably "{other}", not "{axes}": change maps.json.',
        )


def _to_unit(normal: Float[np.ndarray, "h w 3"], valid: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w 3"]:
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.where(valid[..., None], normal / np.where(length > 0, length, 1), 0).astype(np.float32)


def _derived(
    camera: Camera, depth: Float[np.ndarray, "h w"], valid: Bool[np.ndarray, "h w"]
) -> Float[np.ndarray, "h w 3"]:
    """Normals by central differences; at edges and jumps, where there are none, the nearest one's."""
    normal = normals_from_depth(camera, depth)
    defined = normal.any(axis=-1)
    if not defined.any():
        rays = pixel_rays(camera)
        return _to_unit(-rays, valid)
    rows, columns = distance_transform_edt(~defined, return_distances=False, return_indices=True)
    return np.where(valid[..., None], normal[rows, columns], 0).astype(np.float32)


def _refuse_other_sizes(planes: Mapping[str, np.ndarray], camera: Camera, where: str) -> None:
    for plane, values in planes.items():
        if values.shape[:2] != camera.shape:
            rows, columns = values.shape[:2]
            raise InputError(
                f"{where}: the {plane} is {columns} x {rows} px; expected {camera.width} x {camera.height} px.",
                "All maps have one size, that of the camera in maps.json if it names one.",
            )


def _refuse_count(bad: Bool[np.ndarray, "h w"], where: str, what: str) -> None:
    count = int(bad.sum())
    if count:
        raise InputError(
            f"{where}: {count} pixels {what}.",
            'Mend them, take them out of the mask, or name the value that means "none" as depth.invalid.',
        )
