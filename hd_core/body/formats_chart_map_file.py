"""A chart map on disk: one .safetensors with all weights and, in its header, what it is and how good."""

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hd_core.atomic import write_bytes
from hd_core.body.formats import CONVENTION_KEY, Convention
from hd_core.body.formats_chart_map import OTHER, SHAPE, ChartMap, HeldOut
from hd_core.errors import InputError

KIND = "hd_core chart map"
VERSION = "1"
"""Of the functions and the layout of the weights."""


def write_chart_map(path: Path, found: ChartMap) -> None:
    """Write a map.

    Raises:
        OutputError: The folder cannot be written.
    """
    errors = {to: {str(part): list(error) for part, error in parts.items()} for to, parts in found.held_out.items()}
    about = {
        "kind": KIND,
        "version": VERSION,
        CONVENTION_KEY: " and ".join(sorted(OTHER)),
        "frames": str(found.frames),
        "held_out": json.dumps(errors),
    }
    weights = {f"to_{to}": np.ascontiguousarray(own) for to, own in found.weights.items()}
    write_bytes(path, save(weights, metadata=about))


def read_chart_map(path: Path) -> ChartMap:
    """Read a map.

    Raises:
        InputError: The file is missing, damaged, or no chart map of this version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            raw = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        weights: dict[Convention, np.ndarray] = {to: raw[f"to_{to}"] for to in OTHER}
        if (about.get("kind"), about.get("version")) != (KIND, VERSION) or {own.shape for own in weights.values()} != {
            SHAPE
        }:
            raise KeyError("kind")
        errors = json.loads(about["held_out"])
        held_out: dict[Convention, dict[int, HeldOut]] = {
            to: {int(part): HeldOut(*error) for part, error in errors[to].items()} for to in OTHER
        }
        return ChartMap(weights=weights, held_out=held_out, frames=int(about["frames"]))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is missing or is no whole chart map of version {VERSION}.", "Make it with hd-core fit-chart-map."
        ) from error
