"""COCO-DensePose's annotations: some points of each person with part, u and v, and masks of 14 coarse parts.

    {"info": {"iuv_convention": "densepose"}, "images": [...], "annotations": [{"id": 1, "image_id": 7, "bbox": [x, y,
     width, height], "dp_x": [...], "dp_y": [...], "dp_I": [...], "dp_U": [...], "dp_V": [...], "dp_masks": [...]}]}

dp_x and dp_y count 256 to the width and height of the box; of each of the 14 masks of 256 x 256 there are COCO's run
lengths, or an empty list. People without dp_x are read over. `info.iuv_convention` is ours; DensePose's own files
lack it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int64, UInt8

from hd_core.atomic import write_bytes
from hd_core.body.formats import CONVENTION_KEY, Convention, settle_convention
from hd_core.body.formats_rle import decode_rle, encode_rle
from hd_core.errors import InputError
from hd_core.predict.planes import NUM_PARTS
from hd_core.types import Box

SIDE = 256
"""Of a box in the units of dp_x and dp_y, and of its mask. DensePose's evaluation divides by 255 instead."""
COARSE_PARTS = 14
KEYS = ("dp_x", "dp_y", "dp_I", "dp_U", "dp_V")
_LOWEST = {"dp_x": 0.0, "dp_y": 0.0, "dp_I": 1.0, "dp_U": 0.0, "dp_V": 0.0}
_HIGHEST = {"dp_x": float(SIDE), "dp_y": float(SIDE), "dp_I": NUM_PARTS - 1.0, "dp_U": 1.0, "dp_V": 1.0}


@dataclass(frozen=True, kw_only=True)
class PersonPoints:
    """One annotated person.

    Args:
        image_id: Of the picture.
        person_id: Of the annotation.
        box: In the picture, px.
        place: x and y in the box, 0 to `SIDE`.
        part: 1..24.
        uv: 0..1.
        coarse: Coarse part of every place of the box, 1..14, 0 for none; None if there are no masks.
    """

    image_id: int
    person_id: int
    box: Box
    place: Float[np.ndarray, "n 2"]
    part: Int64[np.ndarray, " n"]
    uv: Float[np.ndarray, "n 2"]
    coarse: UInt8[np.ndarray, "256 256"] | None = None

    def pixels(self) -> Float[np.ndarray, "n 2"]:
        """Places of the points in the picture: x and y, px."""
        corner, size = np.array([self.box.left, self.box.top]), np.array([self.box.width, self.box.height])
        return np.asarray(corner + self.place / SIDE * size)


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """A file of annotated people.

    Args:
        people: Those with points.
        convention: Whose charts.
        images: COCO's entries of the pictures, as they are.
    """

    people: Sequence[PersonPoints]
    convention: Convention
    images: Sequence[Mapping[str, Any]] = ()


def read_coco(path: Path, *, convention: Convention | None = None) -> Annotations:
    """Read annotations.

    Args:
        path: A `.json`.
        convention: Whose charts; may be left out where the file says it.

    Raises:
        InputError: The file is missing, damaged or of another kind, a value is out of its range, or nothing says whose
            charts it holds, or two things do and disagree.
    """
    raw = read_json(path)
    if not isinstance(raw, dict) or not isinstance(raw.get("annotations"), list):
        raise InputError(f"{path} holds no annotations of COCO.", 'Expected an object with "annotations": [...].')
    about = raw.get("info")
    said = about.get(CONVENTION_KEY) if isinstance(about, dict) else None
    charts = settle_convention(path, said, convention)
    people = [
        _person(f"{path}, annotation {number + 1}", entry)
        for number, entry in enumerate(raw["annotations"])
        if isinstance(entry, dict) and "dp_x" in entry
    ]
    if not people:
        raise InputError(f"{path} has {len(raw['annotations'])} annotations, none with dp_x.", "Is it DensePose's?")
    return Annotations(people=people, convention=charts, images=tuple(raw.get("images", ())))


