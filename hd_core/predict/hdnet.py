"""The HDNet predictor: a view in, the network's normals and depth out, on a device and with threads of its own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from hd_core.errors import UsageError
from hd_core.predict.network import HdNet, Prediction
from hd_core.predict.planes import crop_extent, depth_from_relief, picture_planes
from hd_core.predict.protocol import PredictorOptions
from hd_core.predict.weights import WeightsCard, load_weights
from hd_core.types import Gauge, SurfaceMaps, View

# The spread at which confidence is one half: about the mean error of a good network.
_HALF_NORMAL_RAD = 0.25
_HALF_RELIEF = 0.03


class HdNetPredictor:
    """The network on one device.

    Normals face the camera by construction (`network`), depth is in the `scale` gauge with median 1 (`planes`).
    The view is padded to the size the network needs, never resampled: the padding is off the mask, where it
    changes nothing. Confidence is 1 / (1 + (spread / half)^2), of normal or depth, whichever is lower.

    Args:
        network: With its weights.
        card: Of these weights.
        device: Where it runs.
        threads: CPU threads while it runs; 0 leaves the process as it is.
    """

    name = "hdnet"
    gauge = Gauge.SCALE

    def __init__(self, network: HdNet, card: WeightsCard, *, device: torch.device, threads: int = 0) -> None:
        self.licence = card.licence
        self._card = card
        self._device = device
        self._threads = threads
        self._network = network.eval().to(device)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "HdNetPredictor":
        """Load the weights onto the device.

        Raises:
            WeightsError: They cannot be used.
            UsageError: There is no such device.
        """
        device = find_device(options.device)
        network, card = load_weights(options.weights)
        return cls(network, card, device=device, threads=options.threads)

    def predict(self, view: View) -> SurfaceMaps:
        """Normals and depth of the view."""
        normal, relief, confidence = self._run(picture_planes(view))
        camera, mask = view.crop.camera, view.mask
        return SurfaceMaps(
            camera=camera,
            depth=depth_from_relief(relief, mask, extent=crop_extent(camera)),
            normal=np.where(mask[..., None], np.moveaxis(normal, 0, -1), 0),
            mask=mask,
            confidence=np.where(mask, confidence, 0),
            gauge=self.gauge,
        )

    def describe(self) -> dict[str, str]:
        """Digest and origin of the weights, and where they ran."""
        return {
            "predictor": self.name,
            "licence": self.licence,
            "weights_sha256": self._card.sha256,
            "training_data": self._card.training_data,
            "device": str(self._device),
            "torch": torch.__version__,
        }

    def _run(
        self, planes: Float[np.ndarray, "p h w"]
    ) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
        """Normal, relief and confidence at the size of the planes."""
        height, width = planes.shape[1:]
        multiple = self._network.config.multiple
        padding = (0, -width % multiple, 0, -height % multiple)
        with torch.inference_mode(), cpu_threads(self._threads), _repeatable(self._device):
            picture = functional.pad(torch.from_numpy(planes)[None], padding).to(self._device)
            prediction = self._network(picture.contiguous(memory_format=torch.channels_last))
            stack = torch.cat([prediction.normal, prediction.relief, _confidence(prediction)], dim=1)
            result = stack[0, :, :height, :width].contiguous().cpu().numpy()
        return result[:3], result[3], result[4]


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is CUDA, else MPS, else the CPU.

    Raises:
        UsageError: This machine, or this torch, does not have it.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if has[kind]))
    kind, _, index = name.partition(":")
    known = has.get(kind, False) and (not index or (index.isdecimal() and _exists(kind, int(index))))
    if not known:
        usable = ", ".join(kind for kind, there in has.items() if there)
        raise UsageError(f"There is no device {name!r} here.", f"Usable: {usable}, or auto.")
    return torch.device(name)


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Run the block with `count` CPU threads (0: as it is); the process gets back what it had."""
    before = torch.get_num_threads()
    if count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count:
            torch.set_num_threads(before)


def _exists(kind: str, index: int) -> bool:
    return index < (torch.cuda.device_count() if kind == "cuda" else 1)


def _repeatable(device: torch.device) -> AbstractContextManager[None]:
    """On CUDA: algorithms that give the same bytes every time, in full single precision."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def _confidence(prediction: Prediction) -> torch.Tensor:
    normal = 1 / (1 + (prediction.normal_spread / _HALF_NORMAL_RAD).square())
    relief = 1 / (1 + (prediction.relief_spread / _HALF_RELIEF).square())
    return torch.minimum(normal, relief)
