"""MODNet: a soft matte of whatever people a picture holds.

Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition", AAAI 2022.
"""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from hd_core.person.models import Network

STRIDE = 32
"""Input sides are multiples of this."""


class MatteNetwork:
    """MODNet, loaded and ready."""

    def __init__(self) -> None:
        self._network = Network("modnet")

    def alpha(self, rgb: UInt8[np.ndarray, "h w 3"], *, short_side: int) -> Float[np.ndarray, "a b"]:
        """The matte at the network's own resolution.

        Args:
            rgb: Any picture.
            short_side: Its shorter side for the network, px; both sides are rounded to multiples of 32.

        Returns:
            0..1; covers the same field as `rgb`.
        """
        height, width = rgb.shape[:2]
        scale = short_side / min(height, width)
        columns, rows = _to_stride(width * scale), _to_stride(height * scale)
        picture = Image.fromarray(rgb).resize((columns, rows), Image.Resampling.BICUBIC)
        signed = np.asarray(picture, np.float32) / 127.5 - 1
        out = self._network.run({"input": np.ascontiguousarray(signed.transpose(2, 0, 1))[None]})
        alpha: np.ndarray = np.clip(out["output"][0, 0], 0, 1)
        return alpha


def _to_stride(pixels: float) -> int:
    return max(STRIDE, round(pixels / STRIDE) * STRIDE)
