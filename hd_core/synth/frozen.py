"""Frozen test lists: which clips a test set is made of, and the proof that they are still the same.

A list names clips of the test split by their numbers, with what was drawn for them and a fingerprint of their geometry.
It never changes; a generator that cannot make its clips any more needs a new list of a new name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hd_core import __version__
from hd_core.errors import InputError, UsageError
from hd_core.synth.fingerprint import Numbers, differences, fingerprint
from hd_core.synth.generate import MakeClip, RejectedClipError
from hd_core.synth.options import DatasetOptions
from hd_core.synth.recipe import Recipe
from hd_core.synth.shards import decode_depth, decode_normal

FOLDER = Path(__file__).parent / "lists"
SPLIT: Literal["test"] = "test"
TOLERANCE: Mapping[str, float] = {"cover": 0.02, "depth": 0.06, "normal x": 0.03, "normal y": 0.03, "normal z": 0.03}
"""Largest difference of a cell of the fingerprint that may come from another machine's rounding or another size."""
DRAWN_TOLERANCE = 1e-3
"""Of drawn numbers, relative to the number or to 1 where it is smaller."""


@dataclass(frozen=True, kw_only=True)
class FrozenClip:
    """One clip of a list.

    Args:
        clip: Its number in the test split.
        attempt: Which draw of it was sound.
        tags: What it shows, the words of `quotas`.
        drawn: All that was drawn for it, as `census.describe` has it.
        fingerprint: Of its geometry.
    """

    clip: int
    attempt: int
    tags: tuple[str, ...]
    drawn: Mapping[str, Any]
    fingerprint: Numbers


@dataclass(frozen=True, kw_only=True)
class FrozenList:
    """A test set.

    Args:
        name: "test-v1".
        version: Of the program that froze it.
        rule: How its clips were chosen.
        seed: Of the data set.
        frames: Of every clip.
        sizes: Sides of pictures at which it is used, px.
        clips: In the order of their numbers.
    """

    name: str
    version: str
    rule: str
    seed: int
    frames: int
    sizes: tuple[int, ...]
    clips: tuple[FrozenClip, ...]

    def options(self, size: int) -> DatasetOptions:
        """Options of the data set of this list.

        Raises:
            UsageError: The list is not used at that size.
        """
        if size not in self.sizes:
            raise UsageError(f"{self.name} is made at {' or '.join(map(str, self.sizes))} px; found --size {size}.")
        return DatasetOptions(frames=self.frames, size=size, seed=self.seed, split=SPLIT, test_list=self.name)

    def recipe(self, entry: FrozenClip) -> Recipe:
        """How a clip of the list is drawn."""
        return Recipe(split=SPLIT, seed=self.seed, clip=entry.clip, attempt=entry.attempt)


def list_names() -> tuple[str, ...]:
    """Names of the lists that are shipped."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def read_list(name: str, folder: Path | None = None) -> FrozenList:
    """Read a list by its name.

    Args:
        name: "test-v1".
        folder: Where lists lie; those that are shipped by default.

    Raises:
        UsageError: There is no such list.
        InputError: Its file is damaged.
    """
    path = (folder or FOLDER) / f"{name}.json"
    if not path.is_file():
        raise UsageError(f"Found no test list {name!r}.", f"Known: {', '.join(list_names()) or 'none'}.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        clips = tuple(FrozenClip(**{**clip, "tags": tuple(clip["tags"])}) for clip in raw.pop("clips"))
        return FrozenList(**{**raw, "sizes": tuple(raw["sizes"]), "clips": clips})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"The test list {path} is damaged: {error}.", "Install hd-core again.") from error


def list_text(frozen: FrozenList) -> str:
    """The file of a list: one line a clip, so that a change of one shows as one."""
    raw = asdict(frozen)
    clips = [json.dumps(clip, sort_keys=True, separators=(",", ":")) for clip in raw.pop("clips")]
    head = json.dumps(raw, indent=1, sort_keys=True).removesuffix("\n}")
    return head + ',\n "clips": [\n' + ",\n".join(clips) + "\n ]\n}\n"


@dataclass(frozen=True, kw_only=True)
class FrozenMaker:
    """Makes the clips of a list, and refuses those that are not what the list says.

    Args:
        frozen: The list.
        make: Makes any clip.
        check: Whether what was made is compared with the list.
    """

    frozen: FrozenList
    make: MakeClip
    check: bool = True

    def __call__(self, recipe: Recipe, options: DatasetOptions) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """Make one clip.

        Raises:
            InputError: This version draws or simulates it differently.
        """
        entry = next(entry for entry in self.frozen.clips if entry.clip == recipe.clip)
        try:
            arrays, header = self.make(self.frozen.recipe(entry), options)
        except RejectedClipError as error:
            if not self.check:
                raise
            raise outdated(self.frozen, entry, f"it is rejected now ({error.message})") from error
        if self.check:
            found = changed_geometry(entry, arrays, header)
            if found:
                raise outdated(self.frozen, entry, found)
        return arrays, {**header, "tags": list(entry.tags)}


def outdated(frozen: FrozenList, entry: FrozenClip, reason: str) -> InputError:
    """The error for a list that this version cannot make."""
    return InputError(
        f"{frozen.name} can no longer be made by this version ({__version__}): clip {entry.clip}: {reason}.",
        f"Use the version that froze it ({frozen.version}), or freeze a new list with tools/freeze_test.py.",
    )


def changed_geometry(entry: FrozenClip, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> str:
    """What of a made clip's geometry is not what the list says; empty if all is."""
    off = differences(clip_fingerprint(arrays, header), entry.fingerprint)
    wrong = [f"{name} is off by {value:.3f}" for name, value in off.items() if value > TOLERANCE[name]]
    return ", ".join(wrong)


def clip_fingerprint(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> Numbers:
    """Fingerprint of a clip's stored arrays."""
    return fingerprint(decode_depth(arrays["depth"], header), decode_normal(arrays["normal"], header))


def changed_draws(found: Mapping[str, Any], expected: Mapping[str, Any]) -> str:
    """The first drawn thing that is not what the list says; empty if all are. What the list does not know is free."""
    known = dict(_leaves(found))
    for name, value in _leaves(expected):
        if name not in known:
            return f"{name} was {value!r} and is gone"
        now = known[name]
        if isinstance(value, float | int) and isinstance(now, float | int):
            same = abs(now - value) <= DRAWN_TOLERANCE * max(abs(value), 1.0)
        else:
            same = now == value
        if not same:
            return f"{name} was {value!r}, now {now!r}"
    return ""


def _leaves(tree: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    """Names and values of all that is no list and no mapping."""
    branches: Iterable[tuple[Any, Any]]
    if isinstance(tree, Mapping):
        branches = tree.items()
    elif isinstance(tree, list | tuple):
        branches = enumerate(tree)
    else:
        yield name, tree
        return
    for key, branch in branches:
        yield from _leaves(branch, f"{name}.{key}" if name else str(key))
