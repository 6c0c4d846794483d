# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the clip's pictures in: behind the human in the camera's view, or on a plane in the scene."""

import bpy
from bpy.props import EnumProperty

from ..runfolder import open_run
from ..scene.footage import add_background, add_projected_plane, match_scene
from ..scene.human import undoing_on_error
from .folder import folder_of
from .show import camera_of
from .watch import EXPECTED, complain, redraw

KINDS = (
    ("BACKGROUND", "Camera Background", "Behind everything, in the view of the reconstructed camera"),
    ("PLANE", "Projected Plane", "On a plane that fills the camera's view behind the human; renders and casts light"),
)


class HDHUMAN_OT_import_footage(bpy.types.Operator):
    """Import the clip's frames in the reconstructed camera, and set the scene's rate, range and size to the clip's"""

    bl_idname = "hd_human.import_footage"
    bl_label = "Import Video Frames"
    bl_options = {"UNDO"}

    kind: EnumProperty(name="As", items=KINDS, default="BACKGROUND")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Import them."""
        try:
            run = open_run(folder_of(context))
            with undoing_on_error():
                camera = camera_of(context.scene, run)
                (add_background if self.kind == "BACKGROUND" else add_projected_plane)(run, camera)
                match_scene(run)
                context.scene.camera = camera
        except EXPECTED as error:
            return complain(self, context, error)
        redraw(context)
        return {"FINISHED"}


CLASSES = (HDHUMAN_OT_import_footage,)
