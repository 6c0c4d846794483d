"""A predictor that looks at nothing but the mask: a flat figure that faces the camera, for dry runs and tests."""

import numpy as np

from hd_core.predict.protocol import PredictorOptions
from hd_core.types import Gauge, SurfaceMaps, View


class ConstantPredictor:
    """The whole mask at one distance, in the plane across the camera's axis.

    Args:
        distance_m: Depth of that plane, metres.
    """

    name = "constant"
    gauge = Gauge.METRIC
    licence = "Apache-2.0"

    def __init__(self, distance_m: float) -> None:
        self._distance_m = distance_m

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "ConstantPredictor":
        """Take the distance from the options."""
        return cls(options.distance_m)

    def predict(self, view: View) -> SurfaceMaps:
        """The plane, wherever the view's mask is."""
        mask = view.mask
        return SurfaceMaps(
            camera=view.crop.camera,
            depth=np.where(mask, self._distance_m, np.nan).astype(np.float32),
            normal=(mask[..., None] * np.array([0, 0, -1])).astype(np.float32),
            mask=mask,
            confidence=mask.astype(np.float32),
            gauge=self.gauge,
        )

    def describe(self) -> dict[str, str]:
        """The distance."""
        return {"predictor": self.name, "licence": self.licence, "distance_m": f"{self._distance_m:g}"}
