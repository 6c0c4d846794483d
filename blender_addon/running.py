# SPDX-License-Identifier: GPL-3.0-or-later
"""The one job of this Blender, and the last word about it.

Kept outside the .blend file's data, so that undo, another file or a changed scene cannot take it away. A job is let
go, cleanly and resumably, when another file is opened and when Blender ends.
"""

import atexit
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import bpy
from bpy.app.handlers import persistent

from .job.session import Session

Level = Literal["INFO", "WARNING", "ERROR"]


@dataclass(frozen=True)
class Notice:
    """What the panel tells."""

    level: Level
    message: str
    hint: str = ""


@dataclass
class _State:
    session: Session | None = None
    notice: Notice | None = None
    doctor: list[tuple[str, bool, str]] = field(default_factory=list)


_state = _State()


def session() -> Session | None:
    """The job that runs, if one does."""
    return _state.session


def begin(session: Session) -> None:
    """Let this be the job; it is stopped with Blender and before another file is read."""
    _state.session = session
    _state.notice = None
    bpy.app.handlers.load_pre.append(_before_load)
    atexit.register(stop)


def end() -> None:
    """The job has ended: forget it."""
    _state.session = None
    if _before_load in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_before_load)
    atexit.unregister(stop)


def stop() -> None:
    """Stop the job, if one runs; returns when it is gone, after half a second at most."""
    if _state.session:
        _state.session.stop()
        end()


def notice() -> Notice | None:
    """The last word."""
    return _state.notice


def tell(level: Level, message: str, hint: str = "") -> None:
    """Show this in the panel until the next job."""
    _state.notice = Notice(level, message, hint)


def clear() -> None:
    """Take the last word away."""
    _state.notice = None


def doctor() -> list[tuple[str, bool, str]]:
    """What the Doctor found last: name, whether it is well, and what is known of it."""
    return _state.doctor


def diagnose(findings: list[tuple[str, bool, str]]) -> None:
    """Keep what the Doctor found."""
    _state.doctor = findings


@persistent
def _before_load(*_: object) -> None:
    run = _state.session.run if _state.session else Path()
    stop()
    hint = f"To go on with it, choose {run} as Output and press Resume." if run.name else ""
    tell("WARNING", "The job was stopped because another file was opened.", hint)


def unregister() -> None:
    """Stop the job; leave nothing."""
    stop()
    _state.notice, _state.doctor = None, []
