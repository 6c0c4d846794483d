"""Alembic: one Ogawa archive with one PolyMesh per person.

Y up, metres, camera looking along -z. Alembic counts seconds, not frames: a mesh lies at its time code over fps,
and the rate is named in the metadata of every object (`hd_core.fps`), because a reader that assumes another rate
shows other frames. Faces wind clockwise, as Alembic's readers expect. Colours are a vertex parameter of floats
that hold the sRGB bytes over 255: Blender takes them as bytes, unconverted. The archive holds no date,
and no camera: USD has one.
"""

from pathlib import Path

import numpy as np
from alembic3d import Abc, AbcCoreAbstract, AbcGeom
from jaxtyping import UInt8

from hd_core import __version__
from hd_core.atomic import atomic_path
from hd_core.errors import InputError
from hd_core.export.abc_arrays import VERTEX, add_times, colour_sample, mesh_sample, normal_sample, uv_sample
from hd_core.export.axes import turned
from hd_core.export.guard import foreign_errors, require_room
from hd_core.export.output import SILENT, STAGE
from hd_core.export.timecodes import timeline, timeline_codes
from hd_core.export.vertex_values import NONE_OF, VertexValues, polygons
from hd_core.geometry.camera import YUP_FROM_CAM
from hd_core.progress import Progress, check_cancelled
from hd_core.types import Mesh, MeshSequence, Scene

COLOURS = "Cs"
ROOM_BYTES = 1 << 20
"""What closing an archive may write at most, besides `ROOM_BYTES_PER_MESH` for each of its meshes."""
ROOM_BYTES_PER_MESH = 1 << 10


def write_abc(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write a scene to one `.abc` file.

    Args:
        scene: What to write; every mesh is read when its turn comes.
        path: The file.
        progress: Told of every mesh.

    Returns:
        The file.

    Raises:
        InputError: A name does not suit Alembic, meshes of one person differ in what they carry, or the file
            cannot be written.
        CancelledError: The user asked to stop; no file is left.
    """
    _check_names(scene)
    with atomic_path(path) as aside, foreign_errors(aside, RuntimeError):
        _fill(aside, scene, progress)
    return [path]


def _fill(path: Path, scene: Scene, progress: Progress) -> None:
    """Write the archive; it is closed when its last object goes out of scope, here."""
    done, total = 0, sum(len(sequence) for sequence in scene.sequences)
    closing = ROOM_BYTES + total * ROOM_BYTES_PER_MESH
    require_room(path, closing)
    archive = Abc.OArchive(str(path))
    for sequence in scene.sequences:
        mesh = PolyMesh(archive, scene, sequence)
        last = done + len(sequence)
        for _, current in timeline(scene, sequence):
            check_cancelled(progress)
            require_room(path, _size(current) + closing)
            mesh.put(current)
            done = min(done + 1, last)
            progress.step(STAGE, done, total)


class PolyMesh:
    """Writes one person's meshes, in order of time.

    Args:
        archive: Where to.
        scene: The rate and the range.
        sequence: The person.
    """

    def __init__(self, archive: Abc.OArchive, scene: Scene, sequence: MeshSequence) -> None:
        self._times = add_times(archive, timeline_codes(scene, sequence) / float(scene.fps))
        notes = _notes(scene)
        place = AbcGeom.OXform(archive.getTop(), sequence.name, notes)
        self._schema = AbcGeom.OPolyMesh(place, f"{sequence.name}Shape", notes, self._times).getSchema()
        self._colours: AbcGeom.OC4fGeomParam | None = None
        self._values = VertexValues()

    def put(self, mesh: Mesh) -> None:
        """Add the mesh at the next time.

        Raises:
            InputError: The mesh lacks uv, normals or colours that an earlier one had, or the other way round.
        """
        counts, indices = polygons(mesh.faces[:, ::-1])  # clockwise
        sample = mesh_sample(turned(mesh.vertices, YUP_FROM_CAM), counts, indices)
        values = self._values.of(mesh)
        if self._values.has("uv"):
            sample.setUVs(uv_sample(values["uv"]))
        if self._values.has("normals"):
            sample.setNormals(normal_sample(turned(values["normals"], YUP_FROM_CAM)))
        self._schema.set(sample)
        if self._values.has("colours"):
            self._put_colours(values["colours"])

    def _put_colours(self, colours: UInt8[np.ndarray, "v 3"]) -> None:
        if self._colours is None:
            home = self._schema.getArbGeomParams()
            self._colours = AbcGeom.OC4fGeomParam(home, COLOURS, False, VERTEX, 1, self._times)  # noqa: FBT003
            for _ in range(self._schema.getNumSamples() - 1):
                self._colours.set(colour_sample(NONE_OF["colours"]))
        self._colours.set(colour_sample(colours))


def _notes(scene: Scene) -> AbcCoreAbstract.MetaData:
    notes = AbcCoreAbstract.MetaData()
    notes.set("hd_core.fps", str(scene.fps))
    notes.set("hd_core.version", __version__)
    notes.set("hd_core.units", "metres")
    return notes


def _check_names(scene: Scene) -> None:
    for name in (sequence.name for sequence in scene.sequences):
        if "/" in name or not name:
            raise InputError(f"Found a person called {name!r}; Alembic expects a name without '/'.", "Rename it.")


def _size(mesh: Mesh) -> int:
    """Bytes that a mesh takes in the archive, at most: positions, normals, UV and colours are 48 a vertex."""
    return 48 * len(mesh.vertices) + 4 * (mesh.faces.size + len(mesh.faces))
