# SPDX-License-Identifier: GPL-3.0-or-later
"""Turntable: a scene that shows the human from both sides, ready to be rendered."""

import math

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ..scene.clip import humans
from ..scene.turntable import Turntable, add_turntable
from ..scene.undoing import undoing_on_error
from .telling import RANGES, chosen_frames, told
from .watch import absolute


class HDHUMAN_OT_render_turntable(bpy.types.Operator):
    """Make a scene in which the camera sways about the selected humans while they play"""

    bl_idname = "hd_human.render_turntable"
    bl_label = "Turntable"
    bl_options = {"REGISTER", "UNDO"}

    angle: FloatProperty(
        name="Angle",
        description="How far the camera swings to each side; only what was filmed can be seen",
        default=math.radians(35),
        min=0,
        max=math.radians(85),
        subtype="ANGLE",
    )
    width: IntProperty(name="Width", description="Of the picture", default=1080, min=4, max=16384, subtype="PIXEL")
    height: IntProperty(name="Height", description="Of the picture", default=1350, min=4, max=16384, subtype="PIXEL")
    transparent: BoolProperty(name="Transparent", description="Leave the background away", default=False)
    frames: EnumProperty(name="Frames", items=RANGES, default="CLIP")
    render: BoolProperty(name="Render", description="Render all frames at once, to the path below", default=False)
    filepath: StringProperty(
        name="Output",
        description="Start of the names of the pictures; empty for Blender's default",
        subtype="FILE_PATH",
    )

    def work(self, context: bpy.types.Context) -> str:
        """Make the scene and show it."""
        things = humans(context)
        frames = chosen_frames(things, context.scene, self.frames)
        wish = Turntable(
            degrees=math.degrees(self.angle), width=self.width, height=self.height, transparent=self.transparent
        )
        with undoing_on_error():
            scene = add_turntable(things, frames, wish)
        if self.filepath:
            scene.render.filepath = str(absolute(self.filepath))
        if not bpy.app.background:
            context.window.scene = scene
        if self.render:
            mode = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
            bpy.ops.render.render(mode, animation=True, scene=scene.name)
        return f"Made the scene {scene.name}: render it as an animation."

    execute = told(work)


CLASSES = (HDHUMAN_OT_render_turntable,)
