# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated objects as files of other programs: one object per human, never silently still."""

from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from ..records import RunError
from .export_constant import write_glb, write_pc2
from .export_job import Export
from .export_outlines import write_abc, write_usd

WRITERS: dict[str, Callable[[Export], list[Path]]] = {
    "USD": write_usd,
    "ABC": write_abc,
    "GLTF": write_glb,
    "PC2": write_pc2,
}
SUFFIXES = {"USD": (".usdc", ".usd", ".usda"), "ABC": (".abc",), "GLTF": (".glb",), "PC2": (".pc2",)}
"""What a file of each format may be called; the first is added to a name without."""


def export(things: Sequence[bpy.types.Object], path: Path, kind: str, frames: range) -> list[Path]:
    """Write animated objects to a file.

    Args:
        things: Mesh objects.
        path: The file; the format's suffix is added if it has none.
        kind: A key of `SUFFIXES`.
        frames: Frames of the scene to write.

    Returns:
        What was written, the main file first.

    Raises:
        RunError: The format cannot hold them, the folder is not there or full, or nothing moves. No file is left.
    """
    path = path if path.suffix.lower() in SUFFIXES[kind] else path.with_name(path.name + SUFFIXES[kind][0])
    if not path.parent.is_dir():
        raise RunError(f"The folder {path.parent} does not exist.", "Choose another, or make it.")
    job = Export(things=things, path=path, frames=frames, scene=bpy.context.scene)
    write: Callable[[Export], list[Path]] = {"USD": write_usd, "ABC": write_abc, "GLTF": write_glb, "PC2": write_pc2}[
        kind
    ]
    try:
        return write(job)
    except RuntimeError as error:
        raise RunError(f"Blender could not write {path}: {error}", "Is the disk full, or the file in use?") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path} cannot be written: {reason}.", "Choose another folder, or make room.") from error