def write_coco(path: Path, found: Annotations) -> None:
    """Write annotations.

    Raises:
        OutputError: The folder cannot be written.
    """
    raw = {
        "info": {CONVENTION_KEY: found.convention},
        "images": [dict(image) for image in found.images],
        "annotations": [_entry(person) for person in found.people],
        "categories": [{"id": 1, "name": "person"}],
    }
    write_bytes(path, (json.dumps(raw) + "\n").encode())


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """What a JSON file holds.

    Raises:
        InputError: It is missing or damaged, or is a pickle, which is never opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    if data[:1] == b"\x80" or data[:4] == b"PK\x03\x04":
        raise InputError(
            f"{path} is a pickle. Those are never opened here, because they can run any program.",
            "Write JSON where it was made: docs/correspondence_formats.md has the lines.",
        )
    try:
        return json.loads(data)
    except ValueError as error:
        raise InputError(f"{path} is no whole JSON: {error}.", "Write it again.") from error


def read_box(where: str, raw: Any) -> Box:  # noqa: ANN401 - whatever the file holds
    """A box from x, y, width and height.

    Raises:
        InputError: It is none.
    """
    try:
        left, top, width, height = (float(value) for value in raw)
        return Box(left=left, top=top, width=width, height=height)
    except (TypeError, ValueError, InputError) as error:
        raise InputError(f"{where}: found bbox {raw!r}; expected x, y, width, height.") from error


def _person(where: str, entry: Mapping[str, Any]) -> PersonPoints:
    try:
        values = {key: np.array([float(value) for value in entry[key]]) for key in KEYS}
        image_id, person_id = int(entry["image_id"]), int(entry.get("id", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: {error} is missing or holds no numbers.", f"Expected {', '.join(KEYS)}.") from error
    lengths = {len(value) for value in values.values()}
    if len(lengths) > 1:
        said = ", ".join(f"{len(value)} {key}" for key, value in values.items())
        raise InputError(f"{where}: found {said}; expected as many of each.")
    for key, value in values.items():
        if not ((value >= _LOWEST[key]) & (value <= _HIGHEST[key])).all():
            raise InputError(
                f"{where}: {key} is from {value.min():g} to {value.max():g}; "
                f"expected {_LOWEST[key]:g} to {_HIGHEST[key]:g}."
            )
    return PersonPoints(
        image_id=image_id,
        person_id=person_id,
        box=read_box(where, entry.get("bbox")),
        place=np.stack([values["dp_x"], values["dp_y"]], axis=-1),
        part=values["dp_I"].astype(np.int64),
        uv=np.stack([values["dp_U"], values["dp_V"]], axis=-1),
        coarse=_coarse(where, entry.get("dp_masks")),
    )


def _coarse(where: str, masks: Any) -> UInt8[np.ndarray, "256 256"] | None:  # noqa: ANN401 - whatever the file holds
    """Later masks lie over earlier ones, as in DensePose's own reader."""
    if masks is None:
        return None
    if not isinstance(masks, list) or len(masks) != COARSE_PARTS:
        raise InputError(f"{where}: dp_masks holds no {COARSE_PARTS} masks.")
    coarse = np.zeros((SIDE, SIDE), np.uint8)
    for number, raw in enumerate(masks):
        if raw:
            mask = decode_rle(raw)
            if mask.shape != coarse.shape:
                raise InputError(f"{where}: mask {number + 1} is {mask.shape}; expected {SIDE} x {SIDE}.")
            coarse[mask] = number + 1
    return coarse


def _entry(person: PersonPoints) -> dict[str, Any]:
    box = person.box
    entry: dict[str, Any] = {
        "id": person.person_id,
        "image_id": person.image_id,
        "category_id": 1,
        "bbox": [box.left, box.top, box.width, box.height],
        "dp_x": person.place[:, 0].tolist(),
        "dp_y": person.place[:, 1].tolist(),
        "dp_I": person.part.astype(float).tolist(),
        "dp_U": person.uv[:, 0].tolist(),
        "dp_V": person.uv[:, 1].tolist(),
    }
    if person.coarse is not None:
        masks = [person.coarse == number for number in range(1, COARSE_PARTS + 1)]
        entry["dp_masks"] = [encode_rle(mask) if mask.any() else [] for mask in masks]
    return entry
