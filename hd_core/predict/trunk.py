"""The picture's trunk: MobileNetV2 (Sandler et al., CVPR 2018) as a pyramid of features, aware of the mask.

It can start from weights that were trained on a million photographs, so that what a network of ours sees first is
not our renderings alone. Their batch statistics are folded into a scale and a shift per channel, both of which
learn: no statistics of a batch, none of the background. The classifier's last convolution is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

TRUNK_WIDTHS = (16, 24, 32, 96, 320)
"""Channels of the features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the resolution."""
_PHOTO_MEAN, _PHOTO_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Table 2 of the paper, without its last line: expansion, channels, blocks and stride.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
# The last block of each resolution.
_TAPS = (1, 3, 6, 13, 17)


class ScaledConvolution(nn.Module):
    """A convolution whose result is scaled and shifted per channel: what is left of a frozen batch normalisation."""

    def __init__(self, channels_in: int, channels: int, size: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride, self.padding, self.groups = stride, size // 2, groups
        self.weight = nn.Parameter(torch.empty(channels, channels_in // groups, size, size))
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "b i _ _"]) -> Float[Tensor, "b c _ _"]:
        """The scale is multiplied into the kernel, which is smaller than any picture."""
        weight = self.weight * self.scale[:, None, None, None]
        if self.stride == 1 or self.groups == 1 or x.device.type != "cpu":
            return self._convolve(x, weight)
        # On processors the gradient of this kind is five times slower in halves than in single precision.
        with torch.autocast("cpu", enabled=False):
            return self._convolve(x.float(), weight.float())

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        found: Tensor = functional.conv2d(x, weight, self.shift, self.stride, self.padding, groups=self.groups)
        return found


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project back; the input is carried around where it fits."""

    def __init__(self, channels_in: int, channels: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        self.carries = stride == 1 and channels_in == channels
        self.expand = ScaledConvolution(channels_in, hidden, 1) if expansion > 1 else None
        self.filter = ScaledConvolution(hidden, hidden, 3, stride=stride, groups=hidden)
        self.project = ScaledConvolution(hidden, channels, 1)

    def forward(self, x: Float[Tensor, "b i _ _"], mask: Float[Tensor, "b 1 _ _"]) -> Float[Tensor, "b c _ _"]:
        """`mask` has the size of `x`; the filter, which looks around, sees zeros off it."""
        y = x if self.expand is None else functional.relu6(self.expand(x))
        found: Tensor = self.project(functional.relu6(self.filter(y * mask.to(y.dtype))))
        return x + found if self.carries else found


class Trunk(nn.Module):
    """Features of a picture at five resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ScaledConvolution(3, 32, 3, stride=2)
        blocks, self._strides, channels_in = [], list[int](), 32
        for expansion, channels, count, stride in _STAGES:
            for number in range(count):
                self._strides.append(stride if number == 0 else 1)
                blocks.append(InvertedResidual(channels_in, channels, expansion=expansion, stride=self._strides[-1]))
                channels_in = channels
        self.blocks = nn.ModuleList(blocks)

    def forward(
        self, colours: Float[Tensor, "b 3 h w"], masks: list[Float[Tensor, "b 1 _ _"]]
    ) -> list[Float[Tensor, "b _ _ _"]]:
        """Widths `TRUNK_WIDTHS`, from half the resolution down.

        Args:
            colours: -1..1.
            masks: The mask at full resolution and halved again and again, six in all.
        """
        mean, std = (colours.new_tensor(v)[:, None, None] for v in (_PHOTO_MEAN, _PHOTO_STD))
        x = functional.relu6(self.stem((colours * 0.5 + (0.5 - mean)) / std * masks[0]))
        level, taps = 1, []
        for number, (block, stride) in enumerate(zip(self.blocks, self._strides, strict=True), start=1):
            x = block(x, masks[level])
            level += stride - 1
            if number in _TAPS:
                taps.append(x * masks[level].to(x.dtype))
        return taps
