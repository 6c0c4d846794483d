"""How a test list is made: draw many clips, choose by quotas, make the chosen ones, keep their fingerprints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hd_core import __version__
from hd_core.errors import InputError, UsageError
from hd_core.progress import Progress
from hd_core.synth.census import list_recipes
from hd_core.synth.frozen import SPLIT, FrozenClip, FrozenList, FrozenMaker, clip_fingerprint
from hd_core.synth.generate import MakeClip, clip_path, generate
from hd_core.synth.options import DatasetOptions
from hd_core.synth.quotas import QUOTAS, RULE, Drawn, choose, shortages, tags_of
from hd_core.synth.shards import read_clip


@dataclass(frozen=True, kw_only=True)
class FreezeOptions:
    """What a new list is to be."""

    name: str
    """Of the list, "test-v1"."""
    seed: int = 2026
    """Of the data set."""
    count: int = 60
    """Clips of the list."""
    candidates: int = 180
    """Numbers to choose from."""
    frames: int = 16
    """Of every clip."""
    sizes: tuple[int, ...] = (256, 512)
    """Sides of the pictures at which the list is used, px; fingerprints are taken at the first."""


def candidates_of(wanted: FreezeOptions, *, workers: int) -> list[Drawn]:
    """Draw the clips to choose from.

    Args:
        wanted: What the list is to be.
        workers: Processes; 0 works in this one.
    """
    options = DatasetOptions(frames=wanted.frames, size=wanted.sizes[0], seed=wanted.seed, split=SPLIT)
    return list(list_recipes(range(wanted.candidates), options, workers=workers))


def freeze(
    folder: Path,
    wanted: FreezeOptions,
    candidates: Sequence[Drawn],
    make: MakeClip,
    *,
    workers: int,
    progress: Progress,
    quotas: Mapping[str, int] = QUOTAS,
) -> FrozenList:
    """Choose clips, make them in an empty folder, and return the list of them.

    Args:
        folder: Data set to be; the clips stay there.
        wanted: What the list is to be.
        candidates: Descriptions of the first clips, from `candidates_of`.
        make: Makes a clip; a module-level function.
        workers: Processes; 0 works in this one.
        progress: Who is told.
        quotas: Least number of clips by tag.

    Raises:
        UsageError: The folder holds clips already: they could be another version's.
        InputError: A quota cannot be met.
    """
    if (folder / wanted.name).exists():
        raise UsageError(f"{folder} holds {wanted.name} already.", "Freeze into an empty folder.")
    while True:
        taken = choose(candidates, count=wanted.count, quotas=quotas)
        short = shortages(taken, quotas)
        if short or len(taken) < wanted.count:
            missing = ", ".join(f"{number} of {tag!r}" for tag, number in short.items()) or "clips"
            raise InputError(
                f"{len(candidates)} draws give {len(taken)} of {wanted.count} clips and still lack {missing}.",
                "Draw more candidates, or lower the quota.",
            )
        frozen = _list_of(wanted, taken)
        numbers = [entry.clip for entry in frozen.clips]
        maker = FrozenMaker(frozen=frozen, make=make, check=False)
        summary = generate(
            folder, numbers, frozen.options(wanted.sizes[0]), maker, workers=workers, progress=progress, attempts=1
        )
        if not summary.missing:
            break
        candidates = [drawn for drawn in candidates if drawn["clip"] not in summary.missing]
    _drop_others(folder, frozen)
    return replace(frozen, clips=tuple(_with_fingerprint(folder, frozen, entry) for entry in frozen.clips))


def _list_of(wanted: FreezeOptions, taken: list[Drawn]) -> FrozenList:
    clips = tuple(
        FrozenClip(clip=drawn["clip"], attempt=drawn["attempt"], tags=tags_of(drawn), drawn=drawn, fingerprint=[])
        for drawn in taken
    )
    return FrozenList(
        name=wanted.name,
        version=__version__,
        rule=RULE,
        seed=wanted.seed,
        frames=wanted.frames,
        sizes=wanted.sizes,
        clips=clips,
    )


def _drop_others(folder: Path, frozen: FrozenList) -> None:
    """Delete clips that were made but had to give way when another one was rejected."""
    options = frozen.options(frozen.sizes[0])
    listed = {clip_path(folder, options, entry.clip) for entry in frozen.clips}
    for path in (folder / frozen.name).glob("*.npz"):
        if path not in listed:
            path.unlink()


def _with_fingerprint(folder: Path, frozen: FrozenList, entry: FrozenClip) -> FrozenClip:
    path = clip_path(folder, frozen.options(frozen.sizes[0]), entry.clip)
    return replace(entry, fingerprint=clip_fingerprint(*read_clip(path, ("depth", "normal"))))
