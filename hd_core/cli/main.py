"""`hd-core`: which word runs which command."""

import sys
from collections.abc import Sequence

import tyro

from hd_core import __version__
from hd_core.cli.adapt import Adapt
from hd_core.cli.common import run_command
from hd_core.cli.doctor import Doctor
from hd_core.cli.evaluate import Evaluate
from hd_core.cli.hdnet_compat import ConvertHdnet, RunHdnet
from hd_core.cli.import_data import ImportData
from hd_core.cli.info import Info
from hd_core.cli.onnx import ExportOnnx
from hd_core.cli.reconstruct import Predict, Reconstruct
from hd_core.cli.stages import Export, Integrate, MeshCommand
from hd_core.cli.synth import Synth
from hd_core.cli.train import Train
from hd_core.errors import HdError

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
    "convert-hdnet": ConvertHdnet,
    "run-hdnet": RunHdnet,
    "export-onnx": ExportOnnx,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the command, exit with its code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        print(f"hd-core {__version__}")
        sys.exit(0)
    try:
        command = parse(words)
    except HdError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(run_command(command.common, command.run))


def parse(words: Sequence[str]) -> Command:
    """The command that the words of a command line mean; exits with 2 if they mean none.

    Raises:
        UsageError: An option is out of its range.
    """
    command: Command = tyro.extras.subcommand_cli_from_dict(
        {name: tyro.conf.configure(tyro.conf.OmitArgPrefixes)(cls) for name, cls in COMMANDS.items()},
        prog="hd-core",
        description="A dressed, moving person out of an ordinary video and into 3D.",
        args=list(words),
    )
    return command


if __name__ == "__main__":
    main()
