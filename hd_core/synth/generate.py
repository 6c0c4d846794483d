"""Many clips: resumable, on several processes, the same bytes whoever makes which clip."""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hd_core.atomic import remove_partials, write_bytes
from hd_core.errors import InputError, UsageError
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import Recipe
from hd_core.synth.shards import is_complete, write_clip

MAX_ATTEMPTS = 6
"""Draws of one clip before it is given up; at a rejection rate of 2 % the sixth never comes."""


class RejectedClipError(InputError):
    """A clip came out broken (cloth exploded, nobody in the picture) and has to be drawn anew."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run made: clips written now, clips that were there, and why clips were drawn anew."""

    written: int = 0
    kept: int = 0
    rejections: tuple[str, ...] = field(default=())

    @property
    def rejection_rate(self) -> float:
        """Rejected draws over all draws of this run."""
        draws = self.written + len(self.rejections)
        return len(self.rejections) / draws if draws else 0.0


MakeClip = Callable[[Recipe, DatasetOptions], tuple[Mapping[str, np.ndarray], Mapping[str, Any]]]
"""Arrays and header of one clip, or `RejectedClipError`."""


def generate(
    folder: Path, clips: range, options: DatasetOptions, make: MakeClip, *, workers: int, progress: Progress
) -> Summary:
    """Make the clips of a range that are not there yet.

    Args:
        folder: Data set; clips go to `SPLIT/000123.npz`.
        clips: Numbers within the split.
        options: What the clips are.
        make: Makes one clip; a module-level function, because it is sent to other processes.
        workers: Processes; 0 makes the clips in this one.
        progress: Who is told.

    Raises:
        UsageError: The folder holds a data set of other options.
        InputError: A clip was rejected too often, or cannot be written.
        CancelledError: The user asked to stop; finished clips stay.
    """
    _enter(folder, options)
    missing = [clip for clip in clips if not is_complete(clip_path(folder, options, clip), recipe_of(options, clip))]
    kept, reasons = len(clips) - len(missing), []
    work = partial(_make_one, folder, options, make)
    for done, rejections in enumerate(_each(work, missing, workers)):
        reasons += rejections
        progress.step("synth", kept + done + 1, len(clips))
        check_cancelled(progress)
    return Summary(written=len(missing), kept=kept, rejections=tuple(reasons))


def clip_path(folder: Path, options: DatasetOptions, clip: int) -> Path:
    """Where a clip lies."""
    return folder / options.split / f"{clip:06d}.npz"


def recipe_of(options: DatasetOptions, clip: int) -> dict[str, Any]:
    """What a clip's header says of its making; equal recipes are equal clips."""
    return {**asdict(options), "clip": clip}


def _make_one(folder: Path, options: DatasetOptions, make: MakeClip, clip: int) -> list[str]:
    """Draw a clip until it is sound and write it; returns why earlier draws were rejected."""
    recipe = Recipe(split=options.split, seed=options.seed, clip=clip)
    rejections: list[str] = []
    for _ in range(MAX_ATTEMPTS):
        try:
            arrays, header = make(recipe, options)
        except RejectedClipError as error:
            rejections.append(f"clip {clip}: {error.message}")
            recipe = recipe.redrawn()
            continue
        known = {**header, "recipe": recipe_of(options, clip), "attempt": recipe.attempt, "rejections": rejections}
        write_clip(clip_path(folder, options, clip), arrays, known)
        return rejections
    raise InputError(f"Clip {clip} was rejected {MAX_ATTEMPTS} times, last: {rejections[-1]}", "Report it as a bug.")


def _each(work: Callable[[int], list[str]], clips: list[int], workers: int) -> Iterator[list[str]]:
    if workers == 0:
        yield from map(work, clips)
        return
    with _pool(workers) as pool:
        jobs: list[Future[list[str]]] = [pool.submit(work, clip) for clip in clips]
        for job in as_completed(jobs):
            yield job.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that leave Ctrl-C to their parent; what has not begun is dropped when the parent stops."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _enter(folder: Path, options: DatasetOptions) -> None:
    """Refuse a folder that holds another data set of this split; sweep away half-written clips."""
    path = folder / f"{options.split}.json"
    if path.exists():
        known = json.loads(path.read_text())
        changed = [f"{k} was {known.get(k)!r}, now {v!r}" for k, v in asdict(options).items() if known.get(k) != v]
        if changed:
            raise UsageError(f"{folder} holds other {options.split} clips: {', '.join(changed)}.", "Use another -o.")
        remove_partials(folder / options.split)
        return
    write_bytes(path, (json.dumps(asdict(options), indent=1, sort_keys=True) + "\n").encode())
