"""IUV pictures as DensePose's tools write them, in either order of channels, and INDS pictures of several people.

DensePose's own `NAME_IUV.png` was written by OpenCV from an array of I, U, V, so in the file blue is the part, green u
and red v ("VUI"); whoever opens it with anything but OpenCV finds v first. Others save red, green, blue as I, U, V
("IUV"). Which one a file is shows in the file: a channel of parts has no value over 24, and wherever it is 0 the two
others are 0, too. Files of this program say their order and whose charts they hold in two text chunks.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile, PngInfo

from hd_core.atomic import write_bytes
from hd_core.body.formats import CONVENTION_KEY, Convention, IuvMap, one_convention, settle_convention
from hd_core.errors import InputError
from hd_core.predict.planes import NUM_PARTS
from hd_core.predict.png import read_png

Order = Literal["VUI", "IUV"]
"""What red, green and blue of the file hold: DensePose's own, and the other one."""
ORDER_KEY = "iuv_order"
MOST_PEOPLE = 255
Picture = UInt8[np.ndarray, "h w 3"]


class ReadIuv(NamedTuple):
    """What was read.

    Args:
        map: Part, u and v in this order.
        order: Of the file's channels, as found or told; None if the picture shows nobody, so that it does not matter.
    """

    map: IuvMap
    order: Order | None


def find_order(picture: Picture, *, name: str = "The picture") -> Order | None:
    """The order of channels, by the evidence in the picture; None if it is empty.

    Args:
        picture: Red, green and blue.
        name: For messages.

    Raises:
        InputError: No channel can hold parts, or the first and the last both can.
    """
    if not picture.any():
        return None
    could = [_could_be_parts(picture, channel) for channel in range(3)]
    if could[0] and could[2]:
        raise InputError(
            f"{name} could hold I, U, V or V, U, I: red and blue are both at most {NUM_PARTS - 1} and 0 in the same "
            "pixels.",
            "Say which order it has: VUI is what OpenCV writes, and DensePose's own.",
        )
    if could[0] or could[2]:
        return "IUV" if could[0] else "VUI"
    most = ", ".join(str(int(picture[..., channel].max())) for channel in range(3))
    raise InputError(
        f"{name} holds no parts in red or in blue: red, green and blue reach {most}, or are not 0 in the same pixels.",
        f"Expected parts 0 to {NUM_PARTS - 1}, u and v; a resized, lossy or coloured picture will not do.",
    )


def in_order(picture: Picture, order: Order) -> Picture:
    """I, U, V from red, green and blue, or the other way round."""
    return np.array(picture[..., ::-1] if order == "VUI" else picture, order="C")


def read_iuv(path: Path, *, convention: Convention | None = None, order: Order | None = None) -> ReadIuv:
    """Read an IUV picture.

    Args:
        path: A PNG of three channels.
        convention: Whose charts; may be left out where the file says it.
        order: Of the channels; found by the evidence if left out. Where it is named, here or in the file, u and v may
            be anything where nobody is, and stay it.

    Raises:
        InputError: The file is missing, damaged or of another kind; nothing says whose charts it holds, or two things
            do and disagree; the order cannot be told, or is not the one that was named.
    """
    picture, text = _three_channels(path), _text(path)
    charts = settle_convention(path, text.get(CONVENTION_KEY), convention)
    said = text.get(ORDER_KEY)
    wanted: Order | None = order or ("VUI" if said == "VUI" else "IUV" if said == "IUV" else None)
    if wanted is None:
        wanted = find_order(picture, name=str(path))
    iuv = in_order(picture, wanted or "IUV")
    most = int(iuv[..., 0].max(initial=0))
    if most >= NUM_PARTS:
        channel = "third channel, blue" if wanted == "VUI" else "first channel, red"
        raise InputError(
            f"{path} has part {most} in its {channel}; expected 0 to {NUM_PARTS - 1}.",
            f"Channels must be {', '.join(str(wanted))}, bytes; a picture of colours for the eye will not do.",
        )
    return ReadIuv(IuvMap(iuv=iuv, convention=charts), wanted)


class IuvFolder(Sequence[IuvMap]):
    """The IUV pictures of a folder, by name, each read when it is asked for; one order and one convention for all.

    A picture whose order cannot be told by itself has the order of the others.

    Args:
        folder: With PNGs; those called ..._INDS are left out.
        convention: Whose charts; may be left out where the files say it.

    Raises:
        InputError: There is none, one cannot be used, or their orders or their charts differ.
    """

    def __init__(self, folder: Path, *, convention: Convention | None = None) -> None:
        self.paths = iuv_paths(folder)
        orders: dict[Order, Path] = {}
        charts: dict[Convention, Path] = {}
        for path in self.paths:
            charts.setdefault(settle_convention(path, _text(path).get(CONVENTION_KEY), convention), path)
            told = _told_order(_three_channels(path))
            if told is not None:
                orders.setdefault(told, path)
        if len(orders) > 1:
            raise InputError(f"{orders['VUI']} holds V, U, I and {orders['IUV']} holds I, U, V.", "Expected one order.")
        if len(charts) > 1:
            said = " and ".join(f"{path} of {name!r}" for name, path in charts.items())
            raise InputError(f"Found {said}.", "Charts must not be mixed.")
        self.order, self.convention = next(iter(orders), None), next(iter(charts))

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, number: int) -> IuvMap: ...

    @overload
    def __getitem__(self, number: slice) -> list[IuvMap]: ...

    def __getitem__(self, number: int | slice) -> IuvMap | list[IuvMap]:
        if isinstance(number, slice):
            return [self._read(path) for path in self.paths[number]]
        return self._read(self.paths[number])

    def _read(self, path: Path) -> IuvMap:
        return read_iuv(path, convention=self.convention, order=self.order).map


