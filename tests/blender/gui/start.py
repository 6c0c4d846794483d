"""Plays one scenario in an open Blender: `blender --enable-event-simulate --python start.py -- NAME FOLDER VIDEO`.

A timer takes one step of the scenario a tick, so Blender draws and answers in between. `journal.json` in FOLDER says
how it went; Blender ends itself.
"""

import sys
import traceback
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))

import scenarios
from stage import Stage

TICK_SECONDS = 0.03
FIRST_SECONDS = 1.0


class Play:
    """A scenario as a timer."""

    def __init__(self, name: str, stage: Stage) -> None:
        self._stage = stage
        self._steps = getattr(scenarios, name)(stage)

    def __call__(self) -> float | None:
        """One step; None ends the timer."""
        try:
            next(self._steps)
        except StopIteration:
            return self._end(None)
        except Exception:
            return self._end(traceback.format_exc())
        return TICK_SECONDS

    def _end(self, error: str | None) -> None:
        if error:
            self._stage.shoot("failed")
        self._stage.known["error"] = error
        self._stage.known["ended"] = True
        self._stage.save()
        bpy.ops.wm.quit_blender()


def main() -> None:
    """Begin when the window is drawn; go on although a scenario opens another file."""
    name, folder, video = sys.argv[sys.argv.index("--") + 1 :]
    bpy.app.timers.register(Play(name, Stage(Path(folder), Path(video))), first_interval=FIRST_SECONDS, persistent=True)


main()
