"""What a camera sees of a fitted body: its normals, and its relief as the network would say it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32

from hd_core.geometry.camera import pixel_rays
from hd_core.predict.planes import crop_extent
from hd_core.synth.atlas.anny24 import load_atlas
from hd_core.synth.body.skinning import smooth_normals
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

_GRAZING = 0.05
"""Smooth normals may turn away from the camera at outlines; beyond this cosine a pixel is left out."""


class BodySurface(NamedTuple):
    """A body in a picture, zero where it is not seen; `relief` is log depth in crop sizes, up to a constant."""

    normal: Float32[np.ndarray, "h w 3"]
    relief: Float32[np.ndarray, "h w"]
    seen: Bool[np.ndarray, "h w"]


def see_body(vertices: Float32[np.ndarray, "v 3"], camera: Camera) -> BodySurface:
    """Render a body.

    Args:
        vertices: Of the skin, camera axes, m.
        camera: Who looks.
    """
    faces = load_atlas().faces
    fragments = rasterise(vertices, faces, camera)
    corners = smooth_normals(np.ascontiguousarray(vertices), faces)[faces[np.maximum(fragments.face, 0)]]
    normal = np.einsum("hwk,hwkc->hwc", fragments.barycentric, corners)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    seen = fragments.mask & ((normal * pixel_rays(camera)).sum(-1) < _GRAZING)
    relief = np.log(np.where(seen, fragments.depth, 1)) / crop_extent(camera)
    return BodySurface(
        normal=np.where(seen[..., None], normal, 0).astype(np.float32),
        relief=relief.astype(np.float32),
        seen=seen,
    )
