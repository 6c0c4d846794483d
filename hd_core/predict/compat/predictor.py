"""The published networks as a predictor among others: a view in, maps in the view's own camera out.

The networks see what they always saw: 256 x 256 px, white off the mask, raw bytes. A view brings no DensePose, so
the depth network gets none (zeros); for the published results use an inference folder (`hd-core run-hdnet`). Depth
has no scale, and its camera is the published one, which is nobody's: relief is measured in pixels' footprints there,
4 / 314.09, and laid out in the view's. Normals are taken to be those of a camera that looks through the crop's middle
(on the published sample they average to 6 degrees from it, where the published camera would have them at 16).
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from hd_core.errors import UsageError
from hd_core.geometry.camera import pixel_rays
from hd_core.geometry.crop import crop_between, cut_plane, cut_rgb, make_crop
from hd_core.predict.compat.network import Hourglass
from hd_core.predict.compat.run import FOCAL_PX, MEDIAN_DEPTH, SIDE, run_networks
from hd_core.predict.compat.weights import CompatCard, load_compat
from hd_core.predict.facing import facing, turn_to_middle
from hd_core.predict.hdnet import cpu_threads, find_device
from hd_core.predict.maps_decode import GridMaps
from hd_core.predict.maps_resample import resample
from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Box, Camera, Gauge, SurfaceMaps, View

NEAREST = 0.2
"""No point comes nearer to the camera than this share of the median depth."""


class HdnetCompatPredictor:
    """The published networks on one device.

    Args:
        networks: "normal" and "depth".
        card: Of their weights.
        device: Where they run.
        threads: CPU threads while they run; 0 leaves the process as it is.
    """

    name = "hdnet_compat"
    gauge = Gauge.SCALE

    def __init__(
        self, networks: dict[str, Hourglass], card: CompatCard, *, device: torch.device, threads: int = 0
    ) -> None:
        self.licence = card.licence
        self._card, self._device, self._threads = card, device, threads
        self._networks = {name: network.to(device) for name, network in networks.items()}

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "HdnetCompatPredictor":
        """Load converted weights onto the device.

        Raises:
            UsageError: None are named, or there is no such device.
            WeightsError: They cannot be used.
        """
        if options.weights is None:
            raise UsageError(
                "hdnet_compat needs the published weights.",
                "Convert them with hd-core convert-hdnet MODEL_DIR -o FILE, then give --weights FILE.",
            )
        networks, card = load_compat(options.weights)
        return cls(networks, card, device=find_device(options.device), threads=options.threads)

    def predict(self, view: View) -> SurfaceMaps:
        """Maps of the view; pixels of the mask that the networks' coarser picture lacks take the nearest one's."""
        camera, mask = view.crop.camera, view.mask
        if not mask.any():
            return _maps(camera, mask, np.full(mask.shape, np.nan), np.zeros((*mask.shape, 3)))
        square = square_camera(camera)
        crop = crop_between(camera, square)
        seen = cut_plane(view.alpha, crop) > 0.5
        with cpu_threads(self._threads):
            rgb = cut_rgb(view.rgb, crop)
            depth, normal = run_networks(self._networks, rgb, seen, np.zeros_like(rgb), self._device)
        grid = GridMaps(
            valid=seen,
            normal=facing(normal.astype(np.float64) @ turn_to_middle(square).T, square),
            depth=relaid(depth, seen, square),
            confidence=seen.astype(np.float32),
        )
        found = resample(grid, square, camera, positive=True)
        if found.depth is None or not found.valid.any():
            rays = pixel_rays(camera)
            towards = -rays / np.linalg.norm(rays, axis=-1, keepdims=True)
            return _maps(camera, mask, np.ones(mask.shape), towards)
        rows, columns = distance_transform_edt(~found.valid, return_distances=False, return_indices=True)
        return _maps(camera, mask, found.depth[rows, columns], facing(found.normal[rows, columns], camera))

    def describe(self) -> dict[str, str]:
        """Digest and origin of the weights, and where they ran."""
        return {
            "predictor": self.name,
            "licence": self.licence,
            "weights_sha256": self._card.sha256,
            "checkpoints": ", ".join(self._card.checkpoints.values()),
            "densepose": "none",
            "device": str(self._device),
            "torch": torch.__version__,
        }


def square_camera(camera: Camera) -> Camera:
    """The camera of the smallest square around a view, at the networks' size."""
    side = float(max(camera.shape))
    box = Box(left=(camera.width - side) / 2, top=(camera.height - side) / 2, width=side, height=side)
    return make_crop(camera, box, width=SIDE, height=SIDE).camera


def relaid(depth: Float[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], camera: Camera) -> Float[np.ndarray, "h w"]:
    """The published depth in this camera's own footprints, with median 1; 1 off the mask."""
    if not mask.any():
        return np.ones(mask.shape)
    relief_px = (depth - np.median(depth[mask])) * FOCAL_PX / MEDIAN_DEPTH
    focal = float(np.sqrt(camera.intrinsics[0, 0] * camera.intrinsics[1, 1]))
    return np.where(mask, np.maximum(1 + relief_px / focal, NEAREST), 1.0)


def _maps(
    camera: Camera, mask: Bool[np.ndarray, "h w"], depth: Float[np.ndarray, "h w"], normal: Float[np.ndarray, "h w 3"]
) -> SurfaceMaps:
    return SurfaceMaps(
        camera=camera,
        depth=np.where(mask, depth, np.nan).astype(np.float32),
        normal=np.where(mask[..., None], normal, 0).astype(np.float32),
        mask=mask,
        confidence=mask.astype(np.float32),
        gauge=Gauge.SCALE,
    )
