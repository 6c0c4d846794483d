"""The voices of a job: a bar for a person, JSON lines for a program, silence."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from hd_core import __version__

PROTOCOL = 1
"""Version of the JSON lines; a higher one may change what a line means, new kinds of lines do not count."""
TITLES = {
    "find": "finding the person",
    "person": "cutting out",
    "predict": "depth and normals",
    "integrate": "integrating",
    "mesh": "meshing",
    "export": "writing files",
    "passes": "writing passes",
    "bank": "writing the bank",
    "train": "learning",
    "body": "finding the body",
    "look": "looking at the clip",
    "learn": "learning the clip",
}


class Talk:
    """Base of the voices: knows about cancelling; says nothing but results and errors."""

    def __init__(self) -> None:
        self._cancelled = False

    def cancel(self) -> None:
        """Ask the job to stop after its current frame."""
        self._cancelled = True

    def cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._cancelled

    def step(self, stage: str, done: int, total: int) -> None:
        """Progress of a stage."""

    def warn(self, message: str) -> None:
        """One line on stderr."""
        print(f"warning: {message}", file=sys.stderr)

    def say(self, text: str, **data: Any) -> None:  # noqa: ANN401, ARG002 - JSON values, for other voices
        """A result for the person in front of the terminal."""
        print(text)

    def error(self, message: str, hint: str, exit_code: int) -> None:  # noqa: ARG002 - for other voices
        """One line on stderr."""
        print(f"error: {message} {hint}".rstrip(), file=sys.stderr)


class Bar(Talk):
    """A bar per stage with the time that is left."""

    def __init__(self) -> None:
        super().__init__()
        columns = (
            TextColumn("{task.description:>20}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self.rich = RichProgress(*columns, console=Console(stderr=True))
        self._tasks: dict[str, TaskID] = {}

    def step(self, stage: str, done: int, total: int) -> None:
        """Move the stage's bar."""
        if stage not in self._tasks:
            self._tasks[stage] = self.rich.add_task(TITLES.get(stage, stage), total=total)
        self.rich.update(self._tasks[stage], completed=done, total=total)

    def warn(self, message: str) -> None:
        """Above the bars."""
        self.rich.console.print(f"warning: {message}", highlight=False, markup=False)

    def error(self, message: str, hint: str, exit_code: int) -> None:
        """Below the bars, which are taken down."""
        self.rich.stop()
        super().error(message, hint, exit_code)


class JsonLines(Talk):
    """One JSON object a line on stdout; what the Blender add-on reads."""

    def __init__(self) -> None:
        super().__init__()
        self._began: dict[str, tuple[float, int]] = {}

    def hello(self) -> None:
        """`{"event": "hello", "hd_core", "protocol"}`, the first line."""
        self._line(event="hello", hd_core=__version__, protocol=PROTOCOL)

    def step(self, stage: str, done: int, total: int) -> None:
        """`{"event": "progress", "stage", "done", "total", "eta_seconds"}`."""
        now = time.monotonic()
        start, first = self._began.setdefault(stage, (now, done))
        rate = (done - first) / (now - start) if now > start else 0
        eta = round((total - done) / rate, 1) if rate > 0 else None
        self._line(event="progress", stage=stage, done=done, total=total, eta_seconds=eta)

    def warn(self, message: str) -> None:
        """`{"event": "warning", "message"}`."""
        self._line(event="warning", message=message)

    def say(self, text: str, **data: Any) -> None:  # noqa: ANN401 - JSON values
        """`{"event": "result", "text", ...}`."""
        self._line(event="result", text=text, **data)

    def error(self, message: str, hint: str, exit_code: int) -> None:
        """`{"event": "error", "message", "hint", "exit_code"}`, and the line on stderr."""
        self._line(event="error", message=message, hint=hint, exit_code=exit_code)
        super().error(message, hint, exit_code)

    @staticmethod
    def _line(**data: Any) -> None:  # noqa: ANN401 - JSON values
        print(json.dumps(data, sort_keys=True), flush=True)


@contextmanager
def open_talk(kind: Literal["auto", "bar", "json", "none"]) -> Iterator[Talk]:
    """The voice for this terminal; a bar is taken down at the end."""
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() and sys.stdout.isatty() else "json"
    if kind == "bar":
        bar = Bar()
        with bar.rich:
            yield bar
    elif kind == "json":
        lines = JsonLines()
        lines.hello()
        yield lines
    else:
        yield Talk()
