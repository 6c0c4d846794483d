"""Everything a training is in the middle of, in one file that is complete or absent."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from hd_core.atomic import atomic_path
from hd_core.errors import InputError

NAME = "checkpoint.pt"


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the state of a training; a killed process leaves the former one.

    Raises:
        OutputError: The disk is full or the folder cannot be written.
    """
    with atomic_path(folder / NAME) as aside:
        torch.save(dict(state), aside)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The state that was saved last, on the CPU; None where none was.

    Raises:
        InputError: The file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no types for what a damaged file can raise
        raise InputError(f"{path} is damaged.", "Delete it to begin anew, or use another -o.") from error
    return state


def keep_lines(path: Path, last_step: int) -> None:
    """Drop lines of a curve that belong to steps after a checkpoint; they will be made again."""
    if path.is_file():
        lines = path.read_text().splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= last_step]
        with atomic_path(path) as aside:
            aside.write_text("".join(kept))
