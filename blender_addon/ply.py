# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as binary PLY with its vertices in their order, as the base that a PC2 cache moves.

Blender's own writer splits vertices along the seams of the UV and may number them anew.
"""

from pathlib import Path

import numpy as np


def write_ply(path: Path, vertices: np.ndarray, faces: np.ndarray, uv: np.ndarray | None) -> None:
    """Write a mesh.

    Args:
        path: The file.
        vertices: In Blender's axes, (v, 3), m.
        faces: Vertices of each quad, or of each triangle and a number below 0, (f, 4).
        uv: Of each vertex, v up, (v, 2), or none.
    """
    values = vertices if uv is None else np.concatenate([vertices, uv], axis=1)
    names = "xyz" if uv is None else "xyzst"
    lines = ["ply", "format binary_little_endian 1.0", "comment x right, y away from the camera, z up; metres"]
    lines += [f"element vertex {len(vertices)}", *(f"property float {name}" for name in names)]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    with path.open("wb") as stream:
        stream.write("\n".join(lines).encode())
        stream.write(np.ascontiguousarray(values, "<f4").tobytes())
        stream.write(_face_bytes(faces))


def _face_bytes(faces: np.ndarray) -> bytes:
    """A count and that many vertices per face."""
    words = np.zeros((len(faces), 1 + 4 * faces.shape[1]), np.uint8)
    counts = (faces >= 0).sum(axis=1)
    words[:, 0] = counts
    words[:, 1:] = np.ascontiguousarray(faces, "<i4").view(np.uint8).reshape(len(faces), -1)
    used = np.arange(words.shape[1]) < 1 + 4 * counts[:, None]
    return words[used].tobytes()