def iuv_paths(folder: Path) -> list[Path]:
    """The IUV pictures of a folder, by name: all its PNGs but those called ..._INDS.

    Raises:
        InputError: There is none.
    """
    paths = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() == ".png")
    paths = [path for path in paths if not path.stem.upper().endswith("_INDS")]
    if not paths:
        raise InputError(f"{folder} holds no IUV pictures (.png).", "Check the path.")
    return paths


def write_iuv(path: Path, iuv: IuvMap, *, order: Order = "VUI") -> None:
    """Write an IUV picture that says its order and whose charts it holds.

    Args:
        path: A `.png`.
        iuv: What to write.
        order: Of red, green and blue; by default DensePose's own.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_bytes(path, _png(in_order(iuv.iuv, order), {CONVENTION_KEY: iuv.convention, ORDER_KEY: order}))


def merge_people(
    people: Sequence[IuvMap], scores: Float[np.ndarray, " n"], *, least_score: float = 0.0
) -> tuple[IuvMap, UInt8[np.ndarray, "h w"]]:
    """Several people in one map, and who it is in every pixel: 1 for the first of `people`; 0 for nobody.

    The best is in front: people are painted in the order of rising scores.

    Args:
        people: Maps of the whole frame.
        scores: One each.
        least_score: Those of lower scores are left out.

    Raises:
        InputError: Nobody, too many, or maps of several sizes or charts.
    """
    convention = one_convention(people)
    sizes = {one.iuv.shape for one in people}
    if len(sizes) > 1 or len(people) > MOST_PEOPLE or len(scores) != len(people):
        raise InputError(
            f"Found {len(people)} people, {len(scores)} scores and maps of {len(sizes)} sizes.",
            f"Expected one size, one score each and at most {MOST_PEOPLE} people.",
        )
    merged = np.zeros_like(people[0].iuv)
    number = np.zeros(merged.shape[:2], np.uint8)
    for row in np.argsort(scores, kind="stable"):
        if scores[row] >= least_score:
            on = people[row].iuv[..., 0] > 0
            merged[on], number[on] = people[row].iuv[on], row + 1
    return IuvMap(iuv=merged, convention=convention), number


def split_people(merged: IuvMap, number: UInt8[np.ndarray, "h w"]) -> dict[int, IuvMap]:
    """Each person's own map, by number; undoes `merge_people` where people do not cover each other.

    Raises:
        InputError: The two pictures do not belong together.
    """
    if number.shape != merged.iuv.shape[:2] or ((number > 0) != (merged.iuv[..., 0] > 0)).any():
        raise InputError("The INDS picture is not of this IUV picture: they show people in other pixels.")
    return {
        int(who): IuvMap(
            iuv=np.where((number == who)[..., None], merged.iuv, np.uint8(0)), convention=merged.convention
        )
        for who in np.unique(number[number > 0])
    }


def write_inds(path: Path, number: UInt8[np.ndarray, "h w"]) -> None:
    """Write who it is in every pixel, as a grey picture like DensePose's `NAME_INDS.png`.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_bytes(path, _png(number, {}))


def read_inds(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Read who it is in every pixel.

    Raises:
        InputError: The file is missing, damaged or of another kind.
    """
    found = read_png(path)
    if found.dtype != np.uint8 or found.shape[2] != 1:
        raise InputError(f"{path} holds {found.dtype} in {found.shape[2]} channels; expected bytes in one: an INDS.")
    return np.ascontiguousarray(found[..., 0])


def _could_be_parts(picture: Picture, channel: int) -> bool:
    parts = picture[..., channel]
    return bool(parts.max(initial=0) < NUM_PARTS and not picture[parts == 0].any())


def _told_order(picture: Picture) -> Order | None:
    """The order where the evidence is clear."""
    first, last = _could_be_parts(picture, 0), _could_be_parts(picture, 2)
    if first == last:
        return None
    return "IUV" if first else "VUI"


def _three_channels(path: Path) -> Picture:
    found = read_png(path)
    if found.dtype != np.uint8 or found.shape[2] != 3:
        raise InputError(
            f"{path} holds {found.dtype} in {found.shape[2]} channels.", "Expected bytes in 3 channels, without alpha."
        )
    return found


def _text(path: Path) -> dict[str, str]:
    try:
        with Image.open(path) as picture:
            return {str(key): str(value) for key, value in getattr(picture, "text", {}).items()}
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise InputError(f"{path} is missing or is not a whole PNG.", "Write it again.") from error


def _png(picture: UInt8[np.ndarray, "..."], text: dict[str, str]) -> bytes:
    words = PngInfo()
    for key, value in text.items():
        words.add_text(key, value)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format=PngImageFile.format, pnginfo=words)
    return buffer.getvalue()
