"""`hd-core train`: the network's weights, learned from synthetic people, in sittings that resume."""

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from hd_core.cli.common import Common
from hd_core.train.options import SittingOptions, TrainOptions

if TYPE_CHECKING:
    from hd_core.cli.talk import Talk


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train HDNet on the clips of a data folder; the same command goes on where the last sitting stopped."""

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """Data folder of hd-core synth or import-data; clips that are made meanwhile are taken up."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="TRAINING")]
    """Folder of the training: checkpoint, weights and curves."""
    begin_with: Path | None = None
    """Weights to begin a new training with, such as those of a training at a smaller size."""
    train: Annotated[TrainOptions, tyro.conf.arg(name="")] = field(default_factory=TrainOptions)
    sitting: Annotated[SittingOptions, tyro.conf.arg(name="")] = field(default_factory=SittingOptions)
    common: Common = field(default_factory=Common)

    def run(self, talk: "Talk") -> None:
        """Train."""
        from hd_core.train.trainer import Job, train  # noqa: PLC0415 - keeps --help quick

        job = Job(
            data=self.data,
            folder=self.output,
            options=self.train,
            sitting=self.sitting,
            begin_with=self.begin_with,
            command=shlex.join(["hd-core", *sys.argv[1:]]),
        )
        scores = train(job, talk)
        if scores is None:
            return
        said = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        talk.say(f"Weights are in {self.output / 'weights.safetensors'}. Validation: {said or 'no clips held out'}.")
