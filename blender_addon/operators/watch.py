# SPDX-License-Identifier: GPL-3.0-or-later
"""What every operator that runs the core shares: in the window a modal timer watches it, in a script it is waited for.

All of it happens on Blender's own thread. A tick reads what has arrived and never waits.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from .. import running
from ..job.errors import JobError
from ..job.session import Session, Status
from ..runfolder import RunError

TICK_SECONDS = 0.1
EXPECTED = (JobError, RunError)
"""Errors that carry a message and a hint for the panel."""


class Watch:
    """Base of the operators that run the core; a subclass says what to start and what to do with the result."""

    _session: Session | None = None
    _timer: bpy.types.Timer | None = None
    _scene: str = ""

    def start(self, context: bpy.types.Context) -> Session | None:
        """Start the core; None if there is nothing for it to do and `finish` can be called at once."""
        raise NotImplementedError

    def landed(self, context: bpy.types.Context, session: Session) -> None:
        """The job has said something."""

    def accepts(self, session: Session) -> bool:
        """Whether the job's end is one that `finish` can use."""
        return session.report.status is Status.DONE

    def finish(self, context: bpy.types.Context, session: Session | None) -> None:
        """The job is done; bring its result into the scene."""
        raise NotImplementedError

    def dropped(self, context: bpy.types.Context) -> None:
        """The job failed or was cancelled; take away what `landed` made."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """One job at a time."""
        if running.session() is None:
            return True
        cls.poll_message_set("A job is running: wait for it or cancel it")
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Wait for the job, as scripts want it."""
        if not self._begin(context):
            return {"CANCELLED"}
        stage = ""
        with _stopping_on_error():
            while self._session and not self._session.report.ended:
                self._session.wait(seconds=TICK_SECONDS)
                if self._session.report.stage != stage:
                    stage = self._session.report.stage
                    self.report({"INFO"}, self._session.report.title)
        return self._close(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Start the job and let the window go on."""
        if bpy.app.background:
            return self.execute(context)
        if not self._begin(context):
            return {"CANCELLED"}
        if self._session is None:
            return self._close(context)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """One tick; everything but the timer is for others."""
        return self.tick(context) if event.type == "TIMER" else {"PASS_THROUGH"}

    def tick(self, context: bpy.types.Context) -> set[str]:
        """Take in what the core said; the result closes the operator when the job has ended."""
        session = self._session
        if running.session() is not session:  # stopped from elsewhere
            self._remove_timer(context)
            return {"CANCELLED"}
        with _stopping_on_error():
            if session.tick():
                self.landed(context, session)
                redraw(context)
        return self._close(context) if session.report.ended else {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator: another file, or the window is closed."""
        self._remove_timer(context)
        if running.session() is self._session:
            running.stop()

    def _begin(self, context: bpy.types.Context) -> bool:
        self._scene = context.scene.name
        running.clear()
        try:
            self._session = self.start(context)
        except EXPECTED as error:
            complain(self, context, error)
            return False
        if self._session:
            running.begin(self._session)
        redraw(context)
        return True

    def _close(self, context: bpy.types.Context) -> set[str]:
        session = self._session
        self._remove_timer(context)
        if session:
            running.end()
            if not self.accepts(session):
                return self._give_up(context, session)
        scene = bpy.data.scenes.get(self._scene) or context.scene
        try:
            with context.temp_override(scene=scene, view_layer=_view_layer(context, scene)):
                self.finish(bpy.context, session)
        except EXPECTED as error:
            self.dropped(context)
            return complain(self, context, error)
        redraw(context)
        return {"FINISHED"}

    def _give_up(self, context: bpy.types.Context, session: Session) -> set[str]:
        self.dropped(context)
        report = session.report
        if report.status is Status.CANCELLED:
            running.tell("INFO", report.message, report.hint)
            self.report({"INFO"}, report.message)
        else:
            complain(self, context, JobError(report.message, report.hint))
        redraw(context)
        return {"CANCELLED"}

    def _remove_timer(self, context: bpy.types.Context) -> None:
        if self._timer:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None


@contextmanager
def _stopping_on_error() -> Iterator[None]:
    """No job goes on that nobody watches any more: Ctrl-C in a script, or a fault of ours."""
    try:
        yield
    except BaseException:
        running.stop()
        raise


def complain(operator: bpy.types.Operator, context: bpy.types.Context, error: JobError | RunError) -> set[str]:
    """Say what went wrong and what to do, in the panel and wherever else Blender reports; ends the operator."""
    running.tell("ERROR", error.message, error.hint)
    redraw(context)
    operator.report({"ERROR"}, f"{error.message} {error.hint}".rstrip())
    return {"CANCELLED"}


def redraw(context: bpy.types.Context) -> None:
    """Have every 3D view draw itself again; there may be no window at all."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()


def absolute(path: str, *, library: bpy.types.Library | None = None) -> Path:
    """A path of Blender's, which may start at the .blend file."""
    return Path(os.path.abspath(bpy.path.abspath(path, library=library))) if path else Path()  # noqa: PTH100 - as chosen


def _view_layer(context: bpy.types.Context, scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    return context.view_layer if context.scene == scene else scene.view_layers[0]
