"""The published inference on plain arrays: raw bytes in, raw depth and unit normals out."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from hd_core.predict.compat.network import Hourglass

SIDE = 256
"""Of the published pictures, px."""
FOCAL_PX, CENTRE_X, CENTRE_Y = 314.0945, 34.4724, 139.0199
"""The one camera that the published code assumes of every 256 px picture; centres of pixels at whole numbers."""
MEDIAN_DEPTH = 4.0
"""Every depth map the networks were trained on was moved to this median; the unit means nothing."""


def run_networks(
    networks: Mapping[str, Hourglass],
    rgb: UInt8[np.ndarray, "h w 3"],
    mask: Bool[np.ndarray, "h w"],
    densepose: UInt8[np.ndarray, "h w 3"],
    device: torch.device,
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w 3"]]:
    """Depth and normals as the published program writes them: 0 off the mask.

    Args:
        networks: "normal" and "depth", on the device.
        rgb: The picture; made white off the mask here.
        mask: The person.
        densepose: V, U and part number, raw bytes; not masked.
        device: Where to run.
    """
    white = np.where(mask[..., None], rgb, 255).astype(np.float32)
    with torch.inference_mode():
        picture = _batch(white).to(device)
        inside = _batch(mask[..., None].astype(np.float32)).to(device)
        raw = networks["normal"](picture)
        length = raw.norm(dim=1, keepdim=True)
        normal = torch.where(length > 0, raw / length, torch.tensor(0.0, device=device)) * inside
        body = _batch(densepose.astype(np.float32)).to(device)
        depth = networks["depth"](torch.cat([picture, normal, body], dim=1)) * inside
    return depth[0, 0].cpu().numpy(), np.ascontiguousarray(np.moveaxis(normal[0].cpu().numpy(), 0, -1))


def _batch(picture: Float[np.ndarray, "h w c"]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture, -1, 0)))[None]
