"""Looking at a view several times: predictions under placings of the picture, carried back exactly and averaged.

A turn of the picture is a roll of the camera and a mirror image is seen by a mirrored camera (`train.placing`), so
what a network says of them can be told in the pixels and axes of the view again. Where it disagrees with itself it
is wrong.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float32, UInt8
from scipy import ndimage
from torch import nn

from hd_core.geometry.crop import whole_frame
from hd_core.predict.planes import body_planes, crop_extent, picture_planes
from hd_core.train.body import placed_iuv
from hd_core.train.placing import Placing
from hd_core.train.warp import samples_per_side, warp_colours
from hd_core.types import BodyMaps, View

_SEEN = 0.3
"""Share of a pixel's four neighbours that have to be on the person."""


class Look(NamedTuple):
    """A prediction in the pixels and axes of a view; only `seen` pixels mean anything."""

    normal: Float32[np.ndarray, "h w 3"]
    relief: Float32[np.ndarray, "h w"]
    spread: Float32[np.ndarray, "h w"]
    seen: Bool[np.ndarray, "h w"]


def straight(size: int) -> Placing:
    """The view as it is."""
    return placed(size)


def placed(size: int, *, roll_deg: float = 0.0, scale: float = 1.0, mirror: bool = False) -> Placing:
    """A square view turned, scaled and mirrored about its middle."""
    angle = np.radians(roll_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirror:
        turn = np.diag([-1.0, 1.0]) @ turn
    middle = np.full(2, size / 2)
    return Placing(turn=turn, scale=scale, shift=middle - scale * turn @ middle)


def teaching_placings(size: int) -> list[Placing]:
    """Those whose predictions are averaged; the first is the view itself."""
    return [
        straight(size),
        placed(size, mirror=True),
        placed(size, roll_deg=12.0, scale=0.9),
        placed(size, roll_deg=-12.0, scale=0.9, mirror=True),
    ]


def checking_placing(size: int) -> Placing:
    """One that nothing is learned from."""
    return placed(size, roll_deg=7.0, scale=0.95, mirror=True)


def look(network: nn.Module, view: View, placing: Placing) -> Look:
    """Predict a placed view and carry the result back.

    Args:
        network: Where its weights are is where it runs.
        view: Square; its `body` is told to the network.
        placing: How it is placed.
    """
    size = view.crop.camera.width
    shown = _placed_view(view, placing, size)
    normal, relief, spread = _predict(network, shown)
    if _is_straight(placing):
        return Look(normal, relief, spread, view.mask)
    planes = np.concatenate([np.moveaxis(normal, -1, 0), relief[None], spread[None]])
    back, seen = _carried_back(planes, shown.mask, placing)
    turned = np.moveaxis(back[:3], 0, -1)
    turned[..., :2] = turned[..., :2] @ placing.turn.astype(np.float32)
    turned /= np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-6)
    zoom = crop_extent(shown.crop.camera) / crop_extent(view.crop.camera)
    return Look(turned, back[3] * np.float32(zoom), back[4], seen & view.mask)


def mean_look(looks: Sequence[Look]) -> Look:
    """The mean of looks at one view, by pixel over those that see it; reliefs are first brought to one offset."""
    first = looks[0]
    count = np.maximum(sum(one.seen.astype(np.float32) for one in looks), 1)
    normal = sum(one.normal * one.seen[..., None] for one in looks)
    reliefs = [(one.relief - _offset(one, first)) * one.seen for one in looks]
    normal = normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    spread = sum(one.spread * one.seen for one in looks) / count
    return Look(normal.astype(np.float32), (sum(reliefs) / count).astype(np.float32), spread, first.seen)


def _offset(one: Look, first: Look) -> np.float32:
    both = one.seen & first.seen
    return np.float32(np.median((one.relief - first.relief)[both])) if both.any() else np.float32(0)


def _placed_view(view: View, placing: Placing, size: int) -> View:
    if _is_straight(placing):
        return view
    colours, matte = np.empty((size, size, 3), np.float32), np.empty((size, size), np.float32)
    alpha: UInt8[np.ndarray, "h w"] = np.rint(view.alpha * 255).astype(np.uint8)
    samples = samples_per_side(placing.scale)
    warp_colours(view.rgb, alpha, placing.source_from_target, samples, colours, matte)
    body = None if view.body is None else BodyMaps(iuv=placed_iuv(view.body.iuv, placing, size))
    return replace(
        view,
        rgb=np.rint(colours).astype(np.uint8),
        alpha=matte,
        crop=whole_frame(placing.camera(view.crop.camera.intrinsics, size)),
        body=body,
    )


def _predict(
    network: nn.Module, view: View
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    device = next(network.parameters()).device
    planes = [picture_planes(view)] + ([] if view.body is None else [body_planes(view)])
    with torch.inference_mode():
        inputs = [torch.from_numpy(part)[None].to(device) for part in planes]
        found = network(inputs[0].contiguous(memory_format=torch.channels_last), *inputs[1:])
        parts = [part[0].float().cpu().numpy() for part in (found.normal, found.relief, found.normal_spread)]
    return np.ascontiguousarray(np.moveaxis(parts[0], 0, -1)), parts[1][0], parts[2][0]


def _carried_back(
    planes: Float32[np.ndarray, "c h w"], mask: Bool[np.ndarray, "h w"], placing: Placing
) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "h w"]]:
    """Bilinear, over neighbours on the person alone."""
    size = mask.shape[0]
    centres = np.arange(size) + 0.5
    grid = np.stack(np.meshgrid(centres, centres), axis=-1)
    x, y = np.moveaxis(placing.scale * grid @ placing.turn.T + placing.shift - 0.5, -1, 0)
    stack = [*(plane * mask for plane in planes), mask.astype(np.float32)]
    back = np.stack([ndimage.map_coordinates(plane, [y, x], order=1, prefilter=False) for plane in stack])
    return back[:-1] / np.maximum(back[-1], 1e-6), back[-1] > _SEEN


def _is_straight(placing: Placing) -> bool:
    return bool(placing.scale == 1 and np.array_equal(placing.turn, np.eye(2)) and not placing.shift.any())
