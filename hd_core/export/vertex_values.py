"""What USD and Alembic want of a mesh: faces without padding, a box, and the same values per vertex all along."""

import numpy as np
from jaxtyping import Float, Int

from hd_core.errors import InputError
from hd_core.types import Mesh

NONE_OF: dict[str, np.ndarray] = {
    "uv": np.zeros((0, 2), np.float32),
    "normals": np.zeros((0, 3), np.float32),
    "colours": np.zeros((0, 3), np.uint8),
    "valid": np.zeros(0, np.bool_),
}
"""What a mesh may carry per vertex, as a mesh without vertices carries it."""


class VertexValues:
    """What the meshes of one sequence carry per vertex: all of them, or none; one without vertices fits both."""

    def __init__(self) -> None:
        self._present: dict[str, bool] = {}

    def of(self, mesh: Mesh) -> dict[str, np.ndarray]:
        """The values of the next mesh by name.

        Raises:
            InputError: It lacks what an earlier one had, or the other way round.
        """
        if len(mesh.vertices) == 0:
            return dict(NONE_OF)
        found = {name: getattr(mesh, name) for name in NONE_OF}
        for name, value in found.items():
            present = value is not None
            if self._present.setdefault(name, present) != present:
                now, before = ("with", "without") if present else ("without", "with")
                raise InputError(
                    f"Found a mesh {now} {name} after one {before}; expected one kind per person.",
                    "Make all meshes with the same options.",
                )
        return {name: value for name, value in found.items() if value is not None}

    def has(self, name: str) -> bool:
        """Whether the meshes so far carry these values."""
        return self._present.get(name, False)


def polygons(faces: Int[np.ndarray, "f k"]) -> tuple[Int[np.ndarray, " f"], Int[np.ndarray, " c"]]:
    """Corners per face, and the corners' vertices one face after the other.

    Args:
        faces: Triangles, or quads in which a last index of -1 makes a triangle.
    """
    flat = np.ascontiguousarray(faces, np.int32)
    counts = (flat >= 0).sum(axis=1, dtype=np.int32)
    return counts, flat[flat >= 0]


def bounds(points: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, "2 3"]:
    """Lowest and highest corner; of no points the empty box of USD, highest below lowest."""
    if len(points) == 0:
        largest = np.finfo(np.float32).max
        return np.array([[largest] * 3, [-largest] * 3], np.float32)
    return np.stack([points.min(axis=0), points.max(axis=0)])
