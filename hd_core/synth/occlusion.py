"""What keeps light from a person's surface: the person, as few triangles, for the few vertices that are seen."""

import numpy as np
from jaxtyping import Float32, Int32

from hd_core.synth.look.transfer import self_transfer
from hd_core.synth.person import Instant, Person
from hd_core.synth.raster.fragments import Fragments
from hd_core.synth.rows import unique_rows

CELL_M = 0.02
"""Vertices this near to each other at rest are one when it is about shade; the texels of its maps are larger."""


class Occluders:
    """A coarse stand-in for a person's mesh, which moves with some of its vertices (Rossignac and Borrel 1993).

    Args:
        person: Whose.
    """

    def __init__(self, person: Person) -> None:
        self._person = person
        self.faces: Int32[np.ndarray, "o 3"] = _clustered(person)

    def transfer(self, instant: Instant, fragments: Fragments) -> Float32[np.ndarray, "v 9"]:
        """`look.transfer.self_transfer` of the corners of the faces that are seen; zero for other vertices.

        Args:
            instant: Where the vertices are, world axes.
            fragments: What is seen, in the person's faces.
        """
        wanted = np.zeros(len(instant.vertices), bool)
        wanted[self._person.faces[fragments.face[fragments.mask]]] = True
        wanted[self.faces] = True
        rows, place = np.flatnonzero(wanted), np.cumsum(wanted) - 1
        found = np.zeros((len(wanted), 9), np.float32)
        found[rows] = self_transfer(instant.vertices[rows], instant.normals[rows], place[self.faces].astype(np.int32))
        return found


def _clustered(person: Person) -> Int32[np.ndarray, "o 3"]:
    """Faces between clusters of vertices, each of them stood in for by its first; other coats stay apart."""
    part = np.zeros(len(person.canonical), np.int64)
    part[person.faces] = person.coats[:, None] + 1
    place = np.column_stack([person.canonical, person.texture])  # hanging hair is long in the second only
    cell = np.floor(place / CELL_M).astype(np.int64)
    _, first, cluster = unique_rows(np.column_stack([cell, part]))
    faces = first[cluster][person.faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    _, kept, _ = unique_rows(np.sort(faces, axis=1))
    return np.ascontiguousarray(faces[np.sort(kept)], np.int32)
