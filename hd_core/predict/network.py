"""HDNet's network, ours: one encoder, one decoder, and two heads for normals and depth with their spreads.

After Jafarian & Park (CVPR 2021), who use two hourglasses of 28 M parameters, batch statistics that see the
background, and one fixed camera. Here one masked residual U-Net learns both maps together, is told the true
rays of the crop, and works at every size that is a multiple of its coarsest pixel.
"""

from itertools import pairwise
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hd_core.predict.config import NetworkConfig
from hd_core.predict.layers import (
    Convolution,
    GlobalContext,
    MaskedGroupNorm,
    Residual,
    Widen,
    mask_pyramid,
)
from hd_core.predict.planes import BODY_PLANES, NUM_PARTS, PICTURE_PLANES
from hd_core.predict.trunk import TRUNK_WIDTHS, ScaledConvolution, Trunk

_PART_CODE = 3
_BODY_FEATURES = len(BODY_PLANES) - 1 + _PART_CODE
_PART = BODY_PLANES.index("part")
_LEAST_FACING = 1e-3


class Prediction(NamedTuple):
    """What the network says of every pixel; only those on the mask mean anything.

    `normal` is unit, in camera axes, and faces the camera: n . ray < 0. `relief` is in units of the crop's size
    (see `planes`). The spreads are the errors to be expected, in radians and in relief.
    """

    normal: Float[Tensor, "b 3 h w"]
    relief: Float[Tensor, "b 1 h w"]
    normal_spread: Float[Tensor, "b 1 h w"]
    relief_spread: Float[Tensor, "b 1 h w"]


class Backbone(nn.Module):
    """What all networks of this program share: features of the person at half the resolution of the picture.

    Args:
        config: Its shape.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        widths, size = config.widths, config.group_size
        steps = list(pairwise(widths))
        self.part_code = nn.Embedding(NUM_PARTS, _PART_CODE, padding_idx=0)
        self.stem = Convolution(4 * len(PICTURE_PLANES) + _BODY_FEATURES, widths[0], size)
        self.down = nn.ModuleList(Convolution(fine, coarse, size, stride=2) for fine, coarse in steps)
        self.encoder = _levels(widths, config.encoder_blocks, size)
        self.trunk = Trunk() if config.trunk else None
        pairs = zip(TRUNK_WIDTHS, widths, strict=True) if config.trunk else ()
        self.lateral = nn.ModuleList(nn.Conv2d(seen, own, 1, bias=False) for seen, own in pairs)
        self.context = GlobalContext(widths[-1])
        self.up = nn.ModuleList(Widen(coarse, fine) for fine, coarse in steps)
        self.decoder = _levels(widths[:-1], config.decoder_blocks, size)

    def features(
        self, picture: Float[Tensor, "b p h w"], body: Float[Tensor, "b q h w"] | None
    ) -> tuple[Float[Tensor, "b c a d"], list[Float[Tensor, "b 1 _ _"]]]:
        """Features of width `config.widths[0]` at half the resolution, and the masks of all levels from 1 down."""
        masks = mask_pyramid((picture[:, 3:4] > 0.5).to(picture.dtype), len(self.config.widths) + 1)
        return self._decode(self._encode(picture, self._folded(picture, body), masks), masks), masks

    def _folded(self, picture: Tensor, body: Tensor | None) -> Tensor:
        """Half the resolution, nothing lost of the picture: its pixels stand in fours as channels."""
        folded = functional.pixel_unshuffle(picture, 2)
        if body is None:
            return functional.pad(folded, (0, 0, 0, 0, 0, _BODY_FEATURES))
        half = body[:, :, ::2, ::2]
        code = self.part_code(half[:, _PART].long()).movedim(-1, 1)
        return torch.cat([folded, half[:, :_PART], half[:, _PART + 1 :], code], dim=1)

    def _encode(self, picture: Tensor, features: Tensor, masks: list[Tensor]) -> list[Tensor]:
        seen = self.trunk(picture[:, :3], masks) if self.trunk is not None else None
        x = self.stem(features, masks[1])
        skips: list[Tensor] = []
        for level, blocks in enumerate(self.encoder):
            x = self.down[level - 1](x, masks[level + 1]) if level else x
            if seen is not None:
                x = x + self.lateral[level](seen[level])
            x = _apply(blocks, x, masks[level + 1])
            skips.append(x)
        skips[-1] = self.context(x, masks[-1])
        return skips

    def _decode(self, skips: list[Tensor], masks: list[Tensor]) -> Tensor:
        x = skips[-1]
        for level in reversed(range(len(self.up))):
            x = skips[level] + self.up[level](x, masks[level + 2], masks[level + 1])
            x = _apply(self.decoder[level], x, masks[level + 1])
        return x


class HdNet(Backbone):
    """The network of normals and depth. Make it with `build_network`, which also initialises it.

    Args:
        config: Its shape.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        widths, size = config.widths, config.group_size
        self.detail = nn.Conv2d(len(PICTURE_PLANES), config.full_width, 3, padding=1, bias=False)
        self.full = Widen(widths[0], config.full_width)
        self.norm = MaskedGroupNorm(config.full_width, size)
        self.normal_head = nn.Conv2d(config.full_width, 4, 3, padding=1)
        self.depth_head = nn.Conv2d(config.full_width, 2, 3, padding=1)

    def forward(self, picture: Float[Tensor, "b p h w"], body: Float[Tensor, "b q h w"] | None = None) -> Prediction:
        """Predict normals and relief.

        Args:
            picture: The planes `PICTURE_PLANES`; height and width multiples of `config.multiple`.
            body: The planes `BODY_PLANES`; a sample of zeros, or None for all, where no body is known.
        """
        coarse, masks = self.features(picture, body)
        fine = self.full(coarse, masks[1], masks[0]) + self.detail(picture)
        fine = functional.relu(self.norm(fine, masks[0]), inplace=True)
        # In single precision even in training: at 256 px halves are too coarse for the slopes of a relief.
        with torch.autocast(picture.device.type, enabled=False):
            normal, depth = self.normal_head(fine.float()), self.depth_head(fine.float())
        return Prediction(
            normal=_facing(normal[:, :3], picture[:, 4:6]),
            relief=depth[:, :1],
            normal_spread=functional.softplus(normal[:, 3:]),
            relief_spread=functional.softplus(depth[:, 1:]),
        )


