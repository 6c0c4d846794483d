"""How the files of an export are called: one per frame, or one per person.

A single frame of a single person is exactly the path that was asked for; otherwise the person's name (if there
are several) and the frame number go before the suffix: `clip.person01.0001.ply`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from hd_core.errors import UsageError
from hd_core.types import Mesh, MeshSequence, Scene


@dataclass(frozen=True, kw_only=True)
class FrameFile:
    """One mesh of a scene and the file it goes to.

    Args:
        path: The file.
        sequence: The person.
        position: Which of the person's meshes.
    """

    path: Path
    sequence: MeshSequence
    position: int

    @property
    def mesh(self) -> Mesh:
        """The mesh, read anew."""
        return self.sequence[self.position]

    @property
    def texture_path(self) -> Path | None:
        """The picture that the mesh's UV refers to."""
        textures = self.sequence.texture_paths
        return textures[self.position] if textures else None


def frame_files(scene: Scene, path: Path) -> list[FrameFile]:
    """The files of a format that holds one mesh each, person by person.

    Raises:
        UsageError: Two people would go to the same file.
    """
    files = []
    for sequence in scene.sequences:
        stem = person_path(scene, sequence, path)
        for position, number in enumerate(sequence.frame_numbers):
            alone = len(scene.sequences) == 1 and len(sequence) == 1
            target = stem if alone else _with_part(stem, f"{int(number):04d}")
            files.append(FrameFile(path=target, sequence=sequence, position=position))
    return files


def person_path(scene: Scene, sequence: MeshSequence, path: Path) -> Path:
    """The file of one person in a format that holds one animated object.

    Raises:
        UsageError: Two people would go to the same file.
    """
    if len(scene.sequences) == 1:
        return path
    parts = [file_part(other.name) for other in scene.sequences]
    if len(set(parts)) < len(parts):
        raise UsageError(f"File names made of {', '.join(parts)} would be the same.", "Rename one person.")
    return _with_part(path, file_part(sequence.name))


def file_part(name: str) -> str:
    """A name without what a file name or a line of text cannot hold; letters of any script stay."""
    return re.sub(r"[^\w.-]+", "_", name)


def _with_part(path: Path, part: str) -> Path:
    return path.with_name(f"{path.stem}.{part}{path.suffix}")
