# SPDX-License-Identifier: GPL-3.0-or-later
"""Open any run folder, made here or on another machine; what Blender plays is packed first if it is missing."""

import bpy
from bpy.props import StringProperty

from .. import running
from ..bank import open_bank
from ..job.errors import JobError
from ..job.session import Session
from ..preferences import core_of_this_machine
from ..runfolder import Run, RunError, open_run
from .show import show_run
from .watch import Watch, absolute

FALLBACK = ".usdc"


class HDHUMAN_OT_open_run(Watch, bpy.types.Operator):
    """Add the people of a run folder that was made here or elsewhere"""

    bl_idname = "hd_human.open_run"
    bl_label = "Open Run Folder"
    bl_options = {"UNDO"}

    directory: StringProperty(name="Run Folder", description="The folder that holds run.json", subtype="DIR_PATH")
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    _playback = "BANK"
    _run: Run

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the folder, then open it."""
        if not self.directory and not bpy.app.background:
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        return super().invoke(context, event)

    def start(self, context: bpy.types.Context) -> Session | None:  # noqa: ARG002 - every operator gets it
        """Pack what Blender plays, if it is not there yet."""
        self._playback = "BANK"
        self._run = open_run(absolute(self.directory))
        try:
            for person in self._run.people:
                open_bank(self._run, person)
        except RunError:
            return self._pack()
        return None

    def finish(self, context: bpy.types.Context, session: Session | None) -> None:
        """Add the people."""
        settings = context.scene.hd_human
        show_run(context, open_run(self._run.path) if session else self._run, settings, playback=self._playback)
        settings.output = str(self._run.path)
        if self._playback == "BANK":
            running.tell("INFO", f"Opened {self._run.path}.")
        else:
            running.tell(
                "WARNING",
                "Opened as a USD cache: the run was not packed for Blender.",
                "With hd-core on this machine, opening it again packs it into the file.",
            )

    def _pack(self) -> Session | None:
        run = self._run
        if run.num_done < run.num_frames and not run.complete:
            raise JobError(
                f"The run in {run.path} is not finished: {run.num_done} of {run.num_frames} frames.",
                "Choose it as Output and press Resume, or finish it where it was begun.",
            )
        try:
            core = core_of_this_machine()
        except JobError as error:
            if FALLBACK not in run.exports:
                raise JobError(
                    "The run is not packed for Blender, and hd-core, which could do it, was not found here.",
                    f"Run hd-core export {run.path} --bank where it was made. {error.hint}",
                ) from error
            self._playback = "USD"
            return None
        return Session(core, ("export", str(run.path), "--bank", "--formats"), run.path)


CLASSES = (HDHUMAN_OT_open_run,)