Network = TypeVar("Network", bound=Backbone)


def build_network(config: NetworkConfig, *, seed: int) -> HdNet:
    """A network with fresh parameters; the same seed gives the same ones, and no global state is touched.

    Convolutions: He et al. (ICCV 2015), fan-in. Read-outs start small, so that the first normals face the camera.
    """
    network, generator = fresh(HdNet, config, seed=seed)
    for head in (network.normal_head, network.depth_head):
        nn.init.normal_(head.weight, std=0.05, generator=generator)
    return network


def fresh(kind: type[Network], config: NetworkConfig, *, seed: int) -> tuple[Network, torch.Generator]:
    """A network of a kind with fresh parameters, and the generator for those that are to be drawn otherwise."""
    with torch.device("meta"):
        network = kind(config)
    network = network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        _initialise(module, generator)
    return network, generator


@torch.no_grad()
def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear | ScaledConvolution):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5, generator=generator)
        module.weight[module.padding_idx] = 0
    elif isinstance(module, MaskedGroupNorm):
        nn.init.ones_(module.weight)
    if isinstance(module, ScaledConvolution):
        nn.init.ones_(module.scale)
        nn.init.zeros_(module.shift)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        nn.init.zeros_(bias)


def _levels(widths: tuple[int, ...], counts: tuple[int, ...], group_size: int) -> nn.ModuleList:
    return nn.ModuleList(
        nn.ModuleList(Residual(width, group_size) for _ in range(count))
        for width, count in zip(widths, counts, strict=True)
    )


def _apply(blocks: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, mask)
    return x


def _facing(raw: Float[Tensor, "b 3 h w"], ray: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Unit normals that face the camera, by construction.

    The third component is minus a positive number in axes whose z runs along the pixel's ray, and the smallest
    rotation takes those axes to the camera's. So n . ray < 0, which is what "visible" means; far off the axis
    this is not quite n_z < 0. It also makes a figure look to the network as it looks from straight ahead.
    """
    towards = -functional.softplus(raw[:, 2:]) - _LEAST_FACING
    local = _unit(torch.cat([raw[:, :2], towards], dim=1))
    direction = _unit(torch.cat([ray, torch.ones_like(ray[:, :1])], dim=1))
    across, along = direction[:, :2], direction[:, 2:]
    turned = (across * local[:, :2]).sum(1, keepdim=True)
    sideways = local[:, :2] + across * (local[:, 2:] - turned / (1 + along))
    return torch.cat([sideways, along * local[:, 2:] - turned], dim=1)


def _unit(vectors: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    return vectors * torch.rsqrt(vectors.square().sum(1, keepdim=True))
