# SPDX-License-Identifier: GPL-3.0-or-later
"""Bakes: humans as plain meshes."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty

from ..job.errors import JobError
from ..scene.bake import bake_mesh, bake_shape_keys
from ..scene.clip import humans
from ..scene.normal_map import NormalMap, bake_normal_map
from ..scene.undoing import undoing_on_error
from .telling import RANGES, chosen_frames, select_only, told

SPACES = (
    ("OBJECT", "Object", "In the axes of the object: exactly the normals of the run; for meshes that do not bend"),
    ("TANGENT", "Tangent", "Relative to the surface, baked by Cycles; for meshes that bend"),
)
PLACES = (
    ("PACK", "In the File", "Packed into the .blend"),
    ("FILE", "Beside the File", "A PNG beside the .blend"),
)


Things = list[bpy.types.Object]


class _Bake:
    """Base of the bakes: each human chosen gives one new object."""

    bl_options = {"REGISTER", "UNDO"}

    hide_original: BoolProperty(
        name="Hide Original", description="Hide the humans that were baked, in views and renders", default=True
    )

    def take_over(
        self, context: bpy.types.Context, things: list[bpy.types.Object], baked: list[bpy.types.Object]
    ) -> None:
        """Show the new objects, selected, in place of the old."""
        select_only(context, baked)
        for thing in things if self.hide_original else ():
            if thing.library is None:
                thing.hide_render = True
            thing.hide_set(state=True)


class HDHUMAN_OT_bake_shape_keys(_Bake, bpy.types.Operator):
    """Make a plain mesh that plays the human by one shape key per frame; for clips of up to 120 frames"""

    bl_idname = "hd_human.bake_shape_keys"
    bl_label = "Bake to Shape Keys"

    frames: EnumProperty(name="Frames", items=RANGES, default="CLIP")

    def work(self, context: bpy.types.Context) -> str:
        """Bake them."""
        things = humans(context)
        frames = chosen_frames(things, context.scene, self.frames)
        with undoing_on_error():
            baked = [bake_shape_keys(thing, frames) for thing in things]
        self.take_over(context, things, baked)
        return f"Baked {len(frames)} frames to shape keys."

    execute = told(work)


class HDHUMAN_OT_bake_mesh(_Bake, bpy.types.Operator):
    """Make a plain mesh of the human in the current frame, with its texture"""

    bl_idname = "hd_human.bake_mesh"
    bl_label = "Bake Current Frame"

    def work(self, context: bpy.types.Context) -> str:
        """Bake them."""
        things, frame = humans(context), context.scene.frame_current
        with undoing_on_error():
            baked = [bake_mesh(thing, frame) for thing in things]
        self.take_over(context, things, baked)
        return f"Baked frame {frame} to a mesh."

    execute = told(work)


class HDHUMAN_OT_bake_normal_map(_Bake, bpy.types.Operator):
    """Make a plain mesh of the human in the current frame whose material has a normal map of its own"""

    bl_idname = "hd_human.bake_normal_map"
    bl_label = "Bake Normal Map"

    space: EnumProperty(name="Space", items=SPACES, default="OBJECT")
    size: IntProperty(
        name="Size", description="Side of the picture if the run does not state one", default=1024, min=16, max=8192,
        subtype="PIXEL",
    )  # fmt: skip
    keep: EnumProperty(name="Keep", items=PLACES, default="PACK")

    def work(self, context: bpy.types.Context) -> str:
        """Bake them."""
        things, frame = humans(context), context.scene.frame_current
        if self.keep == "FILE" and not bpy.data.filepath:
            raise JobError("The .blend has no place yet to put pictures beside.", "Save it, or keep them in the file.")
        folder = Path(bpy.data.filepath).parent if self.keep == "FILE" else None
        wish = NormalMap(space=self.space, size=self.size, folder=folder)
        with undoing_on_error():
            baked = [bake_normal_map(thing, frame, wish) for thing in things]
        self.take_over(context, things, baked)
        return f"Baked the normal map of frame {frame}."

    execute = told(work)


CLASSES = (HDHUMAN_OT_bake_shape_keys, HDHUMAN_OT_bake_mesh, HDHUMAN_OT_bake_normal_map)
