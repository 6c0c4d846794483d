# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, Resume and Cancel: from a video to an animated mesh in the scene, by the core, outside Blender."""

from pathlib import Path
from typing import Any

import bpy

from .. import running
from ..job.errors import JobError
from ..job.jobfile import job_options, read_job, steps_of, write_job
from ..job.session import Session
from ..preferences import core_of_this_machine, preferences
from ..runfolder import open_run
from ..scene.preview import ASSUMED_HEIGHT_M, Preview, remove_preview
from .show import show_run
from .watch import Watch
from .wishes import output_folder, refuse_other_clip, wishes_of


class _Reconstruct(Watch):
    """What Build and Resume share: the job runs, its frames are shown, the human is added."""

    _preview: Preview | None = None

    def start_job(self, context: bpy.types.Context, options: dict[str, Any]) -> Session:
        """Write the job file and start the core on it."""
        core = core_of_this_machine()
        job = write_job(options)
        remove_preview()
        run = Path(options["output"])
        settings = context.scene.hd_human
        height = settings.subject_height if settings.use_height else ASSUMED_HEIGHT_M
        self._preview = Preview(run, height_m=height) if settings.live_preview else None
        return Session(core, ("reconstruct", "--job", str(job)), run, steps=steps_of(options))

    def landed(self, context: bpy.types.Context, session: Session) -> None:
        """Show the newest frame."""
        if self._preview:
            self._preview.update(bpy.data.scenes.get(self._scene) or context.scene, session.report.stage)

    def finish(self, context: bpy.types.Context, session: Session | None) -> None:
        """Put the human where the preview was."""
        remove_preview()
        settings = context.scene.hd_human
        show_run(context, open_run(session.run), settings, playback=settings.playback)
        warnings = session.report.warnings
        running.tell("WARNING" if warnings else "INFO", f"Done: {session.run}.", " ".join(warnings))

    def dropped(self, context: bpy.types.Context) -> None:  # noqa: ARG002 - every operator gets it
        """Take the preview away."""
        remove_preview()


class HDHUMAN_OT_build(_Reconstruct, bpy.types.Operator):
    """Reconstruct the person of the source and add the animated mesh; what is finished in the output folder is used"""

    bl_idname = "hd_human.build"
    bl_label = "Build"
    bl_options = {"UNDO"}

    def start(self, context: bpy.types.Context) -> Session:
        """Start with the panel's settings."""
        settings = context.scene.hd_human
        wishes = wishes_of(context.scene, device=preferences().device)
        refuse_other_clip(wishes)
        session = self.start_job(context, job_options(wishes))
        settings.output = wishes.output
        return session


class HDHUMAN_OT_resume(_Reconstruct, bpy.types.Operator):
    """Go on with the job of the output folder, with the settings it was started with"""

    bl_idname = "hd_human.resume"
    bl_label = "Resume"
    bl_options = {"UNDO"}

    def start(self, context: bpy.types.Context) -> Session:
        """Start the same job again."""
        run = output_folder(context.scene.hd_human)
        options = read_job(run)
        if "#" not in options["video"] and not Path(options["video"]).exists():
            message = f"The source {options['video']} is not there."
            raise JobError(message, "Move it back, or choose it and press Build.")
        return self.start_job(context, options | {"output": str(run)})


class HDHUMAN_OT_cancel(bpy.types.Operator):
    """Stop the job; finished frames are kept, and Resume goes on from them"""

    bl_idname = "hd_human.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:  # noqa: ARG003 - Blender's signature
        """There is something to stop."""
        return running.session() is not None

    def execute(self, context: bpy.types.Context) -> set[str]:  # noqa: ARG002
        """Ask; the operator that watches the job sees it end."""
        running.session().cancel()
        return {"FINISHED"}


CLASSES = (HDHUMAN_OT_build, HDHUMAN_OT_resume, HDHUMAN_OT_cancel)
