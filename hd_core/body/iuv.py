"""Finding the body: a view in, the point of the body that every pixel shows out, for both surfaces at once."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32

from hd_core.body.decode import Coarse, Decoded, FoundBodies, decode
from hd_core.body.iuv_network import IuvNet
from hd_core.body.mirror import mean_of
from hd_core.predict.hdnet import cpu_threads, find_device, repeatable
from hd_core.predict.layers import mask_pyramid
from hd_core.predict.planes import PICTURE_PLANES, picture_planes
from hd_core.predict.scales import pyramid
from hd_core.predict.weights import PACKAGED, WeightsCard, load_network
from hd_core.predict.window import cut_window, window_of
from hd_core.types import BodyMaps, View

Target = Literal["clothed", "body"]
"""The surface that is seen, clothes included, or the body under them, as if nothing were worn."""
IUV_WEIGHTS = PACKAGED.with_name("iuv.safetensors")
"""Where the weights in the package lie."""
_ALPHA, _RAY_X = PICTURE_PLANES.index("alpha"), PICTURE_PLANES.index("ray_x")


class SeenBodies(NamedTuple):
    """What the network says of both surfaces, not yet decided."""

    clothed: Coarse
    body: Coarse


class BodyFinder:
    """The correspondence network on one device.

    It sees the part of the view that holds the person, at about the size of the samples it learned from: a larger
    view is halved until it is. What is off the mask changes nothing on it.

    Args:
        network: With its weights.
        card: Of these weights.
        device: Where it runs.
        threads: CPU threads while it runs; 0 leaves the process as it is.
        mirrored: It also looks at the mirror image, and the mean of both answers counts: twice the time, better points.
    """

    def __init__(
        self,
        network: IuvNet,
        card: WeightsCard,
        *,
        device: torch.device,
        threads: int = 0,
        mirrored: bool = True,
    ) -> None:
        self._network, self._card, self._device, self._threads = network.eval().to(device), card, device, threads
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mirrored = mirrored

    @classmethod
    def load(
        cls, weights: Path | None = None, *, device: str = "cpu", threads: int = 0, mirrored: bool = True
    ) -> "BodyFinder":
        """Load weights onto a device.

        Args:
            weights: File of weights; None for the ones in the package.
            device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.
            threads: CPU threads while the network runs; 0 leaves the process as it is.
            mirrored: It also looks at the mirror image.

        Raises:
            WeightsError: They cannot be used.
            UsageError: There is no such device.
        """
        place = find_device(device)
        network, card = load_network(IuvNet, weights or IUV_WEIGHTS, packaged=weights is None)
        return cls(network, card, device=place, threads=threads, mirrored=mirrored)

    def find_bodies(self, view: View) -> FoundBodies:
        """The points of both surfaces that a view's pixels show, and how far to trust them.

        Args:
            view: A person; pixels off the mask show nothing of the body.
        """
        seen = self.look(view)
        if seen is None:
            return FoundBodies(_nobody(view), _nobody(view))
        return FoundBodies(*(decode(one, view.mask) for one in seen))

    def find_body(self, view: View, *, target: Target = "clothed") -> tuple[BodyMaps, Float32[np.ndarray, "h w"]]:
        """The points of one surface, and how far to trust them, 0..1; cheaper than both where the other is not wanted.

        Args:
            view: A person; pixels off the mask show nothing of the body.
            target: Which surface.
        """
        seen = self.look(view)
        found = _nobody(view) if seen is None else decode(getattr(seen, target), view.mask)
        return BodyMaps(iuv=found.iuv), found.confidence

    def look(self, view: View) -> SeenBodies | None:
        """What the network says of both surfaces, before it is decided (`decode`); None of an empty mask.

        Args:
            view: A person.
        """
        if not view.mask.any():
            return None
        views = pyramid(view, self._card.size)
        planes = picture_planes(views[-1])
        window = window_of(planes[_ALPHA] > 0.5, self._network.config.multiple)
        picture = torch.from_numpy(cut_window(planes, window))[None].to(self._device)
        with torch.inference_mode(), cpu_threads(self._threads), repeatable(self._device):
            answers = self._network(self._looks(picture).contiguous(memory_format=torch.channels_last))
            mask = mask_pyramid((picture[:, _ALPHA : _ALPHA + 1] > 0.5).float(), 2)[1][0, 0] > 0
            means = [mean_of(answer) for answer in answers]
        on, (top, left) = mask.cpu().numpy(), (span.start // 2 for span in window)
        return SeenBodies(
            *(Coarse(**mean._asdict(), mask=on, top=top, left=left, cell=2 ** len(views)) for mean in means)
        )

    def describe(self) -> dict[str, str]:
        """Digest and origin of the weights, and how and where they ran."""
        return {
            "finder": "iuv",
            "looks": "straight and mirrored" if self._mirrored else "straight",
            "licence": self._card.licence,
            "weights_sha256": self._card.sha256,
            "training_data": self._card.training_data,
            "device": str(self._device),
            "torch": torch.__version__,
        }

    def _looks(self, picture: torch.Tensor) -> torch.Tensor:
        """The picture, and maybe its mirror image, which a mirrored camera sees."""
        if not self._mirrored:
            return picture
        mirrored = picture.flip(-1)
        mirrored[:, _RAY_X] *= -1
        return torch.cat([picture, mirrored])


def _nobody(view: View) -> Decoded:
    shape = view.alpha.shape
    return Decoded(iuv=np.zeros((*shape, 3), np.uint8), confidence=np.zeros(shape, np.float32))
