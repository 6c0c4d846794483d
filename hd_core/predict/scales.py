"""A large view seen twice: as it is, and at the size the network learned at.

The two agree on more than each is right in.

A network of convolutions takes a body of twice the size for a closer one: its folds come out well, its limbs less so.
Seen at half the size it is the other way round. Their mean is better than either (docs/evaluation.md has the figures).
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from hd_core.geometry.crop import make_crop
from hd_core.types import Box, View

LEAST_SHARE = 0.75
"""Of the size a network learned at: views are halved as long as they stay above it."""


def pyramid(view: View, learned: int) -> list[View]:
    """The view, its half, the half of that, down to about the size of the samples in training; at least the view."""
    views = [view]
    while max(views[-1].alpha.shape) >= 2 * LEAST_SHARE * learned:
        views.append(halved(views[-1]))
    return views


def halved(view: View) -> View:
    """The view at half its size: colours of the person alone are averaged, the background stays out of it."""
    height, width = view.alpha.shape
    odd = ((0, height % 2), (0, width % 2))
    alpha = _cells(np.pad(view.alpha, odd))
    on = _cells(np.pad(view.mask, odd))[..., None]
    rgb = _cells(np.pad(view.rgb, (*odd, (0, 0)), mode="edge"))
    share = on / np.maximum(on.sum(axis=2, keepdims=True), 1)
    box = view.crop.box
    wide = Box(
        left=box.left,
        top=box.top,
        width=box.width * (width + width % 2) / width,
        height=box.height * (height + height % 2) / height,
    )
    body = view.body
    if body is not None:
        body = type(body)(
            iuv=body.iuv[::2, ::2],
            depth=None if body.depth is None else body.depth[::2, ::2],
            normal=None if body.normal is None else body.normal[::2, ::2],
        )
    return replace(
        view,
        rgb=np.rint((rgb * share).sum(axis=2)).astype(np.uint8),
        alpha=alpha.mean(axis=2),
        crop=make_crop(view.crop.full, wide, width=alpha.shape[1], height=alpha.shape[0]),
        body=body,
    )


def _cells(plane: np.ndarray) -> np.ndarray:
    """(h, w, ...) to (h / 2, w / 2, 4, ...)."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    cells = plane.reshape(height, 2, width, 2, *plane.shape[2:])
    return np.moveaxis(cells, 2, 1).reshape(height, width, 4, *plane.shape[2:])


def agree(
    fine: Float[Tensor, "5 h w"],
    coarse: Float[Tensor, "5 a b"],
    fine_mask: Bool[Tensor, "h w"],
    coarse_mask: Bool[Tensor, "a b"],
) -> Float[Tensor, "5 h w"]:
    """The mean of what was seen of a view and of its half: normals (unit again), relief and confidence.

    Relief is known but for a constant; the half's is moved onto the view's. Where the half has no person the view
    speaks alone.
    """
    size = fine.shape[1:]
    wide, weight = _doubled(coarse * coarse_mask, size), _doubled(coarse_mask[None].to(fine.dtype), size)
    both = fine_mask & (weight[0] > 1e-3)
    if not both.any():
        return fine
    wide = wide / weight.clamp(min=1e-3)
    wide[3] += (fine[3] - wide[3])[both].mean()
    mean = torch.where(both, (fine + wide) / 2, fine)
    mean[:3] = torch.where(both, functional.normalize(mean[:3], dim=0), fine[:3])
    return mean


def _doubled(planes: Float[Tensor, "p a b"], size: torch.Size) -> Float[Tensor, "p h w"]:
    wide = functional.interpolate(planes[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
    return wide[:, : size[0], : size[1]]
