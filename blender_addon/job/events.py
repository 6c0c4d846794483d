# SPDX-License-Identifier: GPL-3.0-or-later
"""What the core says: one line of JSON each, as typed events."""

import json
from dataclasses import dataclass, field
from typing import Any

PROTOCOL = 1
"""The version of these lines that this add-on speaks; a job's first line names the core's."""

TITLES = {
    "find": "Finding the person",
    "person": "Cutting out",
    "predict": "Depth and normals",
    "integrate": "Integrating",
    "mesh": "Meshing",
    "export": "Writing files",
    "passes": "Writing passes",
    "bank": "Packing for Blender",
}
"""What the panel calls a stage; another name is shown as it is."""


@dataclass(frozen=True)
class Hello:
    """The first line of a job."""

    version: str
    protocol: int


@dataclass(frozen=True)
class Progress:
    """So many items of a stage are done."""

    stage: str
    done: int
    total: int
    eta_seconds: float | None


@dataclass(frozen=True)
class Warned:
    """Something to know although the job goes on."""

    message: str


@dataclass(frozen=True)
class Result:
    """A result, with what else the core says of it."""

    text: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """Why the core gave up."""

    message: str
    hint: str
    exit_code: int


Event = Hello | Progress | Warned | Result | Failed


def parse_event(line: str) -> Event | None:
    """The event of a line; None if it is none, or of a kind that a later core may have added."""
    try:
        data = json.loads(line)
        return _EVENTS[data["event"]](data)
    except (ValueError, KeyError, TypeError):
        return None


def _progress(data: dict[str, Any]) -> Progress:
    eta = data.get("eta_seconds")
    return Progress(str(data["stage"]), int(data["done"]), int(data["total"]), None if eta is None else float(eta))


_EVENTS = {
    "hello": lambda data: Hello(str(data["hd_core"]), int(data["protocol"])),
    "progress": _progress,
    "warning": lambda data: Warned(str(data["message"])),
    "result": lambda data: Result(
        str(data["text"]), {key: value for key, value in data.items() if key not in ("event", "text")}
    ),
    "error": lambda data: Failed(str(data["message"]), str(data.get("hint", "")), int(data.get("exit_code", 1))),
}
