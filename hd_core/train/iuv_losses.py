"""How wrong a found correspondence is: in part and place, in what it says of itself, and from frame to frame."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from hd_core.body.iuv_network import Charted, IuvPrediction
from hd_core.body.parts import part_centres
from hd_core.train.iuv_samples import IuvBatch, SamePoints
from hd_core.train.losses import masked_mean, spread_loss
from hd_core.train.objective import Parts

_EPSILON_M = 1e-3
"""Errors below are as good as none: what bytes make of a place is about as large."""
_NAT_M = 0.1
"""Metres that a nat of disagreement over the part counts for, as the weights of `part` and `place` have it."""


def iuv_losses(prediction: IuvPrediction, batch: IuvBatch) -> Parts:
    """Part, place, spread and, of twins, steady: each the mean of both surfaces, by their names in `LossWeights`."""
    both: list[Parts] = []
    for number, found in enumerate(prediction):
        parts, places = batch.parts[:, number], batch.places[:, number]
        offset = place_offset(found, parts, places)
        error, known = _length(offset), ((parts > 0) * batch.mask)[:, None]
        losses = {
            "part": part_loss(found.parts, parts, batch.mask),
            "place": masked_mean(error, known),
            "spread": spread_loss(error, found.spread, known),
        }
        if batch.matches is not None:
            losses["steady"] = steady_loss(offset, found.parts, batch.matches, number)
        both.append(losses)
    return {name: torch.stack([each[name] for each in both]).mean() for name in both[0]}


def part_loss(
    logits: Float[Tensor, "b 25 a d"], parts: UInt8[Tensor, "b a d"], mask: Float[Tensor, "b a d"]
) -> Float[Tensor, ""]:
    """Mean cross entropy over the mask, in nats; where the mask shows no body, 0 is the right part."""
    return masked_mean(functional.cross_entropy(logits, parts.long(), reduction="none")[:, None], mask[:, None])


def place_error(
    found: Charted, parts: UInt8[Tensor, "b a d"], places: Float[Tensor, "b 3 a d"]
) -> Float[Tensor, "b 1 a d"]:
    """Distance of what was found for the true part from the true point, m; smooth within a millimetre of none."""
    return _length(place_offset(found, parts, places))


def place_offset(
    found: Charted, parts: UInt8[Tensor, "b a d"], places: Float[Tensor, "b 3 a d"]
) -> Float[Tensor, "b 3 a d"]:
    """What was found for the true part, less the true point, m."""
    own = (parts.long() - 1).clamp(min=0)
    rows = own[:, None, None].expand(-1, 1, places.shape[1], -1, -1)
    centres = torch.tensor(part_centres(), device=places.device)[own].movedim(-1, 1)
    return found.offsets.gather(1, rows)[:, 0] + centres - places


def steady_loss(
    offset: Float[Tensor, "b 3 a d"], logits: Float[Tensor, "b 25 a d"], matches: SamePoints, surface: int
) -> Float[Tensor, ""]:
    """How far two frames disagree over points that both show, m.

    Places by the difference of their errors, which is what is left of the distance between two predictions after that
    of the true points, since cells never meet exactly; parts by the Jensen-Shannon divergence (Lin, IEEE Trans. Inf.
    Theory 1991), which no certainty makes large.

    Args:
        offset: Errors (`place_offset`) of the firsts, then of the seconds.
        logits: Of the parts, in the same order.
        matches: Of every pair.
        surface: Number of the surface that these are of.
    """
    errors, told = (_at_matches(maps, matches, surface) for maps in (offset, logits))
    apart = _length(errors[0] - errors[1]) + _NAT_M * divergence(*told)[:, None]
    return masked_mean(apart[:, :, None], matches.weight[:, None, None, surface])


def divergence(first: Float[Tensor, "p 25 n"], second: Float[Tensor, "p 25 n"]) -> Float[Tensor, "p n"]:
    """Jensen-Shannon divergence of two distributions given as logits, nats: 0 to log 2."""
    a, b = (functional.log_softmax(logits, dim=1) for logits in (first, second))
    middle = torch.logaddexp(a, b) - math.log(2)
    return ((a.exp() * (a - middle)).sum(1) + (b.exp() * (b - middle)).sum(1)) / 2


def _at_matches(maps: Float[Tensor, "b c a d"], matches: SamePoints, surface: int) -> tuple[Tensor, Tensor]:
    """Values (p c n) at the cells of the firsts, and at those of the seconds."""
    first, second = (
        half.flatten(2).gather(2, cells[:, surface, None].expand(-1, maps.shape[1], -1))
        for half, cells in zip(maps.chunk(2), (matches.first, matches.second), strict=True)
    )
    return first, second


def _length(vectors: Float[Tensor, "b 3 ..."]) -> Float[Tensor, "b 1 ..."]:
    return (vectors.square().sum(1, keepdim=True) + _EPSILON_M**2).sqrt() - _EPSILON_M
