"""Which losses a stage adds up, and by which weights."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from hd_core.predict.network import Prediction
from hd_core.train.losses import (
    angle,
    consistency_loss,
    fold_loss,
    gradient_loss,
    inner_mask,
    masked_mean,
    normal_loss,
    normals_of_depth,
    relief_error,
    spread_loss,
)
from hd_core.train.options import LossWeights, Stage
from hd_core.train.warp_loss import Matches, crop_points, warp_loss


class Batch(NamedTuple):
    """Samples (`train.samples.Sample`) stacked, on the training's device; no `body` where none of them has one."""

    picture: Float[Tensor, "b p h w"]
    normal: Float[Tensor, "b 3 h w"]
    relief: Float[Tensor, "b 1 h w"]
    truth: Float[Tensor, "b 1 h w"]
    intrinsics: Float[Tensor, "b 3 3"]
    body: Float[Tensor, "b q h w"] | None = None


class Pairs(NamedTuple):
    """Pairs of frames without truth; the firsts come first, then the seconds, in the same order."""

    picture: Float[Tensor, "b p h w"]
    intrinsics: Float[Tensor, "b 3 3"]
    matches: Matches


Parts = dict[str, Float[Tensor, ""]]


def supervised_losses(prediction: Prediction, batch: Batch, stage: Stage) -> Parts:
    """The losses of a stage by their names in `LossWeights`, unweighted.

    `depth` keeps the normals' losses, so that nothing is forgotten, but lets depth learn from normals alone.
    """
    # Products of the network lie channel by channel for each pixel; plane by plane is twice as fast here.
    prediction = Prediction(*(part.contiguous() for part in prediction))
    parts = _normal_losses(prediction, batch)
    if stage != "normals":
        depth = _depth_losses(prediction, batch, teach="depth" if stage == "depth" else "both")
        depth["spread"] = depth["spread"] + parts["spread"]
        parts |= depth
    return parts


def video_losses(prediction: Prediction, pairs: Pairs) -> Parts:
    """L_s and L_w of frames without truth."""
    prediction = Prediction(*(part.contiguous() for part in prediction))
    mask = (pairs.picture[:, 3:4] > 0.5).to(prediction.relief.dtype)
    of_depth = normals_of_depth(prediction.relief, pairs.intrinsics)
    inner = inner_mask(prediction.relief, mask)
    first, second = crop_points(prediction.relief, pairs.intrinsics, mask).chunk(2)
    return {
        "consistency": consistency_loss(prediction.normal, of_depth, inner),
        "warp": warp_loss(first, second, pairs.matches),
    }


def weighted_sum(parts: Parts, weights: LossWeights) -> Float[Tensor, ""]:
    """What is minimised."""
    return torch.stack([getattr(weights, name) * value for name, value in parts.items()]).sum()


def _normal_losses(prediction: Prediction, batch: Batch) -> Parts:
    error = angle(prediction.normal, batch.normal)
    return {
        "normal": masked_mean(error, batch.truth),
        "fold": fold_loss(prediction.normal, batch.normal, batch.truth),
        "spread": spread_loss(error, prediction.normal_spread, batch.truth),
    }


def _depth_losses(prediction: Prediction, batch: Batch, *, teach: str) -> Parts:
    relief, truth = prediction.relief, batch.truth
    error = relief_error(relief, batch.relief, truth).abs()
    of_depth = normals_of_depth(relief, batch.intrinsics)
    inner = inner_mask(batch.relief, truth)
    return {
        "depth": masked_mean(error, truth),
        "gradient": gradient_loss(relief, batch.relief, truth),
        "depth_normal": normal_loss(of_depth, batch.normal, inner),
        "consistency": consistency_loss(prediction.normal, of_depth, inner, teach=teach),
        "spread": spread_loss(error, prediction.relief_spread, truth),
    }
