# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators that work at once share: what they act on, and how they say how it went."""

from collections.abc import Callable, Sequence

import bpy

from .. import running
from ..scene.clip import frames_of
from .watch import EXPECTED, redraw

RANGES = (
    ("CLIP", "Clip", "The frames of the scene in which the human plays"),
    ("SCENE", "Scene Range", "From the scene's start to its end"),
)


def chosen_frames(things: Sequence[bpy.types.Object], scene: bpy.types.Scene, choice: str) -> range:
    """Frames of the scene, by one of `RANGES`."""
    return frames_of(things, scene) if choice == "CLIP" else range(scene.frame_start, scene.frame_end + 1)


def told(work: Callable[[bpy.types.Operator, bpy.types.Context], str]) -> Callable[..., set[str]]:
    """Make an operator's work its `execute`: what it returns, or what went wrong, is shown in the panel too."""

    def execute(self: bpy.types.Operator, context: bpy.types.Context) -> set[str]:
        try:
            done = work(self, context)
        except EXPECTED as error:
            running.tell("ERROR", error.message, error.hint)
            redraw(context)
            self.report({"ERROR"}, f"{error.message} {error.hint}".rstrip())
            return {"CANCELLED"}
        running.tell("INFO", done)
        redraw(context)
        self.report({"INFO"}, done)
        return {"FINISHED"}

    return execute


def select_only(context: bpy.types.Context, things: Sequence[bpy.types.Object]) -> None:
    """Select these objects and make the first the active one."""
    for thing in context.selected_objects:
        thing.select_set(state=False)
    for thing in things:
        thing.select_set(state=True)
    context.view_layer.objects.active = things[0]
