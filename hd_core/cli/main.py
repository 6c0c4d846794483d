"""`hd-core`: which word runs which command."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import tyro

from hd_core import __version__
from hd_core.cli.adapt import Adapt
from hd_core.cli.chart_map import ConvertIuv, FitChartMap
from hd_core.cli.common import run_command
from hd_core.cli.doctor import Doctor
from hd_core.cli.evaluate import Evaluate
from hd_core.cli.evaluate_correspondence import EvaluateCorrespondence
from hd_core.cli.hdnet_compat import ConvertHdnet, RunHdnet
from hd_core.cli.import_data import ImportData
from hd_core.cli.info import Info
from hd_core.cli.jobfile import read_job
from hd_core.cli.onnx import ExportOnnx
from hd_core.cli.reconstruct import Predict, Reconstruct
from hd_core.cli.stages import Export, Integrate, MeshCommand
from hd_core.cli.stopping import leave
from hd_core.cli.synth import Synth
from hd_core.cli.train import Train
from hd_core.errors import CancelledError, HdError

Command = (
    Reconstruct
    | Predict
    | Integrate
    | MeshCommand
    | Export
    | Info
    | Doctor
    | Synth
    | ImportData
    | Train
    | Adapt
    | Evaluate
    | EvaluateCorrespondence
    | FitChartMap
    | ConvertIuv
    | ConvertHdnet
    | RunHdnet
    | ExportOnnx
)
COMMANDS = {
    "reconstruct": Reconstruct,
    "predict": Predict,
    "integrate": Integrate,
    "mesh": MeshCommand,
    "export": Export,
    "info": Info,
    "doctor": Doctor,
    "synth": Synth,
    "import-data": ImportData,
    "train": Train,
    "adapt": Adapt,
    "evaluate": Evaluate,
    "evaluate-correspondence": EvaluateCorrespondence,
    "fit-chart-map": FitChartMap,
    "convert-iuv": ConvertIuv,
    "convert-hdnet": ConvertHdnet,
    "run-hdnet": RunHdnet,
    "export-onnx": ExportOnnx,
}
RESUMED = (Reconstruct, Predict, Integrate, MeshCommand, Export)
"""Commands that write nothing but whole records: they may end at any moment and go on later."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the command, exit with its code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        print(f"hd-core {__version__}")
        sys.exit(0)
    try:
        command = parse(words)
    except HdError as error:
        _tell(error, words)
        sys.exit(error.exit_code)
    resumed = isinstance(command, RESUMED)
    exit_code = run_command(command.common, command.run, leave=resumed)
    if resumed and exit_code == CancelledError.exit_code:
        leave(exit_code)
    sys.exit(exit_code)


def parse(words: Sequence[str]) -> Command:
    """The command that the words of a command line mean; exits with 2 if they mean none.

    Raises:
        UsageError: An option is out of its range, or a job file is not what it should be.
    """
    job = _job_file(words) if words[:1] == ["reconstruct"] else None
    if job is not None:
        return _beside_job(job, words[1:])
    if list(words[:2]) == ["evaluate", "correspondence"]:  # two words for one: predictors of `evaluate` are free words
        words = ["evaluate-correspondence", *words[2:]]
    command: Command = tyro.extras.subcommand_cli_from_dict(
        {name: tyro.conf.configure(tyro.conf.OmitArgPrefixes)(cls) for name, cls in COMMANDS.items()},
        prog="hd-core",
        description="A dressed, moving person out of an ordinary video and into 3D.",
        args=list(words),
    )
    return command


def _tell(error: HdError, words: Sequence[str]) -> None:
    """An error in the words themselves; a program that asked for JSON gets it as JSON too."""
    from hd_core.cli.talk import open_talk  # noqa: PLC0415 - keeps --help quick

    asked = "--progress=json" in words or any(pair == ("--progress", "json") for pair in pairwise(words))
    with open_talk("json" if asked else "none") as talk:
        talk.error(" ".join(error.message.split()), error.hint, error.exit_code)


def _job_file(words: Sequence[str]) -> Path | None:
    """The file that `--job` names, if it is there."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--job" and (value or after):
            return Path(value if equals else after)
    return None


def _beside_job(job: Path, words: Sequence[str]) -> Reconstruct:
    """The main job with the options of a file in place of the command line's defaults."""
    return tyro.cli(
        tyro.conf.configure(tyro.conf.OmitArgPrefixes)(Reconstruct),
        prog="hd-core reconstruct",
        args=list(words),
        default=read_job(job, Reconstruct),
    )


if __name__ == "__main__":
    main()
