"""Freeze a test list of synthetic clips, or check that this version still makes the clips of one.

    python tools/freeze_test.py freeze --name test-v1 --data data/test-v1-256
    python tools/freeze_test.py check --name test-v1

`freeze` draws candidates, chooses by the quotas of `hd_core.synth.quotas`, renders the chosen ones into an empty folder
and writes hd_core/synth/lists/NAME.json. It never overwrites a list. `check` draws every clip of a list and compares
names and numbers (seconds); with --render it makes them as well and compares their geometry (minutes), clip by clip.
"""

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from hd_core.atomic import write_bytes
from hd_core.errors import HdError, InputError
from hd_core.progress import Silent
from hd_core.synth.census import describe
from hd_core.synth.clip import make_clip
from hd_core.synth.freeze import FreezeOptions, candidates_of, freeze
from hd_core.synth.frozen import FOLDER, FrozenClip, FrozenList, FrozenMaker, changed_draws, list_text, read_list
from hd_core.synth.workers import worker_pool


class Counted(Silent):
    """Progress as one line on stderr."""

    def step(self, stage: str, done: int, total: int) -> None:
        """Say how far it is."""
        sys.stderr.write(f"\r{stage} {done}/{total} ")
        sys.stderr.flush()


def main() -> None:
    """Read the words and do what they say."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["freeze", "check"])
    parser.add_argument("--name", required=True)
    parser.add_argument("--data", type=Path, help="freeze: where the clips go; a temporary folder by default")
    parser.add_argument("--lists", type=Path, default=FOLDER, help="folder of the lists")
    parser.add_argument("--seed", type=int, default=FreezeOptions(name="").seed)
    parser.add_argument("--count", type=int, default=FreezeOptions(name="").count)
    parser.add_argument("--candidates", type=int, default=FreezeOptions(name="").candidates)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--render", action="store_true", help="check: also the geometry")
    words = parser.parse_args()
    try:
        if words.what == "freeze":
            do_freeze(words)
        else:
            do_check(words)
    except HdError as error:
        raise SystemExit(f"error: {error}") from error


def do_freeze(words: argparse.Namespace) -> None:
    """Make a list and write its file."""
    path = words.lists / f"{words.name}.json"
    if path.exists():
        raise InputError(f"{path} is there: a list never changes.", "Give the new one a new name.")
    wanted = FreezeOptions(name=words.name, seed=words.seed, count=words.count, candidates=words.candidates)
    candidates = candidates_of(wanted, workers=words.workers)
    with tempfile.TemporaryDirectory() as aside:
        folder = words.data or Path(aside)
        frozen = freeze(folder, wanted, candidates, make_clip, workers=words.workers, progress=Counted())
    write_bytes(path, list_text(frozen).encode())
    sys.stdout.write(f"\n{path}: {len(frozen.clips)} clips, {path.stat().st_size} bytes\n")


def do_check(words: argparse.Namespace) -> None:
    """Compare every clip with the list; say which differ, and end with 1 if any does."""
    frozen = read_list(words.name, words.lists)
    work = partial(changes, frozen, words.render)
    with worker_pool(words.workers) as pool:
        found = [(entry.clip, change) for entry, change in zip(frozen.clips, pool.map(work, frozen.clips), strict=True)]
    changed = [(clip, change) for clip, change in found if change]
    for clip, change in changed:
        sys.stdout.write(f"clip {clip}: {change}\n")
    sys.stdout.write(f"{frozen.name}: {len(found) - len(changed)} of {len(found)} clips are the same\n")
    raise SystemExit(bool(changed))


def changes(frozen: FrozenList, render: bool, entry: FrozenClip) -> str:  # noqa: FBT001 - bound by partial
    """What of a clip is not what the list says."""
    options, recipe = frozen.options(frozen.sizes[0]), frozen.recipe(entry)
    found = changed_draws(describe(recipe, options), entry.drawn)
    if found or not render:
        return found
    try:
        FrozenMaker(frozen=frozen, make=make_clip)(recipe, options)
    except InputError as error:
        return error.message
    return ""


if __name__ == "__main__":
    main()
