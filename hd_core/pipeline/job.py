"""What every stage shares: the run folder, the progress, the log, and one way to walk over frames."""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hd_core.errors import InputError, OutputError
from hd_core.pipeline.frames import Outcome, in_order
from hd_core.progress import Progress, Silent, check_cancelled
from hd_core.records import is_whole
from hd_core.runfolder import STAGES, RunFolder

FrameOfPerson = tuple[int, int]
"""Person and source frame."""


@dataclass
class Job:
    """A run folder being worked on.

    Args:
        run: The folder.
        progress: Who is told, and who may cancel.
        failures: What went wrong, by person and source frame; such frames are tried again next time.
        jobs: Frames that are worked on at a time where a stage allows it; no byte of a run depends on it.
    """

    run: RunFolder
    progress: Progress = field(default_factory=Silent)
    failures: dict[FrameOfPerson, str] = field(default_factory=dict)
    jobs: int = 1

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

    def each_person(self, work: Callable[[int], None]) -> None:
        """Call `work(person_id)` for everybody; one in whom every frame failed does not keep the others back.

        Raises:
            InputError: Every frame of everybody failed; the first failure is raised.
        """
        failed, ids = [], self.run.person_ids()
        for person in ids:
            try:
                work(person)
            except InputError as error:
                if isinstance(error, OutputError) or not self._all_failed(person):
                    raise
                failed.append(error)
        if failed and all(map(self._all_failed, ids)):
            raise failed[0]

    def each_frame(
        self,
        stage: str,
        person_id: int,
        indices: list[int],
        work: Callable[[int, Path, str], None],
        *,
        several: bool = False,
    ) -> None:
        """Call `work(index, path, digest)` for every frame whose record is missing; keep going after a failure.

        Args:
            stage: Whose records.
            person_id: Whose frames.
            indices: All of the stage's frames.
            work: Writes one record.
            several: It may be called from `jobs` threads at a time.

        Raises:
            InputError: Every single frame failed; the first failure is raised.
            OutputError: A record could not be written.
            CancelledError: The user asked to stop.
        """
        digest = self.run.digest(stage)
        todo = self.missing(stage, person_id, indices, digest)
        before, total = self._share(stage, person_id, indices)

        def timed(index: int) -> float:
            began = time.perf_counter()
            work(index, self.run.frame_path(stage, person_id, index), digest)
            return time.perf_counter() - began

        jobs, waiting, failed = self.jobs if several else 1, set(todo), list[InputError]()
        with closing(in_order(timed, todo, jobs=jobs, look_up=lambda: check_cancelled(self.progress))) as outcomes:
            for done, index in enumerate(indices):
                check_cancelled(self.progress)
                self.progress.step(stage, before + done, total)
                if index in waiting and (error := self._take(next(outcomes), stage, person_id, index)):
                    failed.append(error)
        if failed and len(failed) == len(indices):
            raise failed[0]
        self.progress.step(stage, before + len(indices), total)

    def _take(self, outcome: Outcome[float], stage: str, person_id: int, index: int) -> InputError | None:
        """Log what became of a frame; the error that is the frame's own, if it failed."""
        known: dict[str, Any] = {"stage": stage, "person": person_id, "frame": index}
        try:
            seconds = outcome()
        except OutputError:
            raise
        except InputError as error:
            self.failures[person_id, index] = f"{stage}: {error.message}"
            self.log(event="failed", **known, message=str(error))
            return error
        self.log(event="frame", **known, seconds=seconds)
        return None

    def _share(self, stage: str, person_id: int, indices: list[int]) -> tuple[int, int]:
        """Frames of the people before this one, and of everybody, in this stage: progress counts them together."""
        earlier = STAGES[STAGES.index(stage) - 1] if stage in STAGES[1:] else STAGES[0]
        counts = {person: len(self.run.frame_indices(earlier, person)) for person in self.run.person_ids()}
        counts[person_id] = len(indices)
        return sum(count for person, count in counts.items() if person < person_id), sum(counts.values())

    def _all_failed(self, person_id: int) -> bool:
        return all((person_id, index) in self.failures for index in self.run.frame_indices("person", person_id))
