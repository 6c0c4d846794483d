"""Finding the body: a view in, the point of the body that every pixel shows out."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from torch.nn import functional

from hd_core.body.decode import Coarse, decode
from hd_core.body.iuv_network import Charted, IuvNet
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
_ALPHA = PICTURE_PLANES.index("alpha")


class BodyFinder:
    """The correspondence network on one device.

    It sees the part of the view that holds the person, at about the size of the samples it learned from: a larger
    view is halved until it is. What is off the mask changes nothing on it.

    Args:
        network: With its weights.
        card: Of these weights.
        device: Where it runs.
        threads: CPU threads while it runs; 0 leaves the process as it is.
    """

    def __init__(self, network: IuvNet, card: WeightsCard, *, device: torch.device, threads: int = 0) -> None:
        self._network, self._card, self._device, self._threads = network.eval().to(device), card, device, threads
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def load(cls, weights: Path | None = None, *, device: str = "cpu", threads: int = 0) -> "BodyFinder":
        """Load weights onto a device.

        Args:
            weights: File of weights; None for the ones in the package.
            device: "cpu", "cuda", "cuda:1", "mps", or "auto" for the best there is.
            threads: CPU threads while the network runs; 0 leaves the process as it is.

        Raises:
            WeightsError: They cannot be used.
            UsageError: There is no such device.
        """
        place = find_device(device)
        network, card = load_network(IuvNet, weights or IUV_WEIGHTS, packaged=weights is None)
        return cls(network, card, device=place, threads=threads)

    def find_body(self, view: View, *, target: Target = "clothed") -> tuple[BodyMaps, Float32[np.ndarray, "h w"]]:
        """The points of the body that a view's pixels show, and how far to trust them, 0..1.

        Args:
            view: A person; pixels off the mask show nothing of the body.
            target: Which surface.
        """
        if not view.mask.any():
            empty = np.zeros(view.alpha.shape, np.float32)
            return BodyMaps(iuv=np.zeros((*empty.shape, 3), np.uint8)), empty
        found = decode(self._seen(view, target), view.mask)
        return BodyMaps(iuv=found.iuv), found.confidence

    def describe(self) -> dict[str, str]:
        """Digest and origin of the weights, and where they ran."""
        return {
            "finder": "iuv",
            "licence": self._card.licence,
            "weights_sha256": self._card.sha256,
            "training_data": self._card.training_data,
            "device": str(self._device),
            "torch": torch.__version__,
        }

    def _seen(self, view: View, target: Target) -> Coarse:
        """What the network says of one surface."""
        views = pyramid(view, self._card.size)
        planes = picture_planes(views[-1])
        window = window_of(planes[_ALPHA] > 0.5, self._network.config.multiple)
        picture = torch.from_numpy(cut_window(planes, window))[None].to(self._device)
        with torch.inference_mode(), cpu_threads(self._threads), repeatable(self._device):
            found: Charted = getattr(self._network(picture.contiguous(memory_format=torch.channels_last)), target)
            parts = functional.softmax(found.parts[0], dim=0).permute(1, 2, 0)
            offsets, spread = found.offsets[0].permute(2, 3, 0, 1), found.spread[0, 0]
            mask = mask_pyramid((picture[:, _ALPHA : _ALPHA + 1] > 0.5).float(), 2)[1][0, 0] > 0
        planar = (tensor.contiguous().cpu().numpy() for tensor in (parts, offsets, spread, mask))
        named = dict(zip(("parts", "offsets", "spread", "mask"), planar, strict=True))
        return Coarse(**named, top=window[0].start // 2, left=window[1].start // 2, cell=2 ** len(views))
