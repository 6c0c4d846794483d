"""How wrong a found correspondence is: in its part, in its place on the template, and in what it says of itself."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from hd_core.body.iuv_network import Charted, IuvPrediction
from hd_core.body.parts import part_centres
from hd_core.train.iuv_samples import IuvBatch
from hd_core.train.losses import masked_mean, spread_loss
from hd_core.train.objective import Parts

_EPSILON_M = 1e-3
"""Errors below are as good as none: what bytes make of a place is about as large."""


def iuv_losses(prediction: IuvPrediction, batch: IuvBatch) -> Parts:
    """Part, place and spread, each the mean of both surfaces, by their names in `LossWeights`."""
    both: list[Parts] = []
    for number, found in enumerate(prediction):
        parts, places = batch.parts[:, number], batch.places[:, number]
        error, known = place_error(found, parts, places), ((parts > 0) * batch.mask)[:, None]
        both.append(
            {
                "part": part_loss(found.parts, parts, batch.mask),
                "place": masked_mean(error, known),
                "spread": spread_loss(error, found.spread, known),
            }
        )
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
    own = (parts.long() - 1).clamp(min=0)
    rows = own[:, None, None].expand(-1, 1, places.shape[1], -1, -1)
    centres = torch.tensor(part_centres(), device=places.device)[own].movedim(-1, 1)
    off = found.offsets.gather(1, rows)[:, 0] + centres - places
    return (off.square().sum(1, keepdim=True) + _EPSILON_M**2).sqrt() - _EPSILON_M
