"""Where on the body's surface every pixel lies, as IUV of the atlas: of the body alone, and of what is worn on it."""

from functools import cache

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.spatial import cKDTree

from hd_core.synth.atlas.anny24 import load_atlas, to_bytes
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

NEAREST_FACES = 6
"""Faces by their middles among which the nearest point of the template is looked for."""


def body_iuv(body: Float[np.ndarray, "b 3"], camera: Camera) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of the naked body, bytes; 0 off it.

    Args:
        body: Vertices of the base mesh in camera axes, m.
        camera: Who looks.
    """
    atlas = load_atlas()
    seen = rasterise(body, atlas.faces, camera)
    return to_bytes(*atlas.encode(seen.face, seen.barycentric.astype(np.float64)))


def surface_iuv(canonical: Float[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of the visible surface, clothes and hair included: those of the nearest skin of the template.

    Args:
        canonical: Place on the template, m.
        mask: Pixels that show the person.
    """
    atlas = load_atlas()
    points = canonical[mask].astype(np.float64)
    _, near = _middles().query(points, k=NEAREST_FACES)
    weights, distance = _nearest_in(points[:, None], atlas.vertices[atlas.faces[near]].astype(np.float64))
    best = np.arange(len(points)), distance.argmin(axis=1)
    found = np.zeros((*mask.shape, 3), np.uint8)
    found[mask] = to_bytes(*atlas.encode(near[best].astype(np.int32), weights[best]))
    return found


@cache
def _middles() -> cKDTree:
    atlas = load_atlas()
    return cKDTree(atlas.vertices[atlas.faces].mean(axis=1))


def _nearest_in(
    points: Float[np.ndarray, "n 1 3"], corners: Float[np.ndarray, "n k 3 3"]
) -> tuple[Float[np.ndarray, "n k 3"], Float[np.ndarray, "n k"]]:
    """Barycentric weights of the projections onto triangles, drawn into them, and their distances."""
    a, ab, ac = corners[..., 0, :], corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    ap = points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-20)
    second, third = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=-1), 0, None)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights, np.linalg.norm((weights[..., None] * corners).sum(axis=-2) - points, axis=-1)
