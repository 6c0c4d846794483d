# SPDX-License-Identifier: GPL-3.0-or-later
"""The Doctor: what the core says of itself and of this machine."""

from pathlib import Path

import bpy

from .. import messages, running
from ..job.core import Core
from ..job.errors import JobError
from ..job.session import Session, Status
from ..preferences import core_of_this_machine
from .watch import Watch
from .wishes import output_folder

POPUP_WIDTH = 500


class HDHUMAN_OT_doctor(Watch, bpy.types.Operator):
    """Ask hd-core whether it is all there: libraries, networks and disk; and how to get what is missing"""

    bl_idname = "hd_human.doctor"
    bl_label = "Doctor"

    _core: Core

    def start(self, context: bpy.types.Context) -> Session:
        """Find the core and ask it."""
        running.diagnose([])
        try:
            self._core = core_of_this_machine()
        except JobError as error:
            running.diagnose([("hd-core", False, f"{error.message} {error.hint}")])
            raise
        words = ("doctor", "--folder", str(_existing_folder(context)))
        return Session(self._core, words, Path())

    def accepts(self, session: Session) -> bool:
        """A core that finds something missing fails, and has said what."""
        return session.report.status is Status.DONE or bool(_findings(session))

    def finish(self, context: bpy.types.Context, session: Session | None) -> None:
        """Show what it found."""
        found = [("core", True, f"{self._core.path} ({self._core.origin})"), *_findings(session)]
        running.diagnose(found)
        missing = [name for name, well, _ in found if not well]
        if missing:
            running.tell("ERROR", f"Missing: {', '.join(missing)}.", "The Doctor's list says how to get it.")
        else:
            running.tell("INFO", f"hd-core {session.report.version} has all it needs.")
        if not bpy.app.background:
            context.window_manager.popup_menu(_draw, title="Doctor", icon="CHECKMARK" if not missing else "ERROR")


def _findings(session: Session) -> list[tuple[str, bool, str]]:
    rows = [result for result in session.report.results if "ok" in result.data]
    return [(str(row.data["name"]), bool(row.data["ok"]), str(row.data.get("remark", row.text))) for row in rows]


def _existing_folder(context: bpy.types.Context) -> Path:
    """Where runs will be written, or the nearest folder above it that is there."""
    try:
        folder = output_folder(context.scene.hd_human)
    except JobError:
        folder = Path.home()
    return next((one for one in (folder, *folder.parents) if one.is_dir()), Path.home())


def _draw(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    messages.draw_doctor(menu.layout, running.doctor(), width=POPUP_WIDTH)


CLASSES = (HDHUMAN_OT_doctor,)
