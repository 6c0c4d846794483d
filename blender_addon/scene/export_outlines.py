# SPDX-License-Identifier: GPL-3.0-or-later
"""USD and Alembic: the outline of every frame, written by Blender and read again before anybody gets it.

Blender's exporters write an object once if they think that it stands still, and say nothing. So the file is opened
again and compared with the scene at some frames.
"""

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from ..records import RunError
from .evaluated import Shape, world_shape
from .export_job import Export, aside_of, stand_ins, still_error, tint
from .scratch import Scratch, known_to, scratch_scene

CHECKED_FRAMES = 5
TOLERANCE_M = 1e-4


def write_usd(job: Export) -> list[Path]:
    """Write a USD file; the video is vertex colours, since Blender writes no picture that changes with the frame.

    Raises:
        RunError: This Blender has no USD, nothing moves, or the file came out still.
    """
    _require("usd", "USD")
    with stand_ins(job) as (scratch, copies):
        tinted = [tint(copy) for copy in copies]
        known = _moving_shapes(job, scratch, copies)
        options = {
            "export_animation": True,
            "export_materials": not any(tinted),
            "export_textures_mode": "KEEP",
            "export_custom_properties": False,
            "convert_world_material": False,
            "merge_parent_xform": True,
            "evaluation_mode": "RENDER",
        }
        with aside_of(job.path) as aside:
            with scratch.acting():
                bpy.ops.wm.usd_export(filepath=str(aside), **known_to(bpy.ops.wm.usd_export, options))
            _compare(job, aside, bpy.ops.wm.usd_import, {"import_materials": False}, known)
    return [job.path]


def write_abc(job: Export) -> list[Path]:
    """Write an Alembic archive; the video is colours of the corners.

    Raises:
        RunError: This Blender has no Alembic, nothing moves, or the file came out still.
    """
    _require("alembic", "Alembic")
    with stand_ins(job) as (scratch, copies):
        for copy in copies:
            tint(copy)
        known = _moving_shapes(job, scratch, copies)
        options = {
            "start": job.frames[0],
            "end": job.frames[-1],
            "vcolors": True,
            "orcos": False,
            "export_hair": False,
            "export_particles": False,
            "export_custom_properties": False,
            "evaluation_mode": "RENDER",
        }
        with aside_of(job.path) as aside:
            with scratch.acting():
                bpy.ops.wm.alembic_export(filepath=str(aside), **known_to(bpy.ops.wm.alembic_export, options))
            _compare(job, aside, bpy.ops.wm.alembic_import, {}, known)
    return [job.path]


def _moving_shapes(job: Export, scratch: Scratch, copies: list[bpy.types.Object]) -> dict[int, list[Shape]]:
    """What every object looks like at some frames.

    Raises:
        RunError: One of them never moves.
    """
    chosen = np.unique(np.linspace(job.frames[0], job.frames[-1], CHECKED_FRAMES).round().astype(int)).tolist()
    known = {frame: [world_shape(copy, scratch.go_to(frame)) for copy in copies] for frame in chosen}
    for index, copy in enumerate(copies):
        first = known[chosen[0]][index]
        seems_still = len(job.frames) > 1 and all(known[frame][index].is_like(first, within=0) for frame in chosen)
        if seems_still and not _ever_moves(copy, scratch, job.frames, first):
            raise still_error(copy.name, job.frames)
    return known


def _ever_moves(copy: bpy.types.Object, scratch: Scratch, frames: range, first: Shape) -> bool:
    return not all(world_shape(copy, scratch.go_to(frame)).is_like(first, within=0) for frame in frames)


def _compare(
    job: Export, file: Path, operator: Callable, options: dict[str, bool], known: dict[int, list[Shape]]
) -> None:
    """Open a file that was just written and see whether it is what was meant.

    Raises:
        RunError: It is not.
    """
    with scratch_scene(job.scene) as scratch:
        with scratch.acting():
            operator(filepath=str(file), **options)
        found = [thing for thing in scratch.scene.objects if thing.type == "MESH"]
        for frame, wanted in known.items():
            depsgraph = scratch.go_to(frame)
            shapes = [world_shape(thing, depsgraph) for thing in found]
            missing = [one for one in wanted if not any(shape.is_like(one, within=TOLERANCE_M) for shape in shapes)]
            if missing or len(shapes) != len(wanted):
                raise RunError(
                    f"Blender wrote {job.path.name} without the animation: frame {frame} is not as in the scene.",
                    "Objects that a script or a handler moves cannot be exported; bake them to shape keys first.",
                )


def _require(build_option: str, name: str) -> None:
    if not getattr(bpy.app.build_options, build_option):
        raise RunError(f"This Blender was built without {name}.", "Choose PC2 or glTF, or a Blender from blender.org.")
