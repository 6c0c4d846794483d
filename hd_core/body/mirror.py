"""What the correspondence network says of a picture and of its mirror image, made one.

In the mirror left is right: an answer is carried back by flipping its pixels, swapping the parts of the two sides and
turning around the template's axis across the body. Both answers come from one network, so they are averaged as they
are: probabilities, and points in metres.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional

from hd_core.body.iuv_network import Charted
from hd_core.synth.atlas.anny24 import PART_NAMES, flip_part

_OTHER_SIDE = torch.from_numpy(flip_part(np.arange(len(PART_NAMES))).astype(np.int64))


class Mean(NamedTuple):
    """Probabilities of the parts 0..24, offsets of the points of 1..24 and their spread, m; as `decode` wants them."""

    parts: Float32[np.ndarray, "a d 25"]
    offsets: Float32[np.ndarray, "a d 24 3"]
    spread: Float32[np.ndarray, "a d"]


def mean_of(answers: Charted) -> Mean:
    """What was said of one surface of one picture.

    Args:
        answers: Of the picture alone, or of the picture and of its mirror image.
    """
    parts, offsets, spread = functional.softmax(answers.parts, dim=1), answers.offsets, answers.spread[:, 0]
    if len(parts) > 1:
        across = offsets.new_tensor([-1.0, 1.0, 1.0])[:, None, None]
        parts[0] = (parts[0] + parts[1][_OTHER_SIDE].flip(-1)) / 2
        offsets[0] = (offsets[0] + across * offsets[1][_OTHER_SIDE[1:] - 1].flip(-1)) / 2
        spread[0] = (spread[0] + spread[1].flip(-1)) / 2
    return Mean(_array(parts[0].permute(1, 2, 0)), _array(offsets[0].permute(2, 3, 0, 1)), _array(spread[0]))


def _array(tensor: Float[Tensor, "..."]) -> np.ndarray:
    found: np.ndarray = tensor.contiguous().cpu().numpy()
    return found
