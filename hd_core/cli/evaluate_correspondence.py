"""`hd-core evaluate correspondence`: how well each pixel's point of the body is found, by DensePose's own measures."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.evaluate.correspondence_options import CorrespondenceOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class EvaluateCorrespondence:
    """Measure maps of the body against ground truth, beside the middles of the parts and the truth itself."""

    finders: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="FINDER")]
    """network, network=WEIGHTS, spoiled (the truth with faults), or NAME=FOLDER with FOLDER/CLIP/*.png."""
    data: Annotated[Path, tyro.conf.arg(metavar="DATA")]
    """Clips of hd-core synth (docs/correspondence_metrics.md)."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = None
    """Where to write correspondence.json and the plots of RCP."""
    goals: bool = False
    """Also print what the first has to reach, and whether it does."""
    measure: CorrespondenceOptions = field(default_factory=CorrespondenceOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Measure."""
        from hd_core.evaluate.correspondence_found import open_finders  # noqa: PLC0415 - keeps --help quick
        from hd_core.evaluate.correspondence_report import (  # noqa: PLC0415
            goal_lines,
            result_lines,
            write_correspondence,
        )
        from hd_core.evaluate.correspondence_suite import evaluate_correspondence  # noqa: PLC0415

        finders = open_finders(self.finders)
        found = evaluate_correspondence(self.data, finders, self.measure, talk)
        for line in result_lines(found.report):
            talk.say(line)
        if self.goals:
            for line in ("", *goal_lines(found.report, next(iter(finders)))):
                talk.say(line)
        if self.output is not None:
            for path in write_correspondence(self.output, found):
                talk.say(f"wrote     {path}", path=str(path))
