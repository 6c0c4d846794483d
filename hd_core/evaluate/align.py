"""What a depth map leaves open, taken out by least squares before it is compared with the truth."""

import numpy as np
from jaxtyping import Float

from hd_core.types import Gauge


def fit_depth(depth: Float[np.ndarray, " n"], truth: Float[np.ndarray, " n"], gauge: Gauge) -> tuple[float, float]:
    """Scale and shift of the map that makes `scale * depth + shift` closest to the truth, in squares.

    A constant depth, or one that runs against the truth, is worth no more than the truth's mean: its scale is 0.

    Args:
        depth: Predicted, at the same pixels.
        truth: m.
        gauge: `AFFINE` fits both, `SCALE` the scale alone, `METRIC` nothing.

    Returns:
        Scale and shift, m; 1 and 0 where there are no pixels.
    """
    if gauge is Gauge.METRIC or not len(depth):
        return 1.0, 0.0
    found, wanted = depth.astype(np.float64), truth.astype(np.float64)
    if gauge is Gauge.SCALE:
        below = float(found @ found)
        return (float(found @ wanted) / below if below > 0 else 0.0), 0.0
    middle, level = float(found.mean()), float(wanted.mean())
    spread = found - middle
    below = float(spread @ spread)
    flat = below <= 1e-14 * len(found) * max(middle * middle, 1e-30)
    scale = 0.0 if flat else max(float(spread @ (wanted - level)) / below, 0.0)
    return scale, level - scale * middle
