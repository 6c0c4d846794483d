"""Layers that know where the person is: what lies off the mask changes nothing on it, and neither does padding."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-5


def mask_pyramid(mask: Float[Tensor, "b 1 h w"], levels: int) -> list[Float[Tensor, "b 1 _ _"]]:
    """The mask at full size and halved again and again; a coarse pixel is on if any pixel in it is."""
    masks = [mask]
    for _ in range(levels - 1):
        masks.append(functional.max_pool2d(masks[-1], 2))
    return masks


def masked_mean(x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c"]:
    """Mean of every channel over the mask; zero where the mask is empty."""
    total = torch.einsum("bchw,bhw->bc", x, mask[:, 0])
    return total / mask.sum((1, 2, 3)).clamp(min=1)[:, None]


class MaskedGroupNorm(nn.Module):
    """Group normalisation (Wu & He, ECCV 2018) whose statistics come from the mask alone; zero off the mask.

    On a full mask it is the ordinary one. Groups are counted by their size, so that a person of a single pixel
    still has `group_size` values to normalise by.

    Args:
        channels: A multiple of `group_size`.
        group_size: Channels that share their statistics.
    """

    def __init__(self, channels: int, group_size: int) -> None:
        super().__init__()
        self.groups = channels // group_size
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise; in single precision whatever `x` is."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            mean = self._over_group(masked_mean(x, mask))
            variance = (self._over_group(masked_mean(x.square(), mask)) - mean.square()).clamp(min=0)
            scale = self.weight * torch.rsqrt(variance + _EPSILON)
            shift = self.bias - mean * scale
            # In place: the largest arrays of the network are here, and memory is what they cost.
            return torch.addcmul(shift[..., None, None], x, scale[..., None, None]).mul_(mask)

    def _over_group(self, per_channel: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        grouped = per_channel.reshape(len(per_channel), self.groups, -1)
        return grouped.mean(2, keepdim=True).expand_as(grouped).flatten(1)


class Convolution(nn.Module):
    """A 3 x 3 convolution, masked normalisation and, unless told not to, a rectifier."""

    def __init__(self, channels_in: int, channels: int, group_size: int, *, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels, 3, stride=stride, padding=1, bias=False)
        self.norm = MaskedGroupNorm(channels, group_size)

    def forward(
        self, x: Float[Tensor, "b i _ _"], mask: Float[Tensor, "b 1 h w"], *, rectify: bool = True
    ) -> Float[Tensor, "b c h w"]:
        """`mask` has the size of the result."""
        y = self.norm(self.convolution(x), mask)
        return functional.relu(y, inplace=True) if rectify else y


class Residual(nn.Module):
    """Two convolutions around which the input is carried (He et al., CVPR 2016), masked."""

    def __init__(self, channels: int, group_size: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels, group_size)
        self.second = Convolution(channels, channels, group_size)

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Add what the two convolutions found."""
        return functional.relu(x + self.second(self.first(x, mask), mask, rectify=False), inplace=True)


class GlobalContext(nn.Module):
    """Tells every pixel what the whole person looks like: the mean over the mask, mixed and added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Linear(channels, channels)

    def forward(self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """Add the mixed mean on the mask."""
        mixed: Tensor = self.mix(masked_mean(x, mask))
        return x + mixed[..., None, None] * mask


class Widen(nn.Module):
    """Brings coarse features to twice the resolution and to another number of channels.

    Bilinear, normalised by the mask: pixels off the person have no weight, so its edge is not dimmed.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels_in, channels, 1, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b i a d"],
        coarse_mask: Float[Tensor, "b 1 a d"],
        mask: Float[Tensor, "b 1 h w"],
    ) -> Float[Tensor, "b c h w"]:
        """Widen `x`; zero off the fine mask."""
        weight = _double(coarse_mask).clamp(min=_EPSILON)
        return _double(self.mix(x)) * (mask / weight)


def _double(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c 2*h 2*w"]:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
