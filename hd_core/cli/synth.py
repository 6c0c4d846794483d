"""`hd-core synth`: dressed, moving people with exact ground truth, as many as you like."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.synth.options import DatasetOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


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
    preview: bool = False
    """Also write a contact sheet and a video of the first clips."""
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Make the clips."""
        from hd_core.synth.clip import make_clip  # noqa: PLC0415 - keeps --help quick
        from hd_core.synth.generate import generate  # noqa: PLC0415

        options = self.data
        numbers = range(self.first, self.first + self.clips)
        summary = generate(self.output, numbers, options, make_clip, workers=self.workers, progress=talk)
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
