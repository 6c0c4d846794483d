"""How long Blender did not answer: a timer that writes down by how much it comes too late.

Beside it the time that the add-on's own calls take: what they do not explain is Blender's drawing.
"""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy

PERIOD_SECONDS = 0.01
LOOK_SECONDS = 0.005


class Pulse:
    """While entered, beats every 10 ms.

    Args:
        phase: Names what goes on. What lies between two names is called by both: `job to idle`.
        module: Add-on whose calls from Blender are timed, by the clock and by the processor: on a busy machine the
            clock also counts what others do.
    """

    def __init__(self, phase: Callable[[], str], module: str = "") -> None:
        self._phase = phase
        self._module = module
        self._beats: dict[str, list[float]] = {}
        self._calls: dict[str, list[tuple[float, float, str]]] = {}
        self._last = (0.0, "")
        self._depth = 0
        self._entered = (0.0, 0.0, "", "")
        self._timer = self._beat  # Blender knows a timer again by the object, and a method is a new one each time

    def __enter__(self) -> "Pulse":
        self._last = (time.perf_counter(), self._phase())
        bpy.app.timers.register(self._timer, first_interval=PERIOD_SECONDS, persistent=True)
        if self._module:
            sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        bpy.app.timers.unregister(self._timer)

    def summary(self) -> dict:
        """Milliseconds, by phase."""
        known = {"late_ms": {phase: spread(found) for phase, found in self._beats.items()}}
        for number, what in enumerate(("clock_ms", "processor_ms")) if self._calls else ():
            known[what] = {phase: spread([call[number] for call in found]) for phase, found in self._calls.items()}
        known["longest_calls"] = {phase: sorted(found, reverse=True)[:5] for phase, found in self._calls.items()}
        return known

    def _beat(self) -> float:
        now, phase = time.perf_counter(), self._phase()
        began, before = self._last
        self._beats.setdefault(between(before, phase), []).append(now - began - PERIOD_SECONDS)
        self._last = now, phase
        return PERIOD_SECONDS

    def _profile(self, frame, event: str, _arg: object) -> None:
        """Outermost calls into the add-on."""
        if not frame.f_globals.get("__name__", "").startswith(self._module):
            return
        if event == "call":
            if self._depth == 0:
                self._entered = (time.perf_counter(), time.thread_time(), self._phase(), frame.f_code.co_qualname)
            self._depth += 1
        elif event == "return" and self._depth:
            self._depth -= 1
            if self._depth == 0:
                clock, processor, phase, name = self._entered
                took = (time.perf_counter() - clock, time.thread_time() - processor, name)
                self._calls.setdefault(between(phase, self._phase()), []).append(took)


def between(before: str, after: str) -> str:
    """Name of the time between two moments."""
    return before if before == after else f"{before} to {after}"


class Watch:
    """While entered, a thread of its own looks when a process is asked to end and when it does.

    Blender's timers come too seldom for that.

    Args:
        pid: The process.
        asked: Whether it was.
    """

    def __init__(self, pid: int, asked: Callable[[], bool]) -> None:
        self._pid = pid
        self._asked = asked
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.asked_at: float | None = None
        self.ended_at: float | None = None

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._leave.wait(LOOK_SECONDS):
            if self.asked_at is None and self._asked():
                self.asked_at = time.monotonic()
            if self.ended_at is None and not is_running(self._pid):
                self.ended_at = time.monotonic()


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def spread(seconds: list[float]) -> dict:
    """Median, 95 percent and longest, in milliseconds, and the number."""
    known = sorted(seconds)
    at = {"median": 0.5, "p95": 0.95, "max": 1.0}
    found = {name: round(1000 * known[min(int(len(known) * share), len(known) - 1)], 1) for name, share in at.items()}
    return found | {"number": len(known)}
