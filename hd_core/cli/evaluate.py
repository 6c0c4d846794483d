"""`hd-core evaluate`: how good predictors are, on data with ground truth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.evaluate.options import EvaluateOptions
from hd_core.integrate.options import IntegrateOptions
from hd_core.predict.options import PredictorOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Measure predictors against ground truth, beside a flat figure and an inflated silhouette."""

    predictors: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="PREDICTOR")]
    """hdnet, maps or any other; NAME=FILE gives one weights of its own, so that several can be compared."""
    data: Annotated[Path, tyro.conf.arg(metavar="DATA")]
    """Clips of hd-core synth, or folders of pictures with maps.json (docs/evaluation.md)."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = None
    """Where to write evaluation.json, the plots, and a sheet of the worst and the best frames."""
    goals: bool = False
    """Also print what the first predictor has to reach, and whether it does."""
    measure: EvaluateOptions = field(default_factory=EvaluateOptions)
    integrate: IntegrateOptions = field(default_factory=IntegrateOptions)
    settings: PredictorOptions = field(default_factory=PredictorOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Measure."""
        from hd_core.evaluate.command import run_evaluation, write_results  # noqa: PLC0415 - keeps --help quick
        from hd_core.evaluate.goals import goal_lines  # noqa: PLC0415
        from hd_core.evaluate.table import group_lines, table_lines  # noqa: PLC0415

        found, dataset, predictors = run_evaluation(
            self.predictors, self.data, self.measure, self.settings, talk, integrate=self.integrate
        )
        for line in (*table_lines(found.report), "", *group_lines(found.report)):
            talk.say(line)
        if self.goals:
            for line in ("", *goal_lines(found.report, next(iter(predictors)))):
                talk.say(line)
        if self.output is not None:
            for path in write_results(self.output, found, dataset, predictors, self.measure):
                talk.say(f"wrote     {path}", path=str(path))
