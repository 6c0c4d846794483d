"""The two published networks, exactly, quirks included.

Both are one hourglass of 17 convolutions of 3 x 3, each followed by a normalisation with the statistics of the very
picture (also at inference; only a shift is learned, epsilon 1e-3) and a ReLU; then one of 1 x 1. Pictures are made
larger by TensorFlow 1's bilinear filter, in which pixel 2 i is pixel i and only the odd ones are means.
"""

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

EPSILON = 1e-3
FULL_WIDTH = 64
MULTIPLE = 16
"""Sides of the pictures are multiples of this, px."""
NUM_CONVOLUTIONS = 18
Maps = Float[torch.Tensor, "b _ _ _"]


def channels(inputs: int, outputs: int, width: int) -> dict[str, tuple[int, int]]:
    """Channels in and out of every convolution, by name.

    Args:
        inputs: Of the network.
        outputs: Of the network.
        width: Channels at full resolution; 64 as published.
    """
    w = width
    pairs = [(inputs, w), (w, w), (w, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 16 * w)]
    pairs += [(16 * w, 16 * w), (16 * w, 8 * w), (16 * w, 8 * w), (8 * w, 4 * w), (8 * w, 4 * w), (4 * w, 2 * w)]
    pairs += [(4 * w, 2 * w), (2 * w, w), (2 * w, w), (w, w), (w, outputs)]
    return {f"conv{number + 1}": pair for number, pair in enumerate(pairs)}


class Hourglass(nn.Module):
    """One of the two networks.

    Args:
        inputs: 3 for normals, 9 for depth.
        outputs: 3 for normals, 1 for depth.
        width: Channels at full resolution.
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = FULL_WIDTH) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict()
        self.betas = nn.ParameterDict()
        for name, (before, after) in channels(inputs, outputs, width).items():
            last = name == f"conv{NUM_CONVOLUTIONS}"
            self.convolutions[name] = nn.Conv2d(before, after, 1 if last else 3, padding=0 if last else 1)
            if not last:
                self.betas[name] = nn.Parameter(torch.zeros(after))

    def forward(self, picture: Maps) -> Maps:
        """Raw outputs, neither normalised nor masked."""
        skips = [self._blocks(picture, 1, 3)]
        for number in (4, 5, 6):
            skips.append(self._blocks(functional.max_pool2d(skips[-1], 2), number, number))
        deep = self._blocks(functional.max_pool2d(skips[-1], 2), 7, 9)
        for number, skip in zip((10, 12, 14, 16), reversed(skips), strict=True):
            deep = self._blocks(torch.cat([twice(deep), skip], dim=1), number, number + 1)
        result: torch.Tensor = self.convolutions[f"conv{NUM_CONVOLUTIONS}"](deep)
        return result

    def _blocks(self, maps: Maps, first: int, last: int) -> Maps:
        """Convolutions with their normalisation and ReLU."""
        for number in range(first, last + 1):
            name = f"conv{number}"
            maps = functional.relu(standardised(self.convolutions[name](maps)) + self.betas[name][:, None, None])
        return maps


def standardised(maps: Maps) -> Maps:
    """Every channel with mean 0 and variance 1 over all pictures of the batch, the biased variance plus epsilon."""
    variance, mean = torch.var_mean(maps, dim=(0, 2, 3), keepdim=True, correction=0)
    return (maps - mean) * torch.rsqrt(variance + EPSILON)


def twice(maps: Maps) -> Maps:
    """Twice the size by TensorFlow 1's filter: 2 i is i, 2 i + 1 the mean of i and i + 1, the last repeated."""
    for dim in (2, 3):
        size = maps.shape[dim]
        after = torch.cat([maps.narrow(dim, 1, size - 1), maps.narrow(dim, size - 1, 1)], dim=dim)
        maps = torch.stack([maps, (maps + after) / 2], dim=dim + 1).flatten(dim, dim + 1)
    return maps
