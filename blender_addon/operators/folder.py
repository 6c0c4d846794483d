# SPDX-License-Identifier: GPL-3.0-or-later
"""The run folder: shown in the system's file manager, and found again where it was moved to."""

from pathlib import Path

import bpy
from bpy.app.translations import pgettext_rpt
from bpy.props import StringProperty

from .. import running
from ..job.errors import JobError
from ..runfolder import open_run
from ..scene.human import RUN_KEY
from ..scene.pictures import CLIP_KEY, relink
from .watch import EXPECTED, absolute, complain, redraw
from .wishes import output_folder


class HDHUMAN_OT_open_folder(bpy.types.Operator):
    """Show the run folder in the system's file manager"""

    bl_idname = "hd_human.open_folder"
    bl_label = "Show Folder"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open it."""
        try:
            run = folder_of(context)
            if not run.is_dir():
                raise JobError(f"There is no run folder {run} on this machine yet.", "Press Build first.")
        except JobError as error:
            return complain(self, context, error)
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(run))
        return {"FINISHED"}


class HDHUMAN_OT_relink(bpy.types.Operator):
    """Choose where the run folder of the active human is now; its pictures are found again there"""

    bl_idname = "hd_human.relink"
    bl_label = "Find Run Folder"
    bl_options = {"UNDO"}

    directory: StringProperty(name="Run Folder", description="The folder that holds run.json", subtype="DIR_PATH")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Point everything of the clip there."""
        try:
            run = open_run(absolute(self.directory))
            active = context.active_object
            clip = active.get(CLIP_KEY) if active else None
            if clip and clip != run.clip_name:
                raise JobError(f"{run.path} is the run of another clip ({run.clip_name}).", f"Choose that of {clip}.")
        except EXPECTED as error:
            return complain(self, context, error)
        running.tell("INFO", pgettext_rpt("{} pictures found again in {}.").format(relink(run), run.path))
        redraw(context)
        return {"FINISHED"}


def folder_of(context: bpy.types.Context) -> Path:
    """The running job's folder, else that of the active human, else the settings'."""
    session = running.session()
    if session:
        return session.run
    active = context.active_object
    if active and active.get(RUN_KEY):
        return absolute(active[RUN_KEY])
    return output_folder(context.scene.hd_human)


CLASSES = (HDHUMAN_OT_open_folder, HDHUMAN_OT_relink)
