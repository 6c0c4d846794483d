"""A smooth surface through a mesh: the limit of Loop's subdivision, and a finer mesh whose corners lie on it.

A mesh of flat triangles with normals blended between its corners says two things about its shape: its depth is
faceted, its normals are not. Corners on the limit surface, four times as many triangles per level, bring both together
with the square of the triangles' size.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Float32, Float64, Int, Int32

from hd_core.compiled import compiled
from hd_core.errors import InputError
from hd_core.synth.raster.fragments import Fragments

CHILDREN = 4
CORNERS = np.array(
    [
        [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]],
        [[0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5]],
        [[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1]],
        [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]],
    ]
)
"""Barycentric coordinates in a triangle of the corners of each of its children, in their order."""
MAX_LEVELS = 4


@dataclass(frozen=True, kw_only=True)
class Subdivision:
    """A finer mesh, bound to a coarse one: it moves wherever that one goes.

    Args:
        levels: How often every triangle became four.
        faces: Triangles; the children of coarse face f are `4**levels * f` and those that follow.
        start: Where the sources of every vertex begin, and the end of the last.
        sources: Vertices of the coarse mesh.
        shares: Their weights; they sum to 1 for every vertex.
    """

    levels: int
    faces: Int32[np.ndarray, "f 3"]
    start: Int32[np.ndarray, " n_plus_1"]
    sources: Int32[np.ndarray, " m"]
    shares: Float64[np.ndarray, " m"]

    def apply(self, points: Float[np.ndarray, "v 3"]) -> Float32[np.ndarray, "n 3"]:
        """Corners of the finer mesh, on the smooth surface of a coarse mesh with these vertices."""
        limit = np.empty((len(self.start) - 1, 3), np.float32)
        _gather(self.start, self.sources, self.shares, np.ascontiguousarray(points), limit)
        return limit

    def on_coarse(self, fragments: Fragments) -> Fragments:
        """The same pixels in terms of the coarse faces, whose vertices carry everything that is linear on them."""
        face, barycentric = _to_parents(fragments.face, fragments.barycentric, self.levels, CORNERS)
        return Fragments(face=face, barycentric=barycentric, depth=fragments.depth)


def subdivide(faces: Int[np.ndarray, "f 3"], num_vertices: int, *, levels: int = 1) -> Subdivision:
    """Subdivide a mesh and move the corners to the limit of going on forever.

    Weights are those of Loop, "Smooth subdivision surfaces based on triangles" (1987), with the boundary's and the
    limit's of Hoppe et al., "Piecewise smooth surface reconstruction" (1994, section 4). An edge of one face or of
    more than two is a boundary. Where boundaries cross, a vertex stays as it is.

    Args:
        faces: Triangles, whole or in unconnected parts.
        num_vertices: Of the coarse mesh; unused ones stay as they are.
        levels: How often every triangle becomes four, 0..4; with 0 its corners only move to the smooth surface.

    Raises:
        InputError: Another number of levels, or faces name vertices that do not exist.
    """
    if not 0 <= levels <= MAX_LEVELS:
        raise InputError(f"Found {levels} levels of subdivision; expected 0..{MAX_LEVELS}.")
    if len(faces) and not 0 <= faces.min() <= faces.max() < num_vertices:
        raise InputError(f"Found face indices {faces.min()}..{faces.max()}; expected 0..{num_vertices - 1}.")
    finer, shares = np.asarray(faces, np.int32), sp.identity(num_vertices, format="csr")
    edges = _Edges.of(finer, num_vertices)
    for _ in range(levels):
        shares = edges.split() @ shares
        finer, edges = edges.children(finer)
    shares = (edges.limit() @ shares).tocsr()
    shares.sort_indices()
    return Subdivision(
        levels=levels,
        faces=finer,
        start=shares.indptr.astype(np.int32),
        sources=shares.indices.astype(np.int32),
        shares=shares.data.astype(np.float64),
    )


@dataclass(frozen=True, kw_only=True)
class _Edges:
    """Who is whose neighbour.

    Args:
        ends: Vertices of every edge, the smaller one first.
        of_face: Edges of every face, each from a corner to the next one.
        opposite: Corners that face those edges.
        inner: Edges of exactly two faces.
        around: Neighbours of vertices off the boundary, as a matrix of ones.
        along: Neighbours on the boundary of vertices where just one boundary passes.
    """

    ends: Int[np.ndarray, "e 2"]
    of_face: Int[np.ndarray, "f 3"]
    opposite: Int[np.ndarray, "f 3"]
    inner: np.ndarray
    around: sp.csr_matrix
    along: sp.csr_matrix

    @classmethod
    def of(cls, faces: Int32[np.ndarray, "f 3"], count: int) -> "_Edges":
        sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).astype(np.int64), axis=1)
        keys, of_face, uses = np.unique(sides @ [count, 1], return_inverse=True, return_counts=True)
        ends = np.stack([keys // count, keys % count], axis=1)
        return cls.between(faces, ends, of_face.reshape(-1, 3), uses == 2, count)

    @classmethod
    def between(
        cls, faces: np.ndarray, ends: np.ndarray, of_face: np.ndarray, inner: np.ndarray, count: int
    ) -> "_Edges":
        """From the ends of all edges, the edges of all faces, and which edges are inner ones."""
        rim = np.bincount(ends[~inner].ravel(), minlength=count)
        return cls(
            ends=ends,
            of_face=of_face,
            opposite=faces[:, [2, 0, 1]],
            inner=inner,
            around=_links(ends[(rim[ends] == 0).any(axis=1)], rim == 0, count),
            along=_links(ends[~inner], rim == 2, count),
        )

    def children(self, faces: Int32[np.ndarray, "f 3"]) -> tuple[Int32[np.ndarray, "g 3"], "_Edges"]:
        """Four triangles for each; the middles of the edges follow the old vertices.

        Their edges are two halves of every edge, then three between the middles of every face.
        """
        count, edges = self.around.shape[0], len(self.ends)
        a, b, c = faces.T
        ab, bc, ca = middles = (count + self.of_face).T
        finer = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3).astype(np.int32)
        by_a, by_b, by_c = 2 * edges + 3 * np.arange(len(faces)) + np.arange(3)[:, None]
        first, last = (
            (2 * self.of_face + (self.ends[self.of_face, 1] == corner)).T for corner in (faces, faces[:, [1, 2, 0]])
        )
        of_face = np.stack(
            [first[0], by_a, last[2], last[0], first[1], by_b, by_c, last[1], first[2], by_b, by_c, by_a], axis=1
        )
        halves = np.stack([self.ends, np.repeat(count + np.arange(edges), 2).reshape(-1, 2)], axis=2).reshape(-1, 2)
        between = np.stack([middles[[0, 0, 1]], middles[[2, 1, 2]]], axis=2).transpose(1, 0, 2).reshape(-1, 2)
        inner = np.concatenate([np.repeat(self.inner, 2), np.ones(len(between), bool)])
        ends = np.concatenate([halves, between])
        return finer, _Edges.between(finer, ends, of_face.reshape(-1, 3), inner, count + edges)

    def split(self) -> sp.csr_matrix:
        """One step: weights of the old vertices for themselves, then for the middles of the edges."""
        valence = self._valence()
        ring = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / valence) / 4) ** 2) / valence
        count = len(self.ends)
        middle = np.where(self.inner, 3 / 8, 1 / 2)
        wings = self.inner[self.of_face.ravel()]
        rows = np.concatenate([np.arange(count), np.arange(count), self.of_face.ravel()[wings]])
        columns = np.concatenate([*self.ends.T, self.opposite.ravel()[wings]])
        weights = np.concatenate([middle, middle, np.full(wings.sum(), 1 / 8)])
        odd = sp.csr_matrix((weights, (rows, columns)), shape=(count, self.around.shape[0]))
        return sp.vstack([self._averaged(ring, 1 / 8), odd], format="csr")

    def limit(self) -> sp.csr_matrix:
        """Where the vertices end up after infinitely many steps."""
        valence = self._valence()
        ring = (5 / 8 - (3 / 8 + np.cos(2 * np.pi / valence) / 4) ** 2) / valence
        return self._averaged(1 / (3 / (8 * ring) + valence), 1 / 6)

    def _averaged(self, ring: Float[np.ndarray, " v"], rim: float) -> sp.csr_matrix:
        """Every vertex mixed with its neighbours: `ring` of each of them, or `rim` on a boundary."""
        mixed = sp.diags(ring) @ self.around + rim * self.along
        return mixed + sp.diags(1 - np.asarray(mixed.sum(axis=1)).ravel())

    def _valence(self) -> Float[np.ndarray, " v"]:
        count: np.ndarray = np.maximum(np.asarray(self.around.sum(axis=1)).ravel(), 3.0)
        return count


def _links(ends: Int[np.ndarray, "e 2"], wanted: np.ndarray, count: int) -> sp.csr_matrix:
    """Ones from every wanted vertex to the other ends of its edges."""
    both = np.concatenate([ends, ends[:, ::-1]])
    both = both[wanted[both[:, 0]]]
    return sp.csr_matrix((np.ones(len(both)), both.T), shape=(count, count))


@compiled
def _gather(start: np.ndarray, sources: np.ndarray, shares: np.ndarray, points: np.ndarray, limit: np.ndarray) -> None:
    """Weighted sums in the order of the sources, as the torch twin takes them."""
    for row in range(limit.shape[0]):
        x, y, z = 0.0, 0.0, 0.0
        for k in range(start[row], start[row + 1]):
            share, source = shares[k], sources[k]
            x += share * points[source, 0]
            y += share * points[source, 1]
            z += share * points[source, 2]
        limit[row, 0], limit[row, 1], limit[row, 2] = x, y, z


@compiled
def _to_parents(
    face: np.ndarray, barycentric: np.ndarray, levels: int, corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """From the smallest children up: which child of its parent, and the parent's barycentric coordinates."""
    parents, weights = np.empty_like(face), np.zeros_like(barycentric)
    for row in range(face.shape[0]):
        for column in range(face.shape[1]):
            f = face[row, column]
            parents[row, column] = f
            if f < 0:
                continue
            a, b, c = barycentric[row, column, 0], barycentric[row, column, 1], barycentric[row, column, 2]
            for _ in range(levels):
                m = corners[f % CHILDREN]
                a, b, c = (
                    a * m[0, 0] + b * m[1, 0] + c * m[2, 0],
                    a * m[0, 1] + b * m[1, 1] + c * m[2, 1],
                    a * m[0, 2] + b * m[1, 2] + c * m[2, 2],
                )
                f //= CHILDREN
            parents[row, column] = f
            weights[row, column, 0], weights[row, column, 1], weights[row, column, 2] = a, b, c
    return parents, weights
