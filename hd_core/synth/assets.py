"""Shipped files of arrays: read whole, or refused with what is missing and how to get it back."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from hd_core.errors import InputError


def read_asset(path: Path, *, needs: Collection[str], made_by: str) -> dict[str, np.ndarray]:
    """Arrays of a safetensors file that comes with the package.

    Args:
        path: The file.
        needs: Names of arrays that it has to hold.
        made_by: The script that makes it, "tools/export_body.py"; its docstring says from what.

    Raises:
        InputError: The file is missing, damaged, or of another version.
    """
    hint = f"It comes with hd-core: install the package again, or make the file with {made_by}."
    if not path.is_file():
        raise InputError(f"Found no {path.name} in {path.parent}.", hint)
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is damaged: {error}.", hint) from error
    missing = sorted(set(needs) - arrays.keys())
    if missing:
        raise InputError(f"{path} has no {', '.join(missing)}: it is of another version.", hint)
    return arrays
