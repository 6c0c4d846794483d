"""Tables of numbers in text files, with an error that names file and line for whatever is wrong with them."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64

from hd_core.errors import InputError

Separator = Literal["commas", "spaces"]


def read_table(
    path: Path, *, separator: Separator, columns: int, rows: int | None = None
) -> Float64[np.ndarray, "rows columns"]:
    """All numbers of a text file.

    Args:
        path: The file; blank lines at its end do not count.
        separator: What stands between two numbers.
        columns: Numbers on every line.
        rows: Lines; None for any number, none at all among them.

    Raises:
        InputError: The file is missing, cut short, too long, or a line holds anything else.
    """
    lines = _lines(path)
    if rows is not None and len(lines) != rows:
        raise InputError(f"{path} has {len(lines)} lines; expected {rows}.", "Was it cut short? Write it again.")
    table = np.empty((len(lines), columns))
    for number, line in enumerate(lines):
        table[number] = _numbers(f"{path}, line {number + 1}", line, separator, columns)
    return table


def read_whole_numbers(path: Path, *, columns: int, rows: int | None = None) -> Int64[np.ndarray, "rows columns"]:
    """The same of whole numbers between commas.

    Raises:
        InputError: As `read_table`, or a number has a fraction.
    """
    table = read_table(path, separator="commas", columns=columns, rows=rows)
    whole = table.astype(np.int64)
    bad = np.argwhere(whole != table)
    if len(bad):
        row, column = bad[0]
        raise InputError(f"{path}, line {row + 1}: found {table[row, column]:g}; expected whole numbers.")
    return whole


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is missing or is not a text of numbers.", "Check the folder.") from error


def _numbers(where: str, line: str, separator: Separator, columns: int) -> list[float]:
    other = "," in line if separator == "spaces" else "," not in line and len(line.split()) > 1
    if other:
        found = "commas" if separator == "spaces" else "spaces"
        raise InputError(f"{where}: numbers are separated by {found}; expected {separator}.", "Is it another file?")
    words = line.split(",") if separator == "commas" else line.split()
    if len(words) != columns:
        raise InputError(f"{where}: found {len(words)} numbers; expected {columns}.", "Was it cut short?")
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise InputError(f"{where}: {error}.", "Write it again.") from error
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"{where}: found NaN or infinity; expected numbers.", "Write it again, with 0 for no value.")
    return numbers
