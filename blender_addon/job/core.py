# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the program `hd-core` is on this machine, and how it is started without Blender's own Python in its way."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import JobError

NAME = "hd-core.exe" if os.name == "nt" else "hd-core"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
VARIABLE = "HD_CORE"
GET_IT = "Install it into a Python of its own (pip install hd-core), then choose it in the add-on's preferences."
BESIDE = (".venv", "venv", "hd-core/.venv", "hd_core/.venv")
"""Virtual environments looked for in each folder given, and in the user's home."""
HOME = (
    ".venvs/hd-core",
    ".virtualenvs/hd-core",
    ".local/share/pipx/venvs/hd-core",
    ".local/share/uv/tools/hd-core",
    "miniconda3/envs/hd-core",
    "miniforge3/envs/hd-core",
)
SYSTEM = ("~/.local/bin", "/opt/homebrew/bin", "/usr/local/bin")
"""Folders of programs that a Blender started from a desktop often misses in its PATH."""
BLENDERS_OWN = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONNOUSERSITE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
"""Variables that would make the core's Python look for its libraries in Blender's."""


@dataclass(frozen=True)
class Core:
    """How the core is called, and why this one was taken."""

    command: tuple[str, ...]
    origin: str

    @property
    def path(self) -> str:
        """The file that is started."""
        return self.command[0]


def find_core(preferred: str = "", folders: Sequence[Path] = ()) -> Core:
    """The core of this machine: the user's choice, `HD_CORE`, `PATH`, then the usual virtual environments.

    Args:
        preferred: What the preferences say: `hd-core`, a Python, or the folder of either; may be empty.
        folders: Folders in which a virtual environment is looked for, such as that of the .blend file.

    Raises:
        JobError: A choice that is no program, or none is found anywhere.
    """
    for text, origin in ((preferred, "preferences"), (os.environ.get(VARIABLE, ""), VARIABLE)):
        if text:
            return Core(_command(Path(shutil.which(text) or text).expanduser(), origin), origin)
    on_path = shutil.which(NAME)
    if on_path:
        return Core((on_path,), "PATH")
    for program in _usual_places(folders):
        if _is_program(program):
            return Core((str(program),), str(program.parent))
    raise JobError("hd-core was not found on this machine.", GET_IT)


def environment() -> dict[str, str]:
    """Variables for the core: Blender's, without those that belong to Blender's own Python."""
    return {
        **{name: value for name, value in os.environ.items() if name not in BLENDERS_OWN},
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }


def _command(chosen: Path, origin: str) -> tuple[str, ...]:
    if chosen.is_dir():
        inside = (chosen / NAME, chosen / SCRIPTS / NAME, *(chosen / venv / SCRIPTS / NAME for venv in BESIDE))
        for program in inside:
            if _is_program(program):
                return (str(program),)
        raise JobError(f"The folder {chosen} ({origin}) holds no {NAME}.", f"Choose {NAME} itself. {GET_IT}")
    if not chosen.is_file():
        raise JobError(f"{chosen} ({origin}) is not there.", f"Choose {NAME} again. {GET_IT}")
    if not _is_program(chosen):
        raise JobError(f"{chosen} ({origin}) is not a program.", f"Choose {NAME} or the Python that has it.")
    if chosen.absolute() == Path(sys.executable).absolute():
        raise JobError(f"{chosen} ({origin}) is Blender's own Python.", f"Choose {NAME}. {GET_IT}")
    if chosen.name.lower().startswith("python"):
        return (str(chosen), "-m", "hd_core.cli.main")
    return (str(chosen),)


def _usual_places(folders: Sequence[Path]) -> Iterator[Path]:
    home = Path.home()
    for folder in (*folders, home):
        for venv in BESIDE:
            yield folder / venv / SCRIPTS / NAME
    for venv in HOME:
        yield home / venv / SCRIPTS / NAME
    for folder in SYSTEM:
        yield Path(folder).expanduser() / NAME


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
