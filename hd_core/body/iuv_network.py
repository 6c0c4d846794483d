"""The correspondence network: which part of the body each pixel shows, and which point of the template.

After DensePose (Gueler et al., CVPR 2018), whose network finds a part and, for every part, u and v of its chart. Ours
finds, for every part, the point of the template in three dimensions: there are no seams between charts and no islands
within them to learn, a mirrored person has mirrored points, and errors are in metres. Charts come in when the point
is looked up (`decode`). It is told the same as HDNet, shares its backbone and can start from its weights.
"""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from hd_core.predict.config import NetworkConfig
from hd_core.predict.layers import Convolution
from hd_core.predict.network import Backbone, fresh
from hd_core.predict.planes import NUM_PARTS

HIDDEN = 96
"""Channels from which all is read."""
REACH_M = 0.25
"""How far a part's points are from its centre, about; what a read-out of 1 stands for."""
_AXES = 3


class Charted(NamedTuple):
    """What the network says of one surface at half the resolution; only pixels on the mask mean anything.

    `parts` are logits. `offsets` say for each part 1..24 where a pixel of it would lie, from the part's centre on the
    template, m. `spread` is the error to be expected of them, m.
    """

    parts: Float[Tensor, "b 25 a d"]
    offsets: Float[Tensor, "b 24 3 a d"]
    spread: Float[Tensor, "b 1 a d"]


class IuvPrediction(NamedTuple):
    """The surface that is seen, clothes included, and the body under the clothes, as if nothing were worn."""

    clothed: Charted
    body: Charted


class IuvNet(Backbone):
    """The network. Make it with `build_iuv_network`, which also initialises it.

    Args:
        config: Its shape; what HDNet has at full resolution is left out.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        read = NUM_PARTS + (NUM_PARTS - 1) * _AXES + 1
        self.hidden = Convolution(config.widths[0], HIDDEN, config.group_size)
        self.clothed_head = nn.Conv2d(HIDDEN, read, 1)
        self.body_head = nn.Conv2d(HIDDEN, read, 1)

    def forward(self, picture: Float[Tensor, "b p h w"]) -> IuvPrediction:
        """Predict both surfaces.

        Args:
            picture: The planes `PICTURE_PLANES`; height and width multiples of `config.multiple`.
        """
        features, masks = self.features(picture, None)
        hidden = self.hidden(features, masks[1])
        # An offset from its part's centre is as exact as bytes of a chart even where products are in halves.
        return IuvPrediction(*(_charted(head(hidden).float()) for head in (self.clothed_head, self.body_head)))


def build_iuv_network(config: NetworkConfig, *, seed: int) -> IuvNet:
    """A network with fresh parameters; it begins with even parts and every point at its part's centre, nearly."""
    network, generator = fresh(IuvNet, config, seed=seed)
    for head in (network.clothed_head, network.body_head):
        nn.init.normal_(head.weight, std=0.02, generator=generator)
    return network


def _charted(read: Float[Tensor, "b c a d"]) -> Charted:
    return Charted(
        parts=read[:, :NUM_PARTS],
        offsets=REACH_M * read[:, NUM_PARTS:-1].reshape(len(read), NUM_PARTS - 1, _AXES, *read.shape[2:]),
        spread=REACH_M * functional.softplus(read[:, -1:]),
    )
