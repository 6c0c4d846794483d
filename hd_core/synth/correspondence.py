"""Where on the body's surface every pixel lies, as IUV of the atlas: of the body alone, and of what is worn on it."""

from functools import cache

import numpy as np
from jaxtyping import Float, Int, Int32, UInt8
from scipy.spatial import cKDTree

from hd_core.compiled import compiled
from hd_core.synth.atlas.anny24 import load_atlas, to_bytes
from hd_core.synth.raster.fragments import Fragments
from hd_core.synth.raster.subdivide import Subdivision, subdivide
from hd_core.synth.raster.zbuffer import rasterise
from hd_core.types import Camera

ON_IT_M2 = 1e-10
"""Squared distance at which a point lies on a triangle, so that no other needs to be asked."""


def body_iuv(body: Float[np.ndarray, "b 3"], camera: Camera) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of the naked body, bytes; 0 off it.

    Args:
        body: Vertices of the base mesh in camera axes, m.
        camera: Who looks.
    """
    seen = rasterise(_smooth_body(len(body)).apply(body), load_atlas().faces, camera)
    return _iuv(seen.face, seen.barycentric)


def surface_iuv(
    fragments: Fragments,
    faces: Int[np.ndarray, "f 3"],
    canonical: Float[np.ndarray, "v 3"],
    skin: Int32[np.ndarray, " v"],
) -> UInt8[np.ndarray, "h w 3"]:
    """Part, u and v of the visible surface, clothes and hair included: those of the nearest skin of the template.

    Args:
        fragments: What is seen.
        faces: The faces that were drawn.
        canonical: Place of every vertex on the template, m.
        skin: From `nearest_skin`.
    """
    atlas, (start, around) = load_atlas(), _faces_around()
    place = canonical.astype(np.float32)
    face, weights = _nearest(
        fragments.face, fragments.barycentric, faces, place, skin, atlas.vertices, atlas.faces, start, around
    )
    return _iuv(face, weights)


def nearest_skin(canonical: Float[np.ndarray, "v 3"]) -> Int32[np.ndarray, " v"]:
    """For every vertex of a dressed mesh the vertex of the template's skin that is nearest to its place there."""
    skin, template = np.unique(load_atlas().faces), load_atlas().vertices
    found = np.full(len(canonical), -1, np.int32)
    own = skin[skin < len(canonical)]
    own = own[(canonical[own] == template[own]).all(axis=1)]  # the body's vertices are the template's
    found[own] = own
    others = found < 0
    found[others] = skin[_skin_tree().query(canonical[others])[1]]
    return found


def _iuv(face: Int32[np.ndarray, "h w"], barycentric: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    """Bytes of the pixels that show a face, 0 elsewhere."""
    seen = face >= 0
    found = np.zeros((*face.shape, 3), np.uint8)
    found[seen] = to_bytes(*load_atlas().encode(face[seen], barycentric[seen].astype(np.float64)))
    return found


@cache
def _smooth_body(count: int) -> Subdivision:
    return subdivide(load_atlas().faces, count, levels=0)


@cache
def _skin_tree() -> cKDTree:
    atlas = load_atlas()
    return cKDTree(atlas.vertices[np.unique(atlas.faces)])


@cache
def _faces_around() -> tuple[Int32[np.ndarray, " n_plus_1"], Int32[np.ndarray, " m"]]:
    """Where the list of faces round every vertex of the template starts, and the lists."""
    corners = load_atlas().faces.ravel()
    order = np.argsort(corners, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(corners, minlength=len(load_atlas().vertices)))])
    return start.astype(np.int32), (order // 3).astype(np.int32)


@compiled
def _nearest(  # noqa: PLR0917 - kernels take arrays one by one
    face: np.ndarray,
    barycentric: np.ndarray,
    faces: np.ndarray,
    canonical: np.ndarray,
    skin: np.ndarray,
    template: np.ndarray,
    template_faces: np.ndarray,
    start: np.ndarray,
    around: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel's surface point the nearest point of the template's faces round the skin next to its corners."""
    height, width = face.shape
    found, weights = np.full((height, width), -1, np.int32), np.zeros((height, width, 3), np.float32)
    point = np.empty(3)
    for row in range(height):
        for column in range(width):
            f = face[row, column]
            if f < 0:
                continue
            corners = faces[f]
            for axis in range(3):
                point[axis] = 0.0
                for corner in range(3):
                    point[axis] += barycentric[row, column, corner] * canonical[corners[corner], axis]
            best = np.inf
            for corner in range(3):
                near = skin[corners[corner]]
                again = (corner > 0 and near == skin[corners[0]]) or (corner == 2 and near == skin[corners[1]])
                for k in range(start[near], start[near] if again else start[near + 1]):
                    if best <= ON_IT_M2:
                        break
                    rows = template_faces[around[k]]
                    b, c, square = _in_triangle(point, template[rows[0]], template[rows[1]], template[rows[2]])
                    if square < best:
                        best, found[row, column] = square, around[k]
                        weights[row, column, 0], weights[row, column, 1], weights[row, column, 2] = 1 - b - c, b, c
    return found, weights


@compiled
def _in_triangle(point: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[float, float, float]:
    """Weights of the second and third corner at a triangle's point that is nearest to `point`; squared distance.

    That point is the foot of the perpendicular, or if it lies outside, the nearest one on the three sides.
    """
    d00, d01, d11, d20, d21, d22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for axis in range(3):
        ab, ac, ap = b[axis] - a[axis], c[axis] - a[axis], point[axis] - a[axis]
        d00 += ab * ab
        d01 += ab * ac
        d11 += ac * ac
        d20 += ap * ab
        d21 += ap * ac
        d22 += ap * ap
    area = max(d00 * d11 - d01 * d01, 1e-30)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    if v < 0.0 or w < 0.0 or v + w > 1.0:
        on_ab = min(max(d20 / max(d00, 1e-30), 0.0), 1.0)
        on_ac = min(max(d21 / max(d11, 1e-30), 0.0), 1.0)
        length = d00 - 2 * d01 + d11
        on_bc = min(max((d21 - d01 - d20 + d00) / max(length, 1e-30), 0.0), 1.0)
        v, w, least = on_ab, 0.0, _square(on_ab, 0.0, d00, d01, d11, d20, d21, d22)
        other = _square(0.0, on_ac, d00, d01, d11, d20, d21, d22)
        if other < least:
            v, w, least = 0.0, on_ac, other
        if _square(1.0 - on_bc, on_bc, d00, d01, d11, d20, d21, d22) < least:
            v, w = 1.0 - on_bc, on_bc
    return v, w, _square(v, w, d00, d01, d11, d20, d21, d22)


@compiled
def _square(  # noqa: PLR0917 - a kernel has no keywords
    v: float, w: float, d00: float, d01: float, d11: float, d20: float, d21: float, d22: float
) -> float:
    """Squared distance from a point to a + v ab + w ac, from the products of ab, ac and the way to the point."""
    return v * v * d00 + 2 * v * w * d01 + w * w * d11 - 2 * v * d20 - 2 * w * d21 + d22
