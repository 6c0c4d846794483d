"""How the mesh follows the bones (linear blend skinning), and the smooth normals of what comes out."""

from typing import cast

import numpy as np
from jaxtyping import Float, Float32, Int32

from hd_core.compiled import compiled
from hd_core.synth.body.identity import RestBody
from hd_core.synth.body.model import BodyModel


def pose_body(
    model: BodyModel, rest: RestBody, posed_from_rest: Float[np.ndarray, "*t 31 4 4"]
) -> Float32[np.ndarray, "*t v 3"]:
    """Bend a person into poses.

    Args:
        model: The shared body.
        rest: The person at rest.
        posed_from_rest: Rigid map of each bone, from `skeleton.forward_kinematics`.

    Returns:
        All vertices of the base mesh in each pose, m.
    """
    return skin_points(rest.vertices, model.bone_indices, model.bone_weights, posed_from_rest)


def skin_points(
    points: Float32[np.ndarray, "v 3"],
    bone_indices: np.ndarray,
    bone_weights: Float32[np.ndarray, "v 8"],
    posed_from_rest: Float[np.ndarray, "*t 31 4 4"],
) -> Float32[np.ndarray, "*t v 3"]:
    """Move points by the weighted mean of their bones' maps; for garments with weights of their own.

    Args:
        points: At rest, m.
        bone_indices: Bones that each point follows, v x 8, strongest first.
        bone_weights: Their shares; they sum to 1 and nothing follows the first 0.
        posed_from_rest: Rigid map of each bone.
    """
    batch = posed_from_rest.shape[:-3]
    maps = np.ascontiguousarray(posed_from_rest[..., :3, :], dtype=np.float32).reshape(-1, 31, 12)
    posed = np.empty((len(maps), len(points), 3), dtype=np.float32)
    for one, out in zip(maps, posed, strict=True):
        _skin(points, bone_indices, bone_weights, one, out)
    return cast(np.ndarray, posed.reshape(*batch, len(points), 3))


def smooth_normals(vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "v 3"]:
    """Unit vertex normals: the area-weighted mean of the faces around; 0 where there is no face."""
    normals = np.zeros_like(vertices)
    _gather_normals(vertices, faces, normals)
    return normals


@compiled
def _skin(points: np.ndarray, indices: np.ndarray, weights: np.ndarray, maps: np.ndarray, out: np.ndarray) -> None:
    """Blend the 3 x 4 maps of each point's bones and apply the blend."""
    blend = np.empty(12, dtype=np.float32)
    for v in range(points.shape[0]):
        blend[:] = np.float32(0)
        for slot in range(indices.shape[1]):
            share = weights[v, slot]
            if share == 0:
                break
            bone = indices[v, slot]
            for k in range(12):
                blend[k] += share * maps[bone, k]
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        for axis in range(3):
            row = 4 * axis
            out[v, axis] = blend[row] * x + blend[row + 1] * y + blend[row + 2] * z + blend[row + 3]


@compiled
def _gather_normals(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray) -> None:
    """Add each face's cross product to its corners, then normalise."""
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        wx, wy, wz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for v in range(normals.shape[0]):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0:
            for k in range(3):
                normals[v, k] /= length
