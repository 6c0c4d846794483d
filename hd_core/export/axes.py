"""Positions and normals in the axes of a format."""

import numpy as np
from jaxtyping import Float


def turned(vectors: Float[np.ndarray, "v 3"], target_from_cam: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "v 3"]:
    """Positions or normals in other axes, single precision; exact for axes that only swap and flip."""
    there: Float[np.ndarray, "v 3"] = (vectors @ target_from_cam.T).astype(np.float32)
    return there
