# SPDX-License-Identifier: GPL-3.0-or-later
"""A job from its start to its end: what it has said so far, as the panel shows it, and why it ended."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .core import Core, environment
from .errors import JobError
from .events import PROTOCOL, TITLES, Event, Failed, Hello, Progress, Result, Warned, parse_event
from .process import Child

WORDS = ("--progress", "json", "--stop-with-stdin")
FRAMES_FAILED = 4
"""Exit code of a job whose files are written although some frames failed."""
USAGE = 2
CANCELLED = 130
TICK_SECONDS = 0.02
"""Longest that one tick may read events."""
GONE_ON = "Press Resume to go on from the last finished frame."
TOO_OLD = "Update it: pip install --upgrade hd-core, in its own Python."
IN_THE_PANEL = {
    "Use another -o, the old options, or --overwrite.": "Choose another Output folder, or tick Start Over.",
    "Choose an empty or new folder with -o.": "Choose an empty or new Output folder.",
    "Wait for it, or use another -o.": "Wait for it, or choose another Output folder.",
    "state it with --focal-px or --fov-deg": "state it under Field of View",
    "--overwrite": "Start Over",
    "--fov-deg": "Field of View",
    "--focal-px": "Field of View",
    "--frames": "Frames",
    "--fps": "the frame rate",
    "--maps": "Maps",
    "--weights": "Weights",
    "--box": "Person",
    "--subject-height-m": "Subject Height",
    "-o ": "Output ",
}
"""Words of the command line, and what they are called in the panel."""
MAX_MESSAGE = 400
MAX_WARNINGS = 20
BOX = " \t|+-\u2500\u2502\u256d\u256e\u2570\u256f"
"""What a program draws around its words."""


class Status(Enum):
    """How far a job is."""

    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass
class Report:
    """What is known of a job; only the thread that ticks it writes here."""

    status: Status = Status.RUNNING
    steps: tuple[str, ...] = ()
    version: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    eta_seconds: float | None = None
    warnings: list[str] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    message: str = ""
    hint: str = ""

    @property
    def title(self) -> str:
        """The stage, for people."""
        return TITLES.get(self.stage, self.stage.capitalize()) if self.stage else "Starting"

    @property
    def step(self) -> int:
        """Which of the steps it is at, from 1; 0 if that is not known."""
        return self.steps.index(self.stage) + 1 if self.stage in self.steps else 0

    @property
    def share(self) -> float:
        """Finished share of the stage, 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.status not in (Status.RUNNING, Status.STOPPING)


class Session:
    """One run of the core, watched.

    Args:
        core: The program.
        words: Command and words; how it talks and stops is added here.
        run: Run folder that it writes.
        steps: Stages it is known to go through.

    Raises:
        JobError: It cannot be started.
    """

    def __init__(self, core: Core, words: Sequence[str], run: Path, *, steps: Sequence[str] = ()) -> None:
        self.core = core
        self.run = run
        self.report = Report(steps=tuple(steps))
        self._failed: Failed | None = None
        self._child = Child((*core.command, *words, *WORDS), environment())

    @property
    def pid(self) -> int:
        """Process id of the core."""
        return self._child.pid

    def tick(self) -> bool:
        """Take in what the core said; whether anything changed. Never waits, ends within a few milliseconds."""
        if self.report.ended:
            return False
        code = self._child.exit_code
        changed = self._read()
        if code is not None and self._child.silent:
            self._end(code)
            return True
        return changed

    def cancel(self) -> None:
        """Ask the job to stop; it is gone within half a second, its finished frames stay."""
        if not self.report.ended:
            self.report.status = Status.STOPPING
            self._child.ask_to_stop()

    def stop(self) -> None:
        """Stop the job and wait for its end, at most half a second; for when Blender goes or opens another file."""
        if not self.report.ended:
            self._child.stop()
            self._read()
            self._cancelled()

    def wait(self, *, seconds: float) -> bool:
        """Tick until the job says something new or so much time is over; whether it did."""
        deadline = time.monotonic() + seconds
        while not self.report.ended and time.monotonic() < deadline:
            if self.tick():
                return True
            time.sleep(0.01)
        return False

    def _read(self) -> bool:
        changed = False
        until = time.monotonic() + TICK_SECONDS
        for line in self._child.lines():
            event = parse_event(line)
            if event is not None:
                self._take(event)
                changed = True
            if time.monotonic() > until:
                break
        return changed

    def _take(self, event: Event) -> None:
        report = self.report
        match event:
            case Hello(version=version, protocol=protocol):
                report.version = version
                if protocol != PROTOCOL:
                    self._refuse(protocol)
            case Progress():
                report.stage, report.done, report.total = event.stage, event.done, event.total
                report.eta_seconds = event.eta_seconds
            case Warned(message=message):
                report.warnings = [*report.warnings, in_the_panel(message)][-MAX_WARNINGS:]
            case Result():
                report.results.append(event)
            case Failed():
                self._failed = self._failed or event

    def _refuse(self, protocol: int) -> None:
        version = self.report.version
        message = f"hd-core {version} speaks protocol {protocol}; this add-on speaks {PROTOCOL}."
        hint = f"The core is older than the add-on. {TOO_OLD}" if protocol < PROTOCOL else "Update the add-on."
        self._failed = Failed(message, hint, 2)
        self._child.kill()

    def _end(self, code: int) -> None:
        self._child.close()
        report = self.report
        if report.status is Status.STOPPING or code == CANCELLED:
            self._cancelled()
        elif code == 0 and report.version:
            report.status = Status.DONE
        elif code == FRAMES_FAILED and self._failed:
            report.status = Status.DONE
            report.warnings.append(in_the_panel(self._failed.message))
        else:
            report.status = Status.FAILED
            found = self._reason(code)
            report.message, report.hint = in_the_panel(found.message), in_the_panel(found.hint)

    def _cancelled(self) -> None:
        self._child.close()
        self.report.status = Status.CANCELLED
        self.report.message, self.report.hint = "Cancelled; finished frames are kept.", GONE_ON

    def _reason(self, code: int) -> "Failed | JobError":
        words = self._child.last_words()
        lines = [line.strip(BOX) for line in words.splitlines()]
        last = next((line for line in reversed(lines) if line), "")
        if self._failed:
            return self._failed
        if "No module named" in words and "hd_core" in words:
            message = f"{self.core.path} has no hd_core."
            return JobError(message, "Choose hd-core, or the Python that it is installed in.")
        if not self.report.version:
            if code in (0, USAGE):  # it knows neither the words nor the greeting
                return JobError(f"{self.core.path} is too old for this add-on.", TOO_OLD)
            message = f"{self.core.path} did not start (exit code {code}){': ' + last if last else ''}."
            return JobError(message, "Choose another hd-core in the preferences, or press Doctor.")
        if code < 0:
            return JobError(f"The job was killed from outside (signal {-code}).", f"Is memory short? {GONE_ON}")
        return JobError(f"The job ended with exit code {code}{': ' + last if last else ''}.", GONE_ON)


def in_the_panel(text: str) -> str:
    """The core's words with the panel's names for its options, cut to a readable length."""
    for word, name in IN_THE_PANEL.items():
        text = text.replace(word, name)
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 3].rstrip() + "..."
