"""`maps.json`: what a folder of depth and normals says of itself, and how it is refused when it says too little."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hd_core.errors import InputError
from hd_core.types import Camera, Gauge

SCHEMA = 1
NAME = "maps.json"
PLANES = ("normal", "depth", "mask", "confidence")
MINIMAL = (
    '{"schema": 1, "axes": "opencv", "pattern": "{index:06d}.exr", '
    '"depth": {"kind": "z", "unit": "m", "gauge": "metric"}, "licence": "...", "source": "..."}'
)
METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "none": 1.0}
_KEYS = ("schema", "axes", "normals", "depth", "camera", "pattern", "encoding", "channels", "first_index")
_DEPTH_KEYS = ("kind", "unit", "gauge", "scale", "offset", "invalid")


@dataclass(frozen=True, kw_only=True)
class DepthCard:
    """How stored numbers become depth: v = number * scale + offset, and z is v or, of a disparity, 1 / v.

    Args:
        kind: "z" along the axis, "ray" along the pixel's ray, "disparity" for one over z.
        unit: Of z: "m", "cm", "mm", or "none".
        gauge: What is unknown about z.
        scale: Per stored number.
        offset: Added after `scale`.
        invalid: The stored number that means "none here".
    """

    kind: str
    unit: str
    gauge: Gauge
    scale: float = 1.0
    offset: float = 0.0
    invalid: float | None = None


@dataclass(frozen=True, kw_only=True)
class MapsCard:
    """What `maps.json` says.

    Args:
        folder: Where it lies.
        axes: Of the normals: "opencv" (y down, z away) or "opengl" (y up, z towards the camera).
        patterns: File name by plane, with `{index}`; under "all" where one file holds every plane.
        depth: How depth is stored; None without depth.
        camera: Camera of the maps' own pixels; None if they cover the whole frame.
        encoding: Of the normals: "snorm" as they are, "unorm" 0..1 (or 0..largest count) for -1..1; None for
            unorm in whole numbers and snorm in floats.
        channels: EXR channels by plane, where they are not the usual ones.
        first_index: Number of the file that belongs to the source's first frame.
        licence: Of the maps.
        source: Where they come from.
    """

    folder: Path
    axes: str
    patterns: Mapping[str, str]
    depth: DepthCard | None = None
    camera: Camera | None = None
    encoding: Literal["snorm", "unorm"] | None = None
    channels: Mapping[str, list[str]] = field(default_factory=dict)
    first_index: int = 0
    licence: str = "not stated"
    source: str = "not stated"


def read_card(folder: Path) -> MapsCard:
    """Read a folder's `maps.json`.

    Raises:
        InputError: It is missing, not JSON, or says something that is not known.
    """
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"{folder} has no {NAME}.", f"Write at least: {MINIMAL}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}.", f"At least: {MINIMAL}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds a {type(data).__name__}; expected an object.", f"At least: {MINIMAL}")
    known_keys(path, data, (*_KEYS, "licence", "source"))
    one_of(path, "schema", data.get("schema"), (SCHEMA,))
    one_of(path, "normals", data.get("normals", "camera"), ("camera",))
    return _checked(
        path,
        MapsCard(
            folder=folder,
            axes=one_of(path, "axes", data.get("axes"), ("opencv", "opengl")),
            patterns=_patterns(path, data.get("pattern")),
            depth=depth_card(path, data["depth"]) if "depth" in data else None,
            camera=_camera(path, data["camera"]) if "camera" in data else None,
            encoding=_encoding(path, data.get("encoding", {})),
            channels=_channels(path, data.get("channels", {})),
            first_index=int(as_number(path, "first_index", data.get("first_index", 0))),
            licence=str(data.get("licence", "not stated")),
            source=str(data.get("source", "not stated")),
        ),
    )


def _checked(path: Path, card: MapsCard) -> MapsCard:
    if "depth" in card.patterns and card.depth is None:
        raise InputError(f'{path} names depth files but has no "depth".', f"Add it as in: {MINIMAL}")
    if card.depth is not None and not {"depth", "all"} & card.patterns.keys():
        raise InputError(f"{path} describes a depth but names no depth files.", 'Add "depth" to its pattern.')
    if "normal" not in card.patterns and "all" not in card.patterns and card.depth is None:
        raise InputError(f"{path} names neither normals nor depth.", f"At least: {MINIMAL}")
    return card


def depth_card(path: Path, data: object) -> DepthCard:
    """What an entry "depth" says.

    Raises:
        InputError: It says too little, or what cannot be.
    """
    entries = as_object(path, "depth", data)
    known_keys(path, entries, _DEPTH_KEYS, inside="depth.")
    kind = one_of(path, "depth.kind", entries.get("kind"), ("z", "ray", "disparity"))
    unit = one_of(path, "depth.unit", entries.get("unit"), tuple(METRES))
    gauge = Gauge(one_of(path, "depth.gauge", entries.get("gauge"), tuple(gauge.value for gauge in Gauge)))
    if gauge is Gauge.METRIC and unit == "none":
        raise InputError(f"{path} calls its depth metric but gives no unit.", "Allowed: m, cm, mm.")
    if gauge is Gauge.AFFINE and kind != "z":
        raise InputError(
            f"{path} has a {kind} that is known up to scale and offset; that is no depth up to scale and offset.",
            'Leave "depth" out and give normals, or state "scale" and "offset" and the gauge "scale".',
        )
    numbers = {n: as_number(path, f"depth.{n}", entries[n]) for n in ("scale", "offset", "invalid") if n in entries}
    if numbers.get("scale") == 0:
        raise InputError(f"{path} has a depth.scale of 0.", "Give the factor per stored number.")
    return DepthCard(kind=kind, unit=unit, gauge=gauge, **numbers)


def _patterns(path: Path, pattern: object) -> dict[str, str]:
    found = {"all": pattern} if isinstance(pattern, str) else as_object(path, "pattern", pattern)
    known_keys(path, found, ("all",) if "all" in found else PLANES, inside="pattern.")
    for plane, text in found.items():
        try:
            named = {str(text).format(index=index) for index in (0, 1)}
        except (ValueError, LookupError):
            named = set()
        if not isinstance(text, str) or len(named) != 2:
            raise InputError(
                f"{path} has the pattern {text!r}; expected one with the frame's number.",
                'For instance "{index:06d}.exr".',
            )
        if plane == "all" and Path(text).suffix not in (".exr", ".npz"):
            raise InputError(
                f"{path} has one pattern {text!r} for all planes; a file of that kind holds one plane.",
                'Give {"normal": "...", "depth": "..."}, or EXR or NPZ files.',
            )
    return {plane: str(text) for plane, text in found.items()}


def _camera(path: Path, data: object) -> Camera:
    entries = as_object(path, "camera", data)
    try:
        intrinsics = np.array(entries["intrinsics"], np.float64).reshape(3, 3)
        return Camera(width=int(entries["width"]), height=int(entries["height"]), intrinsics=intrinsics)
    except (KeyError, ValueError, TypeError, InputError) as error:
        raise InputError(
            f"{path} has no usable camera: {error}.",
            "Expected width, height and intrinsics (3 x 3, px, pixel centres at half-integers).",
        ) from error


def _encoding(path: Path, data: object) -> Literal["snorm", "unorm"] | None:
    entries = as_object(path, "encoding", data)
    known_keys(path, entries, ("normal",), inside="encoding.")
    if "normal" not in entries:
        return None
    found = one_of(path, "encoding.normal", entries["normal"], ("snorm", "unorm"))
    return "snorm" if found == "snorm" else "unorm"


def _channels(path: Path, data: object) -> dict[str, list[str]]:
    entries = as_object(path, "channels", data)
    known_keys(path, entries, PLANES, inside="channels.")
    found = {plane: [names] if isinstance(names, str) else list(names) for plane, names in entries.items()}
    for plane, names in found.items():
        if len(names) != (3 if plane == "normal" else 1):
            raise InputError(f"{path} has {len(names)} channels for {plane}.", "Expected 3 for normals, else 1.")
    return found


def as_object(path: Path, key: str, value: object, *, example: str = MINIMAL) -> dict[str, Any]:
    """An entry that is an object, or a refusal."""
    if not isinstance(value, dict):
        raise InputError(f"{path} has {key} = {json.dumps(value)}; expected an object.", f"As in: {example}")
    return value


def as_number(path: Path, key: str, value: object) -> float:
    """An entry that is a finite number, or a refusal."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError(f"{path} has {key} = {json.dumps(value)}; expected a number.")
    return float(value)


def known_keys(path: Path, data: Mapping[str, object], known: tuple[str, ...], *, inside: str = "") -> None:
    """Refuse an entry that nothing here would read."""
    unknown = sorted(data.keys() - set(known))
    if unknown:
        raise InputError(f"{path} has an unknown entry {inside}{unknown[0]}.", f"Known: {', '.join(known)}.")


def one_of(path: Path, key: str, value: Any, allowed: tuple[Any, ...]) -> Any:  # noqa: ANN401 - returns `value`
    """The value if it is allowed, or a refusal that lists what is."""
    if value not in allowed:
        found = "no" if value is None else f"{json.dumps(value)} as"
        raise InputError(f"{path} has {found} {key}.", f"Allowed: {', '.join(map(str, allowed))}.")
    return value
