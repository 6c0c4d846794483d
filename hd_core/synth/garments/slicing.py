"""Cutting a mesh along a level of a field over its vertices, with a smooth edge, and refining it.

What comes out is bound to the mesh it was cut from: every vertex is a weighted mean of vertices of that mesh, so it
goes wherever they go.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

SOURCES = 4
"""Vertices of the base mesh that a vertex can be a mean of: two from a cut, twice as many after one refinement."""
NEAREST_CUT = 0.15
"""An edge is cut at least this share away from its ends: slivers would tear in the cloth."""


@dataclass(frozen=True, kw_only=True)
class BoundMesh:
    """Triangles over vertices that are means of a base mesh's vertices.

    Args:
        sources: Vertices of the base mesh.
        shares: Their weights; they sum to 1.
        faces: Triangles over the bound vertices.
    """

    sources: Int[np.ndarray, "g 4"]
    shares: Float[np.ndarray, "g 4"]
    faces: Int[np.ndarray, "f 3"]

    def apply(self, values: Float[np.ndarray, "v k"]) -> Float[np.ndarray, "g k"]:
        """The bound vertices' mean of values that the base mesh's vertices have, such as positions."""
        mean: np.ndarray = np.einsum("gs,gsk->gk", self.shares, values[self.sources])
        return mean


def slice_mesh(faces: Int[np.ndarray, "f 3"], field: Float[np.ndarray, " v"]) -> BoundMesh:
    """The part of a mesh where a field over its vertices is not negative, cut through triangles.

    Args:
        faces: Triangles of the base mesh.
        field: One value per vertex of the base mesh, linear over triangles.
    """
    inside = field >= 0
    count = inside[faces].sum(axis=1)
    pieces = [faces[count == 3]]
    cuts: dict[tuple[int, int], int] = {}

    def cut(a: int, b: int) -> int:
        return len(field) + cuts.setdefault((a, b), len(cuts))

    for number in (1, 2):
        for triangle in faces[count == number]:
            # Turned so that the odd one out comes first; the winding stays.
            odd = int(np.flatnonzero(inside[triangle] == (number == 1))[0])
            a, b, c = (int(v) for v in np.roll(triangle, -odd))
            if number == 1:
                pieces.append(np.array([[a, cut(a, b), cut(a, c)]]))
            else:
                ab, ac = cut(b, a), cut(c, a)
                pieces.append(np.array([[ab, b, c], [ab, c, ac]]))
    kept = np.concatenate(pieces) if pieces else np.zeros((0, 3), np.int64)
    used, local = np.unique(kept, return_inverse=True)
    sources, shares = _bind(len(field), np.array(list(cuts), np.int64).reshape(-1, 2), field)
    return BoundMesh(sources=sources[used], shares=shares[used], faces=local.reshape(-1, 3).astype(np.int32))


def _bind(
    num_vertices: int, cuts: Int[np.ndarray, "c 2"], field: Float[np.ndarray, " v"]
) -> tuple[Int[np.ndarray, "n 4"], Float[np.ndarray, "n 4"]]:
    """Every base vertex as itself, then every cut as a mean of the two ends of its edge, the inner end first."""
    sources = np.zeros((num_vertices + len(cuts), SOURCES), np.int64)
    shares = np.zeros(sources.shape)
    sources[:num_vertices, 0] = np.arange(num_vertices)
    shares[:num_vertices, 0] = 1
    inner, outer = field[cuts[:, 0]], field[cuts[:, 1]]
    place = np.clip(inner / np.maximum(inner - outer, 1e-12), NEAREST_CUT, 1 - NEAREST_CUT)
    sources[num_vertices:, :2] = cuts
    shares[num_vertices:, 0], shares[num_vertices:, 1] = 1 - place, place
    return sources, shares


def refine(mesh: BoundMesh) -> BoundMesh:
    """Every triangle as four, with new vertices in the middle of the edges; only once, since sources are few."""
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    middle = len(mesh.sources) + place.reshape(-1, 3)
    a, b, c = mesh.faces.T
    ab, bc, ca = middle.T
    faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    halves = np.concatenate([mesh.shares[unique[:, 0], :2], mesh.shares[unique[:, 1], :2]], axis=1) / 2
    ends = np.concatenate([mesh.sources[unique[:, 0], :2], mesh.sources[unique[:, 1], :2]], axis=1)
    return BoundMesh(
        sources=np.concatenate([mesh.sources, ends]),
        shares=np.concatenate([mesh.shares, halves]),
        faces=faces.astype(np.int32),
    )


def largest_part(mesh: BoundMesh) -> BoundMesh:
    """The connected part with most triangles: what a garment is, without crumbs of the cut."""
    count = len(mesh.sources)
    links = mesh.faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    graph = coo_matrix((np.ones(len(links)), links.T), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    kept = mesh.faces[label[mesh.faces[:, 0]] == np.bincount(label[mesh.faces[:, 0]]).argmax()]
    used, local = np.unique(kept, return_inverse=True)
    return BoundMesh(sources=mesh.sources[used], shares=mesh.shares[used], faces=local.reshape(-1, 3).astype(np.int32))
