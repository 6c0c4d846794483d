"""From a network's tensors to planes on its pixel grid: axes in order, points as depth, odd pixels mended."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from hd_core.errors import InputError, WeightsError
from hd_core.geometry.camera import YUP_FROM_CAM, pixel_rays
from hd_core.predict.maps_card import DepthCard
from hd_core.predict.onnx_card import OnnxCard
from hd_core.types import Camera, Gauge

_SHORTEST = 0.5
_MOST_ODD = 0.5
"""A larger share of the person without usable numbers is no prediction."""


@dataclass(frozen=True, kw_only=True)
class RawPlanes:
    """What a network said, plane by plane, on one grid.

    Args:
        normal: In the axes of the card, -1..1; None without.
        depth: Numbers as the card describes them; None without.
        points: In the axes of the card, in place of depth; None without.
        confidence: 0..1; None without.
    """

    normal: Float[np.ndarray, "h w 3"] | None = None
    depth: Float[np.ndarray, "h w"] | None = None
    points: Float[np.ndarray, "h w 3"] | None = None
    confidence: Float[np.ndarray, "h w"] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        first = next(plane for plane in (self.normal, self.depth, self.points) if plane is not None)
        return first.shape[0], first.shape[1]


def raw_planes(outputs: Mapping[str, np.ndarray], card: OnnxCard) -> RawPlanes:
    """Sort a network's outputs.

    Raises:
        WeightsError: A tensor has another shape than its card leads one to expect, or they differ in size.
    """
    normal = None if card.normal is None else _plane(outputs[card.normal], card, card.normal, channels=3)
    if normal is not None and card.encoding != "snorm":
        normal = normal * 2 - 1 if card.encoding == "unorm" else _unit(normal)
    confidence = None if card.confidence is None else _plane(outputs[card.confidence], card, card.confidence)
    depth = None
    if card.depth is not None:
        depth = _plane(outputs[card.depth.name], card, card.depth.name, channels=3 if card.depth.points else 1)
        if card.depth.factor is not None:
            depth = depth * float(outputs[card.depth.factor].reshape(-1)[0])
    sizes = {plane.shape[:2] for plane in (normal, depth, confidence) if plane is not None}
    if len(sizes) > 1:
        raise WeightsError(f"The network of {card.path} gives planes of the sizes {sorted(sizes)}.", "Expected one.")
    if card.depth is not None and card.depth.points:
        return RawPlanes(normal=normal, points=depth, confidence=confidence)
    return RawPlanes(normal=normal, depth=depth, confidence=confidence)


def depth_of_points(
    points: Float[np.ndarray, "h w 3"], seen: Bool[np.ndarray, "h w"], card: OnnxCard, camera: Camera
) -> Float[np.ndarray, "h w"]:
    """The z of points; one that is known up to a shift gets the shift with which they fit the camera.

    With (u, v) a pixel's ray, x = u (z + s) and y = v (z + s): least squares over the person give

        s = sum(u x + v y - (u^2 + v^2) z) / sum(u^2 + v^2).
    """
    if card.axes == "opengl":
        points = points @ YUP_FROM_CAM.T
    z = points[..., 2]
    if card.depth is None or card.depth.points != "points_shifted":
        return z
    good = seen & np.isfinite(points).all(axis=-1)
    ray, there = pixel_rays(camera)[good][:, :2], points[good]
    square = (ray**2).sum()
    if square == 0:
        return z
    shift = ((ray * there[:, :2]).sum() - ((ray**2).sum(axis=-1) * there[:, 2]).sum()) / square
    return np.asarray(z + shift)


def mend(planes: RawPlanes, seen: Bool[np.ndarray, "h w"], card: OnnxCard) -> tuple[RawPlanes, Bool[np.ndarray, "h w"]]:
    """Give pixels of the person that carry no usable numbers those of the nearest one that does.

    Returns:
        The planes, and the pixels that carried their own.

    Raises:
        InputError: Most of the person carries none.
    """
    good = np.ones(seen.shape, bool)
    if planes.normal is not None:
        good &= np.linalg.norm(np.nan_to_num(planes.normal, posinf=0, neginf=0), axis=-1) > _SHORTEST
        good &= np.isfinite(planes.normal).all(axis=-1)
    if planes.depth is not None and card.depth is not None:
        good &= _usable(planes.depth, card.depth.card)
    own = seen & good
    odd = 1 - own.sum() / max(int(seen.sum()), 1)
    if odd > _MOST_ODD:
        raise InputError(
            f"{odd:.0%} of the person has no usable normals or depth from the network of {card.path.name}.",
            "Check its card: axes, depth, and what input.largest, mean and std say of the picture.",
        )
    rows, columns = distance_transform_edt(~own, return_distances=False, return_indices=True)
    return (
        RawPlanes(
            normal=None if planes.normal is None else planes.normal[rows, columns],
            depth=None if planes.depth is None else planes.depth[rows, columns],
            confidence=planes.confidence,
        ),
        own,
    )


def _unit(vectors: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def _usable(stored: Float[np.ndarray, "h w"], card: DepthCard) -> Bool[np.ndarray, "h w"]:
    usable: Bool[np.ndarray, "h w"] = np.isfinite(stored)
    if card.invalid is not None:
        usable &= stored != card.invalid
    if card.gauge is not Gauge.AFFINE:
        usable &= (np.nan_to_num(stored) * card.scale + card.offset > 0) & (stored != 0)
    return usable


def _plane(values: np.ndarray, card: OnnxCard, name: str, *, channels: int = 1) -> np.ndarray:
    """A tensor without its axes of one, its channels last."""
    found = values.astype(np.float64)
    while found.ndim > (3 if channels == 3 else 2) and 1 in found.shape:
        found = found.squeeze(axis=found.shape.index(1))
    if channels == 3 and found.ndim == 3 and found.shape[0] == 3 and found.shape[2] != 3:
        found = np.moveaxis(found, 0, -1)
    wanted = 3 if channels == 3 else 2
    if found.ndim != wanted or (channels == 3 and found.shape[2] != 3):
        raise WeightsError(
            f"The network of {card.path} gives {name} in the shape {values.shape}.",
            "Expected one picture's " + ("three channels, first or last." if channels == 3 else "one channel."),
        )
    return found
