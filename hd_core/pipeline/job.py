"""What every stage shares: the run folder, the progress, the log, and one way to walk over frames."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hd_core.errors import InputError, OutputError
from hd_core.progress import Progress, Silent, check_cancelled
from hd_core.records import is_whole
from hd_core.runfolder import RunFolder


@dataclass
class Job:
    """A run folder being worked on.

    Args:
        run: The folder.
        progress: Who is told, and who may cancel.
        failures: What went wrong, by source frame; such frames are tried again next time.
    """

    run: RunFolder
    progress: Progress = field(default_factory=Silent)
    failures: dict[int, str] = field(default_factory=dict)

    def warn(self, message: str) -> None:
        """Tell the user and the log."""
        self.progress.warn(message)
        self.log(event="warning", message=message)

    def log(self, **entry: Any) -> None:  # noqa: ANN401 - any JSON value
        """Append a line to log.jsonl, the only file of a run that holds wall-clock times."""
        line = json.dumps({"time": round(time.time(), 3), **entry}, sort_keys=True)
        with (self.run.path / "log.jsonl").open("a") as stream:
            stream.write(line + "\n")

    def missing(self, stage: str, person_id: int, indices: Iterable[int], digest: str) -> list[int]:
        """Frames whose record is not there, not whole, or of other options."""
        return [i for i in indices if not is_whole(self.run.frame_path(stage, person_id, i), digest)]

    def each_frame(
        self, stage: str, person_id: int, indices: list[int], work: Callable[[int, Path, str], None]
    ) -> None:
        """Call `work(index, path, digest)` for every frame whose record is missing; keep going after a failure.

        Raises:
            InputError: Every single frame failed; the first failure is raised.
            OutputError: A record could not be written.
            CancelledError: The user asked to stop.
        """
        digest = self.run.digest(stage)
        todo = set(self.missing(stage, person_id, indices, digest))
        failed: list[InputError] = []
        for done, index in enumerate(indices):
            check_cancelled(self.progress)
            self.progress.step(stage, done, len(indices))
            if index in todo:
                began = time.perf_counter()
                try:
                    work(index, self.run.frame_path(stage, person_id, index), digest)
                except OutputError:
                    raise
                except InputError as error:
                    failed.append(error)
                    self.failures[index] = f"{stage}: {error.message}"
                    self.log(event="failed", stage=stage, frame=index, message=str(error))
                else:
                    self.log(event="frame", stage=stage, frame=index, seconds=time.perf_counter() - began)
        if failed and len(failed) == len(indices):
            raise failed[0]
        self.progress.step(stage, len(indices), len(indices))
