"""`hd-core evaluate correspondence`: how well each pixel's point of the body is found, by DensePose's own measures."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.evaluate.correspondence_options import CorrespondenceOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


MASKS = {"given": "Told the data's mask:", "own": "With our own box and matte:"}


@dataclass(frozen=True, kw_only=True)
class EvaluateCorrespondence:
    """Measure maps of the body against ground truth, beside the middles of the parts and the truth itself."""

    finders: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="FINDER")]
    """network, or steady (the network, asked about the frames beside each, too), both maybe =WEIGHTS; spoiled (the
    truth with faults); or NAME=FOLDER with FOLDER/CLIP/*.png."""
    data: Annotated[Path, tyro.conf.arg(metavar="DATA")]
    """Clips of hd-core synth (docs/correspondence_metrics.md)."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = None
    """Where to write correspondence.json and the plots of RCP; with both masks in a folder for each."""
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

        finders, masks = open_finders(self.finders), self.measure.masks
        for mask in masks:
            found = evaluate_correspondence(self.data, finders, replace(self.measure, mask=mask), talk)
            heading = [MASKS[mask]] if len(masks) > 1 else []
            goals = ["", *goal_lines(found.report, next(iter(finders)))] if self.goals else []
            for line in (*heading, *result_lines(found.report), *goals):
                talk.say(line)
            if self.output is not None:
                folder = self.output / mask if len(masks) > 1 else self.output
                for path in write_correspondence(folder, found):
                    talk.say(f"wrote     {path}", path=str(path))
