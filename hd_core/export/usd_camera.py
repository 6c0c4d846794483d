"""The camera that filmed the clip as a USD Camera prim.

USD gives the film back and the focal length in tenths of the stage's unit: with metres, 0.36 is 36 mm. Only
their ratios matter to the picture; the film back is set to 36 mm wide and everything else follows from K.
"""

import numpy as np
from pxr import Gf, Usd, UsdGeom, Vt

from hd_core.types import Camera

FILM_WIDTH = 0.36
"""36 mm in tenths of a metre: the width that makes focal lengths read like those of photography."""
CLIPPING_METRES = (0.01, 1000.0)


def add_camera(stage: Usd.Stage, path: str, camera: Camera) -> None:
    """Add a still camera at the origin that looks along +y with z up, as the points of the stage expect.

    The principal point may lie anywhere, and pixels need not be square. A skewed K has no counterpart in USD;
    its skew is left out. The exact K is kept in the prim's custom data.

    Args:
        stage: Z up, metres.
        path: Path of the prim.
        camera: Camera of the full frame.
    """
    k = camera.intrinsics
    across = FILM_WIDTH / camera.width
    down = across * k[0, 0] / k[1, 1]
    prim = UsdGeom.Camera.Define(stage, path)
    prim.CreateFocalLengthAttr(float(k[0, 0] * across))
    prim.CreateHorizontalApertureAttr(camera.width * across)
    prim.CreateVerticalApertureAttr(float(camera.height * down))
    # The aperture's middle seen from the principal point, which lies on the axis; USD counts upwards.
    prim.CreateHorizontalApertureOffsetAttr(float((camera.width / 2 - k[0, 2]) * across))
    prim.CreateVerticalApertureOffsetAttr(float((k[1, 2] - camera.height / 2) * down))
    prim.CreateClippingRangeAttr(Gf.Vec2f(*CLIPPING_METRES))
    prim.AddRotateXOp().Set(90.0)  # from looking along -z with y up
    kept = {"width": camera.width, "height": camera.height, "intrinsics": _doubles(k)}
    prim.GetPrim().SetCustomDataByKey("hd_core", kept)


def _doubles(matrix: np.ndarray) -> Vt.DoubleArray:
    return Vt.DoubleArray.FromNumpy(np.ascontiguousarray(matrix, np.float64).ravel())
