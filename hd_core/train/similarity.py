"""The similarities that carry groups of points onto others, in closed form and deaf to outliers.

Umeyama's solution (TPAMI 1991) with his sign for reflections, weighted. Outliers lose their weight by Geman and
McClure's function over a few rounds. No gradient passes through what is found here.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

ROUNDS = 4
LEAST_POINTS = 50
"""A group of fewer has no similarity."""
LEAST_WIDTH = 1e-3
"""Second over first singular value of a group's covariance; thinner groups could be turned about their line."""

Points = Float[Tensor, "n 3"]
Groups = Int[Tensor, " n"]


class Similarities(NamedTuple):
    """b = scale rotation a + shift, one per group, and the groups that have one."""

    scale: Float[Tensor, " g"]
    rotation: Float[Tensor, "g 3 3"]
    shift: Float[Tensor, "g 3"]
    known: Bool[Tensor, " g"]

    def apply(self, points: Points, group: Groups) -> Points:
        """Carry points by the similarity of their group."""
        turned = (self.rotation[group] @ points[:, :, None])[:, :, 0]
        return self.scale[group, None] * turned + self.shift[group]


@torch.no_grad()
def fit_similarities(a: Points, b: Points, group: Groups, weight: Float[Tensor, " n"], *, groups: int) -> Similarities:
    """The robust least-squares similarity of every group.

    Args:
        a: Points.
        b: Where they went.
        group: Of each point, from 0.
        weight: Of each point; 0 leaves it out.
        groups: How many there are.
    """
    found = _fit(a, b, group, weight, groups)
    for _ in range(ROUNDS):
        miss = (found.apply(a, group) - b).square().sum(1)
        usual = _group_sum(miss.sqrt() * weight, group, groups) / _group_sum(weight, group, groups).clamp(min=1e-9)
        doubt = miss / (usual[group].square() + 1e-12)
        found = _fit(a, b, group, weight / (1 + doubt).square(), groups)
    counts = _group_sum((weight > 0).to(a.dtype), group, groups)
    return found._replace(known=found.known & (counts >= LEAST_POINTS))


def _fit(a: Points, b: Points, group: Groups, weight: Float[Tensor, " n"], groups: int) -> Similarities:
    total = _group_sum(weight, group, groups).clamp(min=1e-9)[:, None]
    share = weight[:, None] / total[group]
    mean_a, mean_b = _group_sum(a * share, group, groups), _group_sum(b * share, group, groups)
    off_a, off_b = a - mean_a[group], b - mean_b[group]
    covariance = _group_sum((off_b * share)[:, :, None] * off_a[:, None], group, groups)
    variance = _group_sum((off_a.square() * share).sum(1), group, groups)
    u, singular, vh = torch.linalg.svd(covariance)
    sign = torch.ones_like(singular)
    sign[:, 2] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))
    rotation = u * sign[:, None] @ vh
    scale = (singular * sign).sum(1) / variance.clamp(min=1e-12)
    shift = mean_b - scale[:, None] * (rotation @ mean_a[:, :, None])[:, :, 0]
    known = singular[:, 1] > LEAST_WIDTH * singular[:, 0]
    return Similarities(scale=scale, rotation=rotation, shift=shift, known=known)


def _group_sum(values: Tensor, group: Groups, groups: int) -> Tensor:
    return values.new_zeros((groups, *values.shape[1:])).index_add_(0, group, values)
