"""Layers that know where the person is: what lies off the mask changes nothing on it, and neither does padding."""

from typing import Any

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
        """Normalise; statistics are in single precision whatever `x` is, the result is in that of `x`."""
        found: Tensor = _Normalise.apply(x, mask, self.weight, self.bias, self.groups)  # type: ignore[no-untyped-call]
        return found


class _Normalise(torch.autograd.Function):
    """The normalisation with its gradient in closed form: a third of the memory traffic of the recorded one.

    With m the mask, M its pixels, h = (x - mean) / std, w and b the weight and the bias: y = m (w h + b), and
    dx = m / std (w dy - <w dy> - h <w dy h>), where <.> is the mean over mask and group.
    """

    @staticmethod
    def forward(  # noqa: PLR0917 - torch makes the context, and passes all by position
        ctx: Any,  # noqa: ANN401
        x: Tensor,
        mask: Tensor,
        weight: Tensor,
        bias: Tensor,
        groups: int,
    ) -> Tensor:
        mask = mask.to(x.dtype)
        pixels = mask.sum((1, 2, 3), dtype=torch.float32).clamp(min=1)[:, None]
        x = x * mask
        mean = _over_group(x.sum((2, 3), dtype=torch.float32) / pixels, groups)
        power = torch.linalg.vector_norm(x, dim=(2, 3), dtype=torch.float32).square() / pixels
        inverse = torch.rsqrt((_over_group(power, groups) - mean.square()).clamp(min=0) + _EPSILON)
        ctx.save_for_backward(x, mask, weight, mean, inverse, pixels)
        ctx.groups = groups
        scale = weight * inverse
        return torch.addcmul(_spread(bias - mean * scale, x), x, _spread(scale, x)).mul_(mask)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor, None]:  # noqa: ANN401
        x, mask, weight, mean, inverse, pixels = ctx.saved_tensors
        grad = grad * mask
        flat = grad.sum((2, 3), dtype=torch.float32)
        along = ((grad * x).sum((2, 3), dtype=torch.float32) - mean * flat) * inverse
        lost_flat = _over_group(flat * weight / pixels, ctx.groups)
        lost_along = _over_group(along * weight / pixels, ctx.groups)
        slope = -inverse.square() * lost_along
        offset = -inverse * lost_flat - slope * mean
        back = torch.addcmul(_spread(offset, x), x, _spread(slope, x)).mul_(mask)
        back.addcmul_(grad, _spread(inverse * weight, x))
        return back, None, along.sum(0), flat.sum(0), None


def _over_group(per_channel: Float[Tensor, "b c"], groups: int) -> Float[Tensor, "b c"]:
    grouped = per_channel.reshape(len(per_channel), groups, -1)
    return grouped.mean(2, keepdim=True).expand_as(grouped).flatten(1)


def _spread(per_channel: Float[Tensor, "b c"], like: Tensor) -> Float[Tensor, "b c 1 1"]:
    return per_channel[..., None, None].to(like.dtype)


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
