"""The card beside an ONNX file: what its tensors are, and how it is refused when it says too little."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hd_core.errors import InputError, WeightsError
from hd_core.predict.maps_card import DepthCard, as_number, as_object, depth_card, known_keys, one_of
from hd_core.types import Gauge

SCHEMA = 1
MINIMAL = (
    '{"schema": 1, "licence": "MIT", "commercial": true, "source": "...", "axes": "opencv", '
    '"input": {"name": "image", "size": [512, 512]}, "normal": {"name": "normal"}}'
)
BACKGROUNDS: Mapping[str, float | None] = {"keep": None, "black": 0.0, "grey": 127.5, "white": 255.0}
"""What stands behind the person, as a byte; None for what the camera saw."""
_KEYS = ("schema", "licence", "commercial", "source", "sha256", "axes", "input", "constants", "normal", "depth")
_INPUT_KEYS = ("name", "size", "multiple", "layout", "channels", "largest", "mean", "std", "background")
_POINTS = ("points", "points_shifted")


@dataclass(frozen=True, kw_only=True)
class InputCard:
    """The picture as the network wants it: (byte / 255 * largest - mean) / std.

    Args:
        name: Of the tensor.
        size: Rows and columns; None for a network that takes any multiple of `multiple`.
        multiple: Of rows and columns, px.
        layout: "nchw" or "nhwc".
        channels: "rgb" or "bgr"; `mean` and `std` are in this order.
        largest: The value of white.
        mean: Per channel.
        std: Per channel.
        background: A key of `BACKGROUNDS`.
    """

    name: str
    size: tuple[int, int] | None = None
    multiple: int = 1
    layout: str = "nchw"
    channels: str = "rgb"
    largest: float = 1.0
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    background: str = "keep"


@dataclass(frozen=True, kw_only=True)
class DepthOutput:
    """A tensor that holds depth.

    Args:
        name: Of the tensor.
        points: "points" where it holds x, y, z; "points_shifted" where one number is missing from every z, which
            the camera tells; None where it holds one number per pixel.
        factor: Tensor of one number by which to multiply; None without.
        card: How numbers, or the z of points, become depth.
    """

    name: str
    points: str | None
    factor: str | None
    card: DepthCard


@dataclass(frozen=True, kw_only=True)
class OnnxCard:
    """What the card says.

    Args:
        path: The card.
        licence: SPDX name of the weights' licence.
        commercial: Whether it allows commercial use.
        source: Where the weights come from.
        axes: Of normals and points: "opencv" or "opengl".
        input: The picture.
        constants: Other inputs, each one number.
        normal: Tensor of normals; None without.
        encoding: Of normals: "snorm" for unit ones, "unorm" for unit ones as 0..1, "any" for any length.
        depth: None without.
        confidence: Tensor of confidence, 0..1; None without.
        sha256: Digest of the ONNX file; empty where the card does not pin it.
    """

    path: Path
    licence: str
    commercial: bool
    source: str
    axes: str
    input: InputCard
    constants: Mapping[str, float] = field(default_factory=dict)
    normal: str | None = None
    encoding: str = "snorm"
    depth: DepthOutput | None = None
    confidence: str | None = None
    sha256: str = ""

    @property
    def gauge(self) -> Gauge:
        """Of the depth; `affine` without one."""
        return Gauge.AFFINE if self.depth is None else self.depth.card.gauge

    @property
    def outputs(self) -> tuple[str, ...]:
        """Tensors that are read."""
        depth = () if self.depth is None else (self.depth.name, self.depth.factor)
        return tuple(name for name in (self.normal, *depth, self.confidence) if name is not None)


def read_onnx_card(network: Path) -> OnnxCard:
    """The card of an ONNX file, from the JSON file of its name; the file's digest is checked if the card has it.

    Raises:
        WeightsError: One of the two is missing or damaged, or the card says too little.
    """
    path = network.with_suffix(".json")
    if not network.is_file():
        raise WeightsError(f"There is no network at {network}.", "Give an ONNX file with --weights FILE.")
    if not path.is_file():
        raise WeightsError(f"{network} has no card {path.name} beside it.", f"Write one (docs/onnx.md): {MINIMAL}")
    try:
        card = _card(path, as_object(path, "the card", json.loads(path.read_bytes()), example=MINIMAL))
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON: {error}.", f"At least: {MINIMAL}") from error
    except InputError as error:
        raise WeightsError(error.message, error.hint) from error
    with network.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if card.sha256 and found != card.sha256:
        raise WeightsError(
            f"{network} has sha256 {found[:12]}...; its card says {card.sha256[:12]}...",
            "The file is damaged, or it is not the one of this card.",
        )
    return card


def _card(path: Path, data: dict[str, Any]) -> OnnxCard:
    known_keys(path, data, (*_KEYS, "confidence"))
    one_of(path, "schema", data.get("schema"), (SCHEMA,))
    one_of(path, "commercial", data.get("commercial"), (True, False))
    normal = _tensor(path, "normal", data.get("normal"), ("name", "encoding"))
    depth = _depth(path, data["depth"]) if "depth" in data else None
    constants = as_object(path, "constants", data.get("constants", {}), example=MINIMAL)
    if not normal and (depth is None or depth.card.gauge is Gauge.AFFINE):
        raise InputError(f"{path} names no normals, and no depth to derive them from.", f"At least: {MINIMAL}")
    return OnnxCard(
        path=path,
        licence=_text(path, "licence", data.get("licence")),
        commercial=bool(data["commercial"]),
        source=_text(path, "source", data.get("source")),
        axes=one_of(path, "axes", data.get("axes"), ("opencv", "opengl")),
        input=_input(path, data.get("input")),
        constants={name: as_number(path, name, value) for name, value in constants.items()},
        normal=normal.get("name"),
        encoding=one_of(path, "normal.encoding", normal.get("encoding", "snorm"), ("snorm", "unorm", "any")),
        depth=depth,
        confidence=_tensor(path, "confidence", data.get("confidence"), ("name",)).get("name"),
        sha256=str(data.get("sha256", "")),
    )


def _input(path: Path, data: object) -> InputCard:
    entries = as_object(path, "input", data, example=MINIMAL)
    known_keys(path, entries, _INPUT_KEYS, inside="input.")
    size = entries.get("size")
    return InputCard(
        name=_text(path, "input.name", entries.get("name")),
        size=None if size is None else (_whole(path, "size", size, 0), _whole(path, "size", size, 1)),
        multiple=_whole(path, "multiple", [entries.get("multiple", 1)], 0),
        layout=one_of(path, "input.layout", entries.get("layout", "nchw"), ("nchw", "nhwc")),
        channels=one_of(path, "input.channels", entries.get("channels", "rgb"), ("rgb", "bgr")),
        largest=as_number(path, "input.largest", entries.get("largest", 1.0)),
        mean=_three(path, "input.mean", entries.get("mean", [0.0] * 3)),
        std=_three(path, "input.std", entries.get("std", [1.0] * 3), zero=False),
        background=one_of(path, "input.background", entries.get("background", "keep"), tuple(BACKGROUNDS)),
    )


def _depth(path: Path, data: object) -> DepthOutput:
    entries = dict(as_object(path, "depth", data, example=MINIMAL))
    name, factor = _text(path, "depth.name", entries.pop("name", None)), entries.pop("factor", None)
    points = entries.get("kind") if entries.get("kind") in _POINTS else None
    if points is not None:
        entries["kind"] = "z"
    card = depth_card(path, entries)
    if points is not None and card.gauge is Gauge.AFFINE:
        raise InputError(f"{path} has points in the gauge affine.", 'State "scale" or "metric"; or leave depth out.')
    return DepthOutput(
        name=name, points=points, factor=None if factor is None else _text(path, "depth.factor", factor), card=card
    )


def _tensor(path: Path, key: str, data: object, known: tuple[str, ...]) -> dict[str, str]:
    if data is None:
        return {}
    entries = as_object(path, key, data, example=MINIMAL)
    known_keys(path, entries, known, inside=f"{key}.")
    return {**entries, "name": _text(path, f"{key}.name", entries.get("name"))}


def _text(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"{path} has {key} = {json.dumps(value)}; expected a text.", f"As in: {MINIMAL}")
    return value


def _whole(path: Path, key: str, values: object, position: int) -> int:
    counts = values if isinstance(values, list) else []
    good = len(counts) in (1, 2) and all(type(count) is int and count > 0 for count in counts)
    if not good or position >= len(counts):
        raise InputError(f"{path} has input.{key} = {json.dumps(values)}; expected positive counts of pixels.")
    return int(counts[position])


def _three(path: Path, key: str, values: object, *, zero: bool = True) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != 3 or (0 in values and not zero):
        wanted = "three numbers" if zero else "three numbers, none of them 0"
        raise InputError(f"{path} has {key} = {json.dumps(values)}; expected {wanted}.")
    return tuple(as_number(path, key, value) for value in values)
