"""The HDNet predictor: a view in, the network's normals and depth out, on a device and with threads of its own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from jaxtyping import Float

from hd_core.errors import UsageError
from hd_core.predict.network import HdNet, Prediction
from hd_core.predict.planes import PICTURE_PLANES, body_planes, crop_extent, depth_from_relief, picture_planes
from hd_core.predict.protocol import PredictorOptions
from hd_core.predict.scales import agree, pyramid
from hd_core.predict.weights import WeightsCard, load_weights
from hd_core.predict.window import cut_window, window_of
from hd_core.types import Gauge, SurfaceMaps, View

# The spread at which confidence is one half: about the mean error of a good network.
_HALF_NORMAL_RAD = 0.25
_HALF_RELIEF = 0.03
_ALPHA = PICTURE_PLANES.index("alpha")


class HdNetPredictor:
    """The network on one device.

    Normals face the camera by construction (`network`), depth is in the `scale` gauge with median 1 (`planes`).
    The network sees the part of the view that holds the person, widened to the sizes it needs and never resampled:
    what is off the mask changes nothing on it. Confidence is 1 / (1 + (spread / half)^2), of normal or depth,
    whichever is lower. A view well above the size of the samples in training is seen at half its size, too (`scales`).
    What the view knows of the body is read by weights that learned to, and left alone by others.

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
        self.reads_body = card.body_share > 0
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
        normal, relief, confidence = self._seen(view)
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

    def _seen(
        self, view: View
    ) -> tuple[Float[np.ndarray, "3 h w"], Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
        """Normal, relief and confidence of a view, at every size it is seen at."""
        views = pyramid(view, self._card.size)
        with torch.inference_mode(), cpu_threads(self._threads), repeatable(self._device):
            found = self._run(views[-1])
            for finer, coarser in zip(views[-2::-1], views[:0:-1], strict=True):
                masks = (torch.from_numpy(one.mask).to(self._device) for one in (finer, coarser))
                found = agree(self._run(finer), found, *masks)
        parts = found.cpu().numpy()
        return parts[:3], parts[3], parts[4]

    def _run(self, view: View) -> Float[torch.Tensor, "5 h w"]:
        """Normal, relief and confidence of a view as it is, zero far from the mask."""
        told = self.reads_body and view.body is not None
        planes = [picture_planes(view)] + ([body_planes(view)] if told else [])
        window = window_of(planes[0][_ALPHA] > 0.5, self._network.config.multiple)
        picture, *body = (torch.from_numpy(cut_window(part, window))[None].to(self._device) for part in planes)
        prediction = self._network(picture.contiguous(memory_format=torch.channels_last), *body)
        found = torch.cat([prediction.normal, prediction.relief, _confidence(prediction)], dim=1)[0]
        result = found.new_zeros(len(found), *view.alpha.shape)
        place = result[:, window[0], window[1]]
        place[:] = found[:, : place.shape[1], : place.shape[2]]
        return result


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


def repeatable(device: torch.device) -> AbstractContextManager[None]:
    """On CUDA: algorithms that give the same bytes every time, in full single precision."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def _confidence(prediction: Prediction) -> torch.Tensor:
    normal = 1 / (1 + (prediction.normal_spread / _HALF_NORMAL_RAD).square())
    relief = 1 / (1 + (prediction.relief_spread / _HALF_RELIEF).square())
    return torch.minimum(normal, relief)
