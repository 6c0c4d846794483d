"""A closed shell: a copy of the front moved away along the lines of sight, and walls between the two."""

import numpy as np
from jaxtyping import Int

from hd_core.mesh.faces import boundary_edges, reversed_faces
from hd_core.types import Mesh


def close_shell(mesh: Mesh, *, thickness_m: float) -> Mesh:
    """Give an open mesh a back and walls, watertight.

    Each vertex gets a twin `thickness_m` further along its own line of sight. A front that hides no part of
    itself has one point per line of sight, so front, back and walls never meet, however folded the surface is;
    moving along the normals would cross itself in every crease. Towards outlines the shell gets thinner, measured
    across the surface.

    Args:
        mesh: The front; every edge in one or two faces.
        thickness_m: Distance between front and back along the line of sight, metres.

    Returns:
        The front's vertices, then the back's in the same order, with texture place and colour of the front;
        the front's faces, the back's reversed, then the walls.
    """
    count = len(mesh.vertices)
    distance = np.linalg.norm(mesh.vertices.astype(np.float64), axis=1, keepdims=True)
    back = (mesh.vertices * (1 + thickness_m / distance)).astype(np.float32)
    turned = reversed_faces(mesh.faces)
    faces = np.concatenate([mesh.faces, np.where(turned >= 0, turned + count, -1), _walls(mesh.faces, count)]).astype(
        np.int32
    )
    return Mesh(
        vertices=np.concatenate([mesh.vertices, back]),
        faces=faces,
        uv=_twice(mesh.uv),
        normals=None if mesh.normals is None else np.concatenate([mesh.normals, -mesh.normals]),
        colours=_twice(mesh.colours),
    )


def _walls(faces: Int[np.ndarray, "f k"], count: int) -> Int[np.ndarray, "g k"]:
    start, end = boundary_edges(faces).T
    quads = np.stack([end, start, start + count, end + count], axis=1)
    return quads if faces.shape[1] == 4 else quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def _twice(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.concatenate([values, values])
