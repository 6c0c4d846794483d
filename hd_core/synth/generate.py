"""Many clips: resumable, on several processes, the same bytes whoever makes which clip."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hd_core import __version__
from hd_core.atomic import remove_partials, write_bytes
from hd_core.errors import InputError, UsageError
from hd_core.progress import Progress, check_cancelled
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import Recipe
from hd_core.synth.shards import is_complete, write_clip
from hd_core.synth.workers import worker_pool

MAX_ATTEMPTS = 6
"""Draws of one clip before it is given up; at a rejection rate of 2 % the sixth never comes."""


class RejectedClipError(InputError):
    """A clip came out broken (cloth exploded, nobody in the picture) and has to be drawn anew."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run made.

    Args:
        written: Clips made now.
        kept: Clips that were there.
        rejections: Why draws were rejected.
        missing: Clips that are not there because their one draw was rejected.
    """

    written: int = 0
    kept: int = 0
    rejections: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def rejection_rate(self) -> float:
        """Rejected draws over all draws of this run."""
        draws = self.written + len(self.rejections)
        return len(self.rejections) / draws if draws else 0.0


MakeClip = Callable[[Recipe, DatasetOptions], tuple[Mapping[str, np.ndarray], Mapping[str, Any]]]
"""Arrays and header of one clip, or `RejectedClipError`."""


def generate(
    folder: Path,
    clips: Sequence[int],
    options: DatasetOptions,
    make: MakeClip,
    *,
    workers: int,
    progress: Progress,
    attempts: int = MAX_ATTEMPTS,
) -> Summary:
    """Make those of some clips that are not there yet.

    Args:
        folder: Data set; clips go to `SPLIT/000123.npz`.
        clips: Numbers within the split.
        options: What the clips are.
        make: Makes one clip; a module-level function, because it is sent to other processes.
        workers: Processes; 0 makes the clips in this one.
        progress: Who is told.
        attempts: Draws of one clip; with 1 a rejected clip is left out and reported, with more it ends the run.

    Raises:
        UsageError: The folder holds a data set of other options.
        InputError: A clip was rejected too often, or cannot be written; finished clips stay.
        CancelledError: The user asked to stop; finished clips stay.
    """
    _enter(folder, options)
    missing = [clip for clip in clips if not is_complete(clip_path(folder, options, clip), recipe_of(options, clip))]
    kept, reasons, lost = len(clips) - len(missing), list[str](), list[int]()
    work = partial(_make_one, folder, options, make, attempts)
    for done, made in enumerate(_each(work, missing, workers)):
        reasons += made.rejections
        lost += [] if made.written else [made.clip]
        progress.step("synth", kept + done + 1, len(clips))
        check_cancelled(progress)
    return Summary(written=len(missing) - len(lost), kept=kept, rejections=tuple(reasons), missing=tuple(sorted(lost)))


def clip_path(folder: Path, options: DatasetOptions, clip: int) -> Path:
    """Where a clip lies."""
    return folder / options.folder / f"{clip:06d}.npz"


def recipe_of(options: DatasetOptions, clip: int) -> dict[str, Any]:
    """What a clip's header says of its making; equal recipes are equal clips."""
    return {**_known(options), "clip": clip}


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What became of one clip."""

    clip: int
    written: bool
    rejections: tuple[str, ...]


def _make_one(folder: Path, options: DatasetOptions, make: MakeClip, attempts: int, clip: int) -> _Made:
    """Draw a clip until it is sound and write it."""
    recipe = Recipe(split=options.split, seed=options.seed, clip=clip)
    rejections: list[str] = []
    for _ in range(attempts):
        try:
            arrays, header = make(recipe, options)
        except RejectedClipError as error:
            rejections.append(f"clip {clip}: {error.message}")
            recipe = recipe.redrawn()
            continue
        known = {**header, "recipe": recipe_of(options, clip), "attempt": recipe.attempt, "rejections": rejections}
        write_clip(clip_path(folder, options, clip), arrays, known)
        return _Made(clip=clip, written=True, rejections=tuple(rejections))
    if attempts == 1:
        return _Made(clip=clip, written=False, rejections=tuple(rejections))
    raise InputError(f"Clip {clip} was rejected {attempts} times, last: {rejections[-1]}", "Report it as a bug.")


def _each(work: Callable[[int], _Made], clips: Sequence[int], workers: int) -> Iterator[_Made]:
    if workers == 0:
        yield from map(work, clips)
        return
    with worker_pool(workers) as pool:
        jobs: list[Future[_Made]] = [pool.submit(work, clip) for clip in clips]
        for job in as_completed(jobs):
            yield job.result()


def _enter(folder: Path, options: DatasetOptions) -> None:
    """Refuse a folder that holds other clips of this split, or another version's; sweep away half-written ones."""
    path, card = folder / f"{options.folder}.json", {**_known(options), "version": __version__}
    if not path.exists():
        write_bytes(path, (json.dumps(card, indent=1, sort_keys=True) + "\n").encode())
        return
    known = {"version": __version__, **_read_card(path)}
    changed = [f"{k} was {known.get(k)!r}, now {v!r}" for k, v in card.items() if known.get(k) != v]
    if changed:
        raise UsageError(f"{folder} holds other {options.folder} clips: {', '.join(changed)}.", "Use another -o.")
    remove_partials(folder / options.folder)


def _read_card(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.", "Delete it to take the folder as it is.") from error
    if not isinstance(known, dict):
        raise InputError(f"{path} holds no options of a data set.", "Delete it to take the folder as it is.")
    return known


def _known(options: DatasetOptions) -> dict[str, Any]:
    """The options that are set."""
    return {name: value for name, value in asdict(options).items() if value is not None}
