"""A predictor that knows nothing: a flat figure of unknown distance; the floor under every evaluation."""

import numpy as np

from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Gauge, SurfaceMaps, View


class FlatPredictor:
    """The whole mask in one plane across the camera's axis, at depth 1 of unknown scale."""

    name = "flat"
    gauge = Gauge.SCALE
    licence = "Apache-2.0"

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "FlatPredictor":  # noqa: ARG003 - there is nothing to tell
        """Make one."""
        return cls()

    def predict(self, view: View) -> SurfaceMaps:
        """The plane, wherever the view's mask is."""
        mask = view.mask
        return SurfaceMaps(
            camera=view.crop.camera,
            depth=np.where(mask, 1, np.nan).astype(np.float32),
            normal=(mask[..., None] * np.array([0, 0, -1])).astype(np.float32),
            mask=mask,
            confidence=mask.astype(np.float32),
            gauge=self.gauge,
        )

    def describe(self) -> dict[str, str]:
        """That it needs nothing."""
        return {"predictor": self.name, "licence": self.licence, "source": "a plane"}
