"""Which writer a suffix asks for; listing the suffixes imports none of the writers."""

from pathlib import Path
from typing import Protocol

from hd_core.errors import UsageError
from hd_core.export.output import SILENT
from hd_core.progress import Progress
from hd_core.registry import Registry
from hd_core.types import Scene

WRITERS = Registry(
    "writer",
    {
        ".ply": "hd_core.export.ply:write_ply",
        ".obj": "hd_core.export.obj:write_obj",
        ".glb": "hd_core.export.glb:write_glb",
        ".usdc": "hd_core.export.usd:write_usd",
        ".usd": "hd_core.export.usd:write_usd",
        ".abc": "hd_core.export.abc:write_abc",
        ".pc2": "hd_core.export.pc2:write_pc2",
        ".npz": "hd_core.export.npz:write_npz",
    },
    group="hd_core.writers",
)


class Writer(Protocol):
    """What stands behind a suffix."""

    def __call__(self, scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
        """Write the scene and return the files that were written, sorted; all of them appear, or none.

        Args:
            scene: Read one mesh at a time.
            path: Where to; a format of one frame per file puts the frame number before the suffix.
            progress: Told about every frame, asked once a frame whether to stop.

        Raises:
            UsageError: The format cannot hold this scene; the hint names one that can.
            InputError: The folder cannot be written, or the disk is full.
            CancelledError: The user asked to stop; no file was left.
        """


def write_scene(scene: Scene, path: Path, progress: Progress = SILENT) -> list[Path]:
    """Write a scene in the format of the path's suffix; see `Writer`.

    Raises:
        UsageError: No writer knows the suffix, or the format cannot hold the scene.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        ending = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise UsageError(f"{path.name} {ending}, so its format is unknown.", f"Known: {', '.join(WRITERS.names())}.")
    writer: Writer = WRITERS.load(suffix)
    return writer(scene, path, progress)
