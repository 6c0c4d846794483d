# SPDX-License-Identifier: GPL-3.0-or-later
"""Add Cache: a finished run played by a file beside the .blend, or by shape keys."""

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import running
from ..bank import open_bank
from ..job.errors import JobError
from ..job.session import Session
from ..preferences import core_of_this_machine
from ..runfolder import Run, RunError, open_run
from ..scene.caches import add_cache, has_constant_faces
from ..scene.footage import match_scene
from ..scene.undoing import undoing_on_error
from .folder import folder_of
from .telling import select_only
from .watch import Watch, absolute

KINDS = (
    ("USD", "USD Cache", "Plays the run's USD file: a small .blend, the outline of every frame, clips of any length"),
    ("PC2", "PC2 Cache", "Plays the run's PC2 file, also in a Blender without USD; needs a run of constant topology"),
    ("SHAPE_KEYS", "Shape Keys", "Everything in the file as plain shape keys; up to 120 frames"),
)


class HDHUMAN_OT_add_cache(Watch, bpy.types.Operator):
    """Add the humans of a run, played by a cache file or by shape keys; hd-core writes what the run lacks"""

    bl_idname = "hd_human.add_cache"
    bl_label = "Add Cache"
    bl_options = {"REGISTER", "UNDO"}

    kind: EnumProperty(name="Kind", items=KINDS, default="USD")
    directory: StringProperty(
        name="Run Folder", description="Empty for that of the active human, or of the panel", subtype="DIR_PATH"
    )

    _run: Run

    def start(self, context: bpy.types.Context) -> Session | None:
        """Write what the run lacks."""
        self._run = open_run(absolute(self.directory) if self.directory else folder_of(context))
        words = _lacking(self._run, self.kind)
        if not words:
            return None
        try:
            return Session(core_of_this_machine(), ("export", str(self._run.path), *words), self._run.path)
        except JobError as error:
            raise JobError(
                f"{self._run.path} lacks the file for this, and hd-core, which could write it, was not found here.",
                f"Run hd-core export {self._run.path} {' '.join(words)}. {error.hint}",
            ) from error

    def finish(self, context: bpy.types.Context, session: Session | None) -> None:
        """Add the humans."""
        run = open_run(self._run.path) if session else self._run
        with undoing_on_error():
            if context.scene.hd_human.match_scene:
                match_scene(run)
            things = add_cache(run, self.kind)
        select_only(context, things)
        running.tell("INFO", f"Added {run.path}.")


def _lacking(run: Run, kind: str) -> tuple[str, ...]:
    """Words for `hd-core export` that write what a kind needs and the run does not have."""
    if kind == "USD":
        return () if {".usdc", ".usd"} & run.exports.keys() else ("--formats", "usdc")
    constant = has_constant_faces(run)
    if kind == "PC2":
        if not constant:
            raise JobError(
                f"{run.path} was made with faces that change from frame to frame; PC2 needs the same in every frame.",
                "Choose USD or the depth bank, or build again with hd-core reconstruct --topology constant.",
            )
        return () if ".pc2" in run.exports else ("--formats", "pc2")
    try:
        if not constant:
            for person in run.people:
                open_bank(run, person)
    except RunError:
        return ("--bank",)
    return ()


CLASSES = (HDHUMAN_OT_add_cache,)
