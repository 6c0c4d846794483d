"""What a predictor is, what it is made from, and which ones there are; importing this imports none of them."""

from typing import Protocol, runtime_checkable

from hd_core.predict.licence import refuse_non_commercial
from hd_core.predict.options import PredictorOptions
from hd_core.registry import Registry
from hd_core.types import Gauge, SurfaceMaps, View


@runtime_checkable
class Predictor(Protocol):
    """Depth and normals of one person in one view.

    The same view gives the same bytes, the view is left as it was, normals face the camera (n . ray < 0), and
    an empty mask gives empty maps.
    """

    name: str
    gauge: Gauge
    licence: str

    @classmethod
    def from_options(cls, options: PredictorOptions) -> "Predictor":
        """Make one, or refuse with the reason."""

    def predict(self, view: View) -> SurfaceMaps:
        """Maps of the size of the view's crop camera, in `gauge`."""

    def describe(self) -> dict[str, str]:
        """What `run.json` records: where the predictions come from, exactly."""


__all__ = ["PREDICTORS", "Predictor", "PredictorOptions", "load_predictor"]

PREDICTORS = Registry(
    "predictor",
    {
        "constant": "hd_core.predict.constant:ConstantPredictor",
        "flat": "hd_core.predict.flat:FlatPredictor",
        "hdnet": "hd_core.predict.hdnet:HdNetPredictor",
        "hdnet_compat": "hd_core.predict.compat.predictor:HdnetCompatPredictor",
        "inflate": "hd_core.predict.inflate:InflatePredictor",
        "maps": "hd_core.predict.maps:MapsPredictor",
        "onnx": "hd_core.predict.onnx_predictor:OnnxPredictor",
    },
    group="hd_core.predictors",
)


def load_predictor(name: str, options: PredictorOptions) -> Predictor:
    """Make the predictor of that name.

    Raises:
        UsageError: No such name, or an option it needs is missing.
        InputError: The folder of maps cannot be used.
        WeightsError: The weights cannot be used, or not commercially where that was asked for.
    """
    predictor: Predictor = PREDICTORS.load(name).from_options(options)
    if options.licence == "commercial":
        refuse_non_commercial(name, predictor.licence, allowed=getattr(predictor, "commercial", None))
    return predictor
