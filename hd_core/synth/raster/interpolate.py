"""From fragments to pictures of anything that vertices, face corners or faces carry."""

import numpy as np
from jaxtyping import Float, Float32, Int, Int32

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.raster.fragments import Fragments


def interpolate(
    fragments: Fragments, faces: Int[np.ndarray, "f 3"], attributes: Float[np.ndarray, "v k"]
) -> Float32[np.ndarray, "h w k"]:
    """Values at the surface points, linear over every face in space (not on the picture); zero off the mask.

    Args:
        fragments: What is seen.
        faces: The faces that were drawn.
        attributes: One row per vertex; directions come out shorter than 1 and must be normalised.

    Raises:
        InputError: The arrays do not belong to the fragments.
    """
    _check_faces(fragments, len(faces))
    if len(faces) and faces.max() >= len(attributes):
        raise InputError(f"Found {len(attributes)} rows of attributes; expected {faces.max() + 1} at least.")
    return _by_vertex(
        fragments.face, fragments.barycentric, np.ascontiguousarray(faces), np.ascontiguousarray(attributes)
    )


def interpolate_corners(fragments: Fragments, attributes: Float[np.ndarray, "f 3 k"]) -> Float32[np.ndarray, "h w k"]:
    """As `interpolate`, for values that differ between the faces round a vertex: texture positions at seams.

    Args:
        fragments: What is seen.
        attributes: One row per face and corner.

    Raises:
        InputError: The array does not belong to the fragments.
    """
    _check_faces(fragments, len(attributes))
    return _by_corner(fragments.face, fragments.barycentric, np.ascontiguousarray(attributes))


def face_labels(faces: Int[np.ndarray, "f 3"], vertex_labels: Int[np.ndarray, " v"]) -> Int32[np.ndarray, " f"]:
    """Label of every face: the one that two of its corners share, or its first corner's if all differ."""
    first, second, third = np.moveaxis(vertex_labels[faces], -1, 0)
    labels: np.ndarray = np.where(second == third, second, first).astype(np.int32)
    return labels


def label_picture(
    fragments: Fragments, labels: Int[np.ndarray, " f"], *, background: int = 0
) -> Int32[np.ndarray, "h w"]:
    """Label of the face at every pixel.

    Args:
        fragments: What is seen.
        labels: One per face.
        background: Where nothing is seen.

    Raises:
        InputError: The array does not belong to the fragments.
    """
    _check_faces(fragments, len(labels))
    picture = np.full(fragments.face.shape, background, np.int32)
    picture[fragments.mask] = labels[fragments.face[fragments.mask]]
    return picture


def _check_faces(fragments: Fragments, count: int) -> None:
    last = int(fragments.face.max(initial=-1))
    if last >= count:
        raise InputError(f"Found values for {count} faces; expected {last + 1} at least: as many as were drawn.")


@compiled
def _by_vertex(face: np.ndarray, barycentric: np.ndarray, faces: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    height, width = face.shape
    out = np.zeros((height, width, attributes.shape[1]), np.float32)
    for row in range(height):
        for column in range(width):
            f = face[row, column]
            if f < 0:
                continue
            a, b, c = barycentric[row, column, 0], barycentric[row, column, 1], barycentric[row, column, 2]
            i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
            for channel in range(attributes.shape[1]):
                out[row, column, channel] = (
                    a * attributes[i, channel] + b * attributes[j, channel] + c * attributes[k, channel]
                )
    return out


@compiled
def _by_corner(face: np.ndarray, barycentric: np.ndarray, attributes: np.ndarray) -> np.ndarray:
    height, width = face.shape
    out = np.zeros((height, width, attributes.shape[2]), np.float32)
    for row in range(height):
        for column in range(width):
            f = face[row, column]
            if f < 0:
                continue
            for channel in range(attributes.shape[2]):
                total = 0.0
                for corner in range(3):
                    total += barycentric[row, column, corner] * attributes[f, corner, channel]
                out[row, column, channel] = total
    return out
