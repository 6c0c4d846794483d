"""Cutting a mesh along a level of a field over its vertices, with a smooth edge, and refining it.

What comes out is bound to the mesh it was cut from: every vertex is a weighted mean of vertices of that mesh, so it
goes wherever they go.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix, csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from hd_core.mesh.faces import edges_of
from hd_core.synth.rows import unique_rows

NEAREST_CUT = 0.15
"""An edge is cut at least this share away from its ends: slivers would tear in the cloth."""


@dataclass(frozen=True, kw_only=True)
class BoundMesh:
    """Triangles over vertices that are means of a base mesh's vertices.

    Args:
        sources: Vertices of the base mesh.
        shares: Their weights; they sum to 1, unused ones are 0.
        faces: Triangles over the bound vertices.
    """

    sources: Int[np.ndarray, "g s"]
    shares: Float[np.ndarray, "g s"]
    faces: Int[np.ndarray, "f 3"]

    def apply(self, values: Float[np.ndarray, "v k"]) -> Float[np.ndarray, "g k"]:
        """The bound vertices' mean of values that the base mesh's vertices have, such as positions."""
        mean: np.ndarray = np.einsum("gs,gsk->gk", self.shares, values[self.sources])
        return mean


def whole(faces: Int[np.ndarray, "f 3"]) -> BoundMesh:
    """A part of the base mesh as it is, without the vertices that it does not use."""
    used, local = np.unique(faces, return_inverse=True)
    return BoundMesh(
        sources=used[:, None].astype(np.int64), shares=np.ones((len(used), 1)), faces=_triangles(local, faces)
    )


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
    return BoundMesh(sources=sources[used], shares=shares[used], faces=_triangles(local, kept))


def _bind(
    num_vertices: int, cuts: Int[np.ndarray, "c 2"], field: Float[np.ndarray, " v"]
) -> tuple[Int[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Every base vertex as itself, then every cut as a mean of the two ends of its edge, the inner end first."""
    sources = np.zeros((num_vertices + len(cuts), 2), np.int64)
    shares = np.zeros(sources.shape)
    sources[:num_vertices, 0] = np.arange(num_vertices)
    shares[:num_vertices, 0] = 1
    inner, outer = field[cuts[:, 0]], field[cuts[:, 1]]
    place = np.clip(inner / np.maximum(inner - outer, 1e-12), NEAREST_CUT, 1 - NEAREST_CUT)
    sources[num_vertices:] = cuts
    shares[num_vertices:, 0], shares[num_vertices:, 1] = 1 - place, place
    return sources, shares


def slice_bound(mesh: BoundMesh, field: Float[np.ndarray, " g"]) -> BoundMesh:
    """The part of a bound mesh where a field over its own vertices is not negative, bound to the same base mesh."""
    part = slice_mesh(mesh.faces, field)
    return _bound(_matrix(part, len(mesh.sources)) @ _matrix(mesh), part.faces)


def refine(mesh: BoundMesh) -> BoundMesh:
    """Every triangle as four, with new vertices in the middle of the edges."""
    edges = np.sort(mesh.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, _, place = unique_rows(edges)
    middle = len(mesh.sources) + place.reshape(-1, 3)
    a, b, c = mesh.faces.T
    ab, bc, ca = middle.T
    faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    matrix = _matrix(mesh)
    return _bound(vstack([matrix, (matrix[unique[:, 0]] + matrix[unique[:, 1]]) / 2]).tocsr(), faces)


def join(upper: BoundMesh, lower: BoundMesh, seam: Int[np.ndarray, "k 3"]) -> BoundMesh:
    """Two bound meshes and triangles between them.

    Args:
        upper: One mesh.
        lower: The other; in `seam` its vertices are counted on from those of `upper`.
        seam: Triangles over both.
    """
    count = max(int(upper.sources.max()), int(lower.sources.max())) + 1
    matrix = vstack([_matrix(upper, count), _matrix(lower, count)]).tocsr()
    return _bound(matrix, np.concatenate([upper.faces, lower.faces + len(upper.sources), seam]))


def largest_part(mesh: BoundMesh) -> BoundMesh:
    """The connected part with most triangles: what a garment is, without crumbs of the cut."""
    count = len(mesh.sources)
    links = edges_of(mesh.faces)
    graph = coo_matrix((np.ones(len(links)), links.T), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    kept = mesh.faces[label[mesh.faces[:, 0]] == np.bincount(label[mesh.faces[:, 0]]).argmax()]
    used, local = np.unique(kept, return_inverse=True)
    return BoundMesh(sources=mesh.sources[used], shares=mesh.shares[used], faces=_triangles(local, kept))


def _triangles(local: np.ndarray, like: np.ndarray) -> Int[np.ndarray, "f 3"]:
    return local.reshape(like.shape).astype(np.int32)


def _matrix(mesh: BoundMesh, columns: int | None = None) -> csr_matrix:
    """The weights as a matrix from the base mesh's vertices to the bound ones."""
    rows = np.repeat(np.arange(len(mesh.sources)), mesh.sources.shape[1])
    size = int(mesh.sources.max()) + 1 if columns is None else columns
    return csr_matrix((mesh.shares.ravel(), (rows, mesh.sources.ravel())), shape=(len(mesh.sources), size))


def _bound(matrix: csr_matrix, faces: Int[np.ndarray, "f 3"]) -> BoundMesh:
    """The other way round; rows with fewer sources are filled up with shares of 0."""
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    count = np.diff(matrix.indptr)
    sources = np.zeros((len(count), int(count.max())), np.int64)
    shares = np.zeros(sources.shape)
    filled = np.arange(sources.shape[1]) < count[:, None]
    sources[filled], shares[filled] = matrix.indices, matrix.data
    return BoundMesh(sources=sources, shares=shares, faces=faces.astype(np.int32))
