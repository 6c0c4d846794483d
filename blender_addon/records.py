# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of a run folder without the library that wrote them: the layout of a safetensors file.

A safetensors file is the length of a JSON header (eight bytes, little end first), the header, and the raw arrays one
after the other. hd_core keeps its own JSON in the header's metadata under one key.
"""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

KEY = "hd_core"
"""Name of hd_core's entry in a record's metadata."""
MAX_HEADER_BYTES = 1 << 24
TYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


class RunError(Exception):
    """Something of a run folder cannot be used.

    Args:
        message: What was found, in one plain sentence.
        hint: What to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


def read_record(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and JSON header of a record; the arrays are mapped, not read.

    Raises:
        RunError: The file is missing, cut short, or not a record.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > MAX_HEADER_BYTES:
                raise ValueError("no safetensors header")
            entries = json.loads(stream.read(length))
        header = json.loads(entries.pop("__metadata__")[KEY])["header"]
        arrays = {name: _map(path, size, 8 + length, entry) for name, entry in entries.items()}
    except FileNotFoundError:
        raise RunError(f"{path} is missing.", "Run the job again; it redoes only what is missing.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise RunError(
            f"{path} is damaged or not a record of hd_core.",
            "If a job is still writing or was stopped, resume it; else copy the run folder again.",
        ) from error
    return arrays, header


def _map(path: Path, size: int, start: int, entry: dict[str, Any]) -> np.ndarray:
    """One array of the file.

    Raises:
        ValueError: The file ends before the array does, or the entry contradicts itself.
    """
    begin, end = entry["data_offsets"]
    shape = tuple(int(length) for length in entry["shape"])
    kind = np.dtype(TYPES[entry["dtype"]])
    if not 0 <= begin <= end or min(shape, default=0) < 0 or end - begin != math.prod(shape) * kind.itemsize:
        raise ValueError("an array's size does not fit its shape")
    if start + end > size:
        raise ValueError("the file is cut short")
    if begin == end:
        return np.zeros(shape, kind)
    return np.memmap(path, kind, "r", offset=start + begin, shape=shape)
