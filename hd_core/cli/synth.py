"""`hd-core synth`: dressed, moving people with exact ground truth, as many as you like."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.errors import UsageError
from hd_core.synth.options import DatasetOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk
    from hd_core.synth.generate import MakeClip


@dataclass(frozen=True, kw_only=True)
class Synth:
    """Render synthetic clips: pictures, matte, depth, normals, correspondences, one archive a clip."""

    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DATA")]
    """Data folder; clips that are there are kept."""
    clips: int = 100
    """Clips to have in the end."""
    first: int = 0
    """Number of the first clip; several machines can make a share each."""
    data: DatasetOptions = field(default_factory=DatasetOptions)
    workers: int = 2
    """Processes; 0 works in this one."""
    recipes: bool = False
    """Only list what the clips are made of, one JSON line each, in SPLIT_recipes.jsonl."""
    preview: bool = False
    """Also write a contact sheet and a video of the first clips."""
    common: Common = field(default_factory=Common)

    def __post_init__(self) -> None:
        if self.clips < 1 or self.first < 0 or self.workers < 0:
            raise UsageError(
                f"Found --clips {self.clips}, --first {self.first}, --workers {self.workers}; "
                "expected at least 1 clip, and 0 or more of the others."
            )

    def run(self, talk: "Talk") -> None:
        """Make the clips."""
        from hd_core.synth.generate import generate  # noqa: PLC0415 - keeps --help quick

        options, numbers, make = self._work()
        if self.recipes:
            self._list(talk, options, numbers)
            return
        summary = generate(self.output, numbers, options, make, workers=self.workers, progress=talk)
        talk.say(
            f"{summary.written} clips made, {summary.kept} were there, "
            f"{summary.rejection_rate:.1%} of the draws rejected.",
            written=summary.written,
            kept=summary.kept,
            rejection_rate=summary.rejection_rate,
        )
        for reason in summary.rejections[:10]:
            talk.say(f"rejected  {reason}")
        if self.preview:
            from hd_core.pipeline.synth_preview import write_preview  # noqa: PLC0415

            for path in write_preview(self.output, numbers, options):
                talk.say(f"preview   {path}", path=str(path))

    def _work(self) -> "tuple[DatasetOptions, Sequence[int], MakeClip]":
        """Options, numbers and maker of the clips: of a split, or of a frozen list."""
        from hd_core.synth.clip import make_clip  # noqa: PLC0415
        from hd_core.synth.frozen import FrozenMaker, read_list  # noqa: PLC0415

        if self.data.test_list is None:
            return self.data, range(self.first, self.first + self.clips), make_clip
        frozen = read_list(self.data.test_list)
        options = frozen.options(self.data.size)
        for name in ("frames", "seed", "split"):
            given, usual, fixed = (getattr(o, name) for o in (self.data, DatasetOptions(), options))
            if given not in (usual, fixed):
                raise UsageError(f"{frozen.name} has --{name} {fixed}; found {given}.", "Leave it out.")
        numbers = [entry.clip for entry in frozen.clips]
        return options, numbers[self.first : self.first + self.clips], FrozenMaker(frozen=frozen, make=make_clip)

    def _list(self, talk: "Talk", options: DatasetOptions, numbers: Sequence[int]) -> None:
        from hd_core.synth.census import write_recipes  # noqa: PLC0415

        path = self.output / f"{options.folder}_recipes.jsonl"
        counts = write_recipes(path, numbers, options, workers=self.workers, progress=talk)
        for title, names in counts.items():
            top = ", ".join(f"{name} {number}" for name, number in names.most_common(12))
            talk.say(f"{title:<10}{top}", **{title: dict(names)})
        talk.say(f"recipes   {path}", path=str(path))
