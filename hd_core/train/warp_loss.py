"""L_w: what one frame's points are off from another's, after each body part has been carried over rigidly.

After Jafarian & Park (CVPR 2021), eq. of L_w. We differ: a similarity for each part, since neither frame's scale is
known; found robustly, never a reflection, and without a gradient of its own, so that points have to come to agree
and cannot talk their way out through the fit; both directions; every part counts the same, whatever its size.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hd_core.predict.planes import NUM_PARTS
from hd_core.train.losses import camera_rays, crop_extent
from hd_core.train.similarity import Similarities, fit_similarities

_SOFT = 1e-3
"""Errors below this many crop sizes count by their square."""


class Matches(NamedTuple):
    """Corresponding pixels of two frames, for each of `p` pairs; a weight of 0 fills up."""

    first: Int[Tensor, "p n"]
    second: Int[Tensor, "p n"]
    part: Int[Tensor, "p n"]
    weight: Float[Tensor, "p n"]


def crop_points(
    relief: Float[Tensor, "b 1 h w"], intrinsics: Float[Tensor, "b 3 3"], mask: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 3 h w"]:
    """Points in camera axes, in crop sizes: the person's mean depth is 1 / extent, whatever the relief's offset.

    Without that, the loss would vanish for points that shrink together.
    """
    extent = crop_extent(intrinsics, relief)[:, None, None, None]
    mean = (relief * mask).sum((1, 2, 3), keepdim=True) / mask.sum((1, 2, 3), keepdim=True).clamp(min=1)
    return camera_rays(intrinsics, relief) * torch.exp((extent * (relief - mean)).clamp(-3, 3)) / extent


def warp_loss(first: Float[Tensor, "p 3 h w"], second: Float[Tensor, "p 3 h w"], matches: Matches) -> Float[Tensor, ""]:
    """Mean over parts and both directions of the distances that are left; 0 where no part can be carried.

    Args:
        first: Points of each pair's first frame.
        second: Of its second.
        matches: Which pixels correspond.
    """
    a, b = _gather(first, matches.first), _gather(second, matches.second)
    pairs = torch.arange(len(first), device=first.device)[:, None]
    group, weight = (pairs * NUM_PARTS + matches.part).flatten(), matches.weight.flatten()
    groups = len(first) * NUM_PARTS
    there = fit_similarities(a, b, group, weight, groups=groups)
    back = fit_similarities(b, a, group, weight, groups=groups)
    return (_left(a, b, group, weight, there) + _left(b, a, group, weight, back)) / 2


def _left(a: Tensor, b: Tensor, group: Tensor, weight: Tensor, carry: Similarities) -> Float[Tensor, ""]:
    miss = (carry.apply(a, group) - b).square().sum(1)
    distance = (miss + _SOFT**2).sqrt() - _SOFT
    weight = weight * carry.known[group]
    total = distance.new_zeros(len(carry.known)).index_add(0, group, weight)
    means = distance.new_zeros(len(carry.known)).index_add(0, group, weight * distance) / total.clamp(min=1e-9)
    return means.sum() / (total > 0).sum().clamp(min=1)


def _gather(points: Float[Tensor, "p 3 h w"], places: Int[Tensor, "p n"]) -> Float[Tensor, "m 3"]:
    """Points at flat pixel places, all pairs in one list."""
    flat = points.flatten(2).transpose(1, 2)
    return torch.gather(flat, 1, places[:, :, None].expand(-1, -1, 3)).flatten(0, 1)
