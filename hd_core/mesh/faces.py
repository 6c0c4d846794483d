"""Triangles out of quads and quads out of triangles; the only module that knows the -1 of a mixed face list."""

import numpy as np
from jaxtyping import Bool, Float, Int


def better_diagonal(points: Float[np.ndarray, "v 3"], quads: Int[np.ndarray, "q 4"]) -> Int[np.ndarray, "q 4"]:
    """The same quads, turned so that corners 0 and 2 are the nearer pair: there a triangulation splits them."""
    first = np.linalg.norm(points[quads[:, 0]] - points[quads[:, 2]], axis=1)
    second = np.linalg.norm(points[quads[:, 1]] - points[quads[:, 3]], axis=1)
    return np.where((second < first)[:, None], np.roll(quads, -1, axis=1), quads)


def split(quads: Int[np.ndarray, "q 4"]) -> Int[np.ndarray, "t 3"]:
    """Two triangles per quad, along corners 0 and 2."""
    return quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)


def mixed(quads: Int[np.ndarray, "q 4"], triangles: Int[np.ndarray, "t 3"]) -> Int[np.ndarray, "f 4"]:
    """One face list of quads and triangles; the last index of a triangle is -1."""
    return np.concatenate([quads, np.pad(triangles, ((0, 0), (0, 1)), constant_values=-1)])


def as_triangles(faces: Int[np.ndarray, "f k"]) -> Int[np.ndarray, "t 3"]:
    """Any face list as triangles, quads split along corners 0 and 2, in the order of the faces."""
    if faces.shape[1] == 3:
        return faces
    both = split(faces)
    real = np.ones(len(both), bool)
    real[1::2] = faces[:, 3] >= 0
    return both[real]


def reversed_faces(faces: Int[np.ndarray, "f k"]) -> Int[np.ndarray, "f k"]:
    """The same faces seen from behind."""
    if faces.shape[1] == 3:
        return faces[:, ::-1]
    is_quad = faces[:, 3:] >= 0
    return np.where(is_quad, faces[:, ::-1], faces[:, [2, 1, 0, 3]])


def edges_of(triangles: Int[np.ndarray, "t 3"]) -> Int[np.ndarray, "e 2"]:
    """The three directed edges of every triangle."""
    return triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)


def used(count: int, faces: Int[np.ndarray, "f k"]) -> Bool[np.ndarray, " v"]:
    """Which of `count` vertices some face uses."""
    marks = np.zeros(count + 1, bool)
    marks[faces] = True  # -1 marks the spare place
    return marks[:count]


def boundary_edges(faces: Int[np.ndarray, "f k"]) -> Int[np.ndarray, "e 2"]:
    """Directed edges that belong to one triangle only, in the direction of that triangle."""
    edges = edges_of(as_triangles(faces)).astype(np.int64)
    base = int(edges.max(initial=0)) + 1
    key = np.sort(edges, axis=1) @ np.array([base, 1])
    _, first, times = np.unique(key, return_index=True, return_counts=True)
    return np.asarray(edges[np.sort(first[times == 1])])
