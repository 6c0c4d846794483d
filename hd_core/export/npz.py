"""Everything of a scene in one NPZ archive, in camera axes as the program holds it, and back.

Members are `person01/0001/vertices` and so on for every frame (`person01/faces` once if the topology is
constant) and `scene.json`, which states axes, units, times and the camera. Any NumPy reads it.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from hd_core.errors import InputError
from hd_core.export.output import SILENT, FrameCounter, Output
from hd_core.export.ply import relative_name
from hd_core.progress import Progress
from hd_core.records import camera_from_json, camera_to_json
from hd_core.types import Mesh, MeshSequence, Scene

SCHEMA = 1
ARRAYS = ("vertices", "faces", "uv", "normals", "colours", "valid")
HEADER = "scene.json"


def write_npz(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write everything to one archive, array by array; textures are named relative to it, not copied."""
    frames = FrameCounter(scene, progress)
    with Output() as output, output.add(path).open("wb") as stream, ZipFile(stream, "w") as archive:
        text = json.dumps(_header(scene, path), ensure_ascii=False, indent=1, sort_keys=True)
        archive.writestr(_member(HEADER), text)
        for sequence in scene.sequences:
            for position in range(len(sequence)):
                frames.begin()
                _write_frame(archive, sequence, position)
                frames.end()
    return output.paths


def read_npz(path: Path) -> Scene:
    """The scene that `write_npz` wrote; meshes are read from the archive when they are asked for.

    Raises:
        InputError: The file is missing, damaged or of another kind.
    """
    try:
        archive = ZipFile(path)
        header = json.loads(archive.read(HEADER))
        if header["schema"] != SCHEMA:
            raise InputError(f"{path} has schema {header['schema']}; expected {SCHEMA}.", "Write it anew.")
        return Scene(
            sequences=tuple(_sequence(archive, person, path) for person in header["people"]),
            camera=camera_from_json(header["camera"]),
            fps=Fraction(*header["fps"]),
        )
    except (OSError, BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is no readable scene: {error}.", "Give an .npz written by hd_core.") from error


class _ArchivedMeshes(Sequence[Mesh]):
    """The meshes of one person in an open archive."""

    def __init__(self, archive: ZipFile, folders: list[str], faces: str) -> None:
        self._archive, self._folders, self._faces = archive, folders, faces
        self._members = set(archive.namelist())

    def __len__(self) -> int:
        return len(self._folders)

    def __getitem__(self, position: Any) -> Any:  # noqa: ANN401 - an index or a slice
        if isinstance(position, slice):
            return [self[index] for index in range(len(self))[position]]
        members = {name: f"{self._folders[position]}/{name}.npy" for name in ARRAYS}
        if self._faces:
            members["faces"] = self._faces
        return Mesh(**{name: self._array(key) for name, key in members.items() if key in self._members})

    def _array(self, member: str) -> np.ndarray:
        with self._archive.open(member) as stream:
            values: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
        return values


def _sequence(archive: ZipFile, person: dict[str, Any], path: Path) -> MeshSequence:
    name, numbers = person["name"], person["frame_numbers"]
    folders = [_folder(name, number) for number in numbers]
    faces = f"{name}/faces.npy" if person["shares_faces"] else ""
    return MeshSequence(
        name=name,
        meshes=_ArchivedMeshes(archive, folders, faces),
        times_seconds=np.array(person["times_seconds"], np.float64),
        frame_numbers=np.array(numbers, np.int64),
        shares_faces=person["shares_faces"],
        texture_paths=tuple(path.parent / texture for texture in person["textures"]),
    )


def _header(scene: Scene, path: Path) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "axes": "camera: x right, y down, z away from the camera",
        "units": "metres, seconds",
        "uv": "0..1 in the full frame, v up",
        "colours": "sRGB bytes",
        "fps": [scene.fps.numerator, scene.fps.denominator],
        "camera": camera_to_json(scene.camera),
        "people": [_person(sequence, path) for sequence in scene.sequences],
    }


def _person(sequence: MeshSequence, path: Path) -> dict[str, Any]:
    return {
        "name": sequence.name,
        "frame_numbers": sequence.frame_numbers.tolist(),
        "times_seconds": sequence.times_seconds.tolist(),
        "shares_faces": sequence.shares_faces,
        "textures": [relative_name(texture, path) for texture in sequence.texture_paths],
    }


def _write_frame(archive: ZipFile, sequence: MeshSequence, position: int) -> None:
    mesh = sequence[position]
    folder = _folder(sequence.name, int(sequence.frame_numbers[position]))
    for name in ARRAYS:
        values = getattr(mesh, name)
        target = f"{folder}/{name}"
        if name == "faces" and sequence.shares_faces:
            if position > 0:
                continue
            target = f"{sequence.name}/faces"
        if values is not None:
            with archive.open(_member(f"{target}.npy"), "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(values), allow_pickle=False)


def _folder(name: str, number: int) -> str:
    return f"{name}/{number:04d}"


def _member(name: str) -> ZipInfo:
    """A member without the clock and the system in it, so that the same scene gives the same bytes."""
    info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = 0o644 << 16
    return info
