"""What DensePose and detectron2 found, as JSON: a box, a score and a picture of part, u and v of the box for everybody.

The picture is a PNG in base64 whose red, green and blue are I, U, V - not the order of DensePose's `_IUV.png`. Three
spellings of it are read: `uv_shape` and `uv_data` of the challenge of 2018, which is also what is written here;
`labels_uv_str` and `shape_chw` of detectron2's compressed results; and the pair of shape and string of its older ones,
the last two under "densepose". Each result carries `iuv_convention`; DensePose's own do not. The dumps
of detectron2 are pickles and are never opened.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from hd_core.atomic import write_bytes
from hd_core.body.formats import CONVENTION_KEY, Convention, IuvMap, settle_convention
from hd_core.body.formats_coco import read_box, read_json
from hd_core.errors import InputError
from hd_core.types import Box


@dataclass(frozen=True, kw_only=True)
class FoundPerson:
    """One person that was found.

    Args:
        image_id: Of the picture.
        box: In the picture, px; its corner and size are cut down to whole pixels for the map, as in detectron2.
        score: 0..1.
        map: Of the box alone.
    """

    image_id: int | str
    box: Box
    score: float
    map: IuvMap


def read_results(path: Path, *, convention: Convention | None = None) -> list[FoundPerson]:
    """Read results.

    Args:
        path: A `.json`.
        convention: Whose charts; may be left out where the file says it.

    Raises:
        InputError: The file is missing, damaged, a pickle or of another kind; or nothing says whose charts it holds, or
            two things do and disagree.
    """
    raw = read_json(path)
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise InputError(f"{path} holds no results.", "Expected a list, an object for everybody who was found.")
    said = {entry.get(CONVENTION_KEY) for entry in raw}
    if len(said) > 1:
        raise InputError(f"{path} holds charts of {', '.join(map(str, said))}; expected one convention throughout.")
    charts = settle_convention(path, next(iter(said), None), convention)
    return [_person(f"{path}, result {number + 1}", entry, charts) for number, entry in enumerate(raw)]


def write_results(path: Path, people: Sequence[FoundPerson]) -> None:
    """Write results in the spelling of the challenge.

    Raises:
        OutputError: The folder cannot be written.
    """
    entries = [
        {
            "image_id": person.image_id,
            "category_id": 1,
            "bbox": [person.box.left, person.box.top, person.box.width, person.box.height],
            "score": person.score,
            "uv_shape": [3, *person.map.iuv.shape[:2]],
            "uv_data": _encoded(person.map.iuv),
            CONVENTION_KEY: person.map.convention,
        }
        for person in people
    ]
    write_bytes(path, (json.dumps(entries) + "\n").encode())


def in_frame(person: FoundPerson, *, width: int, height: int) -> IuvMap:
    """A person's map in the pixels of the whole frame.

    Args:
        person: Who was found.
        width: Of the frame, px.
        height: Of the frame, px.
    """
    frame = np.zeros((height, width, 3), np.uint8)
    left, top = int(person.box.left), int(person.box.top)
    rows, columns = person.map.iuv.shape[:2]
    low, high = (max(top, 0), max(left, 0)), (min(top + rows, height), min(left + columns, width))
    if low[0] < high[0] and low[1] < high[1]:
        inside = person.map.iuv[low[0] - top : high[0] - top, low[1] - left : high[1] - left]
        frame[low[0] : high[0], low[1] : high[1]] = inside
    return IuvMap(iuv=frame, convention=person.map.convention)


def _person(where: str, entry: Mapping[str, Any], convention: Convention) -> FoundPerson:
    box = read_box(where, entry.get("bbox"))
    shape, packed = _spelling(where, entry)
    iuv = _decoded(where, packed)
    if [3, *iuv.shape[:2]] != shape:
        raise InputError(f"{where}: the picture is {iuv.shape[1]} x {iuv.shape[0]} px; its shape says {shape}.")
    expected = [max(int(box.height), 1), max(int(box.width), 1)]
    if any(abs(found - side) > 1 for found, side in zip(iuv.shape[:2], expected, strict=True)):
        raise InputError(f"{where}: the picture is {iuv.shape[1]} x {iuv.shape[0]} px for a box of {entry['bbox']}.")
    try:
        score = float(entry["score"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: found score {entry.get('score')!r}; expected a number.") from error
    try:
        found = IuvMap(iuv=iuv, convention=convention)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", "Red, green and blue are I, U, V here.") from error
    return FoundPerson(image_id=entry.get("image_id", 0), box=box, score=score, map=found)


def _spelling(where: str, entry: Mapping[str, Any]) -> tuple[list[int], str]:
    """Shape and string of a result, wherever they are."""
    inner = entry.get("densepose")
    try:
        if "uv_data" in entry:
            shape, packed = entry["uv_shape"], entry["uv_data"]
        elif isinstance(inner, dict):
            shape, packed = inner["shape_chw"], inner["labels_uv_str"]
        else:
            shape, packed = list(inner or "")
        return [int(side) for side in shape], str(packed)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where} holds no picture of part, u and v.",
            'Expected "uv_shape" and "uv_data", or "densepose" with "shape_chw" and "labels_uv_str".',
        ) from error


def _encoded(iuv: UInt8[np.ndarray, "h w 3"]) -> str:
    buffer = BytesIO()
    Image.fromarray(iuv).save(buffer, format="PNG", optimize=True)
    return base64.encodebytes(buffer.getvalue()).decode()


def _decoded(where: str, packed: str) -> UInt8[np.ndarray, "h w 3"]:
    try:
        # Lines may be broken; anything else that is not base64 is damage.
        data = base64.b64decode("".join(packed.split()), validate=True)
        with Image.open(BytesIO(data), formats=["PNG"]) as picture:
            found = np.array(picture)
    except (binascii.Error, OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise InputError(f"{where}: the picture of part, u and v is damaged.", "Write it again.") from error
    if found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8:
        raise InputError(
            f"{where}: the picture holds {found.dtype} of shape {found.shape}; expected bytes in 3 channels."
        )
    return found
