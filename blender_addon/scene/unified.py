# SPDX-License-Identifier: GPL-3.0-or-later
"""An animated object as one face list and positions per frame, whatever plays it.

What keeps its faces is taken as it is. A grid whose cells come and go, as the depth bank shows it, becomes the union
of its cells (`constant`): the grid's own numbers are written on a copy of it and read back after its modifiers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ..records import RunError
from .constant import Planner, Topology
from .evaluated import colours_of, evaluated_mesh, moved, named_integers, read, shape_of, uvs_of
from .scratch import Scratch

VERTEX, FACE = "hd_human_vertex", "hd_human_face"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame.

    Args:
        frame: Its number.
        positions: Of every vertex, (v, 3), m.
        normals: Of every vertex, (v, 3).
        colours: Linear colour of every vertex, 0..1, (v, 3), or none.
        uvs: Layers by name; UV of every vertex in this frame, (v, 2).
        shown: Whether a vertex is at its own place on the surface, (v,).
    """

    frame: int
    positions: np.ndarray
    normals: np.ndarray
    colours: np.ndarray | None
    uvs: dict[str, np.ndarray]
    shown: np.ndarray


class Unified:
    """An object over some frames.

    Args:
        thing: What plays.
        scratch: Where it is evaluated; the object itself need not be in it.
        frames: Which frames.
        colours: Attribute of the corners that colours are read from.
        in_world: Whether positions and normals are in the axes of the world instead of the object's own.

    Raises:
        RunError: Its faces change from frame to frame and no grid lies behind them, or it never shows anything.
    """

    def __init__(
        self,
        thing: bpy.types.Object,
        scratch: Scratch,
        frames: Sequence[int],
        *,
        colours: str = "",
        in_world: bool = False,
    ) -> None:
        self._name, self._frames, self._scratch = thing.name, frames, scratch
        self._colours, self._in_world = colours, in_world
        self._copy = _numbered(thing)
        scratch.add(self._copy)
        self._topology: Topology | None = None
        self._quads = np.zeros((0, 4), np.int32)
        self._anchor = np.zeros(3, np.float32)
        self._blank: np.ndarray | None = None
        self.faces = self._same_faces()
        if self.faces is None:
            self._topology = self._plan()
            self.faces = self._topology.faces
        if not len(self.faces):
            raise RunError(
                f"{self._name} shows nothing in frames {frames[0]} to {frames[-1]}.", "Choose frames in which it does."
            )

    @property
    def is_grid(self) -> bool:
        """Whether cells come and go."""
        return self._topology is not None

    def moments(self) -> Iterator[Moment]:
        """Every frame, in order; one at a time is held."""
        for frame in self._frames:
            mesh = self._mesh(frame)
            place, shown = self._places(mesh)
            positions = read(mesh.vertices, "co", 3) if place is not None else self._anchor[None]
            values = {
                "positions": positions,
                "normals": read(mesh.vertex_normals, "vector", 3) if place is not None else 0 * positions,
                "colours": colours_of(mesh, self._colours) if place is not None else self._blank,
            }
            if self._in_world:
                values |= self._turned(values)
            at = np.zeros(len(shown), np.int64) if place is None else place
            uvs = {} if place is None else uvs_of(mesh)
            yield Moment(
                frame=frame,
                shown=shown,
                uvs={name: uv[at] for name, uv in uvs.items()},
                **{name: value if value is None else value[at] for name, value in values.items()},
            )

    def _places(self, mesh: bpy.types.Mesh) -> tuple[np.ndarray | None, np.ndarray]:
        """Vertex of a frame's mesh that each vertex takes its values from, none if there is nothing; what is shown."""
        if self._topology is None:
            return np.arange(len(mesh.vertices)), np.ones(len(mesh.vertices), bool)
        if not len(mesh.polygons):
            return None, np.zeros(len(self._topology.vertex), bool)
        topology = self._topology
        there, corners = self._cells(mesh)
        source = topology.sources(there)
        place = np.zeros(len(self._copy.data.vertices), np.int64)
        place[self._quads[there]] = corners[there]
        places = place[source]
        own = there[topology.cells] & topology.own
        places[topology.faces[own]] = corners[topology.cells[own]]
        return places, source == topology.vertex

    def _turned(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Positions and normals in the axes of the world."""
        matrix = np.array(self._copy.evaluated_get(self._scratch.view_layer.depsgraph).matrix_world)
        turn = np.linalg.inv(matrix[:3, :3]).T
        return {
            "positions": moved(values["positions"], matrix).astype(np.float32),
            "normals": values["normals"] @ turn.T,
        }

    def _mesh(self, frame: int) -> bpy.types.Mesh:
        return evaluated_mesh(self._copy, self._scratch.go_to(frame))

    def _same_faces(self) -> np.ndarray | None:
        """Its faces if they are the same in every frame."""
        first = shape_of(self._mesh(self._frames[0]))
        for frame in self._frames[1:]:
            mesh = self._mesh(frame)
            if len(mesh.vertices) != len(first.vertices) or len(mesh.polygons) != len(first.counts):
                return None
            if not np.array_equal(shape_of(mesh).corners, first.corners):
                return None
        if first.counts.max(initial=3) > 4:
            raise RunError(f"{self._name} has faces of more than four corners.", "Triangulate it first.")
        faces = np.full((len(first.counts), 4), -1)
        faces[np.arange(4) < first.counts[:, None]] = first.corners
        return faces

    def _plan(self) -> Topology:
        mesh = self._copy.data
        if any(face.loop_total != 4 for face in mesh.polygons[:1]) or len(mesh.loops) != 4 * len(mesh.polygons):
            raise self._no_grid()
        self._quads = quads = read(mesh.loops, "vertex_index", 1, np.int32).reshape(-1, 4)
        planner = Planner(quads)
        for frame in reversed(self._frames):
            shown = self._mesh(frame)
            there, corners = self._cells(shown)
            planner.see(there, _apart(quads, there, corners))
            if len(shown.polygons):
                self._anchor = read(shown.vertices, "co", 3)[0]
                coloured = colours_of(shown, self._colours)
                self._blank = None if coloured is None else coloured[:1]
        return planner.plan()

    def _cells(self, mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
        """Which cells of the grid a frame shows, (q,), and the vertices of the frame at their corners, (q, 4)."""
        there, corners = np.zeros(len(self._quads), bool), np.full(self._quads.shape, -1)
        if not len(mesh.polygons):
            return there, corners
        if VERTEX not in mesh.attributes or FACE not in mesh.attributes:
            raise self._no_grid()
        faces, found = named_integers(mesh, FACE), read(mesh.loops, "vertex_index", 1, np.int32)[:, 0]
        if len(np.unique(faces)) < len(faces):
            raise RunError(
                f"{self._name} has more than one surface over its grid.",
                "Set its thickness to 0, or remove the modifier that adds faces.",
            )
        if len(found) != 4 * len(faces):
            raise self._no_grid()
        there[faces], corners[faces] = True, found.reshape(-1, 4)
        if not np.array_equal(named_integers(mesh, VERTEX)[corners[there]], self._quads[there]):
            raise self._no_grid()
        return there, corners

    def _no_grid(self) -> RunError:
        return RunError(
            f"The faces of {self._name} change from frame to frame, and no grid lies behind them.",
            "Use the object with all frames in the file (depth bank) instead.",
        )


def _apart(quads: np.ndarray, there: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Which cells touch a grid vertex that a frame shows in two places, where one surface ends before another."""
    place = np.full(int(quads.max()) + 1, -1)
    place[quads[there]] = corners[there]
    torn = np.zeros(len(place), bool)
    torn[quads[there][place[quads[there]] != corners[there]]] = True
    return there & torn[quads].any(axis=1)


def _numbered(thing: bpy.types.Object) -> bpy.types.Object:
    """A copy whose mesh knows its own numbers, so that they can be read after the modifiers."""
    copy = thing.copy()
    copy.hide_render = copy.hide_viewport = False
    if copy.data.shape_keys is None:
        copy.data = thing.data.copy()
        for name, domain, count in (
            (VERTEX, "POINT", len(copy.data.vertices)),
            (FACE, "FACE", len(copy.data.polygons)),
        ):
            numbers = copy.data.attributes.new(name, "INT", domain)
            numbers.data.foreach_set("value", np.arange(count, dtype=np.int32))
    return copy
