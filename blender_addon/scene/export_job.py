# SPDX-License-Identifier: GPL-3.0-or-later
"""What every export does: stand-ins for the objects in a scene of their own, and a file that is written aside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..records import RunError
from .scratch import Scratch, scratch_scene
from .tint import add_tint, picture_of

TINT = "displayColor"
"""The name under which readers of USD look for colours."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What to write.

    Args:
        things: Objects, each of which becomes one object of the file.
        path: The file.
        frames: Frames of the scene.
        scene: Whose rate it is written at.
    """

    things: Sequence[bpy.types.Object]
    path: Path
    frames: range
    scene: bpy.types.Scene


@contextmanager
def stand_ins(job: Export) -> Iterator[tuple[Scratch, list[bpy.types.Object]]]:
    """Copies of the objects under their own names, alone in a scene, shown as they are rendered."""
    names = [thing.name for thing in job.things]
    with scratch_scene(job.scene) as scratch:
        scratch.scene.frame_start, scratch.scene.frame_end = job.frames[0], job.frames[-1]
        copies = [thing.copy() for thing in job.things]
        try:
            for thing, copy, name in zip(job.things, copies, names, strict=True):
                if thing.library is None:
                    thing.name = f"{name} in the scene"
                copy.name = name
                copy.hide_viewport = copy.hide_render = False
                for modifier in copy.modifiers:
                    modifier.show_viewport = modifier.show_render
                scratch.add(copy)
            yield scratch, copies
        finally:
            for thing, copy, name in zip(job.things, copies, names, strict=True):
                copy.name = f"{name} copy"
                if thing.library is None:
                    thing.name = name


def tint(copy: bpy.types.Object) -> bool:
    """Give a stand-in the colours of its picture; whether no material could show them."""
    picture = picture_of(copy)
    colours = next((layer.name for layer in copy.data.color_attributes), None)
    tinted = add_tint(copy, TINT, picture, colours)
    return tinted and (picture is None or picture.moves)


@contextmanager
def aside_of(path: Path) -> Iterator[Path]:
    """A path to write to, which takes its place if all goes well, and is removed if not."""
    aside = path.with_name(f".partial-{path.name}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def still_error(name: str, frames: range) -> RunError:
    """What to say of an object that nothing moves."""
    return RunError(
        f"{name} does not move between frames {frames[0]} and {frames[-1]}.",
        "Choose frames in which it does; its modifiers must be on for renders too.",
    )
